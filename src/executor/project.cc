#include "executor/project.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace chroma::executor {
namespace {

using segment::Part;

// What a long answer holds before it is accounted for is bounded by this.
constexpr size_t kRowsAtOnce = 1024;

// Some rows of one part, ascending as parts want them, and where each goes in the result.
struct RowsOfPart {
  std::span<const uint32_t> rows;
  std::span<const size_t> positions;
};

struct PartRows {
  std::vector<uint32_t> rows;
  std::vector<size_t> positions;

  RowsOfPart Some(size_t begin) const {
    const size_t n = std::min(kRowsAtOnce, rows.size() - begin);
    return {std::span(rows).subspan(begin, n), std::span(positions).subspan(begin, n)};
  }
};

std::vector<PartRows> GroupByPart(const segment::Snapshot& snapshot,
                                  const std::vector<RowRef>& rows) {
  std::vector<std::vector<std::pair<uint32_t, size_t>>> groups(snapshot.parts.size());
  for (size_t i = 0; i < rows.size(); ++i) groups[rows[i].part].push_back({rows[i].row, i});
  std::vector<PartRows> result(groups.size());
  for (size_t part = 0; part < groups.size(); ++part) {
    std::sort(groups[part].begin(), groups[part].end());
    for (const auto& [row, position] : groups[part]) {
      result[part].rows.push_back(row);
      result[part].positions.push_back(position);
    }
  }
  return result;
}

Status ReadIds(const Part& part, const RowsOfPart& group, Records* out) {
  for (size_t i = 0; i < group.rows.size(); ++i) {
    CHROMA_ASSIGN(std::string_view id, part.Id(group.rows[i]));
    out->ids[group.positions[i]] = std::string(id);
  }
  return Status::Ok();
}

Status ReadEmbeddings(const Part& part, const RowsOfPart& group, Records* out) {
  const size_t dimension = out->embeddings.dimension;
  for (size_t i = 0; i < group.rows.size(); ++i) {
    CHROMA_ASSIGN(segment::VectorRun run, part.Vectors(group.rows[i]));
    std::memcpy(out->embeddings.values.data() + group.positions[i] * dimension, run.values,
                dimension * sizeof(float));
  }
  return Status::Ok();
}

using TextColumn = std::vector<std::optional<std::string>>;
Status ReadTexts(const Part& part, const RowsOfPart& group,
                 Status (Part::*read)(std::span<const uint32_t>, TextColumn*) const,
                 TextColumn* out) {
  TextColumn texts;
  CHROMA_TRY((part.*read)(group.rows, &texts));
  for (size_t i = 0; i < texts.size(); ++i) (*out)[group.positions[i]] = std::move(texts[i]);
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

Status ReadMetadata(const Part& part, const RowsOfPart& group, Records* out) {
  std::vector<model::Metadata> metadata;
  CHROMA_TRY(part.ReadMetadata(group.rows, &metadata));
  TextColumn uris;
  CHROMA_TRY(part.ReadUris(group.rows, &uris));
  for (size_t i = 0; i < metadata.size(); ++i) {
    out->metadatas[group.positions[i]] = Visible(std::move(metadata[i]), uris[i].has_value());
  }
  return Status::Ok();
}

Status ReadColumns(const Part& part, const RowsOfPart& group, model::IncludeSet include,
                   Records* out) {
  CHROMA_TRY(ReadIds(part, group, out));
  if (include & model::kIncludeEmbeddings) CHROMA_TRY(ReadEmbeddings(part, group, out));
  if (include & model::kIncludeDocuments) {
    CHROMA_TRY(ReadTexts(part, group, &Part::ReadDocuments, &out->documents));
  }
  if (include & model::kIncludeUris) {
    CHROMA_TRY(ReadTexts(part, group, &Part::ReadUris, &out->uris));
  }
  if (include & model::kIncludeMetadatas) CHROMA_TRY(ReadMetadata(part, group, out));
  return Status::Ok();
}

}  // namespace

Result<Records> Project(const segment::Snapshot& snapshot, const std::vector<RowRef>& rows,
                        model::IncludeSet include, const NoteProjected& note) {
  Records records;
  records.ids.resize(rows.size());
  if (include & model::kIncludeEmbeddings) {
    records.embeddings.dimension = snapshot.dimension;
    records.embeddings.values.resize(rows.size() * snapshot.dimension);
  }
  if (include & model::kIncludeDocuments) records.documents.resize(rows.size());
  if (include & model::kIncludeUris) records.uris.resize(rows.size());
  if (include & model::kIncludeMetadatas) records.metadatas.resize(rows.size());

  const std::vector<PartRows> groups = GroupByPart(snapshot, rows);
  for (size_t i = 0; i < groups.size(); ++i) {
    for (size_t begin = 0; begin < groups[i].rows.size(); begin += kRowsAtOnce) {
      const RowsOfPart group = groups[i].Some(begin);
      CHROMA_TRY(ReadColumns(*snapshot.parts[i].part, group, include, &records));
      CHROMA_TRY(note(records, group.positions));
    }
  }
  return records;
}

}  // namespace chroma::executor
