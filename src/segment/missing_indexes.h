// The indexes inside a segment that the schema of a collection switches on and off: text, sparse
// postings, orders of values. A segment has those that were on when it was written. Where one is
// switched on later, rows are looked at one by one until the segment was written anew with it. So
// it is with sparse vectors that are made here of texts (sparse_fill.h), but that rows are without
// them until then.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "format/section_format.h"
#include "model/metadata.h"
#include "model/schema.h"
#include "runtime/context.h"
#include "segment/segment_writer.h"
#include "store/blob_store.h"

namespace chroma::segment {

class Part;

// Whether the schema asks for the index of documents, of a key's sparse vectors, for those of a
// column's values; null asks for all.
bool WantsText(const model::Schema* schema);
bool WantsPostings(const model::Schema* schema, std::string_view key);
bool WantsValueIndexes(const model::Schema* schema, std::string_view key, model::ValueType type);

struct MissingIndex {
  // kTextTerms stands for all sections of the text index; kSparsePostings, kValueOrder, kValueText;
  // or kSparseFill, which is not for WriteWithIndexes: rows change by it.
  format::SectionType type;
  std::string key;  // of the section
};

// Whether one of them is a fill.
bool HasFill(const std::vector<MissingIndex>& missing);

// Whether the part misses one; not where that cannot be told because it is damaged.
bool MissesIndexes(const Part& part, const model::Schema& schema);

// Writes the segment again, row by row the same, with what it misses. It also says of each of
// `indexes`, the vector indexes that the manifest names for it, where its rows are.
// kDataLoss when a byte of it is damaged.
Result<SegmentSummary> WriteWithIndexes(runtime::Context& ctx, store::BlobStore& store,
                                        const std::string& blob,
                                        std::shared_ptr<const store::Blob> from,
                                        const std::vector<MissingIndex>& missing,
                                        const std::vector<std::string>& indexes);

}  // namespace chroma::segment
