#include "index/text/text_terms.h"

#include <array>

#include "index/text/unicode.h"

namespace chroma::index {
namespace {

// On disk: a change of what is cut where is a new version of the text index.
enum class Class : uint8_t { kSeparator, kWord, kIdeograph };

constexpr uint32_t kReplacement = 0xFFFD;
constexpr size_t kSeparatorBytesMax = 8;

constexpr std::array<Class, 128> MakeAsciiClasses() {
  std::array<Class, 128> classes{};
  for (char c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = Class::kWord;
  for (char c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = Class::kWord;
  for (char c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = Class::kWord;
  return classes;
}
constexpr std::array<Class, 128> kAsciiClasses = MakeAsciiClasses();

// By block: which characters are letters does not matter, only that all agree on it.
Class ClassOf(uint32_t c) {
  if (c < 0xC0) return Class::kSeparator;
  if (c < 0x2000) return Class::kWord;       // Latin to Greek Extended: mostly with spaces
  if (c < 0x2C00) return Class::kSeparator;  // punctuation, symbols, arrows, mathematics
  if (c < 0x2E00) return Class::kWord;       // Glagolitic to Cyrillic Extended-A
  return Class::kIdeograph;                  // Chinese, Japanese, Korean; emoji
}

bool IsWhole(Class of, size_t bytes, size_t characters) {
  switch (of) {
    case Class::kWord:
      return bytes <= kTermBytesMax;
    case Class::kSeparator:
      return bytes <= kSeparatorBytesMax;
    case Class::kIdeograph:
      break;
  }
  return characters == 1;
}

}  // namespace

bool CutRuns(std::string_view text, std::vector<TextRun>* runs) {
  size_t at = 0;
  size_t begin = 0;
  size_t characters = 0;
  Class current = Class::kSeparator;
  const auto close = [&](size_t end) {
    if (end == begin) return;
    runs->push_back({text.substr(begin, end - begin), IsWhole(current, end - begin, characters)});
    begin = end;
    characters = 0;
  };
  while (at < text.size()) {
    const size_t start = at;
    Class next;
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      next = kAsciiClasses[byte];
      ++at;
    } else {
      const uint32_t c = DecodeUtf8(text, &at);
      if (c == kReplacement && at - start == 1) return false;
      next = ClassOf(c);
    }
    if (next != current) {
      close(start);
      current = next;
    }
    ++characters;
  }
  close(at);
  return true;
}

void CutPairs(std::string_view bytes, std::vector<std::string_view>* pairs) {
  size_t at = 0;
  size_t before = 0;
  for (bool first = true; at < bytes.size(); first = false) {
    const size_t start = at;
    DecodeUtf8(bytes, &at);
    if (!first) pairs->push_back(bytes.substr(before, at - before));
    before = start;
  }
}

}  // namespace chroma::index
