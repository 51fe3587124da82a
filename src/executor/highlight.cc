#include "executor/highlight.h"

#include <utility>

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

}  // namespace

Result<std::vector<std::optional<DocumentHighlights>>> HighlightRows(
    runtime::Context& ctx, const segment::Snapshot& snapshot, const Predicate* predicate,
    const model::HighlightOptions& options, const std::vector<RowRef>& rows) {
  index::Highlighter highlighter;
  if (predicate != nullptr) CHROMA_TRY(AddConditions(ctx, *predicate, &highlighter));
  const index::HighlightLimits limits{options.matches_max, options.snippets_max,
                                      options.snippet_characters};
  CHROMA_ASSIGN(const Records records,
                Project(snapshot, rows, model::kIncludeDocuments,
                        [&ctx](const Records&, std::span<const size_t>) { return ctx.Check(); }));
  std::vector<std::optional<DocumentHighlights>> highlights;
  for (const std::optional<std::string>& document : records.documents) {
    CHROMA_TRY(ctx.Check());
    std::optional<DocumentHighlights>& of_document = highlights.emplace_back();
    if (!document) continue;
    of_document.emplace().places = highlighter.Find(*document, limits);
    for (const index::Highlight& snippet : of_document->places.snippets) {
      const auto& [begin, end] = snippet.bytes;
      of_document->snippets.push_back(document->substr(begin, end - begin));
    }
  }
  return highlights;
}

}  // namespace chroma::executor
