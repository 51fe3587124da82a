// Builds one segment blob from rows given in insertion order. Vectors stream to the blob as they
// come; everything else is buffered (documents compressed) until Finish(), but for texts that are
// given after the rows. One task at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "model/metadata.h"
#include "model/schema.h"
#include "runtime/context.h"
#include "store/blob_store.h"

namespace chroma::segment {

struct RowView {
  std::string_view id;
  uint64_t insertion_offset = 0;  // greater than that of the row before
  const float* vector = nullptr;
  std::optional<std::string_view> document;
  std::optional<std::string_view> uri;
  const model::Metadata* metadata = nullptr;  // null or empty: none
};

struct SegmentSummary {
  std::string blob;
  uint32_t rows = 0;
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;  // SegmentReader::checksum
};

class SegmentWriter {
 public:
  virtual ~SegmentWriter() = default;
  // At most 2^32 - 2 rows.
  virtual Status Add(const RowView& row) = 0;
  virtual uint32_t rows() const = 0;
  // The texts of all rows, in their order, when none was given with them: these go to the blob at
  // once. Documents come after the last row, uris after the last document.
  virtual Status AddDocument(std::optional<std::string_view> text) = 0;
  virtual Status AddUri(std::optional<std::string_view> text) = 0;
  // What has become of the rows of a vector index: row r of it was added as row rows[r], or is gone
  // (index::MovedRows::kGone).
  virtual Status AddMovedRows(const std::string& index, const std::vector<uint32_t>& rows) = 0;
  // All rows have what this fill gives them (SparseFill::section_key).
  virtual void MarkFilled(const std::string& section_key) = 0;
  // Durable and visible when OK. Destroying the writer without it leaves no trace.
  virtual Result<SegmentSummary> Finish(runtime::Context& ctx) = 0;

  // Writes the indexes that the schema, which outlives the writer, switches on; null: all.
  static Result<std::unique_ptr<SegmentWriter>> Create(runtime::Context& ctx,
                                                       store::BlobStore& store,
                                                       const std::string& blob, uint32_t dimension,
                                                       const model::Schema* schema = nullptr);
};

}  // namespace chroma::segment
