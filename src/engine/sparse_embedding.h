// Sparse vectors that the schema derives from text: computed here for records that come without
// them, as clients do it themselves. A key has them when its sparse vector index is on and has a
// source key and an embedding function that runs here, which is chroma_bm25.
#pragma once

#include <optional>
#include <vector>

#include "chroma/status.h"
#include "model/record.h"
#include "model/schema.h"
#include "model/search.h"

namespace chroma::engine {

// Gives each record that has the source (its document, or a string in its metadata) and not the key
// its vector; a key that is there stays, whatever it holds. Of which no vector can be made (some
// configurations divide by zero) has none afterwards, nor one of before. An embedding function
// whose configuration makes no sense here is left to clients. The batch has passed its checks.
void EmbedSparseKeys(const model::Schema& schema, model::RecordBatch& batch);

// Notes in Schema::fills the keys that are made otherwise than by the schema before, or at last:
// records that were written before `log_offset`, which all writes to come are not, get their
// vectors in the background (segment/sparse_fill.h). With 0 nothing was ever written.
void NoteFills(const model::Schema& before, uint64_t log_offset, model::Schema* schema);

// The searches with the vectors of texts that they search for; none where there is no text. A key
// without an embedding function that runs here is kInvalidArgument.
Result<std::optional<std::vector<model::Search>>> EmbedQueries(
    const model::Schema& schema, const std::vector<model::Search>& searches);

}  // namespace chroma::engine
