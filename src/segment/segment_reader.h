// Serves one segment blob. Opening reads the footer only; every section is verified against its
// checksum when first touched, vectors and documents block by block.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "segment/part.h"
#include "store/blob_store.h"

namespace chroma::segment {

class SegmentReader : public Part {
 public:
  // kDataLoss naming the blob and the section when it is damaged, kFailedPrecondition when a
  // newer program wrote it.
  static Result<std::shared_ptr<const SegmentReader>> Open(runtime::Context& ctx,
                                                           std::shared_ptr<const store::Blob> blob);

  // Of its footer, and by that of every section: which segment this is.
  virtual uint64_t checksum() const = 0;
  // SegmentWriter::AddMovedRows, `n` of them; none when they are where they were. kNotFound when it
  // was not called for this index.
  virtual Result<std::vector<uint32_t>> MovedRows(const std::string& index, uint32_t n) const = 0;
  // Reads and verifies every byte: what `doctor` and merges rely on.
  virtual Status VerifyAll(runtime::Context& ctx) const = 0;

  const KeptSigns& signs() const override { return signs_; }

 private:
  KeptSigns signs_;
};

}  // namespace chroma::segment
