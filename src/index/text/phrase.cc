#include "index/text/phrase.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "index/text/contains.h"
#include "index/text/text_terms.h"
#include "index/text/unicode.h"

namespace chroma::index {

bool WordCutter::Next(TextRange* word) {
  for (;;) {
    const size_t begin = at_;
    if (begin < ideographs_end_) {
      DecodeUtf8(text_, &at_);
      *word = {begin, at_};
      return true;
    }
    RunCutter cutter(text_.substr(begin));
    TextRun run;
    if (!cutter.Next(&run)) return false;
    const size_t end = begin + run.bytes.size();
    if (run.kind == RunKind::kIdeographs) {
      ideographs_end_ = end;
      continue;
    }
    at_ = end;
    if (run.kind == RunKind::kSeparators) continue;
    *word = {begin, end};
    return true;
  }
}

namespace {

std::string_view Slice(std::string_view text, const TextRange& range) {
  return text.substr(range.begin, range.end - range.begin);
}

bool IsIdeograph(const std::string& word) {
  TextRun run;
  return RunCutter(word).Next(&run) && run.kind == RunKind::kIdeographs;
}

}  // namespace

Result<Phrase> Phrase::Parse(std::string_view text, bool ends_with_prefix) {
  Phrase phrase;
  phrase.text_ = std::string(text);
  phrase.ends_with_prefix_ = ends_with_prefix;
  WordCutter cutter(text);
  for (TextRange word; cutter.Next(&word);) {
    if (phrase.words_.size() == kWordsMax) {
      return Status::InvalidArgument("a phrase of more than " + std::to_string(kWordsMax) +
                                     " words");
    }
    phrase.words_.emplace_back(Slice(text, word));
  }
  const std::vector<std::string>& words = phrase.words_;
  if (words.empty()) return Status::InvalidArgument("a phrase without words");
  for (size_t i = 0; i < words.size(); ++i) {
    const bool prefix = ends_with_prefix && i + 1 == words.size();
    TextQuery query = IsIdeograph(words[i]) ? TextQuery::Substring(words[i])
                      : prefix              ? TextQuery::WordPrefix(words[i])
                                            : TextQuery::Word(words[i]);
    phrase.query_ = TextQuery::And(std::move(phrase.query_), std::move(query));
  }
  const auto longest = std::max_element(
      words.begin(), words.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  phrase.longest_ = static_cast<size_t>(longest - words.begin());
  const size_t whole = words.size() - (ends_with_prefix ? 1 : 0);
  phrase.fallback_.assign(whole, 0);
  for (size_t i = 1; i < whole; ++i) {
    size_t matched = phrase.fallback_[i - 1];
    while (matched > 0 && words[matched] != words[i]) matched = phrase.fallback_[matched - 1];
    phrase.fallback_[i] = words[matched] == words[i] ? matched + 1 : 0;
  }
  return phrase;
}

template <typename Visit>
void Phrase::Search(std::string_view text, Visit visit) const {
  const size_t whole = fallback_.size();  // words that are given whole
  size_t matched = 0;
  std::deque<size_t> begins;  // of the last words, as many as there are whole ones
  WordCutter cutter(text);
  for (TextRange word; cutter.Next(&word);) {
    const std::string_view bytes = Slice(text, word);
    if (ends_with_prefix_ && matched == whole && bytes.starts_with(words_.back())) {
      const size_t begin = whole == 0 ? word.begin : begins.front();
      if (!visit(TextRange{begin, word.begin + words_.back().size()})) return;
    }
    if (whole == 0) continue;
    begins.push_back(word.begin);
    if (begins.size() > whole) begins.pop_front();
    if (matched == whole) matched = fallback_[matched - 1];
    while (matched > 0 && words_[matched] != bytes) matched = fallback_[matched - 1];
    if (words_[matched] == bytes) ++matched;
    if (matched == whole && !ends_with_prefix_ && !visit(TextRange{begins.front(), word.end})) {
      return;
    }
  }
}

bool Phrase::Matches(std::string_view text) const {
  if (!Contains(text, longest_word())) return false;
  bool found = false;
  Search(text, [&](const TextRange&) {
    found = true;
    return false;
  });
  return found;
}

void Phrase::FindAll(std::string_view text, std::vector<TextRange>* found) const {
  size_t end = 0;
  Search(text, [&](const TextRange& range) {
    if (range.begin >= end) {
      found->push_back(range);
      end = range.end;
    }
    return found->size() < kFoundMax;
  });
}

}  // namespace chroma::index
