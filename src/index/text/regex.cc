// How a pattern of the Rust dialect is matched.
//
// regex_parser reads it, regex_hir resolves what it means: flags, Unicode classes, case folding
// and class algebra all become explicit sets of characters. What is left (characters, sets,
// concatenation, alternation, repetition, anchors) is written down again as an RE2 pattern. RE2
// has all of it except some assertions, since its \b and \B look at ASCII words only:
//
//   - \A \z, line anchors and the ASCII word boundary mean the same in RE2 for every text;
//   - Unicode \b and \B, and ASCII \B, mean the same as RE2's when the text is ASCII;
//   - the other assertions (word starts, word ends, their halves, CRLF lines) do not exist there.
//
// So there are up to two RE2 programs: `exact`, which decides every text, or every ASCII text; and
// `loose`, in which the assertions that RE2 lacks hold everywhere. No text that `loose` rejects can
// match; what it accepts, the automaton of regex_nfa.h decides exactly. Where repetitions may end
// at so many counts that RE2 would take long to compile them, there is no `exact`, and `loose`
// leaves their bounds out.
#include "index/text/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "index/text/contains.h"
#include "index/text/regex_ast.h"
#include "index/text/regex_hir.h"
#include "index/text/regex_nfa.h"
#include "index/text/regex_query.h"
#include "index/text/unicode.h"

namespace chroma::index {
namespace {

using regex::Hir;
using regex::HirNode;
using regex::kUnlimited;
using regex::Look;

constexpr size_t kRe2PatternBytesMax = 16 << 20;
constexpr size_t kNfaStatesMax = 1 << 20;
// RE2 refuses nested repetitions whose counts multiply to more.
constexpr uint64_t kRe2RepeatMax = 1000;
// Characters and ranges after all repetitions are written out. Rust's limit, 10 MiB of compiled
// form, is reached by `a{327673}` and by `\w{209}` (161,000 here): it rejects all that we do.
constexpr uint64_t kExpandedMax = 350000;
// Places where a part may be left out. RE2 compiles them in quadratic time: 16,000 take a second,
// and `a{5,55555}` took seven.
constexpr uint64_t kRe2OptionalMax = 8192;
// How many pairs of them take as long as a character, which is what a budget is of.
constexpr uint64_t kOptionalPerSize = 1024;
// Memory of one RE2 program and its cache of states: what the budget says is tried first.
constexpr int64_t kRe2BytesUsual = 8 << 20;
constexpr int64_t kRe2BytesMax = 128 << 20;

Status TooLarge() {
  return Status::InvalidArgument(
      "Regex syntax errror: Compiled regex exceeds size limit of 10485760 bytes.");
}

// Whether a repetition may end at several counts, which a superset of its matches may leave open.
bool HasWideBounds(const HirNode& repeat) {
  return repeat.max != kUnlimited && repeat.max > uint64_t{repeat.min} + 1;
}

// A part with its repetitions written out.
struct Expansion {
  uint64_t size = 0;      // characters and ranges
  uint64_t optional = 0;  // places where a part may be left out
  bool nullable = false;  // matches the empty text
};

Expansion Repeat(const Expansion& part, const HirNode& repeat, bool unlimited) {
  const uint64_t copies = unlimited ? std::max(repeat.min, 1u) : repeat.max;
  const uint64_t skips = unlimited ? (repeat.min == 0 ? 1 : 0) : repeat.max - repeat.min;
  Expansion all;
  all.size = std::min((part.size + 1) * copies, kExpandedMax + 1);
  all.optional = std::min(part.optional * copies + skips, kExpandedMax + 1);
  all.nullable = part.nullable || repeat.min == 0;
  return all;
}

// Without `wide_bounds`, repetitions that have them are taken to be unlimited.
Expansion Expand(const Hir& hir, uint32_t id, bool wide_bounds) {
  const HirNode& node = hir.nodes[id];
  const auto child = [&](uint32_t of) { return Expand(hir, of, wide_bounds); };
  Expansion all{1, 0, false};
  switch (node.kind) {
    case HirNode::Kind::kChar:
      break;
    case HirNode::Kind::kSet:
      all.size += hir.sets[node.value].ranges().size();
      break;
    case HirNode::Kind::kEmpty:
    case HirNode::Kind::kLook:
      all.nullable = true;
      break;
    case HirNode::Kind::kRepeat: {
      const bool unlimited = node.max == kUnlimited || (!wide_bounds && HasWideBounds(node));
      return Repeat(child(node.children[0]), node, unlimited);
    }
    case HirNode::Kind::kConcat:
      all.nullable = true;
      for (const uint32_t of : node.children) {
        const Expansion part = child(of);
        all.size += part.size;
        all.optional += part.optional;
        all.nullable = all.nullable && part.nullable;
      }
      break;
    case HirNode::Kind::kAlternate:
      for (const uint32_t of : node.children) {
        const Expansion part = child(of);
        all.size += part.size;
        all.optional += part.optional + (part.nullable ? 1 : 0);
        all.nullable = all.nullable || part.nullable;
      }
      break;
  }
  all.size = std::min(all.size, kExpandedMax + 1);
  return all;
}

bool ExactInRe2(const HirNode& look) {
  switch (look.look) {
    case Look::kStart:
    case Look::kEnd:
    case Look::kStartLine:
    case Look::kEndLine:
      return true;
    case Look::kWordBoundary:
      return look.ascii_word;
    default:
      return false;
  }
}

bool ExactInRe2OnAscii(const HirNode& look) {
  return ExactInRe2(look) || look.look == Look::kWordBoundary ||
         look.look == Look::kNotWordBoundary;
}

// What an RE2 program accepts besides the matches.
enum class Slack : uint8_t {
  kNone,
  kLooks,           // assertions that RE2 lacks hold everywhere
  kLooksAndBounds,  // and wide bounds of repetitions are left out
};

// Writes a Hir as an RE2 pattern.
class Re2Writer {
 public:
  Re2Writer(const Hir& hir, Slack slack) : hir_(hir), slack_(slack) {}

