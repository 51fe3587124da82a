// Where the documents of an answer have what its filter looked for.
#pragma once

#include <optional>
#include <vector>

#include "chroma/status.h"
#include "executor/project.h"
#include "model/extensions.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// One element per row: of the conditions on documents that are not negated, whether or not they
// decided that the record matches. None where the record has no document.
Result<std::vector<std::optional<DocumentHighlights>>> HighlightRows(
    runtime::Context& ctx, const segment::Snapshot& snapshot, const planner::Predicate* predicate,
    const model::HighlightOptions& options, const std::vector<RowRef>& rows);

}  // namespace chroma::executor
