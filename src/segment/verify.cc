#include "segment/verify.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/flipped_bit.h"
#include "format/section_recovery.h"
#include "format/text_column.h"
#include "format/vector_column.h"
#include "segment/rebuild.h"
#include "segment/text_sections.h"

namespace chroma::segment {
namespace {

using format::SectionInfo;
using format::SectionReader;
using format::SectionType;

constexpr uint32_t kRowsAtOnce = 1024;

bool Any(SectionType) {
  return true;
}

std::string RowRange(uint64_t begin, uint64_t end) {
  return "rows " + std::to_string(begin) + " to " + std::to_string(end - 1);
}

class Examiner {
 public:
  Examiner(runtime::Context& ctx, std::shared_ptr<const store::Blob> blob)
      : ctx_(ctx), blob_(std::move(blob)) {}

  Result<SegmentExamination> Run() {
    Result<SectionReader> opened = format::OpenRecovered(ctx_, blob_, Any, &found_.patches);
    if (!opened.ok()) return Unreadable(opened.status());
    sections_.emplace(*std::move(opened));
    if (!found_.patches.empty()) Mended("its footer was made again from its sections");
    found_.checksum = sections_->checksum();
    CHROMA_TRY(CheckFraming());
    CHROMA_TRY(CheckInfo());
    if (!ctx_.Check().ok()) return ctx_.Check();
    if (!info_whole_) return std::move(found_);
    CHROMA_TRY(CheckSections());
    CHROMA_TRY(CheckVectors());
    CHROMA_TRY(CheckTexts(SectionType::kDocuments, SectionType::kDocumentIndex));
    CHROMA_TRY(CheckTexts(SectionType::kUris, SectionType::kUriIndex));
    CHROMA_TRY(OpenReadable());
    if (found_.readable != nullptr) CHROMA_TRY(CheckRows());
    return std::move(found_);
  }

 private:
  Result<SegmentExamination> Unreadable(const Status& status) {
    if (status.code() != StatusCode::kDataLoss) return status;
    Lost(std::string(status.message()), Bitmap());
    return std::move(found_);
  }

  void Mended(std::string what) {
    SegmentDamage damage;
    damage.what = std::move(what);
    damage.mended = true;
    found_.damages.push_back(std::move(damage));
  }
  void Lost(std::string what, Bitmap rows) {
    found_.damaged_rows |= rows;
    SegmentDamage damage;
    damage.what = std::move(what);
    damage.rows = std::move(rows);
    found_.damages.push_back(std::move(damage));
  }
  Bitmap AllRows() const { return Bitmap::Range(0, rows_); }

  // Takes the patches that were found into account.
  Status Reopen() {
    CHROMA_ASSIGN(SectionReader reader,
                  SectionReader::Open(ctx_, store::PatchBlob(blob_, found_.patches), Any));
    sections_.emplace(std::move(reader));
    return Status::Ok();
  }

  Status CheckFraming() {
    auto patches = format::RecoverFraming(ctx_, *sections_);
    if (!patches.ok()) {
      if (patches.status().code() != StatusCode::kDataLoss) return patches.status();
      Lost(std::string(patches.status().message()), Bitmap());
      return Status::Ok();
    }
    if (patches->empty()) return Status::Ok();
    Mended(std::to_string(patches->size()) + " places between its sections are damaged");
    for (store::Patch& patch : *patches) found_.patches.push_back(std::move(patch));
    return Reopen();
  }

  // Whether the section is whole, or could be made so.
  Result<bool> Restore(const SectionInfo& section) {
    Result<store::BlobSlice> read = sections_->Read(ctx_, section);
    if (read.ok()) return true;
    if (read.status().code() != StatusCode::kDataLoss) return read.status();
    Result<Bytes> rebuilt = RebuildSection(ctx_, *sections_, section, rows_, dimension_);
    if (!rebuilt.ok()) {
      if (rebuilt.status().code() != StatusCode::kDataLoss) return rebuilt.status();
      CHROMA_ASSIGN(const store::BlobSlice slice,
                    sections_->ReadRange(ctx_, section, 0, section.length));
      Bytes bytes(slice.bytes);
      if (!FlipBack(bytes, section.checksum)) return false;
      rebuilt = std::move(bytes);
      Mended("section " + format::Describe(section) + " has one flipped bit");
    } else {
      Mended("section " + format::Describe(section) + " is damaged, and derived from others");
    }
    found_.patches.push_back({section.offset, *std::move(rebuilt)});
    const SectionType type = section.type;
    const std::string key = section.key;
    CHROMA_TRY(Reopen());
    return sections_->Find(type, key) != nullptr;
  }

