// The parser behind regex::Parse (regex_ast.h). It keeps stacks of its own instead of recursing:
// patterns come from users, and nesting is checked only when the tree is complete, so that the
// first syntax error is reported as Rust's parser reports it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/text/regex_ast.h"

namespace chroma::index::regex {

// Used for one pattern. Every Parse… function expects the position at its construct, leaves it
// behind it, and returns false after it has set error_.
class Parser {
 public:
  Parser(const std::vector<uint32_t>& chars, Tree* tree) : chars_(chars), tree_(*tree) {}

  bool Run();
  const Error& error() const { return *error_; }

 private:
  struct Sequence {
    Span span;
    std::vector<NodeId> items;
  };
  // An open group, with what came before it, or the finished branches of an alternation.
  struct OpenGroup {
    bool is_alternation = false;
    Sequence before;
    NodeId node = 0;  // the kGroup or kAlternation
    bool verbose = false;
  };
  // An open bracket, with what came before it, or the left operand of a set operation.
  struct OpenSet {
    bool is_operation = false;
    Sequence before;
    NodeId node = 0;  // the kBracketed, or the left operand
    Kind operation = Kind::kEmpty;
  };

  // Position.
  bool AtEnd() const { return pos_ == chars_.size(); }
  uint32_t Char() const { return AtEnd() ? 0 : chars_[pos_]; }
  bool Is(char c) const { return !AtEnd() && chars_[pos_] == static_cast<unsigned char>(c); }
  bool Bump();
  bool BumpIf(const char* prefix);
  void SkipSpace();
  bool BumpAndSkipSpace();
  uint32_t PeekPastSpace() const;
  Span Here() const { return {pos_, pos_}; }
  Span CharSpan() const { return {pos_, AtEnd() ? pos_ : pos_ + 1}; }

  bool Fail(const char* text, Span span, std::optional<Span> other = std::nullopt);
  NodeId Add(Kind kind, Span span);
  Node& At(NodeId id) { return tree_.nodes[id]; }
  NodeId FinishSequence(Sequence sequence, Kind many);

  // Expressions.
  bool ParseNext(Sequence* sequence);
  void PushBranch(Sequence* sequence);
  bool PushGroup(Sequence* sequence);
  bool PopGroup(Sequence* sequence);
  bool PopGroupAtEnd(Sequence sequence);
  bool ParseGroupOpening(NodeId* node);
  bool ParseFlagGroup(uint32_t open, Span inner, NodeId* node);
  bool ParseCaptureName();
  bool ParseFlags(Flags* flags, bool* any);
  bool ParseRepetition(Sequence* sequence);
  bool ParseCounts(uint32_t start, uint32_t* min, uint32_t* max);
  bool ParseDecimal(uint32_t* number, std::optional<Error>* error);
  bool Repeat(Sequence* sequence, uint32_t min, uint32_t max);
  bool ParsePrimitive(NodeId* node);
  bool ParseEscape(NodeId* node);
  bool ParseEscapedChar(uint32_t start, NodeId* node);
  bool ParseSpecialBoundary(uint32_t start, NodeId node);
  bool ParseHex(uint32_t start, NodeId* node);
  bool ParseHexDigits(size_t digits, uint64_t* value, Span* span);
  bool ParseHexBrace(uint64_t* value, Span* span);
  bool ParseProperty(uint32_t start, NodeId* node);

  // Character classes.
  bool ParseBrackets(NodeId* node);
  bool PushBracket(Sequence* set);
  bool ParseBracketOpening(NodeId* node, Sequence* set);
  bool PopBracket(Sequence* set, NodeId* node);
  void PushSetOperation(Kind kind, Sequence* set);
  NodeId PopSetOperation(NodeId right);
  bool ParsePosix(NodeId* node);
  bool ParseSetRange(NodeId* node);
  bool ParseSetItem(NodeId* node);
  bool FailUnclosedBracket();
  void Append(Sequence* set, NodeId item);

  bool CheckNesting(NodeId node, uint32_t depth);

  const std::vector<uint32_t>& chars_;
  Tree& tree_;
  uint32_t pos_ = 0;
  bool verbose_ = false;
  std::vector<OpenGroup> groups_;
  std::vector<OpenSet> sets_;
  std::vector<std::pair<std::vector<uint32_t>, Span>> capture_names_;
  std::optional<Error> error_;
};

}  // namespace chroma::index::regex
