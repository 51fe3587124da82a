#include "segment/vector_index_blob.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "format/section_writer.h"
#include "model/limits.h"

namespace chroma::segment {
namespace {

using format::SectionInfo;
using format::SectionType;
using index::kDegree;

constexpr uint32_t kLayout = 5;
constexpr uint32_t kScaleBytes = 2 * sizeof(float);
// Beyond these index::RowCoder codes nothing.
constexpr float kValueMax = 1e19F;
constexpr float kSquareMax = 1e38F;
constexpr uint32_t kEffortMax = 1 << 20;

bool IsKnown(SectionType type) {
  constexpr std::array kKnown = {SectionType::kGraphInfo,   SectionType::kRowScales,
                                 SectionType::kRowCodes,    SectionType::kEdges,
                                 SectionType::kHighNibbles, SectionType::kLowNibbles,
                                 SectionType::kHighBits,    SectionType::kLowBits};
  return std::find(kKnown.begin(), kKnown.end(), type) != kKnown.end();
}

// Rows of a block: as many as fit in a page, since single rows are read.
uint32_t BlockRows(uint32_t row_bytes) {
  return std::max<uint32_t>(1, static_cast<uint32_t>(format::kPageAlignment) / row_bytes);
}

Result<Bytes> WriteBlocks(runtime::Context& ctx, format::SectionWriter& out, SectionType type,
                          const void* rows, uint32_t n, uint32_t row_bytes) {
  const uint64_t block_bytes = uint64_t{BlockRows(row_bytes)} * row_bytes;
  const uint64_t length = uint64_t{n} * row_bytes;
  format::SectionOptions options;
  options.alignment = format::kPageAlignment;
  options.block_size = block_bytes;
  CHROMA_TRY(out.BeginBlocks(type, {}, options));
  Bytes checksums;
  for (uint64_t at = 0; at < length; at += block_bytes) {
    if (at % (block_bytes * 1024) == 0) CHROMA_TRY(ctx.Check());
    const BytesView block(static_cast<const char*>(rows) + at, std::min(block_bytes, length - at));
    CHROMA_ASSIGN(const uint64_t checksum, out.AppendBlock(block));
    PutFixed(checksums, checksum);
  }
  CHROMA_TRY(out.EndBlocks());
  return checksums;
}

// Row numbers in no more bits than they need.
std::vector<uint8_t> Packed(const index::Graph& graph) {
  const uint32_t bits = index::Edges::BitsFor(graph.rows.n);
  const uint32_t row_bytes = index::Edges::Bytes(bits);
  std::vector<uint8_t> packed(size_t{graph.rows.n} * row_bytes);
  std::array<uint32_t, kDegree> neighbors;
  for (uint32_t row = 0; row < graph.rows.n; ++row) {
    graph.edges.Read(row, neighbors.data());
    index::PackEdges(neighbors.data(), bits, packed.data() + size_t{row} * row_bytes);
  }
  return packed;
}

}  // namespace

Result<VectorIndexSummary> WriteVectorIndex(runtime::Context& ctx, store::BlobStore& store,
                                            const std::string& blob, const index::CodeSpace& space,
                                            const index::Graph& graph,
                                            const index::Calibration& calibration,
                                            uint64_t segment_checksum) {
  const index::RowCodes& rows = graph.rows;
  CHROMA_ASSIGN(std::unique_ptr<store::BlobWriter> writer, store.Create(ctx, blob));
  format::SectionWriter out(std::move(writer));
  const auto write = [&](SectionType type, const void* bytes, uint32_t row_bytes) {
    return WriteBlocks(ctx, out, type, bytes, rows.n, row_bytes);
  };
  CHROMA_ASSIGN(const Bytes high_checksums,
                write(SectionType::kHighBits, rows.high, rows.high_bytes()));
  CHROMA_ASSIGN(const Bytes low_checksums,
                write(SectionType::kLowBits, rows.low, rows.low_bytes()));
  const std::vector<uint8_t> edges = Packed(graph);
  const uint32_t edge_bytes = index::Edges::Bytes(index::Edges::BitsFor(rows.n));
  CHROMA_ASSIGN(const Bytes edge_checksums, write(SectionType::kEdges, edges.data(), edge_bytes));
  Bytes scales;
  for (uint32_t row = 0; row < rows.n; ++row) {
    PutFixed(scales, rows.scales[row].scale);
    PutFixed(scales, rows.scales[row].squared_norm);
  }
  CHROMA_TRY(out.Write(SectionType::kRowScales, {}, scales));
  Bytes info;
  PutFixed(info, kLayout);
  PutFixed(info, static_cast<uint32_t>(space.space));
  PutFixed(info, space.dimension);
  PutFixed(info, rows.n);
  PutFixed(info, graph.entry);
  PutFixed(info, space.length);
  PutFixed(info, space.seed);
  PutFixed(info, segment_checksum);
  for (const float value : space.center) PutFixed(info, value);
  PutFixed(info, calibration.spread);
  PutFixed(info, static_cast<uint32_t>(calibration.points.size()));
  for (const index::CalibrationPoint& point : calibration.points) {
    PutFixed(info, point.effort);
    PutFixed(info, point.recall);
  }
  info += high_checksums;
  info += low_checksums;
  info += edge_checksums;
  CHROMA_TRY(out.Write(SectionType::kGraphInfo, {}, info));
  CHROMA_TRY(out.Finish(ctx));
  return VectorIndexSummary{blob, out.size_bytes(), out.checksum()};
}

VectorIndexReader::~VectorIndexReader() = default;

Result<std::shared_ptr<const VectorIndexReader>> VectorIndexReader::Open(
    runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
    std::shared_ptr<index::NodeMemory> memory) {
  CHROMA_ASSIGN(format::SectionReader sections,
                format::SectionReader::Open(ctx, std::move(blob), IsKnown));
  std::shared_ptr<VectorIndexReader> reader(new VectorIndexReader(std::move(sections)));
  CHROMA_TRY(reader->Init(ctx, std::move(memory)));
  return std::shared_ptr<const VectorIndexReader>(std::move(reader));
}

Status VectorIndexReader::Init(runtime::Context& ctx, std::shared_ptr<index::NodeMemory> memory) {
  CHROMA_TRY(CheckPresent(SectionType::kGraphInfo));
  const SectionInfo& section = *sections_.Find(SectionType::kGraphInfo);
  CHROMA_ASSIGN(const store::BlobSlice info, sections_.Read(ctx, section));
  ByteReader in(info.bytes);
  CHROMA_TRY(ReadInfo(in));
  // After that: another layout has other sections.
  for (const SectionType type : {SectionType::kRowScales, SectionType::kHighBits,
                                 SectionType::kLowBits, SectionType::kEdges}) {
    CHROMA_TRY(CheckPresent(type));
  }
  CHROMA_TRY(ReadScales(ctx));
  CHROMA_TRY(OpenBlocks(ctx, SectionType::kHighBits, &high_));
  CHROMA_TRY(OpenBlocks(ctx, SectionType::kLowBits, &low_));
  CHROMA_TRY(OpenBlocks(ctx, SectionType::kEdges, &edges_));
  graph_.rows.high = high_.bytes;
  graph_.rows.low = low_.bytes;
  graph_.edges.bytes = edges_.bytes;
  graph_.guard = this;
  index_ = std::make_unique<const index::GraphIndex>(simd::ActiveCodeKernels(), space_, graph_,
                                                     std::move(memory), std::move(calibration_));
  return Status::Ok();
}

Status VectorIndexReader::CheckPresent(SectionType type) const {
  if (sections_.Find(type) != nullptr) return Status::Ok();
  return Status::DataLoss("vector index " + blob() + " is damaged: section " +
                          std::string(format::SectionTypeName(type)) + " is missing");
}

Status VectorIndexReader::ReadInfo(ByteReader& in) {
  const SectionInfo& section = *sections_.Find(SectionType::kGraphInfo);
  const auto layout = in.Fixed<uint32_t>();
  if (in.ok() && layout < kLayout) {
    return Status::Unimplemented("vector index " + blob() + " has layout " +
                                 std::to_string(layout) + ", which an earlier program wrote");
  }
  if (in.ok() && layout > kLayout) {
    return Status::FailedPrecondition("vector index " + blob() + " has layout " +
                                      std::to_string(layout) + "; upgrade the program");
  }
  const auto space = in.Fixed<uint32_t>();
  space_.dimension = in.Fixed<uint32_t>();
  graph_.rows.n = in.Fixed<uint32_t>();
  graph_.entry = in.Fixed<uint32_t>();
  space_.length = in.Fixed<float>();
  space_.seed = in.Fixed<uint64_t>();
  segment_checksum_ = in.Fixed<uint64_t>();
  const bool sane = in.ok() && space <= static_cast<uint32_t>(model::Space::kInnerProduct) &&
                    space_.dimension > 0 && space_.dimension < UINT32_MAX / 2 &&
                    graph_.rows.n > 0 && graph_.rows.n < index::kNoRow;
  if (!sane) return sections_.Damaged(section, "it cannot be decoded");
  space_.space = static_cast<model::Space>(space);
  if (in.remaining() / sizeof(float) < space_.code_dimension()) {
    return sections_.Damaged(section, "it is cut off");
  }
  for (uint32_t i = 0; i < space_.code_dimension(); ++i) {
    space_.center.push_back(in.Fixed<float>());
    if (!(std::abs(space_.center.back()) <= kValueMax)) {
      return sections_.Damaged(section, "it holds what is no centre");
    }
  }
  if (!(space_.length >= 0 && space_.length <= kValueMax)) {
    return sections_.Damaged(section, "it holds what is no length");
  }
  CHROMA_TRY(ReadCalibration(in));
  graph_.rows.padded = index::Rotation::Padded(space_.code_dimension());
  high_.row_bytes = graph_.rows.high_bytes();
  low_.row_bytes = graph_.rows.low_bytes();
  graph_.edges.bits = index::Edges::BitsFor(graph_.rows.n);
  edges_.row_bytes = index::Edges::Bytes(graph_.edges.bits);
  for (RowBlocks* blocks : {&high_, &low_, &edges_}) {
    blocks->block_rows = BlockRows(blocks->row_bytes);
    const uint64_t count = (uint64_t{graph_.rows.n} + blocks->block_rows - 1) / blocks->block_rows;
    if (in.remaining() / sizeof(uint64_t) < count) {
      return sections_.Damaged(section, "it is cut off");
    }
    for (uint64_t i = 0; i < count; ++i) blocks->checksums.push_back(in.Fixed<uint64_t>());
  }
  if (!in.ok() || !in.AtEnd()) return sections_.Damaged(section, "it has excess bytes");
  return Status::Ok();
}

Status VectorIndexReader::ReadCalibration(ByteReader& in) {
  const SectionInfo& section = *sections_.Find(SectionType::kGraphInfo);
  calibration_.spread = in.Fixed<float>();
  const auto points = in.Fixed<uint32_t>();
  if (!in.ok() || !(calibration_.spread >= 0 && calibration_.spread <= index::kSpreadMax)) {
    return sections_.Damaged(section, "it holds what is no calibration");
  }
  if (in.remaining() / sizeof(index::CalibrationPoint) < points) {
    return sections_.Damaged(section, "it is cut off");
  }
  for (uint32_t i = 0; i < points; ++i) {
    const auto effort = in.Fixed<uint32_t>();
    const auto recall = in.Fixed<float>();
    const bool rises = calibration_.points.empty() || effort > calibration_.points.back().effort;
    if (!rises || effort > kEffortMax || !(recall >= 0 && recall <= 1)) {
      return sections_.Damaged(section, "it holds what is no calibration");
    }
    calibration_.points.push_back({effort, recall});
  }
  return Status::Ok();
}

Status VectorIndexReader::ReadScales(runtime::Context& ctx) {
  const SectionInfo& section = *sections_.Find(SectionType::kRowScales);
  if (section.length != uint64_t{graph_.rows.n} * kScaleBytes) {
    return sections_.Damaged(section, "it has the wrong length");
  }
  CHROMA_ASSIGN(const store::BlobSlice slice, sections_.Read(ctx, section));
  ByteReader in(slice.bytes);
  scales_.resize(graph_.rows.n);
  for (index::RowScale& scale : scales_) {
    scale.scale = in.Fixed<float>();
    scale.squared_norm = in.Fixed<float>();
    // What no coder gives would make distances that have no order.
    if (!(scale.scale >= 0 && scale.scale <= kValueMax && scale.squared_norm >= -1 &&
          scale.squared_norm <= kSquareMax)) {
      return sections_.Damaged(section, "it holds what is no scale");
    }
  }
  graph_.rows.scales = scales_.data();
  return Status::Ok();
}

Status VectorIndexReader::OpenBlocks(runtime::Context& ctx, SectionType type, RowBlocks* blocks) {
  blocks->section = sections_.Find(type);
  const SectionInfo& section = *blocks->section;
  if (section.length != uint64_t{graph_.rows.n} * blocks->row_bytes) {
    return sections_.Damaged(section, "it has the wrong length");
  }
  const BytesView checksums(reinterpret_cast<const char*>(blocks->checksums.data()),
                            blocks->checksums.size() * sizeof(uint64_t));
  CHROMA_TRY(sections_.CheckBlockChecksums(section, checksums));
  CHROMA_ASSIGN(blocks->slice, sections_.ReadRange(ctx, section, 0, section.length));
  const BytesView bytes = blocks->slice.bytes;
  blocks->bytes = reinterpret_cast<const uint8_t*>(bytes.data());
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(uint64_t) != 0) {
    blocks->copy.resize(bytes.size() / sizeof(uint64_t) + 1);
    std::memcpy(blocks->copy.data(), bytes.data(), bytes.size());
    blocks->bytes = reinterpret_cast<const uint8_t*>(blocks->copy.data());
  }
  blocks->verified = std::make_unique<format::VerifiedBlocks>(blocks->checksums.size());
  return Status::Ok();
}

