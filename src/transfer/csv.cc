#include "transfer/csv.h"

#include <algorithm>
#include <utility>

#include "api/values.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/metadata_json.h"
#include "transfer/json_lines.h"

namespace chroma::transfer {
namespace {

constexpr std::string_view kMetadataPrefix = "metadata.";

void AppendCell(std::string_view text, std::string* out) {
  const bool plain = text.find_first_of("\",\r\n") == std::string_view::npos &&
                     !text.starts_with(' ') && !text.ends_with(' ');
  if (plain) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) {
    if (c == '"') out->push_back('"');
    out->push_back(c);
  }
  out->push_back('"');
}

std::string JsonOf(std::string_view text) {
  std::string json;
  JsonWriter(&json).String(text);
  return json;
}

std::string JsonOf(const MetadataValue& value) {
  std::string json;
  JsonWriter writer(&json);
  model::EncodeMetadataValue(writer, api::ToModel(value));
  return json;
}

// Whether a cell would be taken for something else than this text.
bool LooksTyped(std::string_view text) {
  if (text.empty()) return true;
  const char c = text.front();
  if (c == '"' || c == '[' || c == '{' || c == '-' || (c >= '0' && c <= '9')) return true;
  return text == "true" || text == "false" || text == "null";
}

// What a cell of metadata holds.
Result<MetadataValue> ValueOfCell(const std::string& cell) {
  if (cell == "null" || !LooksTyped(cell)) return MetadataValue(cell);
  JsonReader reader(cell);
  const model::MetadataValue value = model::DecodeMetadataValue(reader, /*allow_null=*/false);
  reader.Finish();
  // "-", "12 apples", "[sic]" are text.
  if (!reader.ok()) return MetadataValue(cell);
  return api::FromModel(value);
}

// Text in which an empty one differs from none.
std::optional<std::string> TextOfCell(const std::string& cell) {
  if (cell.empty()) return std::nullopt;
  if (cell.front() != '"') return cell;
  JsonReader reader(cell);
  std::string text = reader.ReadString();
  reader.Finish();
  return reader.ok() ? text : cell;
}

std::string CellOfText(const std::string& text) {
  return text.empty() || text.front() == '"' ? JsonOf(std::string_view(text)) : text;
}

class CsvWriter final : public RecordWriter {
 public:
  explicit CsvWriter(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  void Begin(std::string* out) override {
    *out += "id,document,uri";
    for (const std::string& key : keys_) {
      out->push_back(',');
      AppendCell(std::string(kMetadataPrefix) + key, out);
    }
    *out += ",embedding\r\n";
  }

  void Write(const GetResult& records, size_t i, std::string* out) override {
    AppendCell(records.ids[i], out);
    for (const auto* column : {&records.documents, &records.uris}) {
      out->push_back(',');
      if ((*column)[i]) AppendCell(CellOfText(*(*column)[i]), out);
    }
    const Metadata& metadata = records.metadatas[i];
    for (const std::string& key : keys_) {
      out->push_back(',');
      const auto it = metadata.find(key);
      if (it == metadata.end()) continue;
      const auto* text = std::get_if<std::string>(&it->second);
      const bool raw = text != nullptr && !LooksTyped(*text);
      // The word null is no value of JSON that metadata could have.
      AppendCell(raw ? *text : JsonOf(it->second), out);
    }
    std::string embedding;
    const std::span<const float> row = records.embeddings.row(i);
    JsonWriter(&embedding).F32Array(row.data(), row.size());
    out->push_back(',');
    AppendCell(embedding, out);
    *out += "\r\n";
  }

 private:
  const std::vector<std::string> keys_;
};

// Splits bytes into rows of cells.
class CsvRows {
 public:
  void Feed(std::string_view bytes) {
    pending_.erase(0, begin_);
    at_ -= begin_;
    begin_ = 0;
    pending_ += bytes;
  }
  void Finish() { finished_ = true; }
  uint64_t line() const { return row_line_; }

  // False when it needs more bytes, or at the end.
  Result<bool> Next(std::vector<std::string>* cells) {
    while (at_ < pending_.size()) {
      const char c = pending_[at_];
      if (in_quotes_) {
        if (c != '"') {
          Take(c);
        } else if (at_ + 1 == pending_.size() && !finished_) {
          return false;  // the next byte tells what this one means
        } else if (at_ + 1 < pending_.size() && pending_[at_ + 1] == '"') {
          cell_ += '"';
          ++at_;
        } else {
          in_quotes_ = false;
        }
      } else if (c == '"' && cell_.empty()) {
        in_quotes_ = quoted_ = true;
      } else if (c == ',') {
        EndCell();
      } else if (c == '\n') {
        ++line_;
        ++at_;
        begin_ = at_;
        if (!quoted_ && cell_.ends_with('\r')) cell_.pop_back();
        if (quoted_ && cell_.ends_with('\r') && after_quote_) cell_.pop_back();
        return EndRow(cells);
      } else {
        if (quoted_ && c == '\r') after_quote_ = true;
        cell_ += c;
      }
      ++at_;
      if (cell_.size() > kRecordBytesMax) return Status::InvalidArgument("a cell is too long");
    }
    begin_ = at_;
    if (!finished_ || (cells_.empty() && cell_.empty() && !quoted_)) return false;
    if (in_quotes_) {
      row_line_ = next_row_line_;
      return Status::InvalidArgument("a cell that begins with a quote has no end");
    }
    return EndRow(cells);
  }

