// Regular expressions of $regex: the dialect of the Rust `regex` crate, which users of Chroma
// write (semantics.md §1.7), matched in time linear in the text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "index/text/text_query.h"
#include "index/text/text_range.h"

namespace chroma::index {

// What the expressions of one request may take together. One task at a time.
class RegexBudget {
 public:
  // Of characters and ranges of characters, all repetitions written out.
  explicit RegexBudget(uint64_t size_max) : left_(size_max) {}
  // For one more expression; kInvalidArgument when there is no room for it.
  Status Take(uint64_t size);
  // What the expression of that size that was taken last may use at first for its program and its
  // cache of states, in bytes. After many others it is what a scan of ordinary text needs: with
  // less RE2 gives up its automaton, which takes a hundred times as long.
  int64_t CacheBytes(uint64_t size) const {
    constexpr int64_t kUsual = int64_t{8} << 20;
    constexpr int64_t kLeast = int64_t{512} << 10;
    constexpr int64_t kBytesPerSize = int64_t{4} << 10;
    if (taken_ <= kFew) return kUsual;
    return std::min(kUsual, kLeast + kBytesPerSize * static_cast<int64_t>(size));
  }

 private:
  static constexpr uint64_t kFew = 64;

  uint64_t left_;
  uint64_t taken_ = 0;  // expressions
};

// A compiled pattern. Immutable; Matches may be called from many threads at once.
class Regex {
 public:
  // kInvalidArgument with the exact text that users of upstream see ("Regex syntax errror: …"),
  // caret diagram included; also for patterns whose compiled form would be too large, or larger
  // than the budget, if there is one, still has room for.
  enum class Use { kMatch, kFind };
  static Result<std::unique_ptr<Regex>> Compile(std::string_view pattern, Use use = Use::kMatch,
                                                RegexBudget* budget = nullptr);
  ~Regex();
  struct Program;  // the compiled form, private to regex.cc
  Regex(std::string pattern, std::unique_ptr<Program> program);
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // True when the pattern matches somewhere in `text` (UTF-8).
  bool Matches(std::string_view text) const;

  // Of an expression compiled for Use::kFind: the longest match at the first place where there is
  // one, and so on after its end; ascending, appended. Empty matches are left out. Ends early when
  // the work is exceeded.
  void FindAll(std::string_view text, MatchWork* work, std::vector<TextRange>* found) const;

  // What every text that matches satisfies, for the text index; when it is exact, no other does.
  const TextQuery& query() const;
  bool query_is_exact() const;

  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::unique_ptr<Program> program_;
};

// The expressions of one request: equal ones are compiled once, all within one budget. One task at
// a time.
class RegexSet {
 public:
  // check(), if any, fails when the request is over; it is asked before each compilation.
  RegexSet(Regex::Use use, uint64_t size_max, std::function<Status()> check = {});

  Result<std::shared_ptr<const Regex>> Compile(std::string_view pattern);

 private:
  const Regex::Use use_;
  RegexBudget budget_;
  const std::function<Status()> check_;
  std::map<std::string, std::shared_ptr<const Regex>, std::less<>> compiled_;  // by pattern
};

}  // namespace chroma::index