  // False when the pattern would be longer than kRe2PatternBytesMax.
  bool Write(std::string* out) {
    Write(hir_.root, out);
    return !overflow_;
  }

 private:
  // Returns the greatest product of nested repetition counts that was written.
  uint64_t Write(uint32_t id, std::string* out) {
    if (overflow_ || out->size() > kRe2PatternBytesMax) {
      overflow_ = true;
      return 1;
    }
    const HirNode& node = hir_.nodes[id];
    uint64_t product = 1;
    switch (node.kind) {
      case HirNode::Kind::kEmpty:
        *out += "(?:)";
        break;
      case HirNode::Kind::kChar:
        Escape(node.value, out);
        break;
      case HirNode::Kind::kSet:
        WriteSet(hir_.sets[node.value], out);
        break;
      case HirNode::Kind::kLook:
        *out += slack_ != Slack::kNone && !ExactInRe2(node) ? "(?:)" : LookText(node.look);
        break;
      case HirNode::Kind::kConcat:
        for (uint32_t child : node.children) product = std::max(product, Write(child, out));
        break;
      case HirNode::Kind::kAlternate:
        for (size_t i = 0; i < node.children.size(); ++i) {
          *out += i == 0 ? "(?:" : "|";
          product = std::max(product, Write(node.children[i], out));
        }
        *out += ")";
        break;
      case HirNode::Kind::kRepeat:
        return WriteRepeat(node, out);
    }
    return product;
  }

  // Counts that RE2 would refuse are split: x{2500} is x{1000}x{1000}x{500}. The last copy is the
  // one that repeats, lest each of x++++ be written twice as long as the one in it.
  uint64_t WriteRepeat(const HirNode& node, std::string* out) {
    std::string child = "(?:";
    const uint64_t inner = Write(node.children[0], &child);
    child += ")";
    const uint64_t chunk = kRe2RepeatMax / inner;
    uint64_t widest = 1;
    // Copies of the child that must be there (lazy = false) or may be (true).
    const auto copies = [&](uint64_t n, bool optional) {
      while (n > 0 && !overflow_) {
        const uint64_t count = std::min(n, chunk);
        *out += child;
        if (optional || count > 1) {
          *out += "{" + std::to_string(optional ? 0 : count) + "," + std::to_string(count) + "}";
        }
        widest = std::max(widest, count);
        n -= count;
        if (out->size() > kRe2PatternBytesMax) overflow_ = true;
      }
    };
    *out += "(?:";
    if (node.max == kUnlimited || (slack_ == Slack::kLooksAndBounds && HasWideBounds(node))) {
      const uint64_t last = std::min<uint64_t>(node.min, chunk);
      copies(node.min - last, false);
      *out += child + (last == 0 ? "*" : last == 1 ? "+" : "{" + std::to_string(last) + ",}");
      widest = std::max(widest, last);
    } else {
      copies(node.min, false);
      copies(node.max - node.min, true);
    }
    *out += ")";
    return inner * widest;
  }

  static const char* LookText(Look look) {
    switch (look) {
      case Look::kStart:
        return "\\A";
      case Look::kEnd:
        return "\\z";
      case Look::kStartLine:
        return "(?m:^)";
      case Look::kEndLine:
        return "(?m:$)";
      case Look::kWordBoundary:
        return "\\b";
      case Look::kNotWordBoundary:
        return "\\B";
      default:
        return "(?:)";
    }
  }

