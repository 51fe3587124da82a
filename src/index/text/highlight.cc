#include "index/text/highlight.h"

#include <algorithm>
#include <utility>

#include "index/text/unicode.h"

namespace chroma::index {
namespace {

void FindSubstring(std::string_view text, std::string_view needle, std::vector<TextRange>* found) {
  size_t at = text.find(needle);
  while (at != text.npos && found->size() < kFoundMax) {
    found->push_back({at, at + needle.size()});
    at = text.find(needle, at + needle.size());
  }
}

void MergeOverlapping(std::vector<TextRange>* ranges) {
  std::sort(ranges->begin(), ranges->end(), [](const TextRange& a, const TextRange& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  size_t merged = 0;
  for (const TextRange& range : *ranges) {
    if (merged > 0 && range.begin < (*ranges)[merged - 1].end) {
      (*ranges)[merged - 1].end = std::max((*ranges)[merged - 1].end, range.end);
    } else {
      (*ranges)[merged++] = range;
    }
  }
  ranges->resize(merged);
}

// Translates places of one text, asked for in ascending order, between bytes and characters.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}

  size_t CharacterAt(size_t byte) {
    while (byte_ < byte) Step();
    return character_;
  }
  // The end of the text where it has no such character.
  size_t ByteOf(size_t character) {
    while (character_ < character && byte_ < text_.size()) Step();
    return byte_;
  }
  size_t character() const { return character_; }

 private:
  void Step() {
    DecodeUtf8(text_, &byte_);
    ++character_;
  }

  std::string_view text_;
  size_t byte_ = 0;
  size_t character_ = 0;
};

std::vector<Highlight> Snippets(std::string_view text, const std::vector<Highlight>& matches,
                                const HighlightLimits& limits) {
  std::vector<Highlight> snippets;
  Places places(text);
  size_t free_from = 0;  // character after the snippet before
  for (const Highlight& match : matches) {
    if (snippets.size() == limits.snippets_max || limits.snippet_characters == 0) break;
    const TextRange& at = match.characters;
    if (at.begin < free_from) continue;
    const size_t length = std::min<size_t>(at.end - at.begin, limits.snippet_characters);
    const size_t before = (limits.snippet_characters - length) / 2;
    Highlight& snippet = snippets.emplace_back();
    snippet.characters.begin = std::max(free_from, at.begin - std::min(at.begin, before));
    snippet.bytes.begin = places.ByteOf(snippet.characters.begin);
    snippet.bytes.end = places.ByteOf(snippet.characters.begin + limits.snippet_characters);
    snippet.characters.end = places.character();
    free_from = snippet.characters.end;
  }
  return snippets;
}

}  // namespace

void Highlighter::AddSubstring(std::string needle) {
  if (!needle.empty()) needles_.insert(std::move(needle));
}

Status Highlighter::AddRegex(std::string_view pattern) {
  if (regexes_.contains(pattern)) return Status::Ok();
  CHROMA_ASSIGN(std::unique_ptr<Regex> regex, Regex::Compile(pattern, Regex::Use::kFind, &budget_));
  regexes_.emplace(pattern, std::move(regex));
  return Status::Ok();
}

Highlights Highlighter::Find(std::string_view text, const HighlightLimits& limits) const {
  std::vector<TextRange> ranges;
  std::vector<TextRange> found;
  // One after the other: what is merged is no longer than the text.
  const auto take = [&] {
    if (found.empty()) return;
    ranges.insert(ranges.end(), found.begin(), found.end());
    MergeOverlapping(&ranges);
    found.clear();
  };
  for (const std::string& needle : needles_) {
    FindSubstring(text, needle, &found);
    take();
  }
  for (const auto& phrase : phrases_) {
    phrase->FindAll(text, &found);
    take();
  }
  for (const auto& [pattern, regex] : regexes_) {
    regex->FindAll(text, &found);
    take();
  }
  ranges.resize(std::min<size_t>(ranges.size(), limits.matches_max));
  Highlights highlights;
  Places places(text);
  for (const TextRange& range : ranges) {
    const size_t begin = places.CharacterAt(range.begin);
    highlights.matches.push_back({range, {begin, places.CharacterAt(range.end)}});
  }
  highlights.snippets = Snippets(text, highlights.matches, limits);
  return highlights;
}

}  // namespace chroma::index
