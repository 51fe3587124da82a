// How texts are cut into the terms that the text index lists rows by.
//
// A text is a sequence of runs: words, separators, and ideographs (scripts that are written without
// spaces). A run that is not too long is a term as it is; a longer one, and every run of two or
// more ideographs, is represented by all pairs of neighbouring characters. So a needle that lies
// inside one run lies inside a term, or its pairs are terms; and where a needle has several runs,
// all but the first and the last are whole runs of the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chroma::index {

enum class TermKind : char { kRun = 0, kPair = 1 };
inline constexpr size_t kTermBytesMax = 32;

// A run of characters of one class.
struct TextRun {
  std::string_view bytes;
  bool whole = false;  // a term itself; else its pairs are
};

// False, with nothing appended that may be used, when the text is not valid UTF-8.
bool CutRuns(std::string_view text, std::vector<TextRun>* runs);

// The pairs of neighbouring characters in valid UTF-8; none when there is one character only.
void CutPairs(std::string_view bytes, std::vector<std::string_view>* pairs);

}  // namespace chroma::index
