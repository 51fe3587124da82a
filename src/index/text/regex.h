// Regular expressions of $regex: the dialect of the Rust `regex` crate, which users of Chroma
// write (semantics.md §1.7), matched in time linear in the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "index/text/text_query.h"
#include "index/text/text_range.h"

namespace chroma::index {

// A compiled pattern. Immutable; Matches may be called from many threads at once.
class Regex {
 public:
  // kInvalidArgument with the exact text that users of upstream see ("Regex syntax errror: …"),
  // caret diagram included; also for patterns whose compiled form would be too large.
  enum class Use { kMatch, kFind };
  static Result<std::unique_ptr<Regex>> Compile(std::string_view pattern, Use use = Use::kMatch);
  ~Regex();
  struct Program;  // the compiled form, private to regex.cc
  Regex(std::string pattern, std::unique_ptr<Program> program);
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // True when the pattern matches somewhere in `text` (UTF-8).
  bool Matches(std::string_view text) const;

  // Of an expression compiled for Use::kFind: the longest match at the first place where there is
  // one, and so on after its end; ascending, appended. Empty matches are left out.
  void FindAll(std::string_view text, std::vector<TextRange>* found) const;

  // What every text that matches satisfies, for the text index; when it is exact, no other does.
  const TextQuery& query() const;
  bool query_is_exact() const;

  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::unique_ptr<Program> program_;
};

}  // namespace chroma::index
