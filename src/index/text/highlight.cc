#include "index/text/highlight.h"

#include <algorithm>
#include <utility>

#include "index/text/contains.h"
#include "index/text/unicode.h"

namespace chroma::index {
namespace {

void FindSubstring(std::string_view text, std::string_view needle, std::vector<TextRange>* found) {
  size_t n = 0;
  for (size_t at = FindFrom(text, needle, 0); at != text.npos && n < kFoundMax; ++n) {
    found->push_back({at, at + needle.size()});
    at = FindFrom(text, needle, at + needle.size());
  }
}

// Ranges as they come, overlapping ones as one in the end.
class MergedRanges {
 public:
  // What is found next, to be appended to. Told with Added().
  std::vector<TextRange>* next() { return &next_; }

  // Merging as much as there is already each time makes it O(n log n) for n ranges, and what is
  // held no more than twice the text and what one condition finds.
  void Added() {
    if (next_.size() >= std::max(kFew, ranges_.size())) Merge();
  }
  std::vector<TextRange> Take() {
    Merge();
    return std::move(ranges_);
  }

 private:
  static constexpr size_t kFew = 4096;

  static bool Before(const TextRange& a, const TextRange& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  }

  void Merge() {
    std::sort(next_.begin(), next_.end(), Before);
    const auto middle = static_cast<ptrdiff_t>(ranges_.size());
    ranges_.insert(ranges_.end(), next_.begin(), next_.end());
    next_.clear();
    std::inplace_merge(ranges_.begin(), ranges_.begin() + middle, ranges_.end(), Before);
    size_t merged = 0;
    for (const TextRange& range : ranges_) {
      if (merged > 0 && range.begin < ranges_[merged - 1].end) {
        ranges_[merged - 1].end = std::max(ranges_[merged - 1].end, range.end);
      } else {
        ranges_[merged++] = range;
      }
    }
    ranges_.resize(merged);
  }

  std::vector<TextRange> ranges_;
  std::vector<TextRange> next_;
};

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

Highlights Highlighter::Find(std::string_view text, const HighlightLimits& limits,
                             MatchWork work) const {
  MergedRanges merged;
  for (const std::string& needle : needles_) {
    if (!work.Take(text.size())) break;
    FindSubstring(text, needle, merged.next());
    merged.Added();
  }
  std::vector<TextRange> found;
  const auto take = [&] {
    merged.next()->insert(merged.next()->end(), found.begin(), found.end());
    merged.Added();
    found.clear();
  };
  for (const auto& phrase : phrases_) {
    if (!work.Take(text.size())) break;
    phrase->FindAll(text, &found);
    take();
  }
  for (const auto& [pattern, regex] : regexes_) {
    regex->FindAll(text, &work, &found);
    take();
  }
  std::vector<TextRange> ranges = merged.Take();
  ranges.resize(std::min<size_t>(ranges.size(), limits.matches_max));
  Highlights highlights;
  highlights.cut = work.exceeded();
  Places places(text);
  for (const TextRange& range : ranges) {
    const size_t begin = places.CharacterAt(range.begin);
    highlights.matches.push_back({range, {begin, places.CharacterAt(range.end)}});
  }
  highlights.snippets = Snippets(text, highlights.matches, limits);
  return highlights;
}

}  // namespace chroma::index
