#include "index/text/regex_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/text/unicode.h"

namespace chroma::index::regex {
namespace {

using Strings = std::vector<std::string>;  // sorted, unique

constexpr size_t kStringsMax = 32;
// Members of a class that is taken as its characters.
constexpr uint32_t kSetCharsMax = 16;
// A longer string finds no fewer rows that matter.
constexpr size_t kStringBytesMax = 64;
// What is left of strings that became too many.
constexpr size_t kCutCharacters = 3;
// Shorter strings are in nearly every text.
constexpr size_t kUsefulBytes = 3;
constexpr size_t kQuerySizeMax = 512;
constexpr uint32_t kCopiesMax = 16;
constexpr uint32_t kNodesMax = 100'000;

// What is known of the matches of one part.
struct Info {
  std::optional<Strings> exact;  // all of them; then the rest is not used
  Strings prefixes{""};          // each match begins with one of these
  Strings suffixes{""};          // and ends with one of these
  TextQuery contained;           // and contains this

  static Info Anything() { return Info(); }
  static Info Exactly(Strings strings) {
    Info info;
    info.exact = std::move(strings);
    return info;
  }
};

void Normalize(Strings* strings) {
  std::sort(strings->begin(), strings->end());
  strings->erase(std::unique(strings->begin(), strings->end()), strings->end());
}

size_t LongestBytes(const Strings& strings) {
  size_t longest = 0;
  for (const std::string& text : strings) longest = std::max(longest, text.size());
  return longest;
}

// None when there would be too many.
std::optional<Strings> Cross(const Strings& a, const Strings& b) {
  if (a.size() * b.size() > kStringsMax || LongestBytes(a) + LongestBytes(b) > kStringBytesMax) {
    return std::nullopt;
  }
  Strings all;
  for (const std::string& first : a) {
    for (const std::string& second : b) all.push_back(first + second);
  }
  Normalize(&all);
  return all;
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string FirstCharacters(const std::string& text, size_t n) {
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && n-- == 0) break;
  }
  return text.substr(0, end);
}

std::string LastCharacters(const std::string& text, size_t n) {
  size_t begin = text.size();
  while (begin > 0 && n > 0) {
    --begin;
    if (!IsContinuation(text[begin])) --n;
  }
  return text.substr(begin);
}

// Leaves so few, and so little of each, that they can be continued.
template <typename Cut>
void CutDown(Strings* strings, Cut cut) {
  for (size_t n = kCutCharacters;; --n) {
    for (std::string& text : *strings) text = cut(text, n);
    Normalize(strings);
    if (strings->size() <= kStringsMax / 2 || n == 0) return;
  }
}

// That one of the strings is contained, where that says anything.
TextQuery OneOf(const Strings& strings) {
  for (const std::string& text : strings) {
    if (text.size() < kUsefulBytes) return TextQuery::All();
  }
  return TextQuery::AnyOf(strings);
}

// The query of parts that are no longer exact.
void Relax(Info* info) {
  if (!info->exact) return;
  info->contained = OneOf(*info->exact);
  info->prefixes = *info->exact;
  info->suffixes = *std::move(info->exact);
  info->exact.reset();
  CutDown(&info->prefixes, FirstCharacters);
  CutDown(&info->suffixes, LastCharacters);
}

Strings Union(const Strings& a, const Strings& b) {
  Strings all = a;
  all.insert(all.end(), b.begin(), b.end());
  Normalize(&all);
  return all;
}

Info Concat(const Info& a, const Info& b) {
  if (a.exact && b.exact) {
    if (auto both = Cross(*a.exact, *b.exact)) return Info::Exactly(*std::move(both));
  }
  // What the one ends with and the other begins with lies together in every match.
  Info info;
  const Strings& a_ends = a.exact ? *a.exact : a.suffixes;
  const Strings& b_begins = b.exact ? *b.exact : b.prefixes;
  const std::optional<Strings> seam = Cross(a_ends, b_begins);
  if (a.exact && seam) {
    info.prefixes = *seam;
  } else {
    info.prefixes = a.exact ? *a.exact : a.prefixes;
    if (a.exact) CutDown(&info.prefixes, FirstCharacters);
  }
  if (b.exact && seam) {
    info.suffixes = *seam;
  } else {
    info.suffixes = b.exact ? *b.exact : b.suffixes;
    if (b.exact) CutDown(&info.suffixes, LastCharacters);
  }
  const bool seam_is_kept = seam && (a.exact || b.exact);
  info.contained = TextQuery::And(a.contained, b.contained);
  if (!seam) {
    info.contained = TextQuery::And(std::move(info.contained), OneOf(a_ends));
    info.contained = TextQuery::And(std::move(info.contained), OneOf(b_begins));
  } else if (!seam_is_kept) {
    info.contained = TextQuery::And(std::move(info.contained), OneOf(*seam));
  }
  return info;
}

// Everything that is known of an inexact part, in its query.
TextQuery Fold(const Info& info) {
  if (info.exact) return TextQuery::AnyOf(*info.exact);
  return TextQuery::And(TextQuery::And(OneOf(info.prefixes), OneOf(info.suffixes)), info.contained);
}

Info Alternate(std::vector<Info> branches) {
  Strings all;
  bool exact = true;
  for (const Info& branch : branches) exact = exact && branch.exact.has_value();
  if (exact) {
    for (const Info& branch : branches) {
      all = Union(all, *branch.exact);
      if (all.size() > kStringsMax) break;
    }
    if (all.size() <= kStringsMax) return Info::Exactly(std::move(all));
  }
  Info info;
  info.prefixes.clear();
  info.suffixes.clear();
  std::vector<TextQuery> queries;
  for (Info& branch : branches) {
    queries.push_back(Fold(branch));
    Relax(&branch);
    info.prefixes = Union(info.prefixes, branch.prefixes);
    info.suffixes = Union(info.suffixes, branch.suffixes);
    if (info.prefixes.size() > kStringsMax) CutDown(&info.prefixes, FirstCharacters);
    if (info.suffixes.size() > kStringsMax) CutDown(&info.suffixes, LastCharacters);
  }
  info.contained = TextQuery::Or(std::move(queries));
  if (info.contained.Size() > kQuerySizeMax) info.contained = TextQuery::All();
  return info;
}

// Recursion is bounded by the nesting of patterns.
class Deriver {
 public:
  explicit Deriver(const Hir& hir) : hir_(hir) {}

