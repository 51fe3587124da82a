// A piece of a text, as what is looked for in it is found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chroma::index {

// [begin, end), in bytes unless said otherwise.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

// So many matches of one thing are looked for in one text: what bounds the memory of highlights.
inline constexpr size_t kFoundMax = 1'000'000;

// What looking for all matches in one text may take, in bytes of text that are read. How far one
// look goes is not known, so it counts as far as to the end of the text.
class MatchWork {
 public:
  explicit MatchWork(uint64_t bytes_max = kBytesMax) : left_(bytes_max) {}
  // False when so much is not left; nothing is from then on.
  bool Take(uint64_t bytes) {
    exceeded_ = exceeded_ || bytes > left_;
    if (!exceeded_) left_ -= bytes;
    return !exceeded_;
  }
  bool exceeded() const { return exceeded_; }

 private:
  static constexpr uint64_t kBytesMax = uint64_t{1} << 30;

  uint64_t left_;
  bool exceeded_ = false;
};

}  // namespace chroma::index