  Status CheckInfo() {
    const SectionInfo* info = sections_->Find(SectionType::kSegmentInfo);
    if (info == nullptr) {
      Lost("section segment info is missing", Bitmap());
      return Status::Ok();
    }
    CHROMA_ASSIGN(info_whole_, Restore(*info));
    if (!info_whole_) {
      Lost("section segment info is damaged", Bitmap());
      return Status::Ok();
    }
    info = sections_->Find(SectionType::kSegmentInfo);
    CHROMA_ASSIGN(const store::BlobSlice slice, sections_->Read(ctx_, *info));
    ByteReader in(slice.bytes);
    rows_ = in.Fixed<uint32_t>();
    dimension_ = in.Fixed<uint32_t>();
    info_whole_ = in.ok() && in.AtEnd() && rows_ != UINT32_MAX;
    if (!info_whole_) Lost("section segment info cannot be decoded", Bitmap());
    found_.dimension = dimension_;
    return Status::Ok();
  }

  // Record columns first: what is derived is made again from them.
  Status CheckSections() {
    const std::vector<SectionInfo> all = sections_->sections();
    for (const bool derived : {false, true}) {
      for (const SectionInfo& section : all) {
        if (section.block_size != 0 || IsDerived(section.type) != derived) continue;
        CHROMA_TRY(ctx_.Check());
        CHROMA_ASSIGN(const bool whole, Restore(section));
        if (!whole) LoseSection(section);
      }
    }
    return Status::Ok();
  }

  void LoseSection(const SectionInfo& section) {
    const std::string what = "section " + format::Describe(section) + " is damaged";
    if (section.type == SectionType::kIdIndex || section.type == SectionType::kMovedRows ||
        section.type == SectionType::kSparsePostings || IsTextIndexSection(section.type) ||
        section.type == SectionType::kValueOrder || section.type == SectionType::kValueText ||
        section.type == SectionType::kSparseFill) {
      Lost(what, Bitmap());  // costs time at each start or search, and no record
    } else if (format::IsMetadataSection(section.type)) {
      lost_columns_.push_back(section);
      SegmentDamage damage;
      damage.what = what;
      damage.key = section.key;
      found_.damages.push_back(std::move(damage));
      found_.damaged_keys.push_back(section.key);
    } else {
      if (section.type == SectionType::kIds) ids_lost_ = true;
      Lost(what, AllRows());
    }
  }

  // Tries to flip one bit of a block back. False: it is lost.
  bool RestoreBlock(BytesView block, uint64_t checksum, uint64_t offset) {
    Bytes bytes(block);
    if (!FlipBack(bytes, checksum)) return false;
    found_.patches.push_back({offset, std::move(bytes)});
    return true;
  }

  Status CheckVectors() {
    if (rows_ == 0 || dimension_ == 0) return Status::Ok();
    Result<format::VectorReader> opened =
        format::VectorReader::Open(ctx_, *sections_, rows_, dimension_);
    if (!opened.ok()) return LoseColumn(opened.status());
    const format::VectorReader& vectors = *opened;
    const SectionInfo& section = *sections_->Find(SectionType::kVectors);
    for (uint64_t block = 0; block < vectors.blocks(); ++block) {
      CHROMA_TRY(ctx_.Check());
      const BytesView bytes = vectors.BlockBytes(block);
      if (Checksum(bytes) == vectors.BlockChecksum(block)) continue;
      const uint64_t begin = block * vectors.block_rows();
      const uint64_t end = std::min<uint64_t>(rows_, begin + vectors.block_rows());
      const uint64_t at = section.offset + begin * dimension_ * sizeof(float);
      const std::string what = "vectors of " + RowRange(begin, end);
      if (RestoreBlock(bytes, vectors.BlockChecksum(block), at)) {
        Mended(what + " have one flipped bit");
      } else {
        Lost(what + " are damaged",
             Bitmap::Range(static_cast<uint32_t>(begin), static_cast<uint32_t>(end)));
      }
    }
    return Status::Ok();
  }

