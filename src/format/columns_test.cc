// Every kind of column against the values it was made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/id_index.h"
#include "format/number_column.h"
#include "format/packed_column.h"
#include "format/presence.h"
#include "format/string_column.h"

namespace chroma::format {
namespace {

TEST(PackedColumnTest, WidthsAndValues) {
  struct Case {
    std::vector<int64_t> values;
    uint32_t width;
  };
  const Case cases[] = {{{}, 0},
                        {{5, 5, 5}, 0},
                        {{-100, 155}, 1},
                        {{-100, 156}, 2},
                        {{0, UINT16_MAX}, 2},
                        {{0, UINT16_MAX + 1}, 4},
                        {{-1, UINT32_MAX - 1}, 4},
                        {{-1, UINT32_MAX}, 8},
                        {{INT64_MIN, 0, INT64_MAX}, 8}};
  for (const Case& c : cases) {
    Bytes bytes;
    EncodePackedSigned(bytes, c.values);
    ByteReader in(bytes);
    const PackedReader column = PackedReader::Read(in, c.values.size());
    ASSERT_TRUE(in.ok() && in.AtEnd());
    EXPECT_EQ(column.width(), c.width);
    for (size_t i = 0; i < c.values.size(); ++i) {
      EXPECT_EQ(static_cast<int64_t>(column[i]), c.values[i]);
    }
    ByteReader wrong(bytes);
    PackedReader::Read(wrong, c.values.size() + 1);
    EXPECT_FALSE(wrong.ok());
  }
}

TEST(PackedColumnTest, FindsWhichStretchHasAPlace) {
  std::vector<uint64_t> offsets;  // stretches of 0, 1, 2, 0, 1, 2, … places
  for (uint64_t at = 0, i = 0; i < 100; at += i++ % 3) offsets.push_back(at);
  Bytes out;
  EncodePacked(out, offsets);
  ByteReader in(out);
  const auto column = PackedReader::Read(in, offsets.size());
  for (uint64_t first : {uint64_t{0}, uint64_t{7}, uint64_t{98}}) {
    for (uint64_t place = offsets[first]; place < 110; ++place) {
      uint64_t last = first;
      while (last + 1 < offsets.size() && offsets[last + 1] <= place) ++last;
      EXPECT_EQ(column.LastAtMost(first, offsets.size(), place), last) << first << " " << place;
    }
  }
}

TEST(PackedColumnTest, Checks) {
  const std::vector<uint64_t> offsets = {0, 3, 3, 10};
  Bytes bytes;
  EncodePacked(bytes, offsets);
  ByteReader in(bytes);
  const PackedReader column = PackedReader::Read(in, 4);
  EXPECT_TRUE(column.AreOffsets(0, 10));
  EXPECT_FALSE(column.AreOffsets(0, 9));
  EXPECT_FALSE(column.AreOffsets(1, 10));
  EXPECT_TRUE(column.AllBelow(11));
  EXPECT_FALSE(column.AllBelow(10));
  const std::vector<uint64_t> falling = {0, 3, 2, 10};
  Bytes falling_bytes;
  EncodePacked(falling_bytes, falling);
  ByteReader falling_in(falling_bytes);
  EXPECT_FALSE(PackedReader::Read(falling_in, 4).AreOffsets(0, 10));
  // No bytes per element where the caller needs some.
  const std::vector<uint64_t> equal(5, 7);
  Bytes none;
  EncodePacked(none, equal);
  ByteReader none_in(none);
  PackedReader::Read(none_in, 5, 1);
  EXPECT_FALSE(none_in.ok());
}

TEST(PresenceTest, OrdinalsAndRows) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const uint32_t sizes[] = {0, 1, 63, 64, 65, 511, 512, 513, 5000};
    const uint32_t rows = sizes[random() % std::size(sizes)];
    const uint64_t percents[] = {0, 1, 3, 50, 99, 100};
    const uint64_t percent = percents[seed % 6];
    std::vector<uint32_t> present;
    for (uint32_t row = 0; row < rows; ++row) {
      if (random() % 100 < percent) present.push_back(row);
    }
    Bytes bytes;
    EncodePresence(bytes, present, rows);
    ByteReader in(bytes);
    const PresenceReader reader = PresenceReader::Read(in, rows);
    ASSERT_TRUE(in.ok() && in.AtEnd());
    ASSERT_EQ(reader.count(), present.size());
    for (uint32_t row = 0; row < rows; ++row) {
      const auto at = std::lower_bound(present.begin(), present.end(), row);
      const bool has = at != present.end() && *at == row;
      ASSERT_EQ(reader.Ordinal(row),
                has ? static_cast<uint32_t>(at - present.begin()) : PresenceReader::kAbsent);
    }
    std::vector<uint64_t> ordinals((present.size() + 63) / 64);
    std::vector<uint32_t> expected;
    for (uint32_t i = 0; i < present.size(); ++i) {
      if (random() % 3 == 0) continue;
      ordinals[i / 64] |= uint64_t{1} << i % 64;
      expected.push_back(present[i]);
    }
    ASSERT_EQ(reader.ToRows(ordinals).ToVector(), expected);
    ASSERT_TRUE(reader.ToRows({}).Empty());
  }
}

