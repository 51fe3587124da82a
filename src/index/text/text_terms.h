// How texts are cut into the terms that the text index lists rows by.
//
// A text is a sequence of runs: words, separators, and ideographs (scripts that are written without
// spaces). A run that is not too long is a term as it is; a longer one, and every run of two or
// more ideographs, is represented by all pairs of neighbouring characters. So a needle that lies
// inside one run lies inside a term, or its pairs are terms; and where a needle has several runs,
// all but the first and the last are whole runs of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chroma::index {

enum class TermKind : char { kRun = 0, kPair = 1 };
inline constexpr size_t kTermBytesMax = 32;

enum class RunKind : uint8_t { kSeparators, kWord, kIdeographs };

// A run of characters of one kind.
struct TextRun {
  std::string_view bytes;
  RunKind kind = RunKind::kSeparators;
  bool whole = false;  // a term itself; else its pairs are
};

// Cuts valid UTF-8 into runs, one after the other. Does not own the text.
class RunCutter {
 public:
  explicit RunCutter(std::string_view text) : text_(text) {}
  // False at the end.
  bool Next(TextRun* run);

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// Cuts valid UTF-8 into pairs of neighbouring characters; none when there is one character only.
class PairCutter {
 public:
  explicit PairCutter(std::string_view text);
  // False at the end.
  bool Next(std::string_view* pair);

 private:
  std::string_view text_;
  size_t first_ = 0;  // character of the next pair
  size_t second_ = 0;
};

}  // namespace chroma::index