 private:
  void Take(char c) {
    if (c == '\n') ++line_;
    cell_ += c;
  }
  void EndCell() {
    cells_.push_back(std::move(cell_));
    cell_.clear();
    quoted_ = after_quote_ = false;
  }
  bool EndRow(std::vector<std::string>* cells) {
    EndCell();
    *cells = std::move(cells_);
    cells_.clear();
    row_line_ = next_row_line_;
    next_row_line_ = line_;
    return true;
  }

  std::string pending_;
  size_t begin_ = 0;  // before it everything is in cells
  size_t at_ = 0;
  std::vector<std::string> cells_;
  std::string cell_;
  bool in_quotes_ = false;
  bool quoted_ = false;       // the cell began with a quote
  bool after_quote_ = false;  // a carriage return follows its end
  bool finished_ = false;
  uint64_t line_ = 1;
  uint64_t next_row_line_ = 1;
  uint64_t row_line_ = 1;
};

class CsvReader final : public RecordReader {
 public:
  void Feed(std::string_view bytes) override {
    if (at_begin_ && bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    at_begin_ = at_begin_ && bytes.empty();
    rows_.Feed(bytes);
  }
  void Finish() override { rows_.Finish(); }
  uint64_t line() const override { return rows_.line(); }

  Result<std::optional<FileRecord>> Next() override {
    std::vector<std::string> cells;
    for (;;) {
      Result<bool> row = rows_.Next(&cells);
      if (!row.ok()) return At(row.status());
      if (!*row) return std::optional<FileRecord>();
      if (cells.size() == 1 && cells[0].empty()) continue;
      if (columns_.empty()) {
        const Status read = ReadColumns(cells);
        if (!read.ok()) return At(read);
        continue;
      }
      Result<FileRecord> record = Decode(cells);
      if (!record.ok()) return At(record.status());
      return std::optional<FileRecord>(*std::move(record));
    }
  }

 private:
  Status At(const Status& status) const {
    return status.Annotate("line " + std::to_string(rows_.line()));
  }

  Status ReadColumns(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const bool known = name == "id" || name == "document" || name == "uri" ||
                         name == "embedding" || name == "metadata" ||
                         name.starts_with(kMetadataPrefix);
      if (!known) {
        return Status::InvalidArgument("there is a column \"" + name +
                                       "\"; columns are id, embedding, document, uri, metadata and "
                                       "metadata.KEY");
      }
      if (std::count(names.begin(), names.end(), name) > 1) {
        return Status::InvalidArgument("there are two columns \"" + name + "\"");
      }
    }
    if (std::find(names.begin(), names.end(), "id") == names.end()) {
      return Status::InvalidArgument("the first row has to name the columns, id among them");
    }
    columns_ = names;
    return Status();
  }

  Result<FileRecord> Decode(const std::vector<std::string>& cells) const {
    if (cells.size() != columns_.size()) {
      return Status::InvalidArgument("has " + std::to_string(cells.size()) + " cells, not " +
                                     std::to_string(columns_.size()));
    }
    FileRecord record;
    for (size_t i = 0; i < cells.size(); ++i) {
      CHROMA_TRY(DecodeCell(columns_[i], cells[i], &record));
    }
    CHROMA_TRY(CheckFileRecord(record));
    return record;
  }

  static Status DecodeCell(const std::string& column, const std::string& cell, FileRecord* record) {
    if (column == "id") {
      record->id = cell;
    } else if (column == "document") {
      record->document = TextOfCell(cell);
    } else if (column == "uri") {
      record->uri = TextOfCell(cell);
    } else if (cell.empty()) {
      return Status();
    } else if (column == "embedding") {
      JsonReader reader(cell);
      (void)reader.ReadF32Array(&record->embedding);
      reader.Finish();
      if (!reader.ok()) return Status::InvalidArgument("embedding: " + reader.error().message);
    } else if (column == "metadata") {
      JsonReader reader(cell);
      for (auto& [key, value] : api::FromModel(model::DecodeMetadata(reader, false))) {
        record->metadata.insert_or_assign(key, value);
      }
      reader.Finish();
      if (!reader.ok()) return Status::InvalidArgument("metadata: " + reader.error().message);
    } else {
      CHROMA_ASSIGN(MetadataValue value, ValueOfCell(cell));
      record->metadata.insert_or_assign(column.substr(kMetadataPrefix.size()), std::move(value));
    }
    return Status();
  }

  CsvRows rows_;
  std::vector<std::string> columns_;
  bool at_begin_ = true;
};

}  // namespace

std::unique_ptr<RecordWriter> MakeCsvWriter(std::vector<std::string> metadata_keys) {
  return std::make_unique<CsvWriter>(std::move(metadata_keys));
}

std::unique_ptr<RecordReader> MakeCsvReader() {
  return std::make_unique<CsvReader>();
}

std::unique_ptr<RecordWriter> MakeRecordWriter(FileFormat format,
                                               std::vector<std::string> metadata_keys) {
  if (format == FileFormat::kCsv) return MakeCsvWriter(std::move(metadata_keys));
  return MakeJsonLinesWriter();
}

std::unique_ptr<RecordReader> MakeRecordReader(FileFormat format) {
  return format == FileFormat::kCsv ? MakeCsvReader() : MakeJsonLinesReader();
}

std::optional<FileFormat> FormatOfName(std::string_view name) {
  if (name.ends_with(".csv")) return FileFormat::kCsv;
  for (const char* ending : {".jsonl", ".ndjson", ".json"}) {
    if (name.ends_with(ending)) return FileFormat::kJsonLines;
  }
  return std::nullopt;
}

}  // namespace chroma::transfer