  static void Escape(uint32_t c, std::string* out) {
    const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (plain) {
      out->push_back(static_cast<char>(c));
      return;
    }
    static constexpr char kDigits[] = "0123456789abcdef";
    *out += "\\x{";
    for (int shift = 20; shift >= 0; shift -= 4) out->push_back(kDigits[c >> shift & 15]);
    out->push_back('}');
  }

  static void WriteSet(const CharSet& set, std::string* out) {
    if (set.empty()) {
      *out += "[^\\x{0}-\\x{10ffff}]";
      return;
    }
    out->push_back('[');
    for (const CharRange& range : set.ranges()) {
      Escape(range.first, out);
      if (range.last == range.first) continue;
      out->push_back('-');
      Escape(range.last, out);
    }
    out->push_back(']');
  }

  const Hir& hir_;
  const Slack slack_;
  bool overflow_ = false;
};

// Null when the program would be too large.
std::unique_ptr<RE2> CompileRe2(const Hir& hir, Slack slack, bool longest, int64_t cache_bytes) {
  std::string pattern;
  if (!Re2Writer(hir, slack).Write(&pattern)) return nullptr;
  int64_t tried = 0;
  for (const int64_t bytes : {cache_bytes, kRe2BytesUsual, kRe2BytesMax}) {
    if (bytes == tried) continue;
    tried = bytes;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_longest_match(longest);
    options.set_max_mem(bytes);
    auto program = std::make_unique<RE2>(pattern, options);
    if (program->ok()) return program;
  }
  return nullptr;
}

bool Search(const RE2& program, std::string_view text) {
  return program.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED,
                       nullptr, 0);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The pattern's only text, when it is plain characters and nothing else.
bool IsLiteral(const Hir& hir, std::string* literal) {
  const HirNode& root = hir.nodes[hir.root];
  const std::vector<uint32_t> alone = {hir.root};
  const bool concat = root.kind == HirNode::Kind::kConcat;
  for (uint32_t id : concat ? root.children : alone) {
    const HirNode& node = hir.nodes[id];
    if (node.kind == HirNode::Kind::kEmpty) continue;
    if (node.kind != HirNode::Kind::kChar) return false;
    AppendUtf8(node.value, literal);
  }
  return true;
}

}  // namespace

struct Regex::Program {
  bool is_literal = false;
  std::string literal;
  bool exact_everywhere = true;  // exact decides every text, not only ASCII
  std::unique_ptr<RE2> exact;    // may be null
  std::unique_ptr<RE2> loose;    // with nfa, unless exact_everywhere
  regex::Nfa nfa;
  regex::RegexQuery query;

