#include "segment/wanted_codes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace chroma::segment {
namespace {

// A dictionary that counts how often it is asked for an entry.
class Dictionary {
 public:
  explicit Dictionary(uint64_t entries) {
    for (uint64_t i = 0; i < entries; ++i) entries_.push_back(std::to_string(1'000'000 + i));
  }

  const Dictionary& strings() const { return *this; }
  uint64_t count() const { return entries_.size(); }
  std::string_view operator[](uint64_t code) const {
    ++reads_;
    return entries_[code];
  }
  std::optional<uint64_t> FindCode(std::string_view value) const {
    const auto at =
        std::lower_bound(entries_.begin(), entries_.end(), value, [this](const auto& a, auto b) {
          ++reads_;
          return a < b;
        });
    if (at == entries_.end() || *at != value) return std::nullopt;
    return static_cast<uint64_t>(at - entries_.begin());
  }
  uint64_t reads() const { return reads_; }

 private:
  std::vector<std::string> entries_;
  mutable uint64_t reads_ = 0;
};

TEST(WantedCodesTest, AShortListIsLookedUpInALongDictionary) {
  const Dictionary dictionary(50'000);
  const auto wanted = WantedCodes(dictionary, {"1000000", "1049999", "missing", "1000007"});
  EXPECT_EQ(std::count(wanted.begin(), wanted.end(), 1), 3);
  EXPECT_TRUE(wanted[0] == 1 && wanted[7] == 1 && wanted[49'999] == 1);
  EXPECT_LT(dictionary.reads(), 100u);
}

TEST(WantedCodesTest, ALongListIsReadOnceForAShortDictionary) {
  const Dictionary dictionary(100);
  std::vector<std::string> list;
  for (int i = 0; i < 10'000; ++i) list.push_back(std::to_string(1'000'050 + i));
  const auto wanted = WantedCodes(dictionary, list);
  EXPECT_EQ(std::count(wanted.begin(), wanted.end(), 1), 50);
  EXPECT_LE(dictionary.reads(), 100u);
  EXPECT_TRUE(WantedCodes(Dictionary(0), list).empty());
}

}  // namespace
}  // namespace chroma::segment
