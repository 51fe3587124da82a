// A fingerprint of everything that happens in a simulation, in order: two runs are the same run
// when their traces are equal.
#pragma once

#include <cstdint>
#include <string_view>

namespace chroma::testing {

class Trace {
 public:
  void Add(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 29;
    ++events_;
  }
  void Add(std::string_view text) {
    uint64_t folded = text.size();
    for (const char c : text) folded = folded * 0x100000001b3 ^ static_cast<uint8_t>(c);
    Add(folded);
  }
  uint64_t hash() const { return hash_; }
  uint64_t events() const { return events_; }

 private:
  uint64_t hash_ = 0x243f6a8885a308d3;
  uint64_t events_ = 0;
};

}  // namespace chroma::testing
