#include "transfer/json_lines.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "api/values.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "base/json_string.h"
#include "base/json_writer.h"
#include "model/metadata_json.h"

namespace chroma::transfer {
namespace {

class JsonLinesWriter final : public RecordWriter {
 public:
  void Write(const GetResult& records, size_t i, std::string* out) override {
    JsonWriter json(out);
    json.BeginObject();
    json.StringField("id", records.ids[i]);
    const std::span<const float> embedding = records.embeddings.row(i);
    json.Key("embedding");
    json.F32Array(embedding.data(), embedding.size());
    WriteText(json, "document", records.documents[i]);
    json.Key("metadata");
    if (records.metadatas[i].empty()) {
      json.Null();
    } else {
      model::EncodeMetadata(json, api::ToModel(records.metadatas[i]));
    }
    WriteText(json, "uri", records.uris[i]);
    json.EndObject();
    out->push_back('\n');
  }

 private:
  static void WriteText(JsonWriter& json, std::string_view key,
                        const std::optional<std::string>& text) {
    json.Key(key);
    if (text) {
      json.String(*text);
    } else {
      json.Null();
    }
  }
};

class JsonLinesReader final : public RecordReader {
 public:
  void Feed(std::string_view bytes) override {
    // What was read goes before more is added.
    pending_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    pending_ += bytes;
  }
  void Finish() override { finished_ = true; }
  uint64_t line() const override { return line_; }

  Result<std::optional<FileRecord>> Next() override {
    for (;;) {
      size_t end = pending_.find('\n', searched_);
      if (end == std::string::npos) {
        searched_ = pending_.size();
        if (pending_.size() - at_ > kRecordBytesMax) return At(Status::InvalidArgument("too long"));
        if (!finished_ || at_ == pending_.size()) return std::optional<FileRecord>();
        end = pending_.size();
      }
      std::string_view text(pending_.data() + at_, end - at_);
      at_ = std::min(end + 1, pending_.size());
      searched_ = at_;
      ++line_;
      if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
      Result<FileRecord> record = DecodeJsonLine(text);
      if (!record.ok()) return At(record.status());
      return std::optional<FileRecord>(*std::move(record));
    }
  }

 private:
  Status At(const Status& status) const { return status.Annotate("line " + std::to_string(line_)); }

  std::string pending_;
  size_t at_ = 0;        // of the first line that was not read
  size_t searched_ = 0;  // up to here it has no end
  uint64_t line_ = 0;
  bool finished_ = false;
};

}  // namespace

Result<FileRecord> DecodeJsonLine(std::string_view line) {
  FileRecord record;
  JsonReader reader(line);
  const auto text_into = [](std::optional<std::string>* out) {
    return [out](JsonReader& r) {
      if (!r.TryNull()) *out = r.ReadString();
    };
  };
  // Members that other programs added are none of ours.
  ReadJsonObject(reader, "a record",
                 {{"id", true, [&](JsonReader& r) { record.id = r.ReadString(); }},
                  {"embedding", false,
                   [&](JsonReader& r) {
                     if (!r.TryNull()) (void)r.ReadF32Array(&record.embedding);
                   }},
                  {"document", false, text_into(&record.document)},
                  {"metadata", false,
                   [&](JsonReader& r) {
                     if (!r.TryNull())
                       record.metadata = api::FromModel(model::DecodeMetadata(r, true));
                   }},
                  {"uri", false, text_into(&record.uri)}});
  reader.Finish();
  if (!reader.ok()) return Status::InvalidArgument(reader.error().message);
  // Some programs write a null for what a record has not.
  std::erase_if(record.metadata, [](const auto& entry) {
    return std::holds_alternative<std::monostate>(entry.second);
  });
  CHROMA_TRY(CheckFileRecord(record));
  return record;
}

Status CheckFileRecord(const FileRecord& record) {
  if (record.id.empty()) return Status::InvalidArgument("the id is empty");
  CHROMA_TRY(api::CheckText("the id", record.id));
  if (record.document) CHROMA_TRY(api::CheckText("the document", *record.document));
  if (record.uri) CHROMA_TRY(api::CheckText("the uri", *record.uri));
  for (const float x : record.embedding) {
    if (!std::isfinite(x)) {
      return Status::InvalidArgument("a number of the embedding is not finite");
    }
  }
  return api::CheckMetadata("the metadata", record.metadata, /*allow_null=*/false);
}

std::unique_ptr<RecordWriter> MakeJsonLinesWriter() {
  return std::make_unique<JsonLinesWriter>();
}

std::unique_ptr<RecordReader> MakeJsonLinesReader() {
  return std::make_unique<JsonLinesReader>();
}

}  // namespace chroma::transfer
