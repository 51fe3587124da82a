#include "base/coding.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace chroma {
namespace {

TEST(Coding, FixedIsLittleEndian) {
  Bytes out;
  PutFixed<uint32_t>(out, 0x01020304);
  EXPECT_EQ(out, Bytes("\x04\x03\x02\x01"));
  EXPECT_EQ(LoadFixed<uint32_t>(out.data()), 0x01020304u);
}

TEST(Coding, VarintsOfEveryLengthRoundTrip) {
  for (int bits = 0; bits <= 64; ++bits) {
    for (const int64_t delta : {-1, 0, 1}) {
      const uint64_t power = bits == 64 ? 0 : uint64_t{1} << bits;
      const uint64_t value = power + static_cast<uint64_t>(delta);
      Bytes out;
      PutVarint(out, value);
      EXPECT_LE(out.size(), 10u);
      ByteReader reader(out);
      EXPECT_EQ(reader.Varint(), value);
      EXPECT_TRUE(reader.ok() && reader.AtEnd());
      for (size_t cut = 0; cut < out.size(); ++cut) {
        ByteReader truncated(BytesView(out).substr(0, cut));
        EXPECT_EQ(truncated.Varint(), 0u);
        EXPECT_FALSE(truncated.ok());
      }
    }
  }
}

TEST(Coding, VarintsThatDoNotFitFail) {
  const Bytes ff(9, '\xff');
  ByteReader largest(ff);
  EXPECT_EQ(largest.Varint(), 0u);
  for (const char last : {'\x02', '\x7f', '\x80', '\xff'}) {
    const Bytes bytes = ff + last + Bytes(4, '\0');
    ByteReader reader(bytes);
    EXPECT_EQ(reader.Varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
  const Bytes fits = ff + '\x01';
  EXPECT_EQ(ByteReader(fits).Varint(), UINT64_MAX);
}

TEST(Coding, VarintAtMost) {
  Bytes out;
  PutVarint(out, 300);
  EXPECT_EQ(ByteReader(out).VarintAtMost(300), 300u);
  ByteReader reader(out);
  EXPECT_EQ(reader.VarintAtMost(299), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Coding, ClaimedLengthBeyondTheEndFails) {
  for (const uint64_t length : {uint64_t{4}, uint64_t{1} << 40, UINT64_MAX}) {
    Bytes out;
    PutVarint(out, length);
    out += "abc";
    ByteReader reader(out);
    EXPECT_EQ(reader.String(), "");
    EXPECT_FALSE(reader.ok());
  }
  ByteReader reader("abc");
  EXPECT_EQ(reader.Raw(SIZE_MAX), "");
  EXPECT_FALSE(reader.ok());
}

TEST(Coding, Padding) {
  for (size_t size = 0; size < 20; ++size) {
    Bytes out(size, 'x');
    PutPadding(out, 8);
    EXPECT_EQ(out.size(), (size + 7) / 8 * 8);
    PutFixed<uint8_t>(out, 7);
    ByteReader reader(out);
    reader.Raw(size);
    reader.Align(8);
    EXPECT_EQ(reader.position() % 8, 0u);
    EXPECT_EQ(reader.Fixed<uint8_t>(), 7);
    EXPECT_TRUE(reader.ok() && reader.AtEnd());
  }
}

struct Structure {
  uint64_t id = 0;
  Bytes name;
  double weight = 0;
  std::vector<uint64_t> numbers;
  bool operator==(const Structure&) const = default;
};

Bytes Encode(const Structure& in) {
  Bytes out;
  PutVarint(out, in.id);
  PutString(out, in.name);
  PutPadding(out, 8);
  PutFixed(out, in.weight);
  PutVarint(out, in.numbers.size());
  for (uint64_t number : in.numbers) PutVarint(out, number);
  return out;
}

Structure Decode(ByteReader& reader) {
  Structure out;
  out.id = reader.Varint();
  out.name = reader.String();
  reader.Align(8);
  out.weight = reader.Fixed<double>();
  const uint64_t n = reader.VarintAtMost(reader.remaining());
  for (uint64_t i = 0; i < n && reader.ok(); ++i) out.numbers.push_back(reader.Varint());
  return out;
}

TEST(Coding, StructuresSurviveAndEveryTruncationFails) {
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    Structure in;
    in.id = random() >> (random() % 64);
    in.name.assign(random() % 40, 'n');
    in.weight = static_cast<double>(random()) / 3;
    in.numbers.resize(random() % 20);
    for (auto& number : in.numbers) number = random() >> (random() % 64);
    const Bytes bytes = Encode(in);
    ByteReader whole(bytes);
    EXPECT_EQ(Decode(whole), in);
    EXPECT_TRUE(whole.ok() && whole.AtEnd());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      const Bytes copy = bytes.substr(0, cut);  // its own allocation, so that ASan sees overreads
      ByteReader reader(copy);
      Decode(reader);
      EXPECT_FALSE(reader.ok()) << "cut at " << cut << " of " << bytes.size();
    }
  }
}

TEST(Coding, FailureIsForGood) {
  Bytes out;
  PutFixed<uint64_t>(out, 5);
  ByteReader reader(out);
  reader.Raw(9);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(reader.Fixed<uint8_t>(), 0);
  EXPECT_EQ(reader.Raw(0), "");
  EXPECT_EQ(reader.String(), "");
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace chroma
