// How many records have each value of a key. Numbers are counted by what they are worth: 1 and 1.0
// are one value.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/checksum.h"
#include "model/metadata.h"

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
  // All that were counted, in no order. A number is an integer where some record has it as one.
  std::vector<ValueCount> Take() const;

 private:
  struct Whole {
    uint64_t count = 0;
    bool as_int = false;
  };
  struct StringHash {
    size_t operator()(std::string_view value) const { return Hash64(value); }
  };

  uint64_t records_ = 0;
  uint64_t bools_[2] = {0, 0};
  std::unordered_map<int64_t, Whole> whole_;  // numbers that an integer can be
  std::unordered_map<double, uint64_t> fractions_;
  std::unordered_map<std::string_view, uint64_t, StringHash> strings_;
};

}  // namespace chroma::segment
