#include "executor/highlight.h"

#include <algorithm>
#include <utility>

#include "executor/answer_size.h"
#include "index/text/highlight.h"

namespace chroma::executor {
namespace {

using planner::Predicate;

Status AddConditions(runtime::Context& ctx, const Predicate& predicate,
                     index::Highlighter* highlighter) {
  CHROMA_TRY(ctx.Check());
  const auto add_all = [&](const std::vector<Predicate>& children) {
    for (const Predicate& child : children) CHROMA_TRY(AddConditions(ctx, child, highlighter));
    return Status::Ok();
  };
  if (const auto* all = std::get_if<planner::AllOf>(&predicate.node)) return add_all(all->children);
  if (const auto* any = std::get_if<planner::AnyOf>(&predicate.node)) return add_all(any->children);
  if (const auto* contains = std::get_if<planner::DocumentContains>(&predicate.node)) {
    highlighter->AddSubstring(contains->needle);
  } else if (const auto* matches = std::get_if<planner::DocumentMatches>(&predicate.node)) {
    return highlighter->AddRegex(matches->regex->pattern());
  } else if (const auto* has = std::get_if<planner::DocumentHasPhrase>(&predicate.node)) {
    highlighter->AddPhrase(has->phrase);
  }
  return Status::Ok();
}

uint64_t SizeBytes(const DocumentHighlights& one) {
  constexpr uint64_t kTextBytesPerHighlight = 80;
  const size_t ranges = one.places.matches.size() + one.places.snippets.size();
  uint64_t size_bytes = ranges * (sizeof(index::Highlight) + kTextBytesPerHighlight);
  for (const std::string& snippet : one.snippets) size_bytes += 2 * snippet.size();
  return size_bytes;
}

DocumentHighlights Find(const index::Highlighter& highlighter, const index::HighlightLimits& limits,
                        const std::string& document) {
  DocumentHighlights found;
  found.places = highlighter.Find(document, limits);
  found.places.matches.shrink_to_fit();
  for (const index::Highlight& snippet : found.places.snippets) {
    const auto& [begin, end] = snippet.bytes;
    found.snippets.push_back(document.substr(begin, end - begin));
  }
  return found;
}

}  // namespace

Result<std::vector<std::optional<DocumentHighlights>>> HighlightRows(
    runtime::Context& ctx, const segment::Snapshot& snapshot, const Predicate* predicate,
    const HighlightLimits& limits, const std::vector<RowRef>& rows) {
  constexpr size_t kRowsAtOnce = 1000;
  index::Highlighter highlighter;
  if (predicate != nullptr) CHROMA_TRY(AddConditions(ctx, *predicate, &highlighter));
  const model::HighlightOptions& options = limits.of_document;
  const index::HighlightLimits of_document{options.matches_max, options.snippets_max,
                                           options.snippet_characters};
  AnswerSize answer(ctx,
                    {limits.bytes_max, "lower limit, or the matches and snippets of highlight"});
  constexpr uint64_t kTextBytesPerRow = 32;
  CHROMA_TRY(
      answer.Add(rows.size() * (sizeof(std::optional<DocumentHighlights>) + kTextBytesPerRow)));
  std::vector<std::optional<DocumentHighlights>> highlights;
  highlights.reserve(rows.size());
  const auto check = [&ctx](std::span<const Records>, std::span<const Place>) {
    return ctx.Check();
  };
  for (auto from = rows.begin(); from != rows.end();) {
    const auto to = from + std::min<ptrdiff_t>(kRowsAtOnce, rows.end() - from);
    const std::vector<RowRef> some(from, to);
    CHROMA_ASSIGN(const std::vector<Records> records,
                  Project(snapshot, std::span(&some, 1), model::kIncludeDocuments, check, nullptr));
    from = to;
    for (const std::optional<std::string>& document : records.front().documents) {
      CHROMA_TRY(ctx.Check());
      std::optional<DocumentHighlights>& one = highlights.emplace_back();
      if (!document) continue;
      one = Find(highlighter, of_document, *document);
      CHROMA_TRY(answer.Add(SizeBytes(*one)));
    }
  }
  return highlights;
}

}  // namespace chroma::executor
