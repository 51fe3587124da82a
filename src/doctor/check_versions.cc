#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/checksum.h"
#include "base/flipped_bit.h"
#include "doctor/inspection.h"
#include "segment/vector_index_blob.h"
#include "segment/version.h"

namespace chroma::doctor {
namespace {

constexpr size_t kIdsMax = 100'000;

std::string BlobPath(const std::string& blob) {
  return "blobs/" + blob;
}

}  // namespace

Status Inspection::CheckVersions(Report* report) {
  for (const catalog::CatalogCollection& collection : catalog_.collections) {
    ++report->collections;
    if (collection.manifest.empty()) continue;
    CHROMA_TRY(CheckVersion(collection, report));
  }
  return Status::Ok();
}

// False when it cannot be used.
Result<bool> Inspection::ReadManifest(const catalog::CatalogCollection& collection,
                                      format::Manifest* manifest) {
  const std::string place = BlobPath(collection.manifest);
  const auto damaged = [&](std::string what) -> Case& {
    Case& added = Add(Severity::kDamage, place, std::move(what));
    added.finding.collection = NameOf(collection);
    return added;
  };
  Result<store::BlobSlice> read = store::ReadBlob(ctx_, *store_, collection.manifest);
  if (read.status().code() == StatusCode::kNotFound) {
    damaged("it is missing");
    return false;
  }
  CHROMA_ASSIGN(const store::BlobSlice slice, std::move(read));
  Result<format::Manifest> decoded = format::DecodeManifest(slice.bytes, collection.manifest);
  if (decoded.status().code() == StatusCode::kFailedPrecondition) return decoded.status();
  if (!decoded.ok()) {
    Bytes bytes(slice.bytes);
    const auto decodes = [&](BytesView tried) { return format::DecodeManifest(tried, "").ok(); };
    if (!FlipBack(bytes, decodes)) {
      damaged(std::string(decoded.status().message()));
      return false;
    }
    decoded = format::DecodeManifest(bytes, collection.manifest);
    Case& added = damaged("one bit of it flipped");
    added.finding.cure = Cure::kByItself;
    added.finding.remedy = "it is flipped back, as the checksum proves";
    added.mend = [place, bytes](Repairs& repairs) -> Result<std::string> {
      CHROMA_TRY(repairs.Replace(place, bytes));
      return std::string("the bit was flipped back");
    };
  }
  *manifest = *std::move(decoded);
  if (manifest->collection != collection.id || manifest->version != collection.version ||
      manifest->log_offset != collection.log_offset) {
    damaged("it is of another collection or version than the catalog says");
    return false;
  }
  std::set<std::string> blobs(collection.blobs.begin(), collection.blobs.end());
  std::set<std::string> named{collection.manifest};
  for (std::string& blob : format::BlobsOf(*manifest)) named.insert(std::move(blob));
  if (blobs != named) damaged("it names other segments than the catalog does");
  return true;
}

Status Inspection::CheckVersion(const catalog::CatalogCollection& collection, Report* report) {
  format::Manifest manifest;
  CHROMA_ASSIGN(const bool readable, ReadManifest(collection, &manifest));
  if (!readable) return Status::Ok();
  std::vector<std::shared_ptr<ExaminedSegment>> segments;
  const size_t before = cases_.size();
  bool lossy = false;
  for (const format::ManifestSegment& named : manifest.segments) {
    ++report->segments;
    report->records += named.rows - named.deleted.Count();
    auto examined = std::make_shared<ExaminedSegment>();
    CHROMA_TRY(CheckSegment(collection, named, examined.get()));
    segments.push_back(std::move(examined));
  }
  CheckIds(collection, segments);
  const bool segments_whole = cases_.size() == before;
  for (size_t i = before; i < cases_.size(); ++i) lossy |= cases_[i].mend == nullptr;
  // A version that is salvaged, or written anew, is looked at again.
  if (segments_whole) return CheckIndexes(collection, manifest, segments);
  if (!lossy) return Status::Ok();
  // One mend for all damages of the version that only a new version gets rid of: with the case that
  // asks most, so that nothing is given up that the user did not give up.
  size_t chosen = cases_.size();
  for (size_t i = before; i < cases_.size(); ++i) {
    if (cases_[i].mend != nullptr) continue;
    const bool asks_more =
        chosen == cases_.size() || (cases_[i].finding.cure == Cure::kBySalvage &&
                                    cases_[chosen].finding.cure != Cure::kBySalvage);
    if (asks_more) chosen = i;
  }
  cases_[chosen].mend = [this, collection, manifest, segments](Repairs& repairs) {
    return SalvageVersion(ctx_, env_, directory_, collection, manifest, segments, repairs);
  };
  return Status::Ok();
}

Status Inspection::CheckSegment(const catalog::CatalogCollection& collection,
                                const format::ManifestSegment& named, ExaminedSegment* examined) {
  examined->named = named;
  const std::string place = BlobPath(named.blob);
  const auto whole_lost = [&](std::string what) {
    Case& added = Add(Severity::kDamage, place, std::move(what));
    added.finding.collection = NameOf(collection);
    added.finding.records = named.rows - named.deleted.Count();
    added.finding.cure = Cure::kBySalvage;
    added.finding.remedy =
        "restore the directory from a backup; --salvage goes on without the segment";
    examined->found.readable = nullptr;
  };
  Result<std::shared_ptr<const store::Blob>> blob = store_->Open(ctx_, named.blob);
  if (blob.status().code() == StatusCode::kNotFound) {
    examined->missing = true;
    whole_lost("it is missing");
    return Status::Ok();
  }
  CHROMA_TRY(blob.status());
  CHROMA_ASSIGN(examined->found, segment::ExamineSegment(ctx_, *blob));
  if (examined->found.readable == nullptr || examined->found.readable->rows() != named.rows) {
    whole_lost(examined->found.readable != nullptr
                   ? "it has another number of rows than the manifest says"
               : examined->found.damages.empty() ? std::string("it cannot be opened")
                                                 : examined->found.damages[0].what);
    return Status::Ok();
  }
  if (named.checksum != 0 && examined->found.checksum != named.checksum) {
    whole_lost("it is not the one that the manifest names: another one is in its place");
    return Status::Ok();
  }
  AddDamages(collection, *examined);
  return Status::Ok();
}

void Inspection::AddDamages(const catalog::CatalogCollection& collection,
                            const ExaminedSegment& examined) {
  const std::string place = BlobPath(examined.named.blob);
  const segment::SegmentExamination& found = examined.found;
  bool patched = false;
  for (const segment::SegmentDamage& damage : found.damages) {
    Case& added = Add(Severity::kDamage, place, damage.what);
    Finding& finding = added.finding;
    finding.collection = NameOf(collection);
    finding.cure = Cure::kByItself;
    if (damage.mended) {
      finding.remedy = "it is put back as it was, as checksums prove";
      added.mend = [place, patches = patched ? std::vector<store::Patch>() : found.patches](
                       Repairs& repairs) -> Result<std::string> {
        if (!patches.empty()) CHROMA_TRY(repairs.Patch(place, patches));
        return std::string("put back as it was");
      };
      patched = true;
      continue;
    }
    Bitmap lost = damage.rows;
    lost -= examined.named.deleted;
    finding.records = lost.Count();
    if (!damage.key.empty()) {
      finding.cure = Cure::kBySalvage;
      finding.records = examined.named.rows - examined.named.deleted.Count();
      finding.remedy = "restore the directory from a backup; --salvage goes on without the key \"" +
                       damage.key + "\" in these records";
    } else if (lost.Empty()) {
      finding.remedy = "no record is lost: the segment is written anew";
    } else {
      finding.cure = Cure::kBySalvage;
      finding.remedy =
          "restore the directory from a backup; --salvage goes on without these records";
    }
    if (!found.ids_readable) continue;
    lost.ForEach([&](uint32_t row) {
      const auto id = found.readable->Id(row);
      if (id.ok()) finding.ids.emplace_back(*id);
      return finding.ids.size() < kIdsMax;
    });
  }
}

Status Inspection::CheckIndex(const catalog::CatalogCollection& collection,
                              const format::ManifestIndex& index, const ExaminedSegment& segment,
                              Bitmap* unindexed) const {
  CHROMA_ASSIGN(std::shared_ptr<const store::Blob> blob, store_->Open(ctx_, index.blob));
  CHROMA_ASSIGN(const auto reader,
                segment::VectorIndexReader::Open(ctx_, std::move(blob), nullptr));
  CHROMA_TRY(reader->VerifyAll(ctx_));
  if (collection.space && reader->space().space != *collection.space) {
    return Status::DataLoss("it is of another space than the collection");
  }
  const auto placed =
      segment::PlaceIndex(reader, index, segment.named, *segment.found.readable, unindexed);
  // What is missing then is not the index.
  if (placed.status().code() != StatusCode::kNotFound) return placed.status();
  return Status::DataLoss(std::string(placed.status().message()));
}

Status Inspection::CheckIndexes(const catalog::CatalogCollection& collection,
                                const format::Manifest& manifest,
                                const std::vector<std::shared_ptr<ExaminedSegment>>& segments) {
  std::set<std::string> damaged;
  const size_t first = cases_.size();
  for (const std::shared_ptr<ExaminedSegment>& segment : segments) {
    Bitmap unindexed = Bitmap::Range(0, segment->named.rows);
    for (const format::ManifestIndex& index : segment->named.indexes) {
      const Status status = CheckIndex(collection, index, *segment, &unindexed);
      if (status.ok()) continue;
      const StatusCode code = status.code();
      const bool earlier = code == StatusCode::kUnimplemented;
      if (!earlier && code != StatusCode::kDataLoss && code != StatusCode::kNotFound) return status;
      Case& added =
          Add(earlier ? Severity::kNote : Severity::kDamage, BlobPath(index.blob),
              code == StatusCode::kNotFound ? "it is missing" : std::string(status.message()));
      added.finding.collection = NameOf(collection);
      added.finding.cure = Cure::kByItself;
      added.finding.remedy = "no record is lost: the index is built again";
      damaged.insert(index.blob);
    }
  }
  if (damaged.empty()) return Status::Ok();
  for (size_t i = first; i < cases_.size(); ++i) {
    cases_[i].mend = [](Repairs&) -> Result<std::string> {
      return std::string("dropped, with the other such indexes of the collection");
    };
  }
  cases_.back().mend = [this, collection, manifest, damaged](Repairs& repairs) {
    return DropIndexes(ctx_, env_, directory_, collection, manifest, damaged, repairs);
  };
  return Status::Ok();
}

// A live id is in one segment once.
void Inspection::CheckIds(const catalog::CatalogCollection& collection,
                          const std::vector<std::shared_ptr<ExaminedSegment>>& segments) {
  if (segments.size() < 2) return;
  std::unordered_map<uint64_t, size_t> seen;  // hash of an id to its segment
  std::vector<std::string> repeated;
  for (size_t i = 0; i < segments.size(); ++i) {
    const segment::SegmentExamination& found = segments[i]->found;
    if (found.readable == nullptr || !found.ids_readable) continue;
    for (uint32_t row = 0; row < found.readable->rows(); ++row) {
      if (segments[i]->named.deleted.Contains(row)) continue;
      const auto id = found.readable->Id(row);
      if (!id.ok()) continue;
      const auto [at, added] = seen.emplace(Hash64(*id), i);
      if (added || at->second == i) continue;
      const ExaminedSegment& other = *segments[at->second];
      const auto there = other.found.readable->FindId(*id);
      if (there.ok() && *there && !other.named.deleted.Contains(**there)) {
        repeated.emplace_back(*id);
      }
    }
  }
  if (repeated.empty()) return;
  Case& added = Add(Severity::kDamage, BlobPath(collection.manifest),
                    "ids are live in more than one segment");
  added.finding.collection = NameOf(collection);
  added.finding.records = repeated.size();
  added.finding.ids = std::move(repeated);
  added.mend = [](Repairs&) -> Result<std::string> { return Status::DataLoss("no cure"); };
}

// Files below blobs/ that nobody names. Only a catalog that was read in full can say so.
Status Inspection::CheckStrayBlobs() {
  std::set<std::string> named;
  for (const catalog::CatalogCollection& collection : catalog_.collections) {
    for (const std::string& blob : collection.blobs) named.insert(blob);
  }
  const bool certain = catalog_.complete && catalog_.damages.empty();
  std::vector<std::string> directories{""};
  while (!directories.empty()) {
    const std::string directory = std::move(directories.back());
    directories.pop_back();
    CHROMA_ASSIGN(const auto entries, env_.files->List(PathOf(BlobPath(directory))));
    for (const runtime::DirectoryEntry& entry : entries) {
      const std::string name = directory.empty() ? entry.name : directory + "/" + entry.name;
      if (entry.is_directory) {
        directories.push_back(name);
        continue;
      }
      if (named.contains(name)) continue;
      const std::string place = BlobPath(name);
      Case& added = Add(Severity::kNote, place,
                        "no collection names it (" + std::to_string(entry.size_bytes) + " bytes)");
      if (!certain) {
        added.finding.remedy = "it stays, since the catalog is damaged";
        continue;
      }
      added.finding.cure = Cure::kByItself;
      added.finding.remedy = "it is removed";
      added.mend = [place](Repairs& repairs) -> Result<std::string> {
        CHROMA_TRY(repairs.MoveAside(place));
        return std::string("removed");
      };
    }
  }
  return Status::Ok();
}

}  // namespace chroma::doctor
