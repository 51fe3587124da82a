#include "executor/project.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

#include "runtime/mutex.h"

namespace chroma::executor {
namespace {

using segment::Part;

// What a long answer holds before it is accounted for is bounded by this, times the threads.
constexpr size_t kRowsAtOnce = 1024;

// Some rows of one part, ascending as parts want them, and where each goes.
struct RowsOfPart {
  const Part* part;
  std::vector<uint32_t> rows;
  std::vector<Place> places;
};

// All rows, in pieces that are read at once.
std::vector<RowsOfPart> GroupByPart(const segment::Snapshot& snapshot,
                                    std::span<const std::vector<RowRef>> lists) {
  std::vector<std::vector<std::pair<uint32_t, Place>>> parts(snapshot.parts.size());
  for (uint32_t list = 0; list < lists.size(); ++list) {
    for (uint32_t at = 0; at < lists[list].size(); ++at) {
      parts[lists[list][at].part].push_back({lists[list][at].row, {list, at}});
    }
  }
  std::vector<RowsOfPart> pieces;
  for (size_t part = 0; part < parts.size(); ++part) {
    std::sort(parts[part].begin(), parts[part].end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < parts[part].size(); ++i) {
      if (i % kRowsAtOnce == 0) pieces.push_back({snapshot.parts[part].part.get(), {}, {}});
      pieces.back().rows.push_back(parts[part][i].first);
      pieces.back().places.push_back(parts[part][i].second);
    }
  }
  return pieces;
}

Status ReadIds(const RowsOfPart& group, std::span<Records> out) {
  for (size_t i = 0; i < group.rows.size(); ++i) {
    CHROMA_ASSIGN(std::string_view id, group.part->Id(group.rows[i]));
    out[group.places[i].list].ids[group.places[i].at] = std::string(id);
  }
  return Status::Ok();
}

Status ReadEmbeddings(const RowsOfPart& group, std::span<Records> out) {
  for (size_t i = 0; i < group.rows.size(); ++i) {
    model::VectorMatrix& to = out[group.places[i].list].embeddings;
    CHROMA_ASSIGN(segment::VectorRun run, group.part->Vectors(group.rows[i]));
    std::memcpy(to.values.data() + group.places[i].at * to.dimension, run.values,
                to.dimension * sizeof(float));
  }
  return Status::Ok();
}

using TextColumn = std::vector<std::optional<std::string>>;
Status ReadTexts(const RowsOfPart& group,
                 Status (Part::*read)(std::span<const uint32_t>, TextColumn*) const,
                 TextColumn Records::*column, std::span<Records> out) {
  TextColumn texts;
  CHROMA_TRY((group.part->*read)(group.rows, &texts));
  for (size_t i = 0; i < texts.size(); ++i) {
    (out[group.places[i].list].*column)[group.places[i].at] = std::move(texts[i]);
  }
  return Status::Ok();
}

// Upstream keeps documents and uris among the metadata and hides their keys. So a record with
// nothing to show has null metadata, but one with a uri, or another hidden key, has {}.
std::optional<model::Metadata> Visible(model::Metadata stored, bool has_uri) {
  const auto hidden = [](const model::Metadata::Entry& entry) {
    return entry.first.starts_with(model::kHiddenKeyPrefix);
  };
  const bool any_hidden = std::any_of(stored.begin(), stored.end(), hidden);
  if (any_hidden) {
    std::vector<model::Metadata::Entry> shown;
    for (const model::Metadata::Entry& entry : stored) {
      if (!hidden(entry)) shown.push_back(entry);
    }
    stored = model::Metadata::FromEntries(std::move(shown));
  }
  if (stored.empty() && !has_uri && !any_hidden) return std::nullopt;
  return stored;
}

Status ReadMetadata(const RowsOfPart& group, std::span<Records> out) {
  std::vector<model::Metadata> metadata;
  CHROMA_TRY(group.part->ReadMetadata(group.rows, &metadata));
  TextColumn uris;
  CHROMA_TRY(group.part->ReadUris(group.rows, &uris));
  for (size_t i = 0; i < metadata.size(); ++i) {
    out[group.places[i].list].metadatas[group.places[i].at] =
        Visible(std::move(metadata[i]), uris[i].has_value());
  }
  return Status::Ok();
}

Status ReadColumns(const RowsOfPart& group, model::IncludeSet include, std::span<Records> out) {
  CHROMA_TRY(ReadIds(group, out));
  if (include & model::kIncludeEmbeddings) CHROMA_TRY(ReadEmbeddings(group, out));
  if (include & model::kIncludeDocuments) {
    CHROMA_TRY(ReadTexts(group, &Part::ReadDocuments, &Records::documents, out));
  }
  if (include & model::kIncludeUris) {
    CHROMA_TRY(ReadTexts(group, &Part::ReadUris, &Records::uris, out));
  }
  if (include & model::kIncludeMetadatas) CHROMA_TRY(ReadMetadata(group, out));
  return Status::Ok();
}

Records WithRoom(size_t n, uint32_t dimension, model::IncludeSet include) {
  Records records;
  records.ids.resize(n);
  if (include & model::kIncludeEmbeddings) {
    records.embeddings.dimension = dimension;
    records.embeddings.values.resize(n * dimension);
  }
  if (include & model::kIncludeDocuments) records.documents.resize(n);
  if (include & model::kIncludeUris) records.uris.resize(n);
  if (include & model::kIncludeMetadatas) records.metadatas.resize(n);
  return records;
}

// Reads pieces on several threads, until one fails.
class PieceReader {
 public:
  PieceReader(model::IncludeSet include, const NoteProjected& note, std::span<Records> out)
      : include_(include), note_(note), out_(out) {}

  void Read(const RowsOfPart& piece) {
    if (failed_.load(std::memory_order_relaxed)) return;
    Status status = ReadColumns(piece, include_, out_);
    runtime::MutexLock lock(mutex_);
    if (!status_.ok()) return;
    status_ = status.ok() ? note_(out_, piece.places) : std::move(status);
    failed_.store(!status_.ok(), std::memory_order_relaxed);
  }
  Status status() {
    runtime::MutexLock lock(mutex_);
    return status_;
  }

 private:
  const model::IncludeSet include_;
  const NoteProjected& note_;
  const std::span<Records> out_;
  std::atomic<bool> failed_ = false;
  runtime::Mutex mutex_;
  Status status_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::vector<Records>> Project(const segment::Snapshot& snapshot,
                                     std::span<const std::vector<RowRef>> lists,
                                     model::IncludeSet include, const NoteProjected& note,
                                     runtime::ThreadPool* pool) {
  std::vector<Records> records;
  for (const std::vector<RowRef>& rows : lists) {
    records.push_back(WithRoom(rows.size(), snapshot.dimension, include));
  }
  const std::vector<RowsOfPart> pieces = GroupByPart(snapshot, lists);
  PieceReader reader(include, note, records);
  if (pool != nullptr && pieces.size() > 1) {
    pool->ParallelFor(pieces.size(), [&](size_t i) { reader.Read(pieces[i]); });
  } else {
    for (const RowsOfPart& piece : pieces) reader.Read(piece);
  }
  CHROMA_TRY(reader.status());
  return records;
}

}  // namespace chroma::executor