  // `longest`: of the matches that begin at one place.
  Status Build(const Hir& hir, bool longest, RegexBudget* budget);
  // The first match that begins at `from` or later.
  bool Find(std::string_view text, size_t from, TextRange* found) const;
  // Whether looking for all matches reads the text once: a literal's next one is looked for where
  // the one before was found.
  bool reads_once() const { return is_literal; }
  // Whether the automaton decides it, which no RE2 program can.
  bool NeedsNfa(std::string_view text) const {
    return exact == nullptr || (!exact_everywhere && !IsAscii(text));
  }
};

Status Regex::Program::Build(const Hir& hir, bool longest, RegexBudget* budget) {
  if (hir.too_large) return TooLarge();
  const Expansion all = Expand(hir, hir.root, true);
  const uint64_t size = all.size;
  uint64_t optional = all.optional;
  if (size > kExpandedMax) return TooLarge();
  const bool bounds_in_re2 = optional <= kRe2OptionalMax;
  if (!bounds_in_re2) optional = Expand(hir, hir.root, false).optional;
  if (optional > kRe2OptionalMax) return TooLarge();
  if (budget != nullptr) CHROMA_TRY(budget->Take(size + optional * optional / kOptionalPerSize));
  const int64_t cache_bytes = budget != nullptr ? budget->CacheBytes(size) : kRe2BytesUsual;
  is_literal = IsLiteral(hir, &literal);
  if (is_literal) {
    query = {TextQuery::Substring(literal), !literal.empty()};
    return Status::Ok();
  }
  literal.clear();
  query = regex::DeriveQuery(hir);
  exact_everywhere = bounds_in_re2;
  bool exact_on_ascii = bounds_in_re2;
  for (const HirNode& node : hir.nodes) {
    if (node.kind != HirNode::Kind::kLook) continue;
    exact_everywhere = exact_everywhere && ExactInRe2(node);
    exact_on_ascii = exact_on_ascii && ExactInRe2OnAscii(node);
  }
  if (exact_on_ascii) {
    exact = CompileRe2(hir, Slack::kNone, longest, cache_bytes);
    if (exact == nullptr) return TooLarge();
  }
  if (!exact_everywhere) {
    const Slack slack = bounds_in_re2 ? Slack::kLooks : Slack::kLooksAndBounds;
    loose = CompileRe2(hir, slack, longest, cache_bytes);
    if (loose == nullptr || !nfa.Build(hir, kNfaStatesMax)) return TooLarge();
  }
  return Status::Ok();
}

Status RegexBudget::Take(uint64_t size) {
  if (size > left_) {
    return Status::InvalidArgument(
        "Invalid where clause: too many large regular expressions; send fewer or smaller ones");
  }
  left_ -= size;
  ++taken_;
  return Status::Ok();
}

Regex::Regex(std::string pattern, std::unique_ptr<Program> program)
    : pattern_(std::move(pattern)), program_(std::move(program)) {}

Regex::~Regex() = default;

Result<std::unique_ptr<Regex>> Regex::Compile(std::string_view pattern, Use use,
                                              RegexBudget* budget) {
  std::vector<uint32_t> chars;
  for (size_t offset = 0; offset < pattern.size();) {
    if (chars.size() >= regex::kPatternCharsMax) return TooLarge();
    chars.push_back(DecodeUtf8(pattern, &offset));
  }
  regex::Tree tree;
  Hir hir;
  std::optional<regex::Error> error = regex::Parse(chars, &tree);
  if (!error) error = regex::Translate(tree, &hir);
  if (error) {
    return Status::InvalidArgument("Regex syntax errror: " + regex::Render(pattern, chars, *error));
  }
  if (regex::HasByteClass(hir)) return Status::InvalidArgument("Byte pattern is not allowed");
  auto program = std::make_unique<Program>();
  CHROMA_TRY(program->Build(hir, use == Use::kFind, budget));
  return std::make_unique<Regex>(std::string(pattern), std::move(program));
}

const TextQuery& Regex::query() const {
  return program_->query.query;
}

bool Regex::query_is_exact() const {
  return program_->query.exact;
}

bool Regex::Matches(std::string_view text) const {
  const Program& program = *program_;
  if (program.is_literal) return Contains(text, program.literal);
  if (!program.NeedsNfa(text)) return Search(*program.exact, text);
  return Search(*program.loose, text) && program.nfa.Matches(text);
}

bool Regex::Program::Find(std::string_view text, size_t from, TextRange* found) const {
  if (is_literal) {
    if (literal.empty()) return false;
    found->begin = FindFrom(text, literal, from);
    found->end = found->begin + literal.size();
    return found->begin != text.npos;
  }
  if (NeedsNfa(text)) return nfa.Find(text, from, found);
  re2::StringPiece match;
  const re2::StringPiece all(text.data(), text.size());
  if (!exact->Match(all, from, text.size(), RE2::UNANCHORED, &match, 1)) return false;
  found->begin = static_cast<size_t>(match.data() - text.data());
  found->end = found->begin + match.size();
  return true;
}

void Regex::FindAll(std::string_view text, MatchWork* work, std::vector<TextRange>* found) const {
  if (!work->Take(text.size()) || !Matches(text)) return;
  const bool by_nfa = !program_->is_literal && program_->NeedsNfa(text);
  const size_t to_begin = by_nfa ? program_->nfa.states() : 0;
  TextRange match;
  for (size_t from = 0; found->size() < kFoundMax;) {
    // An expression may look at all that is left before it knows that a match is a short one.
    if (!program_->reads_once() && !work->Take(text.size() - from + to_begin)) return;
    if (!program_->Find(text, from, &match)) return;
    from = match.end;
    if (match.end > match.begin) {
      found->push_back(match);
    } else if (from < text.size()) {
      DecodeUtf8(text, &from);
    } else {
      break;
    }
  }
}

RegexSet::RegexSet(Regex::Use use, uint64_t size_max, std::function<Status()> check)
    : use_(use), budget_(size_max), check_(std::move(check)) {}

Result<std::shared_ptr<const Regex>> RegexSet::Compile(std::string_view pattern) {
  if (const auto at = compiled_.find(pattern); at != compiled_.end()) return at->second;
  if (check_) CHROMA_TRY(check_());
  CHROMA_ASSIGN(std::shared_ptr<const Regex> regex, Regex::Compile(pattern, use_, &budget_));
  compiled_.emplace(pattern, regex);
  return regex;
}

}  // namespace chroma::index