bool VectorIndexReader::Matches(const RowBlocks& blocks, uint64_t block) const {
  const BytesView bytes(reinterpret_cast<const char*>(blocks.bytes) + blocks.Offset(block),
                        blocks.Length(block, block + 1));
  if (Checksum(bytes) != blocks.checksums[block]) return false;
  blocks.verified->Add(block);
  return true;
}

bool VectorIndexReader::IsReadable(const RowBlocks& blocks, uint64_t first, uint64_t end) const {
  return sections_.blob()
      .CheckReadable(blocks.section->offset + blocks.Offset(first), blocks.Length(first, end))
      .ok();
}

bool VectorIndexReader::Check(const RowBlocks& blocks, uint64_t block) const {
  if (IsReadable(blocks, block, block + 1) && Matches(blocks, block)) return true;
  damaged_.store(true, std::memory_order_relaxed);
  return false;
}

bool VectorIndexReader::CheckWithNeighbors(const RowBlocks& blocks, uint64_t block) const {
  constexpr uint64_t kBytes = 64 << 10;
  const uint64_t together = std::max<uint64_t>(1, kBytes / blocks.Offset(1));
  const uint64_t first = block / together * together;
  const uint64_t end = std::min<uint64_t>(first + together, blocks.checksums.size());
  if (!IsReadable(blocks, first, end)) return Check(blocks, block);
  for (uint64_t one = first; one < end; ++one) {
    if (one != block && !blocks.verified->Contains(one)) Matches(blocks, one);
  }
  if (Matches(blocks, block)) return true;
  damaged_.store(true, std::memory_order_relaxed);
  return false;
}

