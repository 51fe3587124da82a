#include "format/manifest.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

Manifest RandomManifest(std::mt19937_64& random) {
  Manifest manifest;
  for (uint8_t& byte : manifest.collection.bytes) byte = static_cast<uint8_t>(random());
  manifest.version = random() % 1000;
  manifest.log_offset = random();
  manifest.dimension = static_cast<uint32_t>(random() % 2000);
  manifest.operations = random();
  manifest.segments.resize(random() % 4);
  for (ManifestSegment& segment : manifest.segments) {
    segment.blob = "segments/" + std::to_string(random());
    segment.rows = static_cast<uint32_t>(random() % 10'000);
    segment.size_bytes = random();
    for (uint32_t row = 0; row < segment.rows; row += 1 + random() % 500) segment.deleted.Add(row);
  }
  manifest.requests.resize(random() % 5);
  for (ManifestRequest& request : manifest.requests) {
    request = {random(), static_cast<uint32_t>(random()), static_cast<int64_t>(random())};
  }
  manifest.requests_since_ns = static_cast<int64_t>(random());
  manifest.carried.resize(random() % 50, 'u');
  return manifest;
}

void ExpectEqual(const Manifest& a, const Manifest& b) {
  EXPECT_EQ(a.collection, b.collection);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.log_offset, b.log_offset);
  EXPECT_EQ(a.dimension, b.dimension);
  EXPECT_EQ(a.operations, b.operations);
  EXPECT_EQ(a.carried, b.carried);
  ASSERT_EQ(a.segments.size(), b.segments.size());
  for (size_t i = 0; i < a.segments.size(); ++i) {
    EXPECT_EQ(a.segments[i].blob, b.segments[i].blob);
    EXPECT_EQ(a.segments[i].rows, b.segments[i].rows);
    EXPECT_EQ(a.segments[i].size_bytes, b.segments[i].size_bytes);
    EXPECT_TRUE(a.segments[i].deleted == b.segments[i].deleted);
  }
  ASSERT_EQ(a.requests.size(), b.requests.size());
  for (size_t i = 0; i < a.requests.size(); ++i) {
    EXPECT_EQ(a.requests[i].id, b.requests[i].id);
    EXPECT_EQ(a.requests[i].records, b.requests[i].records);
    EXPECT_EQ(a.requests[i].covered_ns, b.requests[i].covered_ns);
  }
  EXPECT_EQ(a.requests_since_ns, b.requests_since_ns);
}

TEST(ManifestTest, RoundTrip) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Manifest manifest = RandomManifest(random);
    auto decoded = DecodeManifest(EncodeManifest(manifest), "m");
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    ExpectEqual(*decoded, manifest);
  }
}

TEST(ManifestTest, EveryFlippedBitAndTruncationIsReported) {
  std::mt19937_64 random(4);
  Manifest manifest = RandomManifest(random);
  manifest.segments.resize(1);
  Bytes bytes = EncodeManifest(manifest);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_EQ(DecodeManifest(bytes, "m").status().code(), StatusCode::kDataLoss);
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    }
    EXPECT_EQ(DecodeManifest(BytesView(bytes).substr(0, at), "m").status().code(),
              StatusCode::kDataLoss);
  }
}

// With the checksum made right again.
Bytes Resign(Bytes bytes) {
  bytes.resize(bytes.size() - 8);
  PutFixed(bytes, Checksum(bytes));
  return bytes;
}

TEST(ManifestTest, NewerVersionIsRefused) {
  Bytes bytes = EncodeManifest(Manifest());
  bytes[8] = 5;
  const auto decoded = DecodeManifest(Resign(bytes), "m");
  EXPECT_EQ(decoded.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(decoded.status().message().find("manifest m"), std::string_view::npos);
}

TEST(ManifestTest, HostileBytes) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    std::mt19937_64 random(seed);
    Bytes bytes = EncodeManifest(RandomManifest(random));
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto decoded = DecodeManifest(Resign(bytes), "m");
    EXPECT_TRUE(decoded.ok() || decoded.status().code() == StatusCode::kDataLoss ||
                decoded.status().code() == StatusCode::kFailedPrecondition)
        << "seed " << seed;
  }
}

TEST(ManifestTest, DeletedRowsMustExist) {
  Manifest manifest;
  manifest.segments.resize(1);
  manifest.segments[0].rows = 10;
  manifest.segments[0].deleted.Add(10);
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest), "m").status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace chroma::format
