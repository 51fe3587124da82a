#include "base/bitmap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <utility>

#include "base/coding.h"

namespace chroma {
namespace {

using Set = std::set<uint32_t>;

// Rows in few containers, some dense enough for bitsets and runs.
uint32_t RandomRow(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return static_cast<uint32_t>(random() % 200);
    case 1:
      return 65536 + static_cast<uint32_t>(random() % 20000);
    case 2:
      return static_cast<uint32_t>(random() % 8) * 65536 + 65535;
    default:
      return static_cast<uint32_t>(random() % 300000);
  }
}

void RandomChange(std::mt19937_64& random, Bitmap& bitmap, Set& set) {
  const uint32_t row = RandomRow(random);
  switch (random() % 8) {
    case 0: {
      const uint32_t end = row + static_cast<uint32_t>(random() % 9000);
      bitmap.AddRange(row, end);
      for (uint32_t i = row; i < end; ++i) set.insert(set.end(), i);
      break;
    }
    case 1:
    case 2:
      bitmap.Remove(row);
      set.erase(row);
      break;
    default:
      bitmap.Add(row);
      set.insert(row);
  }
}

void ExpectSame(std::mt19937_64& random, const Bitmap& bitmap, const Set& set) {
  ASSERT_EQ(bitmap.Count(), set.size());
  ASSERT_EQ(bitmap.Empty(), set.empty());
  ASSERT_EQ(bitmap.ToVector(), std::vector<uint32_t>(set.begin(), set.end()));
  for (int i = 0; i < 20; ++i) {
    const uint32_t a = RandomRow(random);
    const uint32_t b = RandomRow(random);
    ASSERT_EQ(bitmap.Contains(a), set.count(a) == 1);
    const auto begin = set.lower_bound(a);
    const auto expected =
        a < b ? static_cast<uint64_t>(std::distance(begin, set.lower_bound(b))) : 0;
    ASSERT_EQ(bitmap.CountRange(a, b), expected) << a << " " << b;
    uint32_t rows[17];
    const size_t n = bitmap.Read(a, rows, std::size(rows));
    if (n > 0) {
      ASSERT_EQ(bitmap.Nth(static_cast<uint32_t>(bitmap.CountRange(0, a))), rows[0]);
    }
    auto at = begin;
    for (size_t j = 0; j < n; ++j, ++at) ASSERT_EQ(rows[j], *at);
    ASSERT_TRUE(n == std::size(rows) || at == set.end());
  }
}

TEST(Bitmap, AgreesWithASetUnderRandomOperations) {
  const unsigned seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    Bitmap a, b;
    Set set_a, set_b;
    for (int i = 0; i < 60; ++i) RandomChange(random, a, set_a);
    for (int i = 0; i < 60; ++i) RandomChange(random, b, set_b);
    ExpectSame(random, a, set_a);

    Set expected;
    auto into = std::inserter(expected, expected.end());
    Bitmap result(a);
    result &= b;
    std::set_intersection(set_a.begin(), set_a.end(), set_b.begin(), set_b.end(), into);
    ExpectSame(random, result, expected);

    expected.clear();
    result = a;
    result |= b;
    std::set_union(set_a.begin(), set_a.end(), set_b.begin(), set_b.end(), into);
    ExpectSame(random, result, expected);

    expected.clear();
    result = a;
    result -= b;
    std::set_difference(set_a.begin(), set_a.end(), set_b.begin(), set_b.end(), into);
    ExpectSame(random, result, expected);

    const uint32_t n = RandomRow(random);
    expected.clear();
    result = a;
    result.Complement(n);
    for (uint32_t i = 0; i < n; ++i) {
      if (set_a.count(i) == 0) expected.insert(expected.end(), i);
    }
    ExpectSame(random, result, expected);

    const auto restored = Bitmap::Deserialize(a.Serialize());
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
    ExpectSame(random, *restored, set_a);
    EXPECT_EQ(*restored, a);
    EXPECT_EQ(a == b, set_a == set_b);
  }
}

TEST(Bitmap, Edges) {
  constexpr uint32_t kMany = 50'000'000;
  EXPECT_TRUE(Bitmap().Empty());
  EXPECT_TRUE(Bitmap::Range(5, 5).Empty());
  EXPECT_TRUE(Bitmap::Range(6, 5).Empty());
  EXPECT_TRUE(Bitmap::FromSorted(nullptr, 0).Empty());
  EXPECT_EQ(Bitmap::Range(3, 6).ToVector(), (std::vector<uint32_t>{3, 4, 5}));
  const uint32_t rows[] = {0, 7, UINT32_MAX};
  const Bitmap ends = Bitmap::FromSorted(rows, 3);
  EXPECT_EQ(ends.ToVector(), std::vector<uint32_t>(rows, rows + 3));
  EXPECT_EQ(ends.CountRange(0, UINT32_MAX), 2u);
  uint32_t out[4];
  EXPECT_EQ(ends.Read(UINT32_MAX, out, 4), 1u);
  EXPECT_EQ(out[0], UINT32_MAX);
  EXPECT_EQ(ends.Read(0, out, 0), 0u);
  EXPECT_EQ(Bitmap().Read(0, out, 4), 0u);
  Bitmap all;
  all.Complement(kMany);
  EXPECT_EQ(all.Count(), uint64_t{kMany});
  all.Complement(kMany);
  EXPECT_TRUE(all.Empty());
  Bitmap top = Bitmap::Range(UINT32_MAX - 2, UINT32_MAX);
  top.Add(UINT32_MAX);
  EXPECT_EQ(top.Count(), 3u);
  Bitmap beyond = Bitmap::Range(10, 20);
  beyond.Complement(0);
  EXPECT_TRUE(beyond.Empty());
}

