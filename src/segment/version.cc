#include "segment/version.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"

namespace chroma::segment {
namespace {

using format::ManifestIndex;
using format::ManifestSegment;

class VersionOpener {
 public:
  VersionOpener(runtime::Context& ctx, store::BlobStore& store,
                std::shared_ptr<index::NodeMemory> memory, const std::string& manifest,
                const Version* before)
      : ctx_(ctx),
        store_(store),
        memory_(std::move(memory)),
        manifest_(manifest),
        before_(before) {}

  Result<SnapshotPart> Open(const ManifestSegment& segment) {
    CHROMA_ASSIGN(std::shared_ptr<const SegmentReader> reader, OpenSegment(segment));
    CHROMA_ASSIGN(std::shared_ptr<const PartIndexes> indexes, OpenIndexes(segment, *reader));
    SnapshotPart part{std::move(reader), std::make_shared<Bitmap>(segment.deleted),
                      std::move(indexes)};
    if (!NeedsSigns(part)) part.part->signs().Forget();
    return part;
  }

 private:
  Result<std::shared_ptr<const SegmentReader>> OpenSegment(const ManifestSegment& segment) {
    if (auto open = FindSegment(segment)) return open;
    CHROMA_ASSIGN(std::shared_ptr<const store::Blob> blob, store_.Open(ctx_, segment.blob));
    CHROMA_ASSIGN(std::shared_ptr<const SegmentReader> reader,
                  SegmentReader::Open(ctx_, std::move(blob)));
    if (reader->rows() != segment.rows) {
      return Status::DataLoss("segment " + segment.blob + " has another number of rows than " +
                              manifest_ + " says");
    }
    if (segment.checksum != 0 && reader->checksum() != segment.checksum) {
      return Status::DataLoss("segment " + segment.blob + " is not the one that " + manifest_ +
                              " names: another one is in its place; restore it from a backup");
    }
    return reader;
  }

  std::shared_ptr<const SegmentReader> FindSegment(const ManifestSegment& segment) const {
    if (before_ == nullptr) return nullptr;
    for (size_t i = 0; i < before_->parts.size(); ++i) {
      const ManifestSegment& open = before_->manifest.segments[i];
      if (open.blob != segment.blob || open.checksum != segment.checksum) continue;
      return std::static_pointer_cast<const SegmentReader>(before_->parts[i].part);
    }
    return nullptr;
  }

  std::shared_ptr<const VectorIndexReader> FindIndex(const ManifestIndex& index) const {
    if (before_ == nullptr) return nullptr;
    for (const SnapshotPart& part : before_->parts) {
      if (part.indexes == nullptr) continue;
      for (const PartIndex& open : part.indexes->list) {
        if (open.reader->blob() == index.blob && open.reader->checksum() == index.checksum) {
          return open.reader;
        }
      }
    }
    return nullptr;
  }

  Result<std::shared_ptr<const PartIndexes>> OpenIndexes(const ManifestSegment& segment,
                                                         const SegmentReader& reader) {
    if (segment.indexes.empty()) return std::shared_ptr<const PartIndexes>();
    auto indexes = std::make_shared<PartIndexes>();
    indexes->unindexed = Bitmap::Range(0, reader.rows());
    for (const ManifestIndex& named : segment.indexes) {
      Result<PartIndex> index = OpenIndex(named, segment, reader, &indexes->unindexed);
      if (index.ok()) {
        indexes->list.push_back(*std::move(index));
        continue;
      }
      CHROMA_TRY(LogLost(named, index.status()));
      indexes->lost = true;
    }
    return std::shared_ptr<const PartIndexes>(std::move(indexes));
  }

  // `why` itself where the rows cannot be searched without the index either.
  static Status LogLost(const ManifestIndex& named, const Status& why) {
    const StatusCode code = why.code();
    const bool earlier = code == StatusCode::kUnimplemented;
    if (!earlier && code != StatusCode::kDataLoss && code != StatusCode::kNotFound) return why;
    runtime::Log(earlier ? runtime::LogLevel::kInfo : runtime::LogLevel::kWarning,
                 std::string("a vector index is ") +
                     (earlier ? "of an earlier program" : "damaged") +
                     "; its rows are searched without it until it was built again",
                 {{"index", named.blob}, {"error", why.message()}});
    return Status::Ok();
  }