  Status CheckTexts(SectionType blocks, SectionType index) {
    Result<format::TextReader> opened =
        format::TextReader::Open(ctx_, *sections_, blocks, index, rows_);
    if (!opened.ok()) return LoseColumn(opened.status());
    const format::TextReader& texts = *opened;
    for (uint64_t block = 0; block < texts.blocks(); ++block) {
      CHROMA_TRY(ctx_.Check());
      CHROMA_ASSIGN(const store::BlobSlice slice, texts.ReadBlock(ctx_, block));
      const uint64_t begin = texts.FirstRow(block);
      const uint64_t end = texts.FirstRow(block + 1);
      const std::string what =
          std::string(format::SectionTypeName(blocks)) + " of " + RowRange(begin, end);
      bool whole = Checksum(slice.bytes) == texts.BlockChecksum(block);
      if (whole) whole = texts.CheckBlock(ctx_, block).ok();
      if (whole) continue;
      const uint64_t at = sections_->Find(blocks)->offset + texts.BlockOffset(block);
      if (RestoreBlock(slice.bytes, texts.BlockChecksum(block), at)) {
        Mended(what + " have one flipped bit");
      } else {
        Lost(what + " are damaged",
             Bitmap::Range(static_cast<uint32_t>(begin), static_cast<uint32_t>(end)));
      }
    }
    return Status::Ok();
  }

  // A column that cannot even be opened.
  Status LoseColumn(const Status& status) {
    if (status.code() != StatusCode::kDataLoss) return status;
    Lost(std::string(status.message()), AllRows());
    return Status::Ok();
  }

  // Lost columns are left out of the footer, which stands behind the old one then.
  Status OpenReadable() {
    std::vector<store::Patch> patches = found_.patches;
    if (!lost_columns_.empty()) {
      std::vector<SectionInfo> kept;
      for (const SectionInfo& section : sections_->sections()) {
        const bool lost =
            std::any_of(lost_columns_.begin(), lost_columns_.end(), [&](const SectionInfo& column) {
              return column.type == section.type && column.key == section.key;
            });
        if (!lost) kept.push_back(section);
      }
      patches.push_back({sections_->blob().size_bytes(), format::EncodeEnd(kept)});
    }
    auto opened = SegmentReader::Open(ctx_, store::PatchBlob(blob_, std::move(patches)));
    if (!opened.ok()) return LoseColumn(opened.status());
    found_.readable = *std::move(opened);
    found_.ids_readable = !ids_lost_;
    return Status::Ok();
  }

  // What checksums cannot say: the columns fit each other.
  Status CheckRows() {
    const SegmentReader& segment = *found_.readable;
    Bitmap good = AllRows();
    good -= found_.damaged_rows;
    const std::vector<uint32_t> rows = good.ToVector();
    Bitmap wrong;
    uint64_t last_offset = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % kRowsAtOnce == 0) CHROMA_TRY(ctx_.Check());
      const uint32_t row = rows[i];
      const auto id = segment.Id(row);
      const auto offset = segment.InsertionOffset(row);
      const auto found = id.ok() ? segment.FindId(*id) : std::optional<uint32_t>();
      bool right = id.ok() && offset.ok() && found.ok() && *found == row;
      right = right && (i == 0 || *offset > last_offset) && IsFinite(segment, row);
      if (offset.ok()) last_offset = std::max(last_offset, *offset);
      if (!right) wrong.Add(row);
    }
    for (size_t i = 0; i < rows.size(); i += kRowsAtOnce) {
      CHROMA_TRY(ctx_.Check());
      const std::span<const uint32_t> some(rows.data() + i,
                                           std::min<size_t>(kRowsAtOnce, rows.size() - i));
      std::vector<model::Metadata> metadata;
      if (segment.ReadMetadata(some, &metadata).ok()) continue;
      for (const uint32_t row : some) wrong.Add(row);
    }
    if (!wrong.Empty()) {
      Lost(std::to_string(wrong.Count()) +
               " rows have an id, an insertion offset, a vector or metadata that cannot be",
           std::move(wrong));
    }
    return Status::Ok();
  }

  bool IsFinite(const SegmentReader& segment, uint32_t row) const {
    if (dimension_ == 0) return true;
    const Result<VectorRun> run = segment.Vectors(row);
    return run.ok() && std::all_of(run->values, run->values + dimension_,
                                   [](float value) { return std::isfinite(value); });
  }

  runtime::Context& ctx_;
  const std::shared_ptr<const store::Blob> blob_;
  std::optional<SectionReader> sections_;
  uint32_t rows_ = 0;
  uint32_t dimension_ = 0;
  bool info_whole_ = false;
  bool ids_lost_ = false;
  std::vector<SectionInfo> lost_columns_;
  SegmentExamination found_;
};

}  // namespace

Result<SegmentExamination> ExamineSegment(runtime::Context& ctx,
                                          std::shared_ptr<const store::Blob> blob) {
  return Examiner(ctx, std::move(blob)).Run();
}

}  // namespace chroma::segment
