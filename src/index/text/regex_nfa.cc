#include "index/text/regex_nfa.h"

#include <algorithm>

#include "index/text/unicode.h"

namespace chroma::index::regex {
namespace {

constexpr uint32_t kNone = UINT32_MAX;  // no character: before the text or behind it
constexpr uint32_t kReplacement = 0xFFFD;

// The character that ends at `end`, which is not the beginning of the text.
uint32_t CharacterBefore(std::string_view text, size_t end) {
  constexpr size_t kBytesMax = 4;
  for (size_t bytes = 1; bytes <= std::min(kBytesMax, end); ++bytes) {
    size_t at = end - bytes;
    const uint32_t character = DecodeUtf8(text, &at);
    if (at == end && character != kReplacement) return character;
  }
  return kReplacement;
}

bool IsWord(uint32_t c, bool ascii) {
  return c != kNone && (!ascii || c < 0x80) && IsWordChar(c);
}

}  // namespace

// The characters on both sides of a position.
struct Nfa::Context {
  uint32_t before;
  uint32_t after;
};

// A set of states at one position, in order of insertion.
struct Nfa::Threads {
  explicit Threads(size_t n) : member(n) {}
  bool Insert(uint32_t state) {
    if (member[state]) return false;
    member[state] = true;
    dense.push_back(state);
    return true;
  }
  void Clear() {
    for (uint32_t state : dense) member[state] = false;
    dense.clear();
    matched = false;
  }

