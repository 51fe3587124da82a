// A graph over the rows of one segment as a blob of its own, so that it is built when there is
// time and a merge need not wait for it. What is in it can always be built again from the rows.
//
//   graph info     what all rows share, and checksums of the blocks of the others
//   row scales     scale and squared norm of each row
//   high bits      four of each component's six, in blocks of about a page: index::RowCodes
//   low bits       the other two, in such blocks
//   edges          kDegree row numbers for each row, in as few bits as they need, in such blocks
//
// Full text: docs/formats.md "Vector index".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/coding.h"
#include "chroma/status.h"
#include "format/section_reader.h"
#include "format/verified_blocks.h"
#include "index/vector/calibration.h"
#include "index/vector/graph_index.h"
#include "runtime/context.h"
#include "store/blob_store.h"

namespace chroma::segment {

struct VectorIndexSummary {
  std::string blob;
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;  // VectorIndexReader::checksum
};

// Durable and visible when OK, else there is no trace. `segment_checksum` says of which segment
// the rows are.
Result<VectorIndexSummary> WriteVectorIndex(runtime::Context& ctx, store::BlobStore& store,
                                            const std::string& blob, const index::CodeSpace& space,
                                            const index::Graph& graph,
                                            const index::Calibration& calibration,
                                            uint64_t segment_checksum);

// Codes and edges stay in the mapped file and are verified some pages at a time, when a search
// first comes to them. Thread safe.
class VectorIndexReader final : private index::RowGuard {
 public:
  // kDataLoss when it is damaged, kUnimplemented when an earlier program wrote it, as no program
  // does any more, kFailedPrecondition when a newer one did. Reads what all rows share, and their
  // scales. `memory` (may be null): see GraphIndex.
  static Result<std::shared_ptr<const VectorIndexReader>> Open(
      runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
      std::shared_ptr<index::NodeMemory> memory);
  ~VectorIndexReader() override;

  const std::string& blob() const { return sections_.blob().name(); }
  uint64_t size_bytes() const { return sections_.blob().size_bytes(); }
  uint64_t checksum() const { return sections_.checksum(); }
  uint64_t segment_checksum() const { return segment_checksum_; }
  uint32_t rows() const { return graph_.rows.n; }
  const index::CodeSpace& space() const { return space_; }
  const index::Graph& graph() const { return graph_; }
  const index::GraphIndex& index() const { return *index_; }

  // Whether damage was met since it was opened.
  bool damaged() const { return damaged_.load(std::memory_order_relaxed); }

  // Reads and verifies every byte.
  Status VerifyAll(runtime::Context& ctx) const;
  // Reads what searches would have to read and to verify when they first come there.
  Status Load(runtime::Context& ctx) const;
  // See Part.
  void ReleasePages() const;

 private:
  // A section of rows that all have the same size.
  struct RowBlocks {
    const format::SectionInfo* section = nullptr;
    uint32_t row_bytes = 1;
    uint32_t block_rows = 1;
    std::vector<uint64_t> checksums;
    store::BlobSlice slice;
    std::vector<uint64_t> copy;  // when the store gave bytes that are not aligned
    const uint8_t* bytes = nullptr;
    std::unique_ptr<format::VerifiedBlocks> verified;

    // Of blocks [first, end), in the section; end may be beyond the last block.
    uint64_t Offset(uint64_t first) const { return first * block_rows * row_bytes; }
    uint64_t Length(uint64_t first, uint64_t end) const {
      return std::min(Offset(end), section->length) - Offset(first);
    }
  };

  explicit VectorIndexReader(format::SectionReader sections) : sections_(std::move(sections)) {}
  Status Init(runtime::Context& ctx, std::shared_ptr<index::NodeMemory> memory);
  Status CheckPresent(format::SectionType type) const;
  Status ReadInfo(ByteReader& in);
  Status ReadCalibration(ByteReader& in);
  Status ReadScales(runtime::Context& ctx);
  Status OpenBlocks(runtime::Context& ctx, format::SectionType type, RowBlocks* blocks);
  std::array<const RowBlocks*, 3> Blocks() const { return {&high_, &low_, &edges_}; }
  // Whether a block that can be read is what was written.
  bool Matches(const RowBlocks& blocks, uint64_t block) const;
  bool IsReadable(const RowBlocks& blocks, uint64_t first, uint64_t end) const;
  bool Check(const RowBlocks& blocks, uint64_t block) const;
  // The same, and the blocks beside it are read and verified with it: asking the operating system
  // for a page costs more than verifying it.
  bool CheckWithNeighbors(const RowBlocks& blocks, uint64_t block) const;
  // Alone while few rows were asked for: the first searches come to few blocks of a large index,
  // and must not wait for those beside each.
  bool CheckRow(const RowBlocks& blocks, uint32_t row) const;
  bool CheckHigh(uint32_t row) const override { return CheckRow(high_, row); }
  bool CheckLow(uint32_t row) const override { return CheckRow(low_, row); }
  bool CheckEdges(uint32_t row) const override { return CheckRow(edges_, row); }

  const format::SectionReader sections_;
  index::CodeSpace space_;
  uint64_t segment_checksum_ = 0;
  index::Calibration calibration_;  // moved into index_
  std::vector<index::RowScale> scales_;
  RowBlocks high_;
  RowBlocks low_;
  RowBlocks edges_;
  index::Graph graph_;
  mutable std::atomic<bool> damaged_{false};
  std::unique_ptr<const index::GraphIndex> index_;
};

}  // namespace chroma::segment