  Result<PartIndex> OpenIndex(const ManifestIndex& named, const ManifestSegment& segment,
                              const SegmentReader& reader, Bitmap* unindexed) {
    std::shared_ptr<const VectorIndexReader> index = FindIndex(named);
    if (index == nullptr) {
      CHROMA_ASSIGN(std::shared_ptr<const store::Blob> blob, store_.Open(ctx_, named.blob));
      CHROMA_ASSIGN(index, VectorIndexReader::Open(ctx_, std::move(blob), memory_));
    }
    return PlaceIndex(std::move(index), named, segment, reader, unindexed);
  }

  runtime::Context& ctx_;
  store::BlobStore& store_;
  const std::shared_ptr<index::NodeMemory> memory_;
  const std::string& manifest_;
  const Version* const before_;
};

// Takes the rows of the index out of those that no index holds.
Status TakeRows(const std::vector<uint32_t>& moved, Bitmap* unindexed) {
  std::vector<uint32_t> rows;
  for (const uint32_t row : moved) {
    if (row != index::MovedRows::kGone) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  if (std::adjacent_find(rows.begin(), rows.end()) != rows.end()) {
    return Status::DataLoss("the segment says twice what has become of a row of it");
  }
  const uint64_t before = unindexed->Count();
  *unindexed -= Bitmap::FromSorted(rows.data(), rows.size());
  if (unindexed->Count() + rows.size() == before) return Status::Ok();
  return Status::DataLoss("it holds rows that another index of the segment holds");
}

}  // namespace

Result<PartIndex> PlaceIndex(std::shared_ptr<const VectorIndexReader> index,
                             const ManifestIndex& named, const ManifestSegment& segment,
                             const SegmentReader& reader, Bitmap* unindexed) {
  if (index->checksum() != named.checksum) {
    return Status::DataLoss("another index is in its place");
  }
  if (index->space().dimension != reader.dimension()) {
    return Status::DataLoss("it is of vectors of another dimension");
  }
  std::vector<uint32_t> moved;
  if (index->segment_checksum() != segment.checksum) {
    CHROMA_ASSIGN(moved, reader.MovedRows(named.blob, index->rows()));
  } else if (index->rows() != reader.rows()) {
    return Status::DataLoss("it is of another number of rows");
  }
  PartIndex placed;
  placed.reader = std::move(index);
  if (moved.empty()) {
    if (unindexed->Count() != reader.rows()) {
      return Status::DataLoss("it holds rows that another index of the segment holds");
    }
    *unindexed = Bitmap();
    return placed;
  }
  Bitmap left = *unindexed;
  CHROMA_TRY(TakeRows(moved, &left));
  *unindexed = std::move(left);
  for (const uint32_t row : moved) placed.gone += row == index::MovedRows::kGone ? 1 : 0;
  placed.moved = std::make_shared<const std::vector<uint32_t>>(std::move(moved));
  return placed;
}

Result<std::shared_ptr<const Version>> OpenVersion(runtime::Context& ctx, store::BlobStore& store,
                                                   std::shared_ptr<index::NodeMemory> memory,
                                                   const VersionRef& ref, const Version* before) {
  auto version = std::make_shared<Version>();
  version->manifest.collection = ref.collection;
  if (ref.manifest.empty()) return std::shared_ptr<const Version>(std::move(version));

  CHROMA_ASSIGN(store::BlobSlice bytes, store::ReadBlob(ctx, store, ref.manifest));
  CHROMA_ASSIGN(version->manifest, format::DecodeManifest(bytes.bytes, ref.manifest));
  const format::Manifest& manifest = version->manifest;
  if (manifest.collection != ref.collection || manifest.version != ref.version) {
    return Status::DataLoss("manifest " + ref.manifest + " is of another collection or version");
  }
  VersionOpener opener(ctx, store, std::move(memory), ref.manifest, before);
  for (const ManifestSegment& segment : manifest.segments) {
    CHROMA_ASSIGN(SnapshotPart part, opener.Open(segment));
    version->parts.push_back(std::move(part));
  }
  return std::shared_ptr<const Version>(std::move(version));
}

}  // namespace chroma::segment
