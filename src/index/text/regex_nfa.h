// A Thompson automaton over characters that evaluates every look-around assertion of the Rust
// dialect exactly, Unicode word boundaries included (K. Thompson, "Regular expression search
// algorithm", CACM 11(6), 1968; simulation by sets of states as in R. Cox, "Regular Expression
// Matching: the Virtual Machine Approach", 2009). Slower than RE2, so regex.cc asks it only about
// texts that RE2 cannot decide.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "index/text/regex_hir.h"
#include "index/text/text_range.h"

namespace chroma::index::regex {

// Immutable after Build; safe to use from many threads.
class Nfa {
 public:
  // False when the automaton would have more than `states_max` states.
  bool Build(const Hir& hir, size_t states_max);
  // Each search takes time and memory for these before it begins.
  size_t states() const { return states_.size(); }
  // True when the pattern matches somewhere in `text`. O(size of text x size of pattern).
  bool Matches(std::string_view text) const;
  // The longest match at the first place from `from` on that has one. The same time.
  bool Find(std::string_view text, size_t from, TextRange* found) const;

 private:
  enum class Op : uint8_t { kChar, kSet, kLook, kSplit, kJump, kMatch };
  // A state that is entered, and where the match that it belongs to began.
  struct Entered {
    uint32_t state;
    size_t begin;
  };
  struct State {
    Op op;
    Look look;
    bool ascii_word;
    uint32_t value;  // kChar: character; kSet: index; kSplit: the other successor
    uint32_t next;
  };
  struct Context;
  struct Threads;

  uint32_t Emit(Op op, uint32_t value = 0);
  bool Compile(const Hir& hir, uint32_t id);
  bool CompileRepeat(const Hir& hir, const HirNode& node);
  void Follow(uint32_t state, const Context& context, Threads* threads) const;
  bool Takes(const State& state, uint32_t character) const;
  bool Holds(const State& state, const Context& context) const;

  std::vector<State> states_;
  std::vector<CharSet> sets_;
  size_t states_max_ = 0;
};

}  // namespace chroma::index::regex
