#include "index/text/text_pattern.h"

#include <algorithm>
#include <utility>

#include "index/text/contains.h"

namespace chroma::index {
namespace {

// TextQuery::AnyOf compares each text with each other.
constexpr size_t kTextsComparedMax = 256;

TextQuery QueryOf(const std::vector<std::string>& needles) {
  if (needles.size() <= kTextsComparedMax) return TextQuery::AnyOf(needles);
  std::vector<TextQuery> any;
  for (const std::string& needle : needles) any.push_back(TextQuery::Substring(needle));
  return TextQuery::Or(std::move(any));
}

}  // namespace

TextPattern TextPattern::AnyOf(std::vector<std::string> texts) {
  TextPattern pattern;
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  pattern.query_ = QueryOf(texts);
  pattern.needles_ = std::move(texts);
  return pattern;
}

TextPattern TextPattern::Of(Phrase phrase) {
  TextPattern pattern;
  pattern.query_ = phrase.query();
  pattern.needles_.push_back(phrase.longest_word());
  pattern.phrase_ = std::move(phrase);
  return pattern;
}

bool TextPattern::Matches(std::string_view text) const {
  if (phrase_) return phrase_->Matches(text);
  return std::any_of(needles_.begin(), needles_.end(),
                     [&](const std::string& needle) { return Contains(text, needle); });
}

}  // namespace chroma::index
