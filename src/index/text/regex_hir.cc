#include "index/text/regex_hir.h"

#include <algorithm>
#include <map>
#include <utility>

#include "index/text/unicode.h"

namespace chroma::index::regex {
namespace {

constexpr const char* kInvalidUtf8 = "pattern can match invalid UTF-8";
constexpr const char* kUnicodeNotAllowed = "Unicode not allowed here";
constexpr uint32_t kByteMax = 0xFF;

// Flags in force; `verbose` concerns only the parser.
struct Mode {
  bool ignore_case = false;
  bool multi_line = false;
  bool dot_all = false;
  bool unicode = true;
  bool crlf = false;

  void Apply(const Flags& flags) {
    ignore_case = flags.ignore_case.value_or(ignore_case);
    multi_line = flags.multi_line.value_or(multi_line);
    dot_all = flags.dot_all.value_or(dot_all);
    unicode = flags.unicode.value_or(unicode);
    crlf = flags.crlf.value_or(crlf);
  }
};

CharSet PosixSet(const std::string& name) {
  static const std::map<std::string, CharSet, std::less<>> kSets = {
      {"alnum", CharSet({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}})},
      {"alpha", CharSet({{'A', 'Z'}, {'a', 'z'}})},
      {"ascii", CharSet({{0, 0x7F}})},
      {"blank", CharSet({{'\t', '\t'}, {' ', ' '}})},
      {"cntrl", CharSet({{0, 0x1F}, {0x7F, 0x7F}})},
      {"digit", CharSet({{'0', '9'}})},
      {"graph", CharSet({{'!', '~'}})},
      {"lower", CharSet({{'a', 'z'}})},
      {"print", CharSet({{' ', '~'}})},
      {"punct", CharSet({{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}})},
      {"space", CharSet({{'\t', '\r'}, {' ', ' '}})},
      {"upper", CharSet({{'A', 'Z'}})},
      {"word", CharSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}})},
      {"xdigit", CharSet({{'0', '9'}, {'A', 'F'}, {'a', 'f'}})},
  };
  return kSets.find(name)->second;
}

void FoldAscii(CharSet* set) {
  std::vector<CharRange> variants;
  for (uint32_t c = 'A'; c <= 'Z'; ++c) {
    if (set->Contains(c) || set->Contains(c | 0x20)) {
      variants.push_back({c, c});
      variants.push_back({c | 0x20, c | 0x20});
    }
  }
  set->Union(CharSet(std::move(variants)));
}

// Recursion is bounded by kNestMax. Each function that fails has set error_ and returns false.
class Translator {
 public:
  Translator(const Tree& tree, Hir* hir) : tree_(tree), hir_(*hir) {}

  std::optional<Error> Run() {
    uint32_t root = 0;
    if (Expression(tree_.root, &root)) hir_.root = root;
    return std::move(error_);
  }

 private:
  bool Fail(const char* text, Span span) {
    error_ = Error{text, span, std::nullopt};
    return false;
  }

  uint32_t Add(HirNode node) {
    hir_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(hir_.nodes.size() - 1);
  }
  uint32_t AddEmpty() { return Add(HirNode()); }

  uint32_t AddChar(uint32_t c) {
    HirNode node;
    node.kind = HirNode::Kind::kChar;
    node.value = c;
    node.zero_width = false;
    return Add(std::move(node));
  }

  uint32_t AddSet(CharSet set) {
    if (set.IsSingle()) return AddChar(set.ranges()[0].first);
    HirNode node;
    node.kind = HirNode::Kind::kSet;
    node.zero_width = false;
    node.bytes = !mode_.unicode || set.empty();
    node.value = static_cast<uint32_t>(hir_.sets.size());
    ranges_ += set.ranges().size();
    if (ranges_ > kRangesMax) {
      hir_.too_large = true;
      set = CharSet();
    }
    hir_.sets.push_back(std::move(set));
    return Add(std::move(node));
  }