TEST(PresenceTest, DamageIsNoticed) {
  std::vector<uint32_t> present = {0, 5, 70, 71, 99};
  Bytes bytes;
  EncodePresence(bytes, present, 100);
  for (size_t at = 8; at < bytes.size(); ++at) {
    const bool padding = at >= bytes.size() - 4;
    Bytes damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    ByteReader in(damaged);
    PresenceReader::Read(in, 100);
    EXPECT_EQ(in.ok(), padding) << at;
  }
}

TEST(NumberColumnTest, FloatsKeepEveryBit) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> narrow = {0.5, -0.0, 3, infinity, -infinity};
  const std::vector<double> wide = {0.1, -0.0, 1e300, 5e-324};
  for (const auto& values : {narrow, wide}) {
    Bytes bytes;
    EncodeFloats(bytes, values);
    ByteReader in(bytes);
    const FloatReader column = FloatReader::Read(in, values.size());
    ASSERT_TRUE(in.ok() && in.AtEnd());
    EXPECT_EQ(column.narrow(), values == narrow);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<uint64_t>(column[i]), std::bit_cast<uint64_t>(values[i]));
    }
  }
}

TEST(NumberColumnTest, Bools) {
  std::mt19937_64 random(1);
  for (size_t n = 0; n < 200; ++n) {
    std::vector<uint8_t> values(n);
    for (uint8_t& value : values) value = static_cast<uint8_t>(random() % 2);
    Bytes bytes;
    EncodeBools(bytes, values);
    ByteReader in(bytes);
    const BoolReader column = BoolReader::Read(in, n);
    ASSERT_TRUE(in.ok() && in.AtEnd());
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(column[i], values[i] != 0);
  }
}

TEST(StringColumnTest, PlainAndDictionary) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    const size_t n = seed == 1 ? 0 : random() % 2000;
    const uint64_t distinct = seed % 2 == 0 ? 7 : 1'000'000;
    StringWriter writer;
    std::vector<std::string> values;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t value = random() % distinct;
      values.push_back(value == 0 ? "" : std::string(value % 9, 'x') + std::to_string(value));
      writer.Add(values.back());
    }
    Bytes bytes;
    writer.EncodeValues(bytes);
    ByteReader in(bytes);
    const StringValuesReader column = StringValuesReader::Read(in, n);
    ASSERT_TRUE(in.ok() && in.AtEnd());
    EXPECT_EQ(column.has_dictionary(), distinct == 7 && n > 14);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(column[i], values[i]);
    if (!column.has_dictionary()) continue;
    EXPECT_EQ(column.FindCode("missing"), std::nullopt);
    for (uint64_t code = 0; code < column.strings().count(); ++code) {
      EXPECT_EQ(column.FindCode(column.strings()[code]), code);
    }
  }
}

TEST(IdIndexTest, FindsTheLastRowOfEveryId) {
  for (const uint64_t n : {0, 1, 2, 10, 1000, 20'000}) {
    std::mt19937_64 random(n);
    StringWriter writer;
    std::unordered_map<std::string, uint32_t> last;
    for (uint32_t row = 0; row < n; ++row) {
      const std::string id = std::to_string(random() % (n * 3));
      writer.Add(id);
      last[id] = row;
    }
    Bytes id_bytes;
    writer.Encode(id_bytes);
    Bytes index_bytes;
    EncodeIdIndex(index_bytes, writer);
    ByteReader ids_in(id_bytes);
    ByteReader index_in(index_bytes);
    const StringReader ids = StringReader::Read(ids_in, n);
    const IdIndexReader index = IdIndexReader::Read(index_in, static_cast<uint32_t>(n));
    ASSERT_TRUE(ids_in.ok() && ids_in.AtEnd() && index_in.ok() && index_in.AtEnd());
    for (uint64_t i = 0; i < n * 3 + 1; ++i) {
      const std::string id = std::to_string(i);
      const auto expected = last.find(id);
      const std::optional<uint32_t> row = index.Find(ids, id);
      ASSERT_EQ(row.has_value(), expected != last.end());
      if (row) {
        ASSERT_EQ(*row, expected->second);
      }
    }
  }
}

}  // namespace
}  // namespace chroma::format