  std::vector<uint32_t> dense;
  std::vector<bool> member;
  std::vector<uint32_t> stack;
  bool matched = false;
};

uint32_t Nfa::Emit(Op op, uint32_t value) {
  const auto id = static_cast<uint32_t>(states_.size());
  states_.push_back({op, Look::kStart, false, value, id + 1});
  return id;
}

bool Nfa::Build(const Hir& hir, size_t states_max) {
  states_max_ = states_max;
  sets_ = hir.sets;
  if (!Compile(hir, hir.root)) return false;
  Emit(Op::kMatch);
  return true;
}

// Appends the states of a node; its end falls through to the next state.
bool Nfa::Compile(const Hir& hir, uint32_t id) {
  if (states_.size() >= states_max_) return false;
  const HirNode& node = hir.nodes[id];
  switch (node.kind) {
    case HirNode::Kind::kEmpty:
      return true;
    case HirNode::Kind::kChar:
      Emit(Op::kChar, node.value);
      return true;
    case HirNode::Kind::kSet:
      Emit(Op::kSet, node.value);
      return true;
    case HirNode::Kind::kLook: {
      const uint32_t state = Emit(Op::kLook);
      states_[state].look = node.look;
      states_[state].ascii_word = node.ascii_word;
      return true;
    }
    case HirNode::Kind::kConcat:
      for (uint32_t child : node.children) {
        if (!Compile(hir, child)) return false;
      }
      return true;
    case HirNode::Kind::kAlternate: {
      std::vector<uint32_t> exits;
      for (size_t i = 0; i < node.children.size(); ++i) {
        const bool last = i + 1 == node.children.size();
        const uint32_t split = last ? 0 : Emit(Op::kSplit);
        if (!Compile(hir, node.children[i])) return false;
        if (last) break;
        exits.push_back(Emit(Op::kJump));
        states_[split].value = static_cast<uint32_t>(states_.size());
      }
      for (uint32_t state : exits) states_[state].next = static_cast<uint32_t>(states_.size());
      return true;
    }
    case HirNode::Kind::kRepeat:
      return CompileRepeat(hir, node);
  }
  return true;
}

bool Nfa::CompileRepeat(const Hir& hir, const HirNode& node) {
  const uint32_t child = node.children[0];
  const auto end = [this] { return static_cast<uint32_t>(states_.size()); };
  uint32_t last = 0;  // where the last copy that must be there begins
  for (uint32_t i = 0; i < node.min; ++i) {
    last = end();
    if (!Compile(hir, child)) return false;
  }
  if (node.max == kUnlimited && node.min > 0) {
    const uint32_t split = Emit(Op::kSplit);
    states_[split].value = last;
    return true;
  }
  if (node.max == kUnlimited) {
    const uint32_t split = Emit(Op::kSplit);
    if (!Compile(hir, child)) return false;
    states_[Emit(Op::kJump)].next = split;
    states_[split].value = end();
    return true;
  }
  std::vector<uint32_t> splits;
  for (uint32_t i = node.min; i < node.max; ++i) {
    splits.push_back(Emit(Op::kSplit));
    if (!Compile(hir, child)) return false;
  }
  for (uint32_t split : splits) states_[split].value = end();
  return true;
}

bool Nfa::Holds(const State& state, const Context& context) const {
  const uint32_t before = context.before;
  const uint32_t after = context.after;
  const bool word_before = IsWord(before, state.ascii_word);
  const bool word_after = IsWord(after, state.ascii_word);
  switch (state.look) {
    case Look::kStart:
      return before == kNone;
    case Look::kEnd:
      return after == kNone;
    case Look::kStartLine:
      return before == kNone || before == '\n';
    case Look::kEndLine:
      return after == kNone || after == '\n';
    case Look::kStartLineCrlf:
      return before == kNone || before == '\n' || (before == '\r' && after != '\n');
    case Look::kEndLineCrlf:
      return after == kNone || after == '\r' || (after == '\n' && before != '\r');
    case Look::kWordBoundary:
      return word_before != word_after;
    case Look::kNotWordBoundary:
      return word_before == word_after;
    case Look::kWordStart:
      return !word_before && word_after;
    case Look::kWordEnd:
      return word_before && !word_after;
    case Look::kWordStartHalf:
      return !word_before;
    case Look::kWordEndHalf:
      return !word_after;
  }
  return false;
}

// Inserts `state` and everything reachable from it without reading a character.
void Nfa::Follow(uint32_t start, const Context& context, Threads* threads) const {
  threads->stack.push_back(start);
  while (!threads->stack.empty()) {
    const uint32_t id = threads->stack.back();
    threads->stack.pop_back();
    if (!threads->Insert(id)) continue;
    const State& state = states_[id];
    switch (state.op) {
      case Op::kMatch:
        threads->matched = true;
        break;
      case Op::kSplit:
        threads->stack.push_back(state.value);
        threads->stack.push_back(state.next);
        break;
      case Op::kJump:
        threads->stack.push_back(state.next);
        break;
      case Op::kLook:
        if (Holds(state, context)) threads->stack.push_back(state.next);
        break;
      case Op::kChar:
      case Op::kSet:
        break;
    }
  }
}

bool Nfa::Takes(const State& state, uint32_t character) const {
  if (state.op == Op::kChar) return state.value == character;
  return state.op == Op::kSet && sets_[state.value].Contains(character);
}

// Threads are followed in the order of their beginnings, so that a state that several reach is the
// earliest one's.
bool Nfa::Find(std::string_view text, size_t from, TextRange* found) const {
  Threads threads(states_.size());
  std::vector<Entered> entered;
  std::vector<size_t> begins(states_.size());
  bool matched = false;
  Context context = {from == 0 ? kNone : CharacterBefore(text, from), kNone};
  for (size_t offset = from;;) {
    const size_t at = offset;
    const bool end = offset == text.size();
    context.after = end ? kNone : DecodeUtf8(text, &offset);
    threads.Clear();
    if (!matched) entered.push_back({0, at});
    for (const Entered& thread : entered) {
      if (matched && thread.begin > found->begin) break;
      const size_t known = threads.dense.size();
      threads.matched = false;
      Follow(thread.state, context, &threads);
      for (size_t i = known; i < threads.dense.size(); ++i) begins[threads.dense[i]] = thread.begin;
      if (threads.matched && (!matched || thread.begin <= found->begin)) {
        *found = {thread.begin, at};
        matched = true;
      }
    }
    entered.clear();
    for (uint32_t id : threads.dense) {
      if (end || (matched && begins[id] > found->begin)) continue;
      if (Takes(states_[id], context.after)) entered.push_back({states_[id].next, begins[id]});
    }
    if (end || (matched && entered.empty())) return matched;
    context.before = context.after;
  }
}

bool Nfa::Matches(std::string_view text) const {
  Threads threads(states_.size());
  std::vector<uint32_t> entered;  // states entered by the character before
  Context context = {kNone, kNone};
  for (size_t offset = 0;;) {
    const bool end = offset == text.size();
    context.after = end ? kNone : DecodeUtf8(text, &offset);
    threads.Clear();
    for (uint32_t state : entered) Follow(state, context, &threads);
    Follow(0, context, &threads);
    if (threads.matched) return true;
    if (end) return false;
    entered.clear();
    for (uint32_t id : threads.dense) {
      const State& state = states_[id];
      if (Takes(state, context.after)) entered.push_back(state.next);
    }
    context.before = context.after;
  }
}

}  // namespace chroma::index::regex