  bool Expression(NodeId id, uint32_t* out) {
    const Node& node = tree_.nodes[id];
    switch (node.kind) {
      case Kind::kFlags:
        mode_.Apply(tree_.flags[node.extra]);
        *out = AddEmpty();
        return true;
      case Kind::kLiteral:
        return Literal(node, out);
      case Kind::kDot:
        return Dot(node, out);
      case Kind::kAssertion:
        *out = AddLook(node.assertion);
        return true;
      case Kind::kPerl:
        return Perl(node, out);
      case Kind::kProperty:
      case Kind::kBracketed: {
        CharSet set;
        if (!Set(id, &set)) return false;
        *out = AddSet(std::move(set));
        return true;
      }
      case Kind::kRepetition:
        return Repetition(node, out);
      case Kind::kGroup: {
        const Mode before = mode_;
        mode_.Apply(tree_.flags[node.extra]);
        const bool ok = Expression(node.children[0], out);
        mode_ = before;
        if (ok && node.captures) *out = Opaque(*out);
        return ok;
      }
      case Kind::kAlternation:
      case Kind::kConcat:
        return Many(node, out);
      default:
        *out = AddEmpty();
        return true;
    }
  }

  bool Literal(const Node& node, uint32_t* out) {
    if (!mode_.unicode && node.byte && node.c > 0x7F) return Fail(kInvalidUtf8, node.span);
    const bool folds = mode_.ignore_case && (mode_.unicode ? HasCaseVariants(node.c)
                                                           : PosixSet("alpha").Contains(node.c));
    if (!folds) {
      *out = AddChar(node.c);
      return true;
    }
    CharSet set({{node.c, node.c}});
    Fold(&set);
    *out = AddSet(std::move(set));
    return true;
  }

  bool Dot(const Node& node, uint32_t* out) {
    if (!mode_.unicode) return Fail(kInvalidUtf8, node.span);
    const uint32_t kind = mode_.dot_all ? 0 : mode_.crlf ? 1 : 2;
    *out = Cached({'.', kind}, [&] {
      CharSet set;
      if (kind != 0) set.Add('\n', '\n');
      if (kind == 1) set.Add('\r', '\r');
      set.Negate();
      return set;
    });
    return true;
  }

  bool Perl(const Node& node, uint32_t* out) {
    CharSet set;
    if (!mode_.unicode) {
      if (!PerlSet(node, &set)) return false;
      *out = AddSet(std::move(set));
      return true;
    }
    *out = Cached({node.c, node.negated}, [&] {
      PerlSet(node, &set);
      return set;
    });
    return true;
  }

  // One copy of the large sets that patterns repeat.
  template <typename Make>
  uint32_t Cached(std::pair<uint32_t, uint32_t> key, Make make) {
    const auto found = cache_.find(key);
    if (found != cache_.end()) return Add(hir_.nodes[found->second]);
    const uint32_t node = AddSet(make());
    cache_.emplace(key, node);
    return node;
  }

  uint32_t AddLook(Assertion assertion) {
    HirNode node;
    node.kind = HirNode::Kind::kLook;
    node.ascii_word = !mode_.unicode;
    switch (assertion) {
      case Assertion::kStartLine:
        node.look = !mode_.multi_line ? Look::kStart
                    : mode_.crlf      ? Look::kStartLineCrlf
                                      : Look::kStartLine;
        break;
      case Assertion::kEndLine:
        node.look = !mode_.multi_line ? Look::kEnd
                    : mode_.crlf      ? Look::kEndLineCrlf
                                      : Look::kEndLine;
        break;
      case Assertion::kStartText:
        node.look = Look::kStart;
        break;
      case Assertion::kEndText:
        node.look = Look::kEnd;
        break;
      case Assertion::kWordBoundary:
        node.look = Look::kWordBoundary;
        break;
      case Assertion::kNotWordBoundary:
        node.look = Look::kNotWordBoundary;
        break;
      case Assertion::kWordStart:
        node.look = Look::kWordStart;
        break;
      case Assertion::kWordEnd:
        node.look = Look::kWordEnd;
        break;
      case Assertion::kWordStartHalf:
        node.look = Look::kWordStartHalf;
        break;
      case Assertion::kWordEndHalf:
        node.look = Look::kWordEndHalf;
        break;
    }
    return Add(std::move(node));
  }

