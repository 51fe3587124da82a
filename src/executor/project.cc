#include "executor/project.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace chroma::executor {
namespace {

using segment::Part;

// The rows of one part, ascending as parts want them, and where each goes in the result.
struct PartRows {
  std::vector<uint32_t> rows;
  std::vector<size_t> positions;
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

Status ReadIds(const Part& part, const PartRows& group, Records* out) {
  for (size_t i = 0; i < group.rows.size(); ++i) {
    CHROMA_ASSIGN(std::string_view id, part.Id(group.rows[i]));
    out->ids[group.positions[i]] = std::string(id);
  }
  return Status::Ok();
}

Status ReadEmbeddings(const Part& part, const PartRows& group, Records* out) {
  const size_t dimension = out->embeddings.dimension;
  for (size_t i = 0; i < group.rows.size(); ++i) {
    CHROMA_ASSIGN(segment::VectorRun run, part.Vectors(group.rows[i]));
    std::memcpy(out->embeddings.values.data() + group.positions[i] * dimension, run.values,
                dimension * sizeof(float));
  }
  return Status::Ok();
}

using TextColumn = std::vector<std::optional<std::string>>;
Status ReadTexts(const Part& part, const PartRows& group,
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

Status ReadMetadata(const Part& part, const PartRows& group, Records* out) {
  std::vector<model::Metadata> metadata;
  CHROMA_TRY(part.ReadMetadata(group.rows, &metadata));
  TextColumn uris;
  CHROMA_TRY(part.ReadUris(group.rows, &uris));
  for (size_t i = 0; i < metadata.size(); ++i) {
    out->metadatas[group.positions[i]] = Visible(std::move(metadata[i]), uris[i].has_value());
  }
  return Status::Ok();
}

}  // namespace

Result<Records> Project(const segment::Snapshot& snapshot, const std::vector<RowRef>& rows,
                        model::IncludeSet include) {
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
    const PartRows& group = groups[i];
    if (group.rows.empty()) continue;
    const Part& part = *snapshot.parts[i].part;
    CHROMA_TRY(ReadIds(part, group, &records));
    if (include & model::kIncludeEmbeddings) CHROMA_TRY(ReadEmbeddings(part, group, &records));
    if (include & model::kIncludeDocuments) {
      CHROMA_TRY(ReadTexts(part, group, &Part::ReadDocuments, &records.documents));
    }
    if (include & model::kIncludeUris) {
      CHROMA_TRY(ReadTexts(part, group, &Part::ReadUris, &records.uris));
    }
    if (include & model::kIncludeMetadatas) CHROMA_TRY(ReadMetadata(part, group, &records));
  }
  return records;
}

}  // namespace chroma::executor
