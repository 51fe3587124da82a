// index/text/regex.h: the first line of an input is the pattern, the rest is the text.
#include "index/text/regex.h"

#include <memory>
#include <string>

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {
namespace {

// Larger expressions take seconds to compile under sanitizers, and longer texts to be matched by
// the automaton, in which thousands of others are tried.
constexpr uint64_t kSizeMax = 30'000;
constexpr size_t kTextBytesMax = 1000;

}  // namespace

void Run(BytesView input) {
  const auto [pattern, rest] = SplitFirstLine(input);
  const std::string_view text = rest.substr(0, kTextBytesMax);
  index::RegexBudget budget(kSizeMax);
  const auto compile = [&](std::string_view expression) {
    return index::Regex::Compile(expression, index::Regex::Use::kMatch, &budget);
  };
  const Result<std::unique_ptr<index::Regex>> regex = compile(pattern);
  if (!regex.ok()) {
    CHECK(regex.status().code() == StatusCode::kInvalidArgument);
    return;
  }
  const bool matches = (*regex)->Matches(text);
  CHECK((*regex)->Matches(text) == matches);
  // The text index would not leave the text out, and not take it unseen for a match.
  const bool satisfied = (*regex)->query().IsSatisfiedBy(text);
  CHECK(!matches || satisfied);
  CHECK(matches || !satisfied || !(*regex)->query_is_exact());
  // An alternative more never takes a match away.
  const auto wider = compile("(?:" + std::string(pattern) + ")|(?:)");
  if (wider.ok()) CHECK((*wider)->Matches(text));
}

}  // namespace chroma::fuzz
