#include "index/text/postings.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "testing/seeded_random.h"

namespace chroma::index {
namespace {

using testing::SeededRandom;

std::vector<uint32_t> Read(BytesView bytes, uint32_t count, uint32_t universe, bool* ok) {
  std::vector<uint32_t> rows;
  *ok = VisitPostings(bytes, count, universe, [&](uint32_t row) { rows.push_back(row); });
  return rows;
}

std::vector<uint32_t> RandomRows(SeededRandom& random, uint32_t universe) {
  std::set<uint32_t> rows;
  const uint32_t count = 1 + random.Below(1 + random.Below(universe));
  const bool clustered = random.Below(2) == 0;
  for (uint32_t i = 0; i < count; ++i) {
    rows.insert(clustered ? universe - 1 - random.Below(1 + universe / 10)
                          : random.Below(universe));
  }
  return {rows.begin(), rows.end()};
}

TEST(PostingsTest, RoundTrip) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const uint32_t universe = 1 + random.Below(seed % 3 == 0 ? 100'000 : 300);
    const std::vector<uint32_t> rows = RandomRows(random, universe);
    Bytes bytes;
    PutPostings(bytes, rows, universe);
    const auto count = static_cast<uint32_t>(rows.size());
    bool ok = false;
    ASSERT_EQ(Read(bytes, count, universe, &ok), rows);
    ASSERT_TRUE(ok);
    RowCollector once(universe);
    ASSERT_TRUE(once.Add(bytes, count));
    ASSERT_EQ(once.Take(), Bitmap::FromSorted(rows.data(), rows.size()));
    // Never larger than both of its forms.
    EXPECT_LE(bytes.size(), universe / 8 + 1 + rows.size());
  }
}

TEST(PostingsTest, ExtremesOfTheUniverse) {
  for (const uint32_t universe : {1u, 2u, 63u, 64u, 65u, UINT32_MAX}) {
    for (const std::vector<uint32_t>& rows :
         {std::vector<uint32_t>{}, {0}, {universe - 1}, {universe / 2}}) {
      Bytes bytes;
      PutPostings(bytes, rows, universe);
      bool ok = false;
      EXPECT_EQ(Read(bytes, static_cast<uint32_t>(rows.size()), universe, &ok), rows);
      EXPECT_TRUE(ok);
    }
  }
}

TEST(PostingsTest, UnionOfMany) {
  SeededRandom random(7);
  constexpr uint32_t kUniverse = 5000;
  RowCollector rows(kUniverse);
  Bitmap expected;
  for (int i = 0; i < 40; ++i) {
    const std::vector<uint32_t> more = RandomRows(random, i < 20 ? 30 : kUniverse);
    Bytes bytes;
    PutPostings(bytes, more, kUniverse);
    ASSERT_TRUE(rows.Add(bytes, static_cast<uint32_t>(more.size())));
    expected |= Bitmap::FromSorted(more.data(), more.size());
  }
  EXPECT_EQ(rows.Take(), expected);
}

// Any bytes are a list or are refused; what is visited is in bounds and ascends.
TEST(PostingsTest, HostileBytes) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const uint32_t universe = 1 + random.Below(1000);
    Bytes bytes(random.Below(40), '\0');
    for (char& byte : bytes) {
      byte = static_cast<char>(random.Below(3) == 0 ? 0xFF : random.Below(256));
    }
    if (random.Below(4) == 0) bytes.resize((universe + 7) / 8);
    uint64_t next = 0;
    (void)VisitPostings(bytes, random.Below(universe + 2), universe, [&](uint32_t row) {
      ASSERT_GE(row, next);
      ASSERT_LT(row, universe);
      next = uint64_t{row} + 1;
    });
  }
}

TEST(PostingsTest, AWrongCountIsNoticed) {
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < 1000; row += 7) rows.push_back(row);
  Bytes bytes;
  PutPostings(bytes, rows, 1000);
  const auto count = static_cast<uint32_t>(rows.size());
  bool ok = true;
  (void)Read(bytes, 1001, 1000, &ok);
  EXPECT_FALSE(ok);
  (void)Read(BytesView(bytes).substr(0, bytes.size() - 1), count, 1000, &ok);
  EXPECT_FALSE(ok);
  (void)Read(bytes + std::string(1, '\0'), count, 1000, &ok);
  EXPECT_FALSE(ok);
}

}  // namespace
}  // namespace chroma::index
