// Sparse keys of a schema whose vectors are made here: their index is on and their embedding
// function is chroma_bm25.
#pragma once

#include <optional>
#include <string_view>

#include "index/text/bm25.h"
#include "model/metadata.h"
#include "model/schema.h"

namespace chroma::index {

// The settings of such a key; null: it is none.
const model::SparseIndexConfig* Bm25SettingsOf(const model::ValueTypes& types);

// What a record has under the key by its text; none where the configuration makes no vector of it
// that can be stored: some divide by zero.
std::optional<model::SparseVector> EmbedRecord(const Bm25& bm25, std::string_view text);

}  // namespace chroma::index