  bool Repetition(const Node& node, uint32_t* out) {
    uint32_t child = 0;
    if (!Expression(node.children[0], &child)) return false;
    // Of something that is always empty, one copy says as much as many, and none if none need be.
    if (node.max == 0 || (node.min == 0 && hir_.nodes[child].zero_width)) {
      *out = AddEmpty();
      return true;
    }
    if (hir_.nodes[child].zero_width || (node.min == 1 && node.max == 1)) {
      *out = child;
      return true;
    }
    HirNode repeat;
    repeat.kind = HirNode::Kind::kRepeat;
    repeat.min = node.min;
    repeat.max = node.max;
    repeat.zero_width = false;
    repeat.children = {child};
    *out = Add(std::move(repeat));
    return true;
  }

  // What a capturing group encloses does not join an alternation around it.
  uint32_t Opaque(uint32_t child) {
    HirNode group;
    group.kind = HirNode::Kind::kConcat;
    group.zero_width = hir_.nodes[child].zero_width;
    group.children = {child};
    return Add(std::move(group));
  }

  bool Many(const Node& node, uint32_t* out) {
    HirNode many;
    const bool alternation = node.kind == Kind::kAlternation;
    many.kind = alternation ? HirNode::Kind::kAlternate : HirNode::Kind::kConcat;
    for (NodeId id : node.children) {
      uint32_t child = 0;
      if (!Expression(id, &child)) return false;
      if (!alternation && hir_.nodes[child].kind == HirNode::Kind::kEmpty) continue;
      many.zero_width = many.zero_width && hir_.nodes[child].zero_width;
      many.children.push_back(child);
    }
    if (many.children.empty()) {
      *out = AddEmpty();
    } else if (many.children.size() == 1) {
      *out = many.children[0];
    } else if (alternation && (All(many, HirNode::Kind::kSet) || All(many, HirNode::Kind::kChar))) {
      *out = Merge(many);
    } else {
      *out = Add(std::move(many));
    }
    return true;
  }

  bool All(const HirNode& many, HirNode::Kind kind) const {
    return std::all_of(many.children.begin(), many.children.end(),
                       [&](uint32_t child) { return hir_.nodes[child].kind == kind; });
  }

  // Alternatives that are all classes, or all characters, are one class. Where a class of bytes
  // becomes part of it, that no longer matters.
  uint32_t Merge(const HirNode& many) {
    std::vector<CharRange> ranges;
    for (uint32_t child : many.children) {
      const HirNode& node = hir_.nodes[child];
      if (node.kind == HirNode::Kind::kChar) {
        ranges.push_back({node.value, node.value});
        continue;
      }
      const std::vector<CharRange>& more = hir_.sets[node.value].ranges();
      ranges.insert(ranges.end(), more.begin(), more.end());
      if (ranges.size() > kRangesMax) {
        hir_.too_large = true;
        break;
      }
    }
    const uint32_t merged = AddSet(CharSet(std::move(ranges)));
    HirNode& node = hir_.nodes[merged];
    if (node.kind == HirNode::Kind::kSet) node.bytes = hir_.sets[node.value].empty();
    return merged;
  }

  // Character classes. `set` comes empty.
  bool Set(NodeId id, CharSet* set) {
    const Node& node = tree_.nodes[id];
    switch (node.kind) {
      case Kind::kLiteral:
      case Kind::kRange: {
        const bool range = node.kind == Kind::kRange;
        uint32_t first = 0;
        uint32_t last = 0;
        if (!SetBoundary(range ? tree_.nodes[node.children[0]] : node, &first)) return false;
        if (!SetBoundary(range ? tree_.nodes[node.children[1]] : node, &last)) return false;
        *set = CharSet({{first, last}});
        return true;
      }
      case Kind::kPosix:
        *set = PosixSet(tree_.names[node.extra].first);
        return FoldAndNegate(node, set);
      case Kind::kPerl:
        return PerlSet(node, set);
      case Kind::kProperty:
        return PropertySet(node, set);
      case Kind::kBracketed:
        return Set(node.children[0], set) && FoldAndNegate(node, set);
      case Kind::kUnion:
        return UnionSet(node, set);
      case Kind::kSetAnd:
      case Kind::kSetMinus:
      case Kind::kSetXor:
        return OperationSet(node, set);
      default:
        return true;
    }
  }

