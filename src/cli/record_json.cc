#include "cli/record_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "api/values.h"
#include "base/json_reader.h"
#include "model/metadata_json.h"

namespace chroma::cli {
namespace {

constexpr size_t kShownNumbers = 6;

template <typename T>
std::optional<T> At(const std::vector<std::optional<T>>& column, size_t i) {
  return i < column.size() ? column[i] : std::nullopt;
}

std::optional<Metadata> MetadataAt(const std::vector<Metadata>& column, size_t i) {
  if (i >= column.size()) return std::nullopt;
  return column[i];
}

std::optional<std::vector<float>> RowAt(const Embeddings& rows, size_t i) {
  if (i >= rows.rows()) return std::nullopt;
  return std::vector<float>(rows.row(i).begin(), rows.row(i).end());
}

// The column of one query; empty where it was not included.
template <typename T>
const T& Of(const std::vector<T>& columns, size_t query) {
  static const T none{};
  return query < columns.size() ? columns[query] : none;
}

std::string NumberText(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

std::string VectorText(const std::vector<float>& vector) {
  std::string text = "[";
  for (size_t i = 0; i < std::min(vector.size(), kShownNumbers); ++i) {
    text += (i > 0 ? ", " : "") + NumberText(vector[i]);
  }
  if (vector.size() > kShownNumbers) text += ", … (" + std::to_string(vector.size()) + ")";
  return text + "]";
}

}  // namespace

std::vector<Record> RecordsOf(const GetResult& result) {
  std::vector<Record> records;
  records.reserve(result.size());
  for (size_t i = 0; i < result.size(); ++i) {
    records.push_back({result.ids[i],
                       {},
                       At(result.documents, i),
                       MetadataAt(result.metadatas, i),
                       At(result.uris, i),
                       RowAt(result.embeddings, i)});
  }
  return records;
}

std::vector<Record> RecordsOf(const QueryResult& result, size_t number) {
  std::vector<Record> records;
  const std::vector<float>& distances = Of(result.distances, number);
  for (size_t i = 0; i < result.ids[number].size(); ++i) {
    Record& record = records.emplace_back();
    record.id = result.ids[number][i];
    if (i < distances.size()) record.distance = distances[i];
    record.document = At(Of(result.documents, number), i);
    record.metadata = MetadataAt(Of(result.metadatas, number), i);
    record.uri = At(Of(result.uris, number), i);
    record.embedding = RowAt(Of(result.embeddings, number), i);
  }
  return records;
}

void WriteRecord(JsonWriter& out, const Record& record) {
  out.BeginObject();
  out.StringField("id", record.id);
  if (record.distance) {
    out.Key("distance");
    out.F32(*record.distance);
  }
  if (record.document) out.StringField("document", *record.document);
  if (record.metadata && !record.metadata->empty()) {
    out.Key("metadata");
    out.Raw(MetadataJson(*record.metadata));
  }
  if (record.uri) out.StringField("uri", *record.uri);
  if (record.embedding) {
    out.Key("embedding");
    out.F32Array(record.embedding->data(), record.embedding->size());
  }
  out.EndObject();
}

std::string RecordText(const Terminal& terminal, const Record& record) {
  const auto columns = static_cast<size_t>(std::max(terminal.width() - 2, 40));
  std::string text = terminal.Paint(Style::kBold, OneLine(record.id, columns));
  if (record.distance) text += "  " + terminal.Paint(Style::kDim, NumberText(*record.distance));
  text += "\n";
  const auto line = [&](const std::string& value) {
    text += "  " + (terminal.prints_to_terminal() ? OneLine(value, columns) : value) + "\n";
  };
  if (record.document) {
    const size_t shown = terminal.prints_to_terminal() ? columns : record.document->size();
    line(OneLine(*record.document, shown));
  }
  if (record.metadata && !record.metadata->empty()) line(MetadataJson(*record.metadata));
  if (record.uri) line(*record.uri);
  if (record.embedding) line(VectorText(*record.embedding));
  return text;
}

std::string MetadataJson(const Metadata& metadata) {
  std::string text;
  JsonWriter out(&text);
  model::EncodeMetadata(out, api::ToModel(metadata));
  return text;
}

Result<Metadata> ParseMetadata(std::string_view json, bool allow_null) {
  JsonReader reader(json);
  model::Metadata metadata = model::DecodeMetadata(reader, allow_null);
  reader.Finish();
  if (!reader.ok()) {
    return Status::InvalidArgument("metadata is a JSON object of values: " +
                                   reader.error().message);
  }
  return api::FromModel(metadata);
}

Result<std::vector<float>> ParseVector(std::string_view text) {
  std::vector<float> vector;
  const auto wrong = [&] {
    return Status::InvalidArgument("a vector is a list of numbers, as [0.1, 0.2]");
  };
  constexpr std::string_view kBetween = ", \t\r\n";
  const auto skip = [&] {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
  };
  skip();
  const bool bracket = text.starts_with('[');
  if (bracket) text.remove_prefix(1);
  for (skip(); !text.empty() && text[0] != ']'; skip()) {
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return wrong();
    vector.push_back(value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.empty() && text[0] != ']' && kBetween.find(text[0]) == std::string_view::npos) {
      return wrong();
    }
  }
  if (bracket != text.starts_with(']')) return wrong();
  if (bracket) text.remove_prefix(1);
  skip();
  if (!text.empty() || vector.empty()) return wrong();
  return vector;
}

}  // namespace chroma::cli
