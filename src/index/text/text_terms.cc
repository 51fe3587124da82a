#include "index/text/text_terms.h"

#include <array>

#include "index/text/unicode.h"

namespace chroma::index {
namespace {

// On disk: a change of what is cut where is a new version of the text index.
using Class = RunKind;

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
  if (c < 0xC0) return Class::kSeparators;
  if (c < 0x2000) return Class::kWord;        // Latin to Greek Extended: mostly with spaces
  if (c < 0x2C00) return Class::kSeparators;  // punctuation, symbols, arrows, mathematics
  if (c < 0x2E00) return Class::kWord;        // Glagolitic to Cyrillic Extended-A
  return Class::kIdeographs;                  // Chinese, Japanese, Korean; emoji
}

bool IsWhole(Class of, size_t bytes, size_t characters) {
  switch (of) {
    case Class::kWord:
      return bytes <= kTermBytesMax;
    case Class::kSeparators:
      return bytes <= kSeparatorBytesMax;
    case Class::kIdeographs:
      break;
  }
  return characters == 1;
}

}  // namespace

bool RunCutter::Next(TextRun* run) {
  if (at_ == text_.size()) return false;
  const size_t begin = at_;
  size_t end = at_;
  size_t characters = 0;
  Class of = Class::kSeparators;
  while (end < text_.size()) {
    size_t next = end;
    const auto byte = static_cast<unsigned char>(text_[end]);
    Class now;
    if (byte < 0x80) {
      now = kAsciiClasses[byte];
      ++next;
    } else {
      now = ClassOf(DecodeUtf8(text_, &next));
    }
    if (characters == 0) of = now;
    if (now != of) break;
    ++characters;
    end = next;
  }
  at_ = end;
  *run = {text_.substr(begin, end - begin), of, IsWhole(of, end - begin, characters)};
  return true;
}

PairCutter::PairCutter(std::string_view text) : text_(text) {
  if (!text_.empty()) DecodeUtf8(text_, &second_);
}

bool PairCutter::Next(std::string_view* pair) {
  if (second_ >= text_.size()) return false;
  size_t end = second_;
  DecodeUtf8(text_, &end);
  *pair = text_.substr(first_, end - first_);
  first_ = second_;
  second_ = end;
  return true;
}

}  // namespace chroma::index
