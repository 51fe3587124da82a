// How many records have each value of a key. Numbers are counted by what they are worth: 1 and 1.0
// are one value.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/metadata.h"
#include "segment/number_set.h"
#include "segment/wanted_codes.h"

namespace chroma::segment {

struct ValueCount {
  model::MetadataValue value;
  uint64_t count = 0;
};

// One task at a time. Strings are not copied before Take: they stay where they are until then.
class ValueCounts {
 public:
  // A record has the key, with whatever value.
  void AddRecords(uint64_t count) { records_ += count; }
  // `count` records have the value.
  void Add(bool value, uint64_t count = 1) { bools_[value ? 1 : 0] += count; }
  void Add(int64_t value, uint64_t count = 1);
  void Add(double value, uint64_t count = 1);
  void Add(std::string_view value, uint64_t count = 1) { strings_[value] += count; }

  uint64_t records() const { return records_; }
  // Different values so far.
  uint64_t distinct() const;
  // How much memory they take, about, without the bytes of strings.
  uint64_t SizeBytes() const { return distinct() * kBytesEach; }
  // All that were counted, in no order. A number is an integer where some record has it as one.
  std::vector<ValueCount> Take() const;

 private:
  static constexpr uint64_t kBytesEach = 160;  // a node of a map, its bucket, what Take makes of it

  struct Whole {
    uint64_t count = 0;
    bool as_int = false;
  };

  uint64_t records_ = 0;
  uint64_t bools_[2] = {0, 0};
  std::unordered_map<int64_t, Whole, NumberHash> whole_;  // numbers that an integer can be
  std::unordered_map<double, uint64_t, NumberHash> fractions_;
  std::unordered_map<std::string_view, uint64_t, StringHash> strings_;
};

}  // namespace chroma::segment
