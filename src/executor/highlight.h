// Where the documents of an answer have what its filter looked for.
#pragma once

#include <optional>
#include <vector>

#include "chroma/status.h"
#include "executor/project.h"
#include "model/extensions.h"
#include "model/limits.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

struct HighlightLimits {
  model::HighlightOptions of_document;
  uint64_t bytes_max = model::kQueryAnswerBytesMax;  // of all rows; more are refused
};

// One element per row: of the conditions on documents that are not negated, whether or not they
// decided that the record matches. None where the record has no document. Holds the documents of a
// thousand rows at a time.
Result<std::vector<std::optional<DocumentHighlights>>> HighlightRows(
    runtime::Context& ctx, const segment::Snapshot& snapshot, const planner::Predicate* predicate,
    const HighlightLimits& limits, const std::vector<RowRef>& rows);

}  // namespace chroma::executor
