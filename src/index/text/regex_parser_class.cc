// The part of the parser that reads escapes and bracketed character classes.
#include <algorithm>
#include <string>

#include "index/text/regex_parser.h"
#include "index/text/unicode.h"

namespace chroma::index::regex {
namespace {

constexpr const char* kClassUnclosed = "unclosed character class";
constexpr const char* kEscapeCut = "incomplete escape sequence, reached end of pattern prematurely";

std::optional<uint32_t> HexDigit(uint32_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return std::nullopt;
}

bool IsLetter(uint32_t c) {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

}  // namespace

bool Parser::ParseEscape(NodeId* node) {
  const uint32_t start = pos_;
  if (!Bump()) return Fail(kEscapeCut, {start, pos_});
  const uint32_t c = Char();
  if (c >= '0' && c <= '9') {
    return Fail("backreferences are not supported", {start, pos_ + 1});
  }
  switch (c) {
    case 'x':
    case 'u':
    case 'U':
      return ParseHex(start, node);
    case 'p':
    case 'P':
      return ParseProperty(start, node);
    case 'd':
    case 's':
    case 'w':
    case 'D':
    case 'S':
    case 'W':
      ++pos_;
      *node = Add(Kind::kPerl, {start, pos_});
      At(*node).c = c | 0x20;
      At(*node).negated = c < 'a';
      return true;
    default:
      ++pos_;
      return ParseEscapedChar(start, node);
  }
}

// Behind `\c`.
bool Parser::ParseEscapedChar(uint32_t start, NodeId* node) {
  const uint32_t c = chars_[pos_ - 1];
  const Span span = {start, pos_};
  struct Special {
    char name;
    Assertion assertion;
  };
  static constexpr Special kAssertions[] = {
      {'A', Assertion::kStartText},    {'z', Assertion::kEndText},
      {'b', Assertion::kWordBoundary}, {'B', Assertion::kNotWordBoundary},
      {'<', Assertion::kWordStart},    {'>', Assertion::kWordEnd},
  };
  for (const Special& special : kAssertions) {
    if (c != static_cast<unsigned char>(special.name)) continue;
    *node = Add(Kind::kAssertion, span);
    At(*node).assertion = special.assertion;
    return c != 'b' || !Is('{') || ParseSpecialBoundary(start, *node);
  }
  static constexpr std::pair<char, char> kControls[] = {{'a', '\a'}, {'f', '\f'}, {'t', '\t'},
                                                        {'n', '\n'}, {'r', '\r'}, {'v', '\v'}};
  uint32_t literal = c;
  if (c >= 0x80 || IsLetter(c)) {
    const auto* control = std::find_if(
        std::begin(kControls), std::end(kControls),
        [c](const auto& entry) { return c == static_cast<unsigned char>(entry.first); });
    if (control == std::end(kControls)) return Fail("unrecognized escape sequence", span);
    literal = static_cast<unsigned char>(control->second);
  }
  *node = Add(Kind::kLiteral, span);
  At(*node).c = literal;
  return true;
}

// At the '{' of `\b{`. Leaves the position there when this is a counted repetition of `\b`.
bool Parser::ParseSpecialBoundary(uint32_t start, NodeId node) {
  const uint32_t brace = pos_;
  if (!BumpAndSkipSpace()) {
    return Fail(
        "found either the beginning of a special word boundary or a bounded repetition on a \\b "
        "with an opening brace, but no closing brace",
        {start, pos_});
  }
  const uint32_t begin = pos_;
  std::string name;
  while (!AtEnd() && (IsLetter(Char()) || Is('-'))) {
    name.push_back(static_cast<char>(Char()));
    BumpAndSkipSpace();
  }
  if (begin == pos_) {
    pos_ = brace;
    return true;
  }
  if (!Is('}')) {
    return Fail(
        "special word boundary assertion is either unclosed or contains an invalid character",
        {brace, pos_});
  }
  const uint32_t end = pos_++;
  if (name == "start") {
    At(node).assertion = Assertion::kWordStart;
  } else if (name == "end") {
    At(node).assertion = Assertion::kWordEnd;
  } else if (name == "start-half") {
    At(node).assertion = Assertion::kWordStartHalf;
  } else if (name == "end-half") {
    At(node).assertion = Assertion::kWordEndHalf;
  } else {
    return Fail(
        "unrecognized special word boundary assertion, valid choices are: start, end, start-half "
        "or end-half",
        {begin, end});
  }
  At(node).span.end = pos_;
  return true;
}

bool Parser::ParseHex(uint32_t start, NodeId* node) {
  const uint32_t letter = Char();
  if (!BumpAndSkipSpace()) return Fail(kEscapeCut, Here());
  uint64_t value = 0;
  Span span;
  const bool brace = Is('{');
  if (brace) {
    if (!ParseHexBrace(&value, &span)) return false;
  } else if (!ParseHexDigits(letter == 'x' ? 2 : letter == 'u' ? 4 : 8, &value, &span)) {
    return false;
  }
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return Fail("hexadecimal literal is not a Unicode scalar value", span);
  }
  *node = Add(Kind::kLiteral, {start, pos_});
  At(*node).c = static_cast<uint32_t>(value);
  At(*node).byte = letter == 'x' && !brace && value <= 0xFF;
  return true;
}

bool Parser::ParseHexDigits(size_t digits, uint64_t* value, Span* span) {
  const uint32_t start = pos_;
  for (size_t i = 0; i < digits; ++i) {
    if (i > 0 && !BumpAndSkipSpace()) return Fail(kEscapeCut, Here());
    const std::optional<uint32_t> digit = HexDigit(Char());
    if (!digit) return Fail("invalid hexadecimal digit", CharSpan());
    *value = *value * 16 + *digit;
  }
  BumpAndSkipSpace();
  *span = {start, pos_};
  return true;
}

bool Parser::ParseHexBrace(uint64_t* value, Span* span) {
  const uint32_t brace = pos_;
  bool any = false;
  while (BumpAndSkipSpace() && !Is('}')) {
    const std::optional<uint32_t> digit = HexDigit(Char());
    if (!digit) return Fail("invalid hexadecimal digit", CharSpan());
    *value = std::min<uint64_t>(*value * 16 + *digit, uint64_t{1} << 40);
    any = true;
  }
  if (AtEnd()) return Fail(kEscapeCut, {brace, pos_});
  *span = {brace + 1, pos_};
  BumpAndSkipSpace();
  if (!any) return Fail("hexadecimal literal empty", {brace, pos_});
  return true;
}

bool Parser::ParseProperty(uint32_t start, NodeId* node) {
  const bool negated = Is('P');
  if (!BumpAndSkipSpace()) return Fail(kEscapeCut, Here());
  std::string name;
  if (Is('{')) {
    while (BumpAndSkipSpace() && !Is('}')) AppendUtf8(Char(), &name);
    if (AtEnd()) return Fail(kEscapeCut, Here());
    ++pos_;
  } else {
    if (Is('\\')) return Fail("invalid Unicode character class", CharSpan());
    AppendUtf8(Char(), &name);
    BumpAndSkipSpace();
  }
  *node = Add(Kind::kProperty, {start, pos_});
  At(*node).negated = negated;
  std::string value;
  for (const char* separator : {"!=", ":", "="}) {
    const size_t at = name.find(separator);
    if (at == std::string::npos) continue;
    value = name.substr(at + std::char_traits<char>::length(separator));
    name.resize(at);
    At(*node).has_value = true;
    if (*separator == '!') At(*node).negated = !negated;
    break;
  }
  At(*node).extra = static_cast<uint32_t>(tree_.names.size());
  tree_.names.emplace_back(std::move(name), std::move(value));
  return true;
}

void Parser::Append(Sequence* set, NodeId item) {
  if (set->items.empty()) set->span.begin = At(item).span.begin;
  set->span.end = At(item).span.end;
  set->items.push_back(item);
}

bool Parser::FailUnclosedBracket() {
  for (auto it = sets_.rbegin(); it != sets_.rend(); ++it) {
    if (!it->is_operation) return Fail(kClassUnclosed, At(it->node).span);
  }
  return Fail(kClassUnclosed, Here());
}

bool Parser::ParseBrackets(NodeId* node) {
  Sequence set{Here(), {}};
  for (;;) {
    SkipSpace();
    if (AtEnd()) return FailUnclosedBracket();
    NodeId item = 0;
    if (Is('[')) {
      if (!sets_.empty() && ParsePosix(&item)) {
        Append(&set, item);
      } else if (!PushBracket(&set)) {
        return false;
      }
    } else if (Is(']')) {
      if (!PopBracket(&set, node)) return true;
    } else if (BumpIf("&&")) {
      PushSetOperation(Kind::kSetAnd, &set);
    } else if (BumpIf("--")) {
      PushSetOperation(Kind::kSetMinus, &set);
    } else if (BumpIf("~~")) {
      PushSetOperation(Kind::kSetXor, &set);
    } else {
      if (!ParseSetRange(&item)) return false;
      Append(&set, item);
    }
  }
}

bool Parser::PushBracket(Sequence* set) {
  OpenSet open;
  Sequence inner;
  if (!ParseBracketOpening(&open.node, &inner)) return false;
  open.before = std::move(*set);
  sets_.push_back(std::move(open));
  *set = std::move(inner);
  return true;
}

// '[', perhaps '^', and the characters that are ordinary only here: any number of '-', or a ']'.
bool Parser::ParseBracketOpening(NodeId* node, Sequence* set) {
  const uint32_t start = pos_;
  if (!BumpAndSkipSpace()) return Fail(kClassUnclosed, {start, pos_});
  const bool negated = Is('^');
  if (negated && !BumpAndSkipSpace()) return Fail(kClassUnclosed, {start, pos_});
  *set = Sequence{Here(), {}};
  const auto literal = [&] {
    const NodeId item = Add(Kind::kLiteral, CharSpan());
    At(item).c = Char();
    Append(set, item);
    return BumpAndSkipSpace();
  };
  while (Is('-')) {
    if (!literal()) return Fail(kClassUnclosed, {start, start});
  }
  if (set->items.empty() && Is(']')) {
    if (!literal()) return Fail(kClassUnclosed, {start, pos_});
  }
  *node = Add(Kind::kBracketed, {start, pos_});
  At(*node).negated = negated;
  return true;
}

// False when this was the outermost bracket, which is then in `node`.
bool Parser::PopBracket(Sequence* set, NodeId* node) {
  const NodeId content = PopSetOperation(FinishSequence(std::move(*set), Kind::kUnion));
  OpenSet open = std::move(sets_.back());
  sets_.pop_back();
  ++pos_;
  At(open.node).span.end = pos_;
  At(open.node).children = {content};
  if (sets_.empty()) {
    *node = open.node;
    return false;
  }
  *set = std::move(open.before);
  Append(set, open.node);
  return true;
}

void Parser::PushSetOperation(Kind kind, Sequence* set) {
  OpenSet operation;
  operation.is_operation = true;
  operation.operation = kind;
  operation.node = PopSetOperation(FinishSequence(std::move(*set), Kind::kUnion));
  sets_.push_back(std::move(operation));
  *set = Sequence{Here(), {}};
}

// Set operations have one precedence and associate to the left.
NodeId Parser::PopSetOperation(NodeId right) {
  if (!sets_.back().is_operation) return right;
  const NodeId left = sets_.back().node;
  const NodeId node = Add(sets_.back().operation, {At(left).span.begin, At(right).span.end});
  At(node).children = {left, right};
  sets_.pop_back();
  return node;
}

// [:name:] or [:^name:]; otherwise nothing was read.
bool Parser::ParsePosix(NodeId* node) {
  static constexpr const char* kNames[] = {"alnum", "alpha", "ascii", "blank", "cntrl",
                                           "digit", "graph", "lower", "print", "punct",
                                           "space", "upper", "word",  "xdigit"};
  const uint32_t start = pos_;
  if (!BumpIf("[:")) return false;
  const bool negated = BumpIf("^");
  std::string name;
  while (!AtEnd() && !Is(':')) {
    AppendUtf8(Char(), &name);
    ++pos_;
  }
  const bool known = std::any_of(std::begin(kNames), std::end(kNames),
                                 [&](const char* candidate) { return name == candidate; });
  if (!BumpIf(":]") || !known) {
    pos_ = start;
    return false;
  }
  *node = Add(Kind::kPosix, {start, pos_});
  At(*node).negated = negated;
  At(*node).extra = static_cast<uint32_t>(tree_.names.size());
  tree_.names.emplace_back(std::move(name), "");
  return true;
}

bool Parser::ParseSetRange(NodeId* node) {
  NodeId first = 0;
  if (!ParseSetItem(&first)) return false;
  SkipSpace();
  if (AtEnd()) return FailUnclosedBracket();
  if (!Is('-') || PeekPastSpace() == ']' || PeekPastSpace() == '-') {
    if (At(first).kind == Kind::kAssertion) {
      return Fail("invalid escape sequence found in character class", At(first).span);
    }
    *node = first;
    return true;
  }
  if (!BumpAndSkipSpace()) return FailUnclosedBracket();
  NodeId last = 0;
  if (!ParseSetItem(&last)) return false;
  for (NodeId end : {first, last}) {
    if (At(end).kind != Kind::kLiteral) {
      return Fail("invalid range boundary, must be a literal", At(end).span);
    }
  }
  const Span span = {At(first).span.begin, At(last).span.end};
  if (At(first).c > At(last).c) {
    return Fail("invalid character class range, the start must be <= the end", span);
  }
  *node = Add(Kind::kRange, span);
  At(*node).children = {first, last};
  return true;
}

bool Parser::ParseSetItem(NodeId* node) {
  if (Is('\\')) return ParseEscape(node);
  *node = Add(Kind::kLiteral, CharSpan());
  At(*node).c = Char();
  ++pos_;
  return true;
}

}  // namespace chroma::index::regex
