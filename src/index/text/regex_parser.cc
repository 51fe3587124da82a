#include "index/text/regex_parser.h"

#include <algorithm>

#include "index/text/unicode.h"

namespace chroma::index::regex {
namespace {

constexpr const char* kRepetitionMissing = "repetition operator missing expression";
constexpr const char* kCountUnclosed = "unclosed counted repetition";
constexpr const char* kGroupUnclosed = "unclosed group";

}  // namespace

bool Parser::Bump() {
  if (AtEnd()) return false;
  ++pos_;
  return !AtEnd();
}

bool Parser::BumpIf(const char* prefix) {
  uint32_t end = pos_;
  for (; *prefix != '\0'; ++prefix, ++end) {
    if (end >= chars_.size() || chars_[end] != static_cast<unsigned char>(*prefix)) return false;
  }
  pos_ = end;
  return true;
}

void Parser::SkipSpace() {
  if (!verbose_) return;
  while (!AtEnd()) {
    if (SpaceSet().Contains(Char())) {
      ++pos_;
    } else if (Is('#')) {
      while (!AtEnd() && !Is('\n')) ++pos_;
      if (!AtEnd()) ++pos_;
    } else {
      return;
    }
  }
}

bool Parser::BumpAndSkipSpace() {
  if (!Bump()) return false;
  SkipSpace();
  return !AtEnd();
}

// The character after this one; in verbose mode spaces and comments are passed over. 0 at the
// end. (A comment's text is not passed over, which is how Rust's parser looks ahead.)
uint32_t Parser::PeekPastSpace() const {
  uint32_t next = pos_ + 1;
  if (verbose_) {
    const uint32_t first = next;
    bool comment = false;
    bool found = false;
    for (; next < chars_.size(); ++next) {
      const uint32_t c = chars_[next];
      if (SpaceSet().Contains(c)) continue;
      if (!comment && c == '#') {
        comment = true;
      } else if (comment && c == '\n') {
        comment = false;
      } else {
        found = true;
        break;
      }
    }
    if (!found) next = first;
  }
  return next < chars_.size() ? chars_[next] : 0;
}

bool Parser::Fail(const char* text, Span span, std::optional<Span> other) {
  error_ = Error{text, span, other};
  return false;
}

NodeId Parser::Add(Kind kind, Span span) {
  Node node;
  node.kind = kind;
  node.span = span;
  tree_.nodes.push_back(std::move(node));
  return static_cast<NodeId>(tree_.nodes.size() - 1);
}

// Nothing is kEmpty, one item is itself.
NodeId Parser::FinishSequence(Sequence sequence, Kind many) {
  if (sequence.items.size() == 1) return sequence.items[0];
  const NodeId node = Add(sequence.items.empty() ? Kind::kEmpty : many, sequence.span);
  At(node).children = std::move(sequence.items);
  return node;
}

bool Parser::Run() {
  Sequence sequence;
  for (;;) {
    SkipSpace();
    if (AtEnd()) break;
    if (!ParseNext(&sequence)) return false;
  }
  return PopGroupAtEnd(std::move(sequence)) && CheckNesting(tree_.root, 0);
}

bool Parser::ParseNext(Sequence* sequence) {
  NodeId node = 0;
  switch (Char()) {
    case '(':
      return PushGroup(sequence);
    case ')':
      return PopGroup(sequence);
    case '|':
      PushBranch(sequence);
      return true;
    case '?':
    case '*':
    case '+':
    case '{':
      return ParseRepetition(sequence);
    case '[':
      if (!ParseBrackets(&node)) return false;
      break;
    default:
      if (!ParsePrimitive(&node)) return false;
      break;
  }
  sequence->items.push_back(node);
  return true;
}

void Parser::PushBranch(Sequence* sequence) {
  sequence->span.end = pos_;
  const uint32_t begin = sequence->span.begin;
  const NodeId branch = FinishSequence(std::move(*sequence), Kind::kConcat);
  if (groups_.empty() || !groups_.back().is_alternation) {
    OpenGroup alternation;
    alternation.is_alternation = true;
    alternation.node = Add(Kind::kAlternation, {begin, pos_});
    groups_.push_back(std::move(alternation));
  }
  At(groups_.back().node).children.push_back(branch);
  ++pos_;
  *sequence = Sequence{Here(), {}};
}

bool Parser::PushGroup(Sequence* sequence) {
  NodeId node = 0;
  if (!ParseGroupOpening(&node)) return false;
  const std::optional<bool> verbose = tree_.flags[At(node).extra].verbose;
  if (At(node).kind == Kind::kFlags) {
    verbose_ = verbose.value_or(verbose_);
    sequence->items.push_back(node);
    return true;
  }
  OpenGroup group;
  group.before = std::move(*sequence);
  group.node = node;
  group.verbose = verbose_;
  groups_.push_back(std::move(group));
  verbose_ = verbose.value_or(verbose_);
  *sequence = Sequence{Here(), {}};
  return true;
}

bool Parser::PopGroup(Sequence* sequence) {
  std::optional<NodeId> alternation;
  if (!groups_.empty() && groups_.back().is_alternation) {
    alternation = groups_.back().node;
    groups_.pop_back();
  }
  if (groups_.empty()) return Fail("unopened group", CharSpan());
  OpenGroup group = std::move(groups_.back());
  groups_.pop_back();
  verbose_ = group.verbose;
  sequence->span.end = pos_;
  ++pos_;
  At(group.node).span.end = pos_;
  NodeId inner = FinishSequence(std::move(*sequence), Kind::kConcat);
  if (alternation) {
    At(*alternation).span.end = pos_ - 1;
    At(*alternation).children.push_back(inner);
    inner = *alternation;
  }
  At(group.node).children.push_back(inner);
  *sequence = std::move(group.before);
  sequence->items.push_back(group.node);
  return true;
}

bool Parser::PopGroupAtEnd(Sequence sequence) {
  sequence.span.end = pos_;
  NodeId root = FinishSequence(std::move(sequence), Kind::kConcat);
  if (!groups_.empty() && groups_.back().is_alternation) {
    const NodeId alternation = groups_.back().node;
    At(alternation).span.end = pos_;
    At(alternation).children.push_back(root);
    root = alternation;
    groups_.pop_back();
  }
  if (!groups_.empty()) return Fail(kGroupUnclosed, At(groups_.back().node).span);
  tree_.root = root;
  return true;
}

bool Parser::ParseGroupOpening(NodeId* node) {
  const uint32_t open = pos_++;
  SkipSpace();
  if (BumpIf("?=") || BumpIf("?!") || BumpIf("?<=") || BumpIf("?<!")) {
    return Fail("look-around, including look-ahead and look-behind, is not supported",
                {open, pos_});
  }
  const Span inner = Here();
  if (BumpIf("?P<") || BumpIf("?<")) {
    if (!ParseCaptureName()) return false;
  } else if (BumpIf("?")) {
    return ParseFlagGroup(open, inner, node);
  }
  *node = Add(Kind::kGroup, {open, open + 1});
  At(*node).captures = true;
  At(*node).extra = static_cast<uint32_t>(tree_.flags.size());
  tree_.flags.emplace_back();
  return true;
}

// Behind "(?": flags, then ')' or ':'.
bool Parser::ParseFlagGroup(uint32_t open, Span inner, NodeId* node) {
  if (AtEnd()) return Fail(kGroupUnclosed, {open, open + 1});
  Flags flags;
  bool any = false;
  if (!ParseFlags(&flags, &any)) return false;
  const bool set = Is(')');
  ++pos_;
  if (set && !any) return Fail(kRepetitionMissing, inner);
  *node = Add(set ? Kind::kFlags : Kind::kGroup, {open, set ? pos_ : open + 1});
  At(*node).extra = static_cast<uint32_t>(tree_.flags.size());
  tree_.flags.push_back(flags);
  return true;
}

bool Parser::ParseCaptureName() {
  const uint32_t start = pos_;
  while (!AtEnd() && !Is('>')) {
    const uint32_t c = Char();
    const bool valid =
        c == '_' ||
        (pos_ == start ? IsAlphabetic(c) : c == '.' || c == '[' || c == ']' || IsAlphanumeric(c));
    if (!valid) return Fail("invalid capture group character", CharSpan());
    ++pos_;
  }
  if (AtEnd()) return Fail("unclosed capture group name", Here());
  const Span span = {start, pos_};
  ++pos_;
  if (span.begin == span.end) return Fail("empty capture group name", span);
  std::vector<uint32_t> name(chars_.begin() + span.begin, chars_.begin() + span.end);
  // Sorted by name, so that a pattern of nothing but groups costs no quadratic search.
  const auto place = std::lower_bound(
      capture_names_.begin(), capture_names_.end(), name,
      [](const auto& entry, const std::vector<uint32_t>& wanted) { return entry.first < wanted; });
  if (place != capture_names_.end() && place->first == name) {
    return Fail("duplicate capture group name", span, place->second);
  }
  capture_names_.insert(place, {std::move(name), span});
  return true;
}

bool Parser::ParseFlags(Flags* flags, bool* any) {
  std::optional<Span> negation;
  std::vector<std::pair<uint32_t, Span>> seen;
  bool last_was_negation = false;
  while (!Is(':') && !Is(')')) {
    const uint32_t c = Char();
    for (const auto& [flag, span] : seen) {
      if (flag != c) continue;
      return Fail(c == '-' ? "flag negation operator repeated" : "duplicate flag", CharSpan(),
                  span);
    }
    last_was_negation = c == '-';
    if (last_was_negation) {
      negation = CharSpan();
    } else {
      std::optional<bool>* flag = c == 'i'   ? &flags->ignore_case
                                  : c == 'm' ? &flags->multi_line
                                  : c == 's' ? &flags->dot_all
                                  : c == 'U' ? &flags->swap_greed
                                  : c == 'u' ? &flags->unicode
                                  : c == 'R' ? &flags->crlf
                                  : c == 'x' ? &flags->verbose
                                             : nullptr;
      if (flag == nullptr) return Fail("unrecognized flag", CharSpan());
      *flag = !negation.has_value();
    }
    seen.push_back({c, CharSpan()});
    *any = true;
    if (!Bump()) return Fail("expected flag but got end of regex", Here());
  }
  if (last_was_negation) return Fail("dangling flag negation operator", *negation);
  return true;
}

bool Parser::ParseRepetition(Sequence* sequence) {
  if (sequence->items.empty()) return Fail(kRepetitionMissing, Here());
  if (At(sequence->items.back()).kind == Kind::kFlags) return Fail(kRepetitionMissing, Here());
  const uint32_t start = pos_;
  if (!Is('{')) {
    const uint32_t min = Is('+') ? 1 : 0;
    const uint32_t max = Is('?') ? 1 : kUnlimited;
    if (Bump() && Is('?')) ++pos_;
    return Repeat(sequence, min, max);
  }
  uint32_t min = 0;
  uint32_t max = 0;
  if (!ParseCounts(start, &min, &max)) return false;
  if (BumpAndSkipSpace() && Is('?')) ++pos_;
  if (min > max) {
    return Fail("invalid repetition count range, the start must be <= the end", {start, pos_});
  }
  return Repeat(sequence, min, max);
}

// From '{' up to, not past, '}'.
bool Parser::ParseCounts(uint32_t start, uint32_t* min, uint32_t* max) {
  if (!BumpAndSkipSpace()) return Fail(kCountUnclosed, {start, pos_});
  std::optional<Error> min_error;
  ParseDecimal(min, &min_error);
  if (AtEnd()) return Fail(kCountUnclosed, {start, pos_});
  *max = *min;
  if (Is(',')) {
    if (!BumpAndSkipSpace()) return Fail(kCountUnclosed, {start, pos_});
    *max = kUnlimited;
    if (!Is('}') && !min_error) {
      std::optional<Error> max_error;
      if (!ParseDecimal(max, &max_error)) {
        error_ = std::move(max_error);
        return false;
      }
    }
  }
  if (min_error) {
    error_ = std::move(min_error);
    return false;
  }
  if (!Is('}')) return Fail(kCountUnclosed, {start, pos_});
  return true;
}

bool Parser::ParseDecimal(uint32_t* number, std::optional<Error>* error) {
  while (!AtEnd() && SpaceSet().Contains(Char())) ++pos_;
  const uint32_t start = pos_;
  uint64_t value = 0;
  bool any = false;
  while (!AtEnd() && Char() >= '0' && Char() <= '9') {
    value = std::min<uint64_t>(value * 10 + (Char() - '0'), uint64_t{1} << 40);
    any = true;
    BumpAndSkipSpace();
  }
  const Span span = {start, pos_};
  while (!AtEnd() && SpaceSet().Contains(Char())) BumpAndSkipSpace();
  if (!any) {
    *error = Error{"repetition quantifier expects a valid decimal", span, std::nullopt};
  } else if (value > UINT32_MAX) {
    *error = Error{"decimal literal invalid", span, std::nullopt};
  } else {
    *number = static_cast<uint32_t>(value);
    return true;
  }
  return false;
}

bool Parser::Repeat(Sequence* sequence, uint32_t min, uint32_t max) {
  const NodeId child = sequence->items.back();
  const NodeId node = Add(Kind::kRepetition, {At(child).span.begin, pos_});
  At(node).children = {child};
  At(node).min = min;
  At(node).max = max;
  sequence->items.back() = node;
  return true;
}

bool Parser::ParsePrimitive(NodeId* node) {
  if (Is('\\')) return ParseEscape(node);
  const Kind kind = Is('.') ? Kind::kDot : Is('^') || Is('$') ? Kind::kAssertion : Kind::kLiteral;
  *node = Add(kind, CharSpan());
  At(*node).c = Char();
  At(*node).assertion = Is('^') ? Assertion::kStartLine : Assertion::kEndLine;
  ++pos_;
  return true;
}

bool Parser::CheckNesting(NodeId node, uint32_t depth) {
  switch (At(node).kind) {
    case Kind::kEmpty:
    case Kind::kFlags:
    case Kind::kLiteral:
    case Kind::kDot:
    case Kind::kAssertion:
    case Kind::kPerl:
    case Kind::kProperty:
    case Kind::kRange:
    case Kind::kPosix:
      return true;
    default:
      break;
  }
  if (++depth > kNestMax) {
    error_ = Error{"exceed the maximum number of nested parentheses/brackets (" +
                       std::to_string(kNestMax) + ")",
                   At(node).span, std::nullopt};
    return false;
  }
  for (NodeId child : At(node).children) {
    if (!CheckNesting(child, depth)) return false;
  }
  return true;
}

std::optional<Error> Parse(const std::vector<uint32_t>& chars, Tree* tree) {
  Parser parser(chars, tree);
  if (parser.Run()) return std::nullopt;
  return parser.error();
}

}  // namespace chroma::index::regex
