#include "index/text/text_query.h"

#include <algorithm>
#include <utility>

#include "index/text/contains.h"
#include "index/text/text_terms.h"

namespace chroma::index {
namespace {

bool HasWord(std::string_view text, std::string_view word, bool is_prefix) {
  RunCutter cutter(text);
  for (TextRun run; cutter.Next(&run);) {
    if (run.kind == RunKind::kWord && (is_prefix ? run.bytes.starts_with(word) : run.bytes == word))
      return true;
  }
  return false;
}

}  // namespace

TextQuery TextQuery::Substring(std::string text) {
  TextQuery query;
  if (text.empty()) return query;
  query.kind = Kind::kSubstring;
  query.substring = std::move(text);
  return query;
}

TextQuery TextQuery::Word(std::string word) {
  TextQuery query = Substring(std::move(word));
  query.kind = Kind::kWord;
  return query;
}

TextQuery TextQuery::WordPrefix(std::string beginning) {
  TextQuery query = Substring(std::move(beginning));
  query.kind = Kind::kWordPrefix;
  return query;
}

TextQuery TextQuery::And(TextQuery a, TextQuery b) {
  if (a.IsAll()) return b;
  if (b.IsAll()) return a;
  TextQuery query;
  query.kind = Kind::kAnd;
  for (TextQuery* part : {&a, &b}) {
    if (part->kind == Kind::kAnd) {
      for (TextQuery& child : part->children) query.children.push_back(std::move(child));
    } else {
      query.children.push_back(std::move(*part));
    }
  }
  return query;
}

TextQuery TextQuery::Or(std::vector<TextQuery> any) {
  if (any.empty() || std::any_of(any.begin(), any.end(), [](const auto& q) { return q.IsAll(); })) {
    return All();
  }
  if (any.size() == 1) return std::move(any[0]);
  TextQuery query;
  query.kind = Kind::kOr;
  query.children = std::move(any);
  return query;
}

TextQuery TextQuery::AnyOf(const std::vector<std::string>& substrings) {
  // One that contains another says nothing more.
  std::vector<std::string> shortest_first = substrings;
  std::sort(shortest_first.begin(), shortest_first.end(),
            [](const std::string& a, const std::string& b) {
              return a.size() != b.size() ? a.size() < b.size() : a < b;
            });
  std::vector<TextQuery> any;
  for (std::string& text : shortest_first) {
    const bool implied = std::any_of(any.begin(), any.end(), [&](const TextQuery& before) {
      return Contains(text, before.substring);
    });
    if (!implied) any.push_back(Substring(std::move(text)));
  }
  return Or(std::move(any));
}

bool TextQuery::ReadsAllTerms() const {
  constexpr size_t kGramBytes = 3;
  if (kind == Kind::kSubstring) {
    TextRun first;
    return RunCutter(substring).Next(&first) && first.bytes.size() < kGramBytes;
  }
  return std::any_of(children.begin(), children.end(),
                     [](const TextQuery& child) { return child.ReadsAllTerms(); });
}

size_t TextQuery::Size() const {
  size_t size = IsLeaf() && !IsAll() ? 1 : 0;
  for (const TextQuery& child : children) size += child.Size();
  return size;
}

bool TextQuery::IsSatisfiedBy(std::string_view text) const {
  const auto satisfied = [&](const TextQuery& child) { return child.IsSatisfiedBy(text); };
  switch (kind) {
    case Kind::kAll:
      return true;
    case Kind::kSubstring:
      return Contains(text, substring);
    case Kind::kWord:
    case Kind::kWordPrefix:
      return HasWord(text, substring, kind == Kind::kWordPrefix);
    case Kind::kAnd:
      return std::all_of(children.begin(), children.end(), satisfied);
    case Kind::kOr:
      break;
  }
  return std::any_of(children.begin(), children.end(), satisfied);
}

std::string TextQuery::ToString() const {
  if (kind == Kind::kAll) return "*";
  if (kind == Kind::kWord) return "<" + substring + ">";
  if (kind == Kind::kWordPrefix) return "<" + substring;
  if (kind == Kind::kSubstring) return substring;
  std::string text = "(";
  for (size_t i = 0; i < children.size(); ++i) {
    if (i > 0) text += kind == Kind::kAnd ? " & " : " | ";
    text += children[i].ToString();
  }
  return text + ")";
}

}  // namespace chroma::index