  bool SetBoundary(const Node& literal, uint32_t* c) {
    *c = literal.c;
    if (mode_.unicode || literal.c <= 0x7F) return true;
    return Fail(literal.byte ? kInvalidUtf8 : kUnicodeNotAllowed, literal.span);
  }

  bool UnionSet(const Node& node, CharSet* set) {
    std::vector<CharRange> ranges;
    for (NodeId child : node.children) {
      CharSet part;
      if (!Set(child, &part)) return false;
      ranges.insert(ranges.end(), part.ranges().begin(), part.ranges().end());
      // Keeps a long list of large classes from piling up.
      if (ranges.size() > kRangesMax) {
        *set = CharSet(std::move(ranges));
        ranges = set->ranges();
      }
    }
    *set = CharSet(std::move(ranges));
    return true;
  }

  bool OperationSet(const Node& node, CharSet* set) {
    CharSet right;
    if (!Set(node.children[0], set) || !Set(node.children[1], &right)) return false;
    if (mode_.ignore_case) {
      Fold(&right);
      Fold(set);
    }
    if (node.kind == Kind::kSetAnd) {
      set->Intersect(right);
    } else if (node.kind == Kind::kSetMinus) {
      set->Subtract(right);
    } else {
      CharSet both = *set;
      both.Intersect(right);
      set->Union(right);
      set->Subtract(both);
    }
    return true;
  }

  bool PerlSet(const Node& node, CharSet* set) {
    if (mode_.unicode) {
      *set = node.c == 'd' ? DigitSet() : node.c == 's' ? SpaceSet() : WordSet();
      if (node.negated) set->Negate();
      return true;
    }
    *set = PosixSet(node.c == 'd' ? "digit" : node.c == 's' ? "space" : "word");
    return !node.negated || Fail(kInvalidUtf8, node.span);
  }

  bool PropertySet(const Node& node, CharSet* set) {
    if (!mode_.unicode) return Fail(kUnicodeNotAllowed, node.span);
    const auto& [name, value] = tree_.names[node.extra];
    const PropertyError error =
        node.has_value ? FindPropertyValue(name, value, set) : FindProperty(name, set);
    if (error == PropertyError::kNameNotFound) {
      return Fail("Unicode property not found", node.span);
    }
    if (error == PropertyError::kValueNotFound) {
      return Fail("Unicode property value not found", node.span);
    }
    return FoldAndNegate(node, set);
  }

  void Fold(CharSet* set) const {
    if (mode_.unicode) {
      FoldCase(set);
    } else {
      FoldAscii(set);
    }
  }

  bool FoldAndNegate(const Node& node, CharSet* set) {
    if (mode_.ignore_case) Fold(set);
    if (node.negated) set->Negate(mode_.unicode ? kScalarMax : kByteMax);
    return mode_.unicode || set->IsAscii() || Fail(kInvalidUtf8, node.span);
  }

  const Tree& tree_;
  Hir& hir_;
  Mode mode_;
  size_t ranges_ = 0;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> cache_;
  std::optional<Error> error_;
};

}  // namespace

std::optional<Error> Translate(const Tree& tree, Hir* hir) {
  return Translator(tree, hir).Run();
}

bool HasByteClass(const Hir& hir) {
  std::vector<uint32_t> pending = {hir.root};
  while (!pending.empty()) {
    const HirNode& node = hir.nodes[pending.back()];
    pending.pop_back();
    if (node.kind == HirNode::Kind::kSet && node.bytes) return true;
    pending.insert(pending.end(), node.children.begin(), node.children.end());
  }
  return false;
}

}  // namespace chroma::index::regex
