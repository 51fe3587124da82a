#include "model/metadata_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace chroma::model {
namespace {

Metadata Everything() {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return Metadata::FromEntries({
      {"", std::monostate()},
      {"bool", true},
      {"false", false},
      {"float", -1.5},
      {"inf", std::numeric_limits<double>::infinity()},
      {"int", int64_t{-7}},
      {"max", kMax},
      {"min", kMin},
      {"nul", std::string("a\0b", 3)},
      {"sparse", SparseVector{{1, 4294967295u}, {0.5f, -2.0f}, {}}},
      {"sparse_empty", SparseVector()},
      {"sparse_tokens", SparseVector{{3, 9}, {1, 2}, {"x", ""}}},
      {"bools", BoolArray{{1, 0, 1}}},
      {"empty", BoolArray()},
      {"ints", std::vector<int64_t>{kMin, -1, 0, 1, kMax}},
      {"floats", std::vector<double>{0.1, 1e300}},
      {"strings", std::vector<std::string>{"", "é", std::string(300, 'x')}},
  });
}

Bytes Encode(const Metadata& metadata) {
  Bytes bytes;
  PutMetadata(bytes, metadata);
  return bytes;
}

TEST(MetadataCodec, RoundTrips) {
  const Metadata metadata = Everything();
  Bytes bytes = Encode(metadata);
  bytes += "tail";
  ByteReader reader(bytes);
  Metadata read;
  ASSERT_TRUE(ReadMetadata(reader, &read));
  EXPECT_EQ(read, metadata);
  EXPECT_EQ(reader.remaining(), 4u);
}

TEST(MetadataCodec, LayoutIsStable) {
  const Bytes bytes = Encode(Metadata::FromEntries({{"a", int64_t{-2}}, {"b", "x"}}));
  EXPECT_EQ(bytes, Bytes("\x02\x01"
                         "a\x02\x03\x01"
                         "b\x04\x01x",
                         10));
  EXPECT_EQ(Encode(Metadata()), Bytes("\0", 1));
}

TEST(MetadataCodec, RefusesEveryTruncation) {
  const Bytes bytes = Encode(Everything());
  for (size_t n = 0; n < bytes.size(); ++n) {
    const Bytes cut(bytes, 0, n);
    ByteReader reader(cut);
    Metadata read;
    EXPECT_FALSE(ReadMetadata(reader, &read)) << n;
  }
}

TEST(MetadataCodec, RefusesWhatItDoesNotWrite) {
  const std::string_view bad[] = {
      {"\x01\x01k\x0a", 4},                           // no such type
      {"\x01\x01k\x01\x02", 5},                       // a bool of 2
      {"\x02\x01k\x00\x01k\x00", 7},                  // a key twice
      {"\x02\x01l\x00\x01k\x00", 7},                  // keys out of order
      {"\xff\xff\xff\xff\x0f\x01k\x00", 8},           // more entries than bytes
      {"\x01\x01k\x08\xff\xff\xff\xff\x0f", 9},       // more floats than bytes
      {"\x01\x01k\x05\xff\xff\xff\xff\x0f\x00", 10},  // more indices than bytes
      {"\x01\x01k\x05\x00\x01", 6},                   // tokens of nothing
      {"\x01\x01k\x06\x01\x02", 6},                   // a bool element of 2
  };
  for (std::string_view bytes : bad) {
    ByteReader reader(bytes);
    Metadata read;
    EXPECT_FALSE(ReadMetadata(reader, &read)) << testing::PrintToString(bytes);
  }
}

TEST(MetadataCodec, SurvivesRandomDamage) {
  const unsigned seed = 20240611;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const Bytes good = Encode(Everything());
  for (int round = 0; round < 2'000; ++round) {
    Bytes bytes = good;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    ByteReader reader(bytes);
    Metadata read;
    if (!ReadMetadata(reader, &read)) continue;
    // What is read can be written, and reads back the same but for NaN.
    const Bytes again = Encode(read);
    ByteReader second(again);
    Metadata reread;
    ASSERT_TRUE(ReadMetadata(second, &reread));
    EXPECT_EQ(Encode(reread), again);
  }
}

}  // namespace
}  // namespace chroma::model
