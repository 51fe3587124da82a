#include "api/values.h"

#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

#include "base/json_string.h"

namespace chroma::api {
namespace {

struct ValueToModel {
  model::MetadataValue operator()(const SparseVector& v) const {
    return model::SparseVector{v.indices, v.values, v.tokens};
  }
  model::MetadataValue operator()(const std::vector<bool>& v) const {
    return model::BoolArray{{v.begin(), v.end()}};
  }
  // As text has it: zero without a sign, and an empty list of no particular type.
  model::MetadataValue operator()(double v) const { return v == 0 ? 0.0 : v; }
  template <typename T>
  model::MetadataValue operator()(const std::vector<T>& v) const {
    if (v.empty()) return model::BoolArray{};
    return v;
  }
  template <typename T>
  model::MetadataValue operator()(const T& v) const {
    return v;
  }
};

struct ValueFromModel {
  MetadataValue operator()(const model::SparseVector& v) const {
    return SparseVector{v.indices, v.values, v.tokens};
  }
  MetadataValue operator()(const model::BoolArray& v) const {
    return std::vector<bool>(v.values.begin(), v.values.end());
  }
  template <typename T>
  MetadataValue operator()(const T& v) const {
    return v;
  }
};

bool IsFinite(const MetadataValue& value) {
  if (const auto* one = std::get_if<double>(&value)) return std::isfinite(*one);
  if (const auto* many = std::get_if<std::vector<double>>(&value)) {
    for (double element : *many) {
      if (!std::isfinite(element)) return false;
    }
  }
  if (const auto* sparse = std::get_if<SparseVector>(&value)) {
    for (float element : sparse->values) {
      if (!std::isfinite(element)) return false;
    }
  }
  return true;
}

Status CheckTexts(const std::string& what, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) CHROMA_TRY(CheckText(what, text));
  return Status::Ok();
}

std::optional<Space> ReadSpace(const JsonValue* json) {
  const std::string* name = json == nullptr ? nullptr : json->AsString();
  if (name == nullptr) return std::nullopt;
  if (*name == "l2") return Space::kL2;
  if (*name == "cosine") return Space::kCosine;
  if (*name == "ip") return Space::kInnerProduct;
  return std::nullopt;
}

std::optional<uint64_t> ReadCount(const JsonValue* json) {
  const int64_t* number = json == nullptr ? nullptr : json->AsInt();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

}  // namespace

model::MetadataValue ToModel(const MetadataValue& value) {
  return std::visit(ValueToModel(), value);
}

model::Metadata ToModel(const Metadata& metadata) {
  std::vector<model::Metadata::Entry> entries;
  entries.reserve(metadata.size());
  for (const auto& [key, value] : metadata) entries.emplace_back(key, ToModel(value));
  return model::Metadata::FromEntries(std::move(entries));
}

MetadataValue FromModel(const model::MetadataValue& value) {
  return std::visit(ValueFromModel(), value);
}

Metadata FromModel(const model::Metadata& metadata) {
  Metadata converted;
  // Both are sorted by key.
  for (const model::Metadata::Entry& entry : metadata) {
    converted.emplace_hint(converted.end(), entry.first, FromModel(entry.second));
  }
  return converted;
}

Metadata FromModel(const std::optional<model::Metadata>& metadata) {
  return metadata ? FromModel(*metadata) : Metadata();
}

Status CheckText(std::string_view what, std::string_view text) {
  if (IsValidUtf8(text)) return Status::Ok();
  return Status::InvalidArgument(std::string(what) + " must be UTF-8");
}

Status CheckMetadata(const std::string& what, const Metadata& metadata, bool allow_null) {
  for (const auto& [key, value] : metadata) {
    CHROMA_TRY(CheckText("A key of " + what, key));
    const auto place = [&what, &key = key] { return what + "." + key; };
    if (!allow_null && std::holds_alternative<std::monostate>(value)) {
      return Status::InvalidArgument(place() + " must not be null: nulls are for updates");
    }
    if (!IsFinite(value)) {
      return Status::InvalidArgument(place() + " must not be NaN or infinite");
    }
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (!IsValidUtf8(*text)) return CheckText(place(), *text);
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      CHROMA_TRY(CheckTexts(place(), *texts));
    } else if (const auto* sparse = std::get_if<SparseVector>(&value)) {
      CHROMA_TRY(CheckTexts(place(), sparse->tokens));
    }
  }
  return Status::Ok();
}

CollectionConfiguration ReadConfiguration(const JsonValue& json) {
  CollectionConfiguration configuration;
  HnswConfiguration& hnsw = configuration.hnsw;
  if (const JsonValue* given = json.Find("hnsw")) {
    hnsw.space = ReadSpace(given->Find("space"));
    hnsw.ef_construction = ReadCount(given->Find("ef_construction"));
    hnsw.ef_search = ReadCount(given->Find("ef_search"));
    hnsw.max_neighbors = ReadCount(given->Find("max_neighbors"));
    hnsw.sync_threshold = ReadCount(given->Find("sync_threshold"));
    const JsonValue* factor = given->Find("resize_factor");
    if (factor != nullptr && factor->AsDouble() != nullptr) {
      hnsw.resize_factor = *factor->AsDouble();
    }
  }
  // Distributed servers have the space there.
  const JsonValue* spann = json.Find("spann");
  if (!hnsw.space && spann != nullptr) hnsw.space = ReadSpace(spann->Find("space"));
  const JsonValue* function = json.Find("embedding_function");
  if (function != nullptr && !function->IsNull()) {
    configuration.embedding_function = ToJson(*function);
  }
  return configuration;
}

}  // namespace chroma::api
