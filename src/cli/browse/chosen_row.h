// Which row of a list is chosen, and which rows are in sight.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cli/browse/screen.h"

namespace chroma::cli {

class ChosenRow {
 public:
  uint64_t chosen() const { return chosen_; }
  uint64_t first() const { return first_; }
  void Choose(uint64_t row) { chosen_ = row; }

  // Of a list of `count` rows, `height` of which are in sight.
  void Fit(uint64_t count, uint64_t height) {
    height_ = std::max<uint64_t>(height, 1);
    count_ = count;
    chosen_ = count == 0 ? 0 : std::min(chosen_, count - 1);
    if (chosen_ < first_) first_ = chosen_;
    if (chosen_ >= first_ + height_) first_ = chosen_ - height_ + 1;
  }
  // Whether the key moved it.
  bool OnKey(int32_t key) {
    const uint64_t last = count_ == 0 ? 0 : count_ - 1;
    if (key == kKeyUp || key == 'k') {
      chosen_ -= chosen_ > 0 ? 1 : 0;
    } else if (key == kKeyDown || key == 'j') {
      chosen_ = std::min(chosen_ + 1, last);
    } else if (key == kKeyPageUp) {
      chosen_ -= std::min(chosen_, height_);
    } else if (key == kKeyPageDown) {
      chosen_ = std::min(chosen_ + height_, last);
    } else if (key == kKeyHome || key == 'g') {
      chosen_ = 0;
    } else if (key == kKeyEnd || key == 'G') {
      chosen_ = last;
    } else {
      return false;
    }
    return true;
  }

 private:
  uint64_t chosen_ = 0;
  uint64_t first_ = 0;
  uint64_t count_ = 0;
  uint64_t height_ = 1;
};

}  // namespace chroma::cli
