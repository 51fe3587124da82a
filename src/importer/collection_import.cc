#include "importer/collection_import.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/json_string.h"
#include "base/json_writer.h"
#include "model/metadata_json.h"
#include "model/validate.h"

namespace chroma::importer {
namespace {

using Step = ImportProgress::Step;

constexpr uint64_t kBatchRecordsMax = 4096;
constexpr uint64_t kBatchBytesAim = 8 << 20;
constexpr size_t kRejectsPendingMax = 1 << 20;

// True when something had to be repaired.
bool RepairText(std::string* text) {
  if (IsValidUtf8(*text)) return false;
  *text = RepairUtf8(*text);
  return true;
}

bool RepairValue(model::MetadataValue* value) {
  if (auto* text = std::get_if<std::string>(value)) return RepairText(text);
  bool repaired = false;
  if (auto* texts = std::get_if<std::vector<std::string>>(value)) {
    for (std::string& text : *texts) repaired = RepairText(&text) || repaired;
  }
  return repaired;
}

// Metadata that a write takes: without keys that are not allowed, of which `lose` is told.
template <typename Lose>
model::Metadata AllowedMetadata(const model::Metadata& metadata, Lose lose) {
  model::Metadata allowed;
  for (const auto& [key, value] : metadata) {
    std::string name = key;
    model::MetadataValue repaired = value;
    const bool name_damaged = RepairText(&name);
    const bool value_damaged = RepairValue(&repaired);
    if (name_damaged || value_damaged)
      lose("the text of its metadata " + name + " is not UTF-8, and was repaired");
    model::Metadata one;
    one.Set(name, repaired);
    const Status valid = model::ValidateMetadata(one);
    if (valid.ok()) {
      allowed.Set(name, std::move(repaired));
    } else {
      lose("its metadata " + name + " is not allowed: " + std::string(valid.message()));
    }
  }
  return allowed;
}

// Metadata as reads show it.
std::optional<model::Metadata> Visible(const std::optional<model::Metadata>& metadata) {
  if (!metadata) return std::nullopt;
  model::Metadata visible;
  for (const auto& [key, value] : *metadata) {
    if (!key.starts_with(model::kHiddenKeyPrefix)) visible.Set(key, value);
  }
  if (visible.empty()) return std::nullopt;
  return visible;
}

}  // namespace

std::string NewNameOf(const OldCollection& collection) {
  return model::ValidateName(collection.name).ok() ? collection.name
                                                   : "collection-" + collection.id;
}

// ---- what could not be saved

Result<std::unique_ptr<Rejects>> Rejects::Open(const runtime::Env& env, const std::string& path) {
  std::unique_ptr<runtime::File> file;
  if (!path.empty()) {
    CHROMA_ASSIGN(file, env.files->Open(path, runtime::OpenMode::kCreate));
    CHROMA_TRY(file->Truncate(0));
  }
  return std::unique_ptr<Rejects>(new Rejects(std::move(file)));
}

Status Rejects::Append(const ImportedCollection& collection, const model::Record& record,
                       const std::string& why) {
  if (file_ == nullptr) return Status();
  std::string line;
  JsonWriter out(&line);
  out.BeginObject();
  out.StringField("tenant", collection.tenant);
  out.StringField("database", collection.database);
  out.StringField("collection", collection.name);
  out.StringField("why", why);
  out.StringField("id", record.id);
  if (!record.embedding.empty()) {
    out.Key("embedding");
    out.F32Array(record.embedding.data(), record.embedding.size());
  }
  if (record.document) out.StringField("document", *record.document);
  if (record.uri) out.StringField("uri", *record.uri);
  if (record.metadata) {
    out.Key("metadata");
    model::EncodeMetadata(out, *record.metadata);
  }
  out.EndObject();
  pending_ += IsValidUtf8(line) ? line : RepairUtf8(line);
  pending_ += '\n';
  return pending_.size() < kRejectsPendingMax ? Status() : Flush();
}

Status Rejects::Flush() {
  CHROMA_TRY(file_->WriteAt(size_, pending_));
  size_ += pending_.size();
  pending_.clear();
  return Status();
}

Status Rejects::Close() {
  if (file_ == nullptr) return Status();
  CHROMA_TRY(Flush());
  return file_->Sync();
}

// ---- one collection

Status CollectionImport::Run() {
  imported_.records = parts_.reader.size();
  left_out_.assign(imported_.records, false);
  RepairIds();
  if (parts_.target.engine != nullptr) CHROMA_TRY(Create());
  CHROMA_TRY(WriteAll());
  if (parts_.target.engine == nullptr) return Status();
  if (parts_.options.check) CHROMA_TRY(CheckAll());
  if (parts_.options.build_indexes && parts_.target.index) {
    CHROMA_TRY(parts_.tell({Step::kIndexing, imported_.name, 0, imported_.imported}));
    CHROMA_TRY(parts_.target.index(parts_.ctx, collection_->id));
  }
  return Status();
}

Status CollectionImport::Create() {
  engine::Engine& engine = *parts_.target.engine;
  engine::CreateCollectionRequest request;
  request.name = imported_.name;
  request.schema = parts_.shape.schema;
  request.id = Uuid::Parse(imported_.id);
  request.get_or_create = parts_.target.resume;
  CHROMA_ASSIGN(collection_,
                engine.CreateCollection(parts_.ctx, imported_.tenant, imported_.database, request));
  // Apart from it: with a schema, parameters in metadata would be refused.
  const model::Metadata metadata =
      AllowedMetadata(parts_.shape.collection->metadata,
                      [this](std::string what) { LoseRecord("", std::move(what), true); });
  if (metadata.empty() || collection_->metadata == metadata) return Status();
  engine::ModifyCollectionRequest modify;
  modify.new_metadata = metadata;
  const Status modified = engine.ModifyCollection(parts_.ctx, collection_, modify);
  if (modified.code() != StatusCode::kInvalidArgument) return modified;
  LoseRecord("", "its metadata is not allowed: " + std::string(modified.message()), true);
  return Status();
}

void CollectionImport::RepairIds() {
  std::unordered_set<std::string> taken;
  const auto for_ids = [&](bool valid, auto visit) {
    for (uint64_t i = 0; i < imported_.records; ++i) {
      if (IsValidUtf8(parts_.reader.id(i)) == valid) visit(i);
    }
  };
  for_ids(false, [&](uint64_t i) { repaired_ids_.emplace(i, std::string()); });
  if (repaired_ids_.empty()) return;
  for_ids(true, [&](uint64_t i) { taken.emplace(parts_.reader.id(i)); });
  // What was given of each, so that very many of one kind are not tried over and over.
  std::unordered_map<std::string, uint64_t> last_number;
  for (auto& [i, id] : repaired_ids_) {
    const std::string repaired = RepairUtf8(parts_.reader.id(i));
    uint64_t& n = last_number.try_emplace(repaired, 1).first->second;
    id = repaired;
    while (!taken.insert(id).second) id = repaired + "-" + std::to_string(++n);
  }
}

uint64_t CollectionImport::BatchRecords() const {
  const uint64_t record_bytes = std::max<uint64_t>(parts_.reader.dimension(), 1) * sizeof(float);
  return std::clamp<uint64_t>(kBatchBytesAim / record_bytes, 1, kBatchRecordsMax);
}

bool CollectionImport::Load(uint64_t i, model::Record* record, std::vector<ImportLoss>* losses) {
  const bool saved = parts_.reader.Read(i, record, losses);
  const auto lose = [&](std::string what) {
    losses->push_back({.record = record->id, .saved = true, .what = std::move(what)});
  };
  if (const auto repaired = repaired_ids_.find(i); repaired != repaired_ids_.end()) {
    const bool shared = repaired->second != RepairUtf8(record->id);
    record->id = repaired->second;
    for (ImportLoss& loss : *losses) loss.record = record->id;
    if (saved) {
      lose(shared ? "its id is not UTF-8, and was repaired; other records would have the same one, "
                    "hence the number at its end"
                  : "its id is not UTF-8, and was repaired");
    }
  }
  if (!saved) return false;
  if (record->document && RepairText(&*record->document)) {
    lose("its document is not UTF-8, and was repaired");
  }
  if (record->uri && RepairText(&*record->uri)) lose("its uri is not UTF-8, and was repaired");
  if (record->metadata) record->metadata = AllowedMetadata(*record->metadata, lose);
  if (record->metadata && record->metadata->empty()) record->metadata.reset();
  return true;
}

void CollectionImport::Add(std::vector<ImportLoss> losses) {
  for (ImportLoss& loss : losses) {
    loss.tenant = imported_.tenant;
    loss.database = imported_.database;
    loss.collection = imported_.name;
    report_.losses.push_back(std::move(loss));
  }
}

void CollectionImport::LoseRecord(const std::string& id, std::string what, bool saved) {
  report_.losses.push_back(
      {imported_.tenant, imported_.database, imported_.name, id, saved, std::move(what)});
}

Status CollectionImport::WriteAll() {
  const uint64_t batch_records = BatchRecords();
  model::RecordBatch batch;
  std::vector<uint64_t> places;
  for (uint64_t i = 0; i < imported_.records; ++i) {
    model::Record record;
    std::vector<ImportLoss> losses;
    const bool saved = Load(i, &record, &losses);
    // What was given up reads as lost.
    CHROMA_TRY(parts_.ctx.Check());
    if (saved) {
      batch.ids.push_back(std::move(record.id));
      batch.vectors.dimension = static_cast<uint32_t>(record.embedding.size());
      batch.vectors.values.insert(batch.vectors.values.end(), record.embedding.begin(),
                                  record.embedding.end());
      batch.documents.push_back(std::move(record.document));
      batch.uris.push_back(std::move(record.uri));
      batch.metadatas.push_back(std::move(record.metadata));
      places.push_back(i);
    } else {
      left_out_[i] = true;
      CHROMA_TRY(parts_.rejects.Append(imported_, record, losses.back().what));
    }
    if (!losses.empty()) Add(std::move(losses));
    if (batch.size() < batch_records && i + 1 < imported_.records) continue;
    CHROMA_TRY(WriteBatch(std::move(batch), std::move(places)));
    batch = model::RecordBatch();
    places.clear();
    CHROMA_TRY(parts_.tell({parts_.target.engine == nullptr ? Step::kReading : Step::kWriting,
                            imported_.name, i + 1, imported_.records}));
  }
  return Status();
}

// The half of a batch from row `from` to row `to`.
namespace {

model::RecordBatch Slice(const model::RecordBatch& batch, size_t from, size_t to) {
  const auto cut = [&](const auto& column) {
    using Column = std::remove_cvref_t<decltype(column)>;
    return Column(column.begin() + static_cast<ptrdiff_t>(from),
                  column.begin() + static_cast<ptrdiff_t>(to));
  };
  model::RecordBatch slice;
  slice.ids = cut(batch.ids);
  slice.documents = cut(batch.documents);
  slice.uris = cut(batch.uris);
  slice.metadatas = cut(batch.metadatas);
  const size_t dimension = batch.vectors.dimension;
  slice.vectors.dimension = batch.vectors.dimension;
  slice.vectors.values.assign(batch.vectors.row(from),
                              batch.vectors.row(from) + (to - from) * dimension);
  return slice;
}

model::Record FirstOf(const model::RecordBatch& batch) {
  const float* vector = batch.vectors.row(0);
  return {batch.ids.front(),
          {vector, vector + batch.vectors.dimension},
          batch.documents.front(),
          batch.uris.front(),
          batch.metadatas.front()};
}

}  // namespace

Status CollectionImport::WriteBatch(model::RecordBatch batch, std::vector<uint64_t> places) {
  if (batch.ids.empty()) return Status();
  if (parts_.target.engine == nullptr) {
    imported_.imported += batch.size();
    return Status();
  }
  engine::WriteRequest request;
  request.shape = model::ShapeOf(batch);
  request.batch = batch;
  const Status written = parts_.target.engine->Write(parts_.ctx, collection_, std::move(request));
  if (written.ok()) imported_.imported += batch.size();
  if (written.code() != StatusCode::kInvalidArgument) return written;
  // Which record is it?
  const size_t n = batch.size();
  if (n == 1) {
    left_out_[places.front()] = true;
    const std::string why(written.message());
    LoseRecord(batch.ids.front(), why, false);
    return parts_.rejects.Append(imported_, FirstOf(batch), why);
  }
  const auto middle = places.begin() + static_cast<ptrdiff_t>(n / 2);
  CHROMA_TRY(WriteBatch(Slice(batch, 0, n / 2), {places.begin(), middle}));
  return WriteBatch(Slice(batch, n / 2, n), {middle, places.end()});
}

// ---- checking

Status CollectionImport::CheckAll() {
  const uint64_t batch_records = BatchRecords();
  std::vector<model::Record> expected;
  uint64_t offset = 0;
  for (uint64_t i = 0; i < imported_.records; ++i) {
    if (!left_out_[i]) {
      model::Record record;
      std::vector<ImportLoss> known;
      static_cast<void>(Load(i, &record, &known));
      expected.push_back(std::move(record));
    }
    if (expected.size() < batch_records && i + 1 < imported_.records) continue;
    CHROMA_TRY(CheckBatch(expected, offset));
    offset += expected.size();
    expected.clear();
    CHROMA_TRY(parts_.tell({Step::kChecking, imported_.name, i + 1, imported_.records}));
  }
  CHROMA_ASSIGN(const uint64_t count, parts_.target.engine->Count(parts_.ctx, collection_));
  if (count == imported_.imported) return Status();
  return Status::Internal("has " + std::to_string(count) + " records after " +
                          std::to_string(imported_.imported) + " were imported");
}

Status CollectionImport::CheckBatch(const std::vector<model::Record>& expected, uint64_t offset) {
  CHROMA_TRY(parts_.ctx.Check());
  if (expected.empty()) return Status();
  engine::GetRequest request;
  request.offset = static_cast<uint32_t>(offset);
  request.limit = static_cast<uint32_t>(expected.size());
  request.include = model::kIncludeDocuments | model::kIncludeMetadatas |
                    model::kIncludeEmbeddings | model::kIncludeUris;
  CHROMA_ASSIGN(const executor::Records found,
                parts_.target.engine->Get(parts_.ctx, collection_, request));
  for (size_t i = 0; i < expected.size(); ++i) {
    const model::Record& record = expected[i];
    const bool there = i < found.ids.size() && found.ids[i] == record.id;
    const bool equal =
        there && found.documents[i] == record.document && found.uris[i] == record.uri &&
        Visible(found.metadatas[i]) == Visible(record.metadata) &&
        found.embeddings.dimension == record.embedding.size() &&
        std::equal(record.embedding.begin(), record.embedding.end(), found.embeddings.row(i));
    if (!equal) {
      return Status::Internal("record " + record.id + " is not what it was after it was imported");
    }
    ++imported_.checked;
  }
  return Status();
}

}  // namespace chroma::importer