TEST(Bitmap, WithItself) {
  Bitmap a = Bitmap::Range(1, 100);
  Bitmap& alias = a;
  a &= alias;
  a |= alias;
  EXPECT_EQ(a.Count(), 99u);
  a = alias;
  EXPECT_EQ(a.Count(), 99u);
  a -= alias;
  EXPECT_TRUE(a.Empty());
}

TEST(Bitmap, ForEachStops) {
  std::vector<uint32_t> seen;
  Bitmap::Range(10, 100).ForEach([&](uint32_t row) {
    seen.push_back(row);
    return seen.size() < 3;
  });
  EXPECT_EQ(seen, (std::vector<uint32_t>{10, 11, 12}));
}

TEST(Bitmap, CopiesAreIndependentAndMovesEmptyNobodyElse) {
  Bitmap a = Bitmap::Range(0, 10);
  Bitmap b(a);
  b.Add(50);
  EXPECT_EQ(a.Count(), 10u);
  Bitmap c(std::move(b));
  EXPECT_EQ(c.Count(), 11u);
  b = a;  // a moved-from set may be assigned
  EXPECT_EQ(b.Count(), 10u);
}

// An array, a bitset, a run, and enough containers for the header of offsets.
Bitmap Mixed() {
  Bitmap rows;
  for (uint32_t i = 0; i < 50; ++i) rows.Add(i * 7);
  for (uint32_t i = 0; i < 5000; ++i) rows.Add(65536 + i * 3);
  rows.AddRange(3 * 65536 + 5, 3 * 65536 + 4000);
  rows.AddRange(3 * 65536 + 5000, 5 * 65536);
  rows.Add(9 * 65536 + 65535);
  return rows;
}

TEST(Bitmap, EveryTruncationIsDataLoss) {
  const Bytes bytes = Mixed().Serialize();
  ASSERT_TRUE(Bitmap::Deserialize(bytes).ok());
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto result = Bitmap::Deserialize(bytes.substr(0, cut));
    ASSERT_FALSE(result.ok()) << cut;
    ASSERT_EQ(result.status().code(), StatusCode::kDataLoss);
  }
  EXPECT_FALSE(Bitmap::Deserialize(bytes + "x").ok());
}

// Whatever is accepted must be a sound set: every operation on it agrees with its members.
TEST(Bitmap, DamagedBytesAreRejectedOrSound) {
  const unsigned seed = 6;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const Bytes bytes = Mixed().Serialize();
  int accepted = 0;
  for (int round = 0; round < 1000; ++round) {
    Bytes damaged = bytes;
    const size_t at = random() % (round % 2 == 0 ? 120 : damaged.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
    const auto result = Bitmap::Deserialize(damaged);
    if (!result.ok()) {
      ASSERT_EQ(result.status().code(), StatusCode::kDataLoss);
      continue;
    }
    ++accepted;
    const auto rows = result->ToVector();
    ASSERT_EQ(rows.size(), result->Count());
    ASSERT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    ASSERT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
    Bitmap both(*result);
    both |= Mixed();
    both &= *result;
    ASSERT_EQ(both, *result);
  }
  EXPECT_GT(accepted, 0);
}

TEST(Bitmap, FromWords) {
  for (const uint32_t n : {0u, 1u, 64u, 1000u, 65536u, 70000u, 200'000u}) {
    for (const uint32_t step : {1u, 2u, 20u, 70'000u}) {
      std::vector<uint64_t> words((n + 63) / 64);
      std::vector<uint32_t> rows;
      for (uint32_t row = 0; row < n; row += step) {
        words[row / 64] |= uint64_t{1} << row % 64;
        rows.push_back(row);
      }
      Bitmap made = Bitmap::FromWords(words);
      ASSERT_EQ(made, Bitmap::FromSorted(rows.data(), rows.size())) << n << " " << step;
      ASSERT_EQ(made.ToVector(), rows);
      made.Complement(n);
      ASSERT_EQ(made.Count(), n - rows.size());
    }
  }
}

Bytes Container(uint16_t key, uint16_t count_less_1, const std::vector<uint16_t>& body, bool run) {
  Bytes out;
  PutFixed<uint32_t>(out, run ? 12347 : 12346);
  if (run) {
    PutFixed<uint8_t>(out, 1);
  } else {
    PutFixed<uint32_t>(out, 1);
  }
  PutFixed(out, key);
  PutFixed(out, count_less_1);
  if (!run) PutFixed<uint32_t>(out, 16);
  for (uint16_t value : body) PutFixed(out, value);
  return out;
}

TEST(Bitmap, RejectsContainersThatBreakInvariants) {
  EXPECT_TRUE(Bitmap::Deserialize(Container(1, 1, {4, 5}, false)).ok());
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 1, {5, 4}, false)).ok());
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 1, {5, 5}, false)).ok());
  EXPECT_TRUE(Bitmap::Deserialize(Container(1, 4, {2, 10, 1, 20, 2}, true)).ok());
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 3, {2, 10, 1, 20, 2}, true)).ok());  // count
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 4, {2, 10, 1, 11, 2}, true)).ok());  // overlap
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 2, {1, 65534, 2}, true)).ok());      // overflow
  EXPECT_FALSE(Bitmap::Deserialize(Container(1, 0, {0}, true)).ok());                // no runs
  Bytes many;
  PutFixed<uint32_t>(many, 12346);
  PutFixed<uint32_t>(many, UINT32_MAX);
  EXPECT_FALSE(Bitmap::Deserialize(many).ok());
  EXPECT_FALSE(Bitmap::Deserialize("").ok());
  EXPECT_FALSE(Bitmap::Deserialize("\x01\x02\x03\x04").ok());
}

}  // namespace
}  // namespace chroma
