// One record of an old collection, put together.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/json_reader.h"
#include "importer/old_collection.h"
#include "model/metadata_json.h"

namespace chroma::importer {
namespace {

constexpr auto kByKey = [](const RowOf& a, const RowOf& b) { return a.key < b.key; };

// Appends the element that a row of embedding_metadata_array holds; false when it is of another
// type than those before it.
bool AppendElement(model::MetadataValue element, model::MetadataValue* array) {
  const auto append = [&]<typename Array, typename Value>(Array*, Value value) {
    if (std::holds_alternative<std::monostate>(*array)) *array = Array();
    auto* values = std::get_if<Array>(array);
    if (values == nullptr) return false;
    values->push_back(std::move(value));
    return true;
  };
  if (auto* text = std::get_if<std::string>(&element)) {
    return append(static_cast<std::vector<std::string>*>(nullptr), std::move(*text));
  }
  if (const auto* number = std::get_if<int64_t>(&element)) {
    return append(static_cast<std::vector<int64_t>*>(nullptr), *number);
  }
  if (const auto* number = std::get_if<double>(&element)) {
    return append(static_cast<std::vector<double>*>(nullptr), *number);
  }
  if (const auto* flag = std::get_if<bool>(&element)) {
    if (std::holds_alternative<std::monostate>(*array)) *array = model::BoolArray();
    auto* flags = std::get_if<model::BoolArray>(array);
    if (flags == nullptr) return false;
    flags->values.push_back(*flag ? 1 : 0);
    return true;
  }
  return false;
}

// Takes a reserved key out of the metadata.
std::optional<std::string> TakeText(model::Metadata* metadata, std::string_view key) {
  const model::MetadataValue* value = metadata->Find(key);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  std::optional<std::string> taken;
  if (text != nullptr) taken = *text;
  if (value != nullptr) metadata->Erase(key);
  return taken;
}

}  // namespace

bool CollectionReader::Read(uint64_t i, model::Record* record, std::vector<ImportLoss>* losses) {
  const Slot& slot = *records_[i];
  *record = model::Record();
  record->id = slot.id;
  const auto lose = [&](std::string what, bool saved) {
    losses->push_back({.record = slot.id, .saved = saved, .what = std::move(what)});
  };
  model::Metadata metadata;
  const size_t losses_before = losses->size();
  ReadScalars(slot, &metadata, losses);
  ReadArrays(slot, &metadata, losses);
  const std::vector<std::string> lost = LostKeys(slot, metadata);
  ApplyWrites(slot, &metadata, losses);
  record->document = TakeText(&metadata, model::kDocumentMetadataKey);
  record->uri = TakeText(&metadata, model::kUriMetadataKey);
  if (!record->document && slot.writes.empty() && old_.salvage) {
    record->document = RescuedDocument(slot);
  }
  for (const std::string& key : lost) {
    if (key == model::kDocumentMetadataKey) {
      if (!record->document) lose("its document is lost", true);
    } else {
      lose(key == model::kUriMetadataKey ? "its uri is lost" : "its metadata " + key + " is lost",
           true);
    }
  }
  if (!metadata.empty()) record->metadata = std::move(metadata);
  if (slot.vector_only) lose("its document, metadata and uri are lost", true);
  if (!ReadVector(slot, &record->embedding)) {
    record->embedding.clear();
    // That says it all.
    losses->resize(losses_before);
    lose(slot.vector.kind == VectorSource::Kind::kNone ? "its embedding is lost"
                                                       : "its embedding is damaged",
         false);
    return false;
  }
  if (slot.write_lost && slot.vector.kind == VectorSource::Kind::kElement) {
    lose("its last write is lost; its embedding may be an older one", true);
  }
  if (slot.vector.kind == VectorSource::Kind::kElement &&
      !vectors_->HasLength(slot.vector.element)) {
    lose("the length of its embedding is lost; its direction is what queries by cosine see", true);
  }
  return true;
}

void CollectionReader::ReadScalars(const Slot& slot, model::Metadata* metadata,
                                   std::vector<ImportLoss>* losses) {
  if (slot.rowid == 0) return;
  const std::vector<RowOf>& rows = old_.tables.scalars;
  const OldLayouts& l = old_.layouts;
  Row row;
  std::vector<model::Metadata::Entry> entries;
  auto [it, end] = std::equal_range(rows.begin(), rows.end(), RowOf{slot.rowid, {}}, kByKey);
  for (; it != end; ++it) {
    if (!ReadRow(*old_.file, it->place, &row)) continue;
    model::MetadataValue value =
        ScalarOf(row, l.string_value, l.int_value, l.float_value, l.bool_value);
    // A null says no more than an absent key.
    if (std::holds_alternative<std::monostate>(value)) continue;
    if (const auto* number = std::get_if<double>(&value); number && !std::isfinite(*number)) {
      losses->push_back({.record = slot.id,
                         .saved = true,
                         .what = "the value of " + std::string(row.Text(l.key)) +
                                 " is not finite, which metadata may not be"});
      continue;
    }
    entries.emplace_back(std::string(row.Text(l.key)), std::move(value));
  }
  *metadata = model::Metadata::FromEntries(std::move(entries));
}

// What the indexes of metadata have, and its rows have not.
std::vector<std::string> CollectionReader::LostKeys(const Slot& slot,
                                                    const model::Metadata& found) const {
  std::vector<std::string> lost;
  const auto keys = old_.tables.indexed_keys.find(slot.rowid);
  if (slot.rowid == 0 || keys == old_.tables.indexed_keys.end()) return lost;
  for (const std::string& key : keys->second) {
    if (found.Find(key) != nullptr) continue;
    // What is left of the arrays of deleted collections is none of this record's.
    const bool stale = shape_.has_key_list && !shape_.schema.keys.contains(key) &&
                       !key.starts_with(model::kHiddenKeyPrefix);
    if (!stale) lost.push_back(key);
  }
  return lost;
}

void CollectionReader::ReadArrays(const Slot& slot, model::Metadata* metadata,
                                  std::vector<ImportLoss>* losses) {
  const std::vector<RowOf>& rows = old_.tables.arrays;
  if (slot.rowid == 0 || rows.empty()) return;
  const OldLayouts& l = old_.layouts;
  Row row;
  model::Metadata arrays;
  auto [it, end] = std::equal_range(rows.begin(), rows.end(), RowOf{slot.rowid, {}}, kByKey);
  for (; it != end; ++it) {
    if (!ReadRow(*old_.file, it->place, &row)) continue;
    const std::string_view key = row.Text(l.array_key);
    // Chroma leaves the arrays of deleted collections behind, for records that get their number:
    // they are not this record's where a scalar has their key, or where the schema does not know
    // the key.
    if (metadata->Find(key) != nullptr) continue;
    if (shape_.has_key_list && !shape_.schema.keys.contains(key)) continue;
    const model::MetadataValue* before = arrays.Find(key);
    model::MetadataValue array = before == nullptr ? model::MetadataValue() : *before;
    if (AppendElement(ScalarOf(row, l.array_string, l.array_int, l.array_float, l.array_bool),
                      &array)) {
      arrays.Set(key, std::move(array));
    } else {
      losses->push_back({.record = slot.id,
                         .saved = true,
                         .what = "an element of the array " + std::string(key) + " is damaged"});
    }
  }
  for (const auto& [key, value] : arrays) metadata->Set(key, value);
}

void CollectionReader::ApplyWrites(const Slot& slot, model::Metadata* metadata,
                                   std::vector<ImportLoss>* losses) {
  Row row;
  for (const RowPlace place : slot.writes) {
    if (!ReadRow(*old_.file, place, &row)) continue;
    const std::string_view text = row.Text(old_.layouts.queue_metadata);
    if (text.empty()) continue;
    JsonReader reader(text);
    const model::Metadata update = model::DecodeMetadata(reader, /*allow_null=*/true);
    reader.Finish();
    if (reader.ok()) {
      metadata->Merge(update);
    } else {
      losses->push_back({.record = slot.id,
                         .saved = true,
                         .what = "the last change of its metadata cannot be read (" +
                                 reader.error().message + ")"});
    }
  }
}

std::optional<std::string> CollectionReader::RescuedDocument(const Slot& slot) const {
  const std::vector<RowOf>& rows = old_.tables.documents;
  if (slot.rowid == 0) return std::nullopt;
  const auto it = std::lower_bound(rows.begin(), rows.end(), RowOf{slot.rowid, {}}, kByKey);
  Row row;
  if (it == rows.end() || it->key != slot.rowid || !ReadRow(*old_.file, it->place, &row)) {
    return std::nullopt;
  }
  return std::string(row.Text(1));
}

bool CollectionReader::ReadVector(const Slot& slot, std::vector<float>* vector) const {
  switch (slot.vector.kind) {
    case VectorSource::Kind::kNone:
      return false;
    case VectorSource::Kind::kElement:
      vector->resize(dimension_);
      return vectors_->ReadVector(slot.vector.element, *vector);
    case VectorSource::Kind::kQueue:
      return ReadQueuedVector(slot.vector.row, vector);
  }
  return false;
}

bool CollectionReader::ReadQueuedVector(RowPlace place, std::vector<float>* vector) const {
  Row row;
  if (!ReadRow(*old_.file, place, &row)) return false;
  const BytesView bytes = row[old_.layouts.queue_vector].bytes;
  if (row.Text(old_.layouts.queue_encoding) != "FLOAT32") return false;
  if (dimension_ == 0 || bytes.size() != size_t{dimension_} * sizeof(float)) return false;
  vector->resize(dimension_);
  std::memcpy(vector->data(), bytes.data(), bytes.size());
  return std::all_of(vector->begin(), vector->end(), [](float x) { return std::isfinite(x); });
}

}  // namespace chroma::importer
