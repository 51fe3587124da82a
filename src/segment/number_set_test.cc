#include "segment/number_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <vector>

namespace chroma::segment {
namespace {

// The most slots that looking up one of the numbers takes.
size_t MostProbes(const std::vector<uint64_t>& numbers) {
  NumberSet set(numbers.size());
  for (const uint64_t number : numbers) set.Add(number);
  size_t most = 0;
  for (const uint64_t number : numbers) {
    EXPECT_TRUE(set.Contains(number)) << number;
    most = std::max(most, set.Probes(number));
  }
  return most;
}

template <typename ToNumber>
std::vector<uint64_t> Numbers(uint64_t n, ToNumber to_number) {
  std::vector<uint64_t> numbers;
  for (uint64_t i = 1; i <= n; ++i) numbers.push_back(to_number(i));
  return numbers;
}

uint64_t Bits(double value) {
  return std::bit_cast<uint64_t>(value);
}

TEST(NumberSetTest, RoundNumbersDoNotShareTheirSlots) {
  constexpr size_t kProbesMax = 100;  // of 10,000 in a half full table; some 20 are usual
  EXPECT_LT(MostProbes(Numbers(10'000, [](uint64_t i) { return Bits(static_cast<double>(i)); })),
            kProbesMax);
  EXPECT_LT(
      MostProbes(Numbers(10'000, [](uint64_t i) { return Bits(0.05 * static_cast<double>(i)); })),
      kProbesMax);
  EXPECT_LT(MostProbes(Numbers(10'000, [](uint64_t i) { return i << 40; })), kProbesMax);
  EXPECT_LT(MostProbes(Numbers(10'000, [](uint64_t i) { return i; })), kProbesMax);
}

// The inverse of n * C, mixed with its own upper half: numbers that have one slot under that hash.
TEST(NumberSetTest, NumbersMadeForOneFixedHashDoNotShareTheirSlots) {
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - 0x9e3779b97f4a7c15 * inverse;
  const auto crafted = Numbers(10'000, [&](uint64_t i) { return (i << 32 | i) * inverse; });
  EXPECT_LT(MostProbes(crafted), 100u);
}

TEST(NumberSetTest, HoldsWhatWasAddedAndNothingElse) {
  constexpr uint64_t kFree = 0x9c5f3a7be1d20846;
  NumberSet set(3);
  EXPECT_FALSE(set.Contains(kFree));
  for (const uint64_t number : {uint64_t{0}, UINT64_MAX, kFree, uint64_t{0}}) set.Add(number);
  EXPECT_TRUE(set.Contains(0) && set.Contains(UINT64_MAX) && set.Contains(kFree));
  EXPECT_FALSE(set.Contains(1) || set.Contains(kFree + 1));
  EXPECT_FALSE(NumberSet(0).Contains(0));
}

TEST(NumberHashTest, ZerosAreOneAndMultiplesOfAPrimeAreSpread) {
  const NumberHash hash;
  EXPECT_EQ(hash(0.0), hash(-0.0));
  constexpr size_t kPrime = 15173;  // std::unordered_map takes numbers modulo such
  std::vector<size_t> chains(kPrime);
  for (int64_t i = 0; i < 10'000; ++i) ++chains[hash(i * int64_t{kPrime}) % kPrime];
  EXPECT_LT(*std::max_element(chains.begin(), chains.end()), 20u);
}

}  // namespace
}  // namespace chroma::segment
