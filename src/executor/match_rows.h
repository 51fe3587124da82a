// Metadata of a few rows against a predicate, row by row.
#pragma once

#include "base/bitmap.h"
#include "chroma/status.h"
#include "model/filter.h"
#include "segment/part.h"

namespace chroma::executor {

// Those of `rows` that satisfy a positive predicate: Part::Match for few.
Result<Bitmap> MatchRows(const segment::Part& part, const model::MetadataPredicate& predicate,
                         const Bitmap& rows);

// The rows among `rows` with a string under `key`, or an array with one, that the pattern matches.
Result<Bitmap> MatchTextRows(runtime::Context& ctx, const segment::Part& part, std::string_view key,
                             const index::TextPattern& pattern, const Bitmap& rows);

}  // namespace chroma::executor