  Info Derive(uint32_t id) {
    const HirNode& node = hir_.nodes[id];
    if (++visited_ > kNodesMax) return Info::Anything();
    Info info = DeriveNode(node);
    if (info.contained.Size() > kQuerySizeMax) info.contained = TextQuery::All();
    return info;
  }
  bool any_look() const { return any_look_; }

 private:
  Info DeriveNode(const HirNode& node) {
    switch (node.kind) {
      case HirNode::Kind::kEmpty:
        return Info::Exactly({""});
      case HirNode::Kind::kLook:
        any_look_ = true;
        return Info::Exactly({""});
      case HirNode::Kind::kChar: {
        std::string text;
        AppendUtf8(node.value, &text);
        return Info::Exactly({std::move(text)});
      }
      case HirNode::Kind::kSet:
        return Set(hir_.sets[node.value]);
      case HirNode::Kind::kConcat:
        return ConcatAll(node);
      case HirNode::Kind::kAlternate: {
        std::vector<Info> branches;
        for (const uint32_t child : node.children) branches.push_back(Derive(child));
        return Alternate(std::move(branches));
      }
      case HirNode::Kind::kRepeat:
        break;
    }
    return Repeat(node);
  }

  static Info Set(const CharSet& set) {
    uint64_t characters = 0;
    for (const CharRange& range : set.ranges()) characters += range.last - range.first + 1;
    if (characters == 0 || characters > kSetCharsMax) return Info::Anything();
    Strings strings;
    for (const CharRange& range : set.ranges()) {
      for (uint32_t c = range.first; c <= range.last; ++c) {
        strings.emplace_back();
        AppendUtf8(c, &strings.back());
      }
    }
    Normalize(&strings);
    return Info::Exactly(std::move(strings));
  }

  Info ConcatAll(const HirNode& node) {
    Info info = Info::Exactly({""});
    for (const uint32_t child : node.children) {
      info = Concat(info, Derive(child));
      if (info.contained.Size() > kQuerySizeMax) info.contained = TextQuery::All();
    }
    return info;
  }

  Info Repeat(const HirNode& node) {
    const Info child = Derive(node.children[0]);
    if (node.min == 0) {
      if (node.max != 1) return Info::Anything();
      return Alternate({child, Info::Exactly({""})});
    }
    Info info = child;
    const uint32_t copies = std::min(node.min, kCopiesMax);
    for (uint32_t i = 1; i < copies; ++i) {
      if (!info.exact || !child.exact) break;
      info = Concat(info, child);
    }
    if (node.max == node.min && copies == node.min && info.exact) return info;
    if (node.max == node.min && node.min == 1) return info;
    // More copies may follow, between what the first begins and what the last ends with.
    Relax(&info);
    Info last = child;
    Relax(&last);
    info.suffixes = std::move(last.suffixes);
    return info;
  }

  const Hir& hir_;
  uint32_t visited_ = 0;
  bool any_look_ = false;
};

}  // namespace

RegexQuery DeriveQuery(const Hir& hir) {
  RegexQuery result;
  if (hir.too_large) return result;
  Deriver deriver(hir);
  const Info info = deriver.Derive(hir.root);
  result.query = Fold(info);
  if (result.query.Size() > kQuerySizeMax) result.query = TextQuery::All();
  result.exact = info.exact.has_value() && !deriver.any_look() && !result.query.IsAll();
  return result;
}

}  // namespace chroma::index::regex