bool VectorIndexReader::CheckRow(const RowBlocks& blocks, uint32_t row) const {
  constexpr uint64_t kFewShare = 16;
  const uint64_t unverified = blocks.verified->missing();
  if (unverified == 0) return true;
  const uint64_t block = row / blocks.block_rows;
  if (blocks.verified->Contains(block)) return true;
  const uint64_t all = blocks.checksums.size();
  const bool few = all - unverified < all / kFewShare;
  return few ? Check(blocks, block) : CheckWithNeighbors(blocks, block);
}

Status VectorIndexReader::VerifyAll(runtime::Context& ctx) const {
  CHROMA_TRY(sections_.VerifyFrames(ctx));
  for (const RowBlocks* blocks : Blocks()) {
    sections_.blob().WillNeed(blocks->section->offset, blocks->section->length);
    for (uint64_t block = 0; block < blocks->checksums.size(); ++block) {
      if (block % 1024 == 0) CHROMA_TRY(ctx.Check());
      if (!Check(*blocks, block)) {
        return sections_.Damaged(*blocks->section, "the checksum of a block does not match");
      }
    }
  }
  return Status::Ok();
}

Status VectorIndexReader::Load(runtime::Context& ctx) const {
  for (const RowBlocks* blocks : Blocks()) {
    for (uint64_t block = 0; block < blocks->checksums.size(); ++block) {
      if (block % 1024 == 0) CHROMA_TRY(ctx.Check());
      if (blocks->verified->Contains(block) || CheckWithNeighbors(*blocks, block)) continue;
      return sections_.Damaged(*blocks->section, "the checksum of a block does not match");
    }
  }
  return Status::Ok();
}

void VectorIndexReader::ReleasePages() const {
  sections_.blob().DontNeed(0, sections_.blob().size_bytes());
}

}  // namespace chroma::segment
