#include "collection_model.h"

#include <algorithm>
#include <charconv>

#include "base/checksum.h"
#include "index/text/bm25.h"

namespace chroma::simulation {
namespace {

constexpr uint32_t kBase = 64;  // of a stamp's digits in a vector

using Leaf = Condition::Leaf;

std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool Matches(const Leaf& leaf, const RecordState& r) {
  switch (leaf.kind) {
    case Leaf::Kind::kNumber:
      return r.number != 0 && r.number % kNumbers == leaf.value;
    case Leaf::Kind::kNumberNot:
      return r.number == 0 || r.number % kNumbers != leaf.value;
    case Leaf::Kind::kNumberFrom:
      return r.number != 0 && r.number % kNumbers >= leaf.value;
    case Leaf::Kind::kTag:
      return r.tag != 0 && r.tag % kTags == leaf.value;
    case Leaf::Kind::kTagNot:
      return r.tag == 0 || r.tag % kTags != leaf.value;
    case Leaf::Kind::kWord:
      return r.document != 0 && r.document % kWords == leaf.value;
    case Leaf::Kind::kNoWord:
      return r.document == 0 || r.document % kWords != leaf.value;
  }
  return false;
}

std::string TagText(uint32_t value) {
  return "s" + std::to_string(value);
}
std::string WordText(uint32_t value) {
  return "word" + std::to_string(value) + ".";
}

model::Filter ToFilter(const Leaf& leaf) {
  using model::CompareOperator;
  using model::DocumentOperator;
  const auto number = [&](CompareOperator op) {
    return model::Filter{model::MetadataPredicate{"n", op, int64_t{leaf.value}}};
  };
  const auto tag = [&](CompareOperator op) {
    return model::Filter{model::MetadataPredicate{"t", op, TagText(leaf.value)}};
  };
  switch (leaf.kind) {
    case Leaf::Kind::kNumber:
      return number(CompareOperator::kEqual);
    case Leaf::Kind::kNumberNot:
      return number(CompareOperator::kNotEqual);
    case Leaf::Kind::kNumberFrom:
      return number(CompareOperator::kGreaterOrEqual);
    case Leaf::Kind::kTag:
      return tag(CompareOperator::kEqual);
    case Leaf::Kind::kTagNot:
      return tag(CompareOperator::kNotEqual);
    case Leaf::Kind::kWord:
      return {model::DocumentPredicate{DocumentOperator::kContains, WordText(leaf.value)}};
    case Leaf::Kind::kNoWord:
      break;
  }
  return {model::DocumentPredicate{DocumentOperator::kNotContains, WordText(leaf.value)}};
}

std::string Describe(const RecordState& r) {
  const auto field = [](const char* name, uint32_t stamp) {
    if (stamp == 0) return std::string();
    return std::string(name) + (stamp == kCleared ? "-" : std::to_string(stamp));
  };
  return "{" + field("v", r.vector) + field(" d", r.document) + field(" n", r.number) +
         field(" t", r.tag) + "}";
}

void Merge(uint32_t& into, uint32_t change) {
  if (change != kKept) into = change == kCleared ? 0 : change;
}

void Merge(RecordState& into, const RecordState& change) {
  Merge(into.vector, change.vector);
  Merge(into.document, change.document);
  Merge(into.number, change.number);
  Merge(into.tag, change.tag);
}

}  // namespace

std::string IdText(uint32_t id) {
  return "r" + std::to_string(id);
}

std::optional<uint32_t> DecodeId(const std::string& text) {
  if (text.empty() || text[0] != 'r') return std::nullopt;
  const std::optional<uint32_t> id = ParseNumber(std::string_view(text).substr(1));
  return id && *id < kIds ? id : std::nullopt;
}

std::vector<float> VectorOf(uint32_t stamp) {
  return {static_cast<float>(stamp % kBase), static_cast<float>(stamp / kBase % kBase),
          static_cast<float>(stamp / kBase / kBase), 1.0F};
}

// Long enough to be compressed, and to be torn.
std::string DocumentOf(uint32_t stamp) {
  std::string text = std::to_string(stamp) + " " + WordText(stamp % kWords);
  for (uint32_t i = 0; i < stamp % 9; ++i) text += " filler" + std::to_string(stamp * 31 + i);
  return text;
}

bool Condition::Matches(const RecordState& record) const {
  const auto matches = [&record](const Leaf& leaf) { return simulation::Matches(leaf, record); };
  return all ? std::all_of(leaves.begin(), leaves.end(), matches)
             : std::any_of(leaves.begin(), leaves.end(), matches);
}

model::Filter Condition::ToFilter() const {
  if (leaves.size() == 1) return simulation::ToFilter(leaves[0]);
  model::LogicalFilter joined;
  joined.op = all ? model::LogicalOperator::kAnd : model::LogicalOperator::kOr;
  for (const Leaf& leaf : leaves) joined.children.push_back(simulation::ToFilter(leaf));
  return {std::move(joined)};
}

std::string Condition::Describe() const {
  constexpr const char* kNames[] = {"n=", "n!=", "n>=", "t=", "t!=", "word", "no word"};
  std::string text;
  for (const Leaf& leaf : leaves) {
    if (!text.empty()) text += all ? " and " : " or ";
    text += kNames[static_cast<size_t>(leaf.kind)] + std::to_string(leaf.value);
  }
  return text;
}

model::RecordBatch CollectionChange::ToBatch() const {
  model::RecordBatch batch;
  batch.operation = operation;
  bool any_document = false;
  bool any_metadata = false;
  for (size_t i = 0; i < ids.size(); ++i) {
    const RecordState& r = records[i];
    batch.ids.push_back(IdText(ids[i]));
    batch.has_vector.push_back(r.vector != 0);
    if (r.vector != 0) {
      const std::vector<float> vector = VectorOf(r.vector);
      batch.vectors.dimension = kDimension;
      batch.vectors.values.insert(batch.vectors.values.end(), vector.begin(), vector.end());
    }
    std::optional<std::string> document;
    if (r.document != 0) document = DocumentOf(r.document);
    any_document |= document.has_value();
    batch.documents.push_back(std::move(document));
    model::Metadata metadata;
    if (r.number == kCleared) {
      metadata.Set("n", std::monostate());
    } else if (r.number != 0) {
      metadata.Set("n", int64_t{r.number % kNumbers});
      metadata.Set("n_stamp", int64_t{r.number});
    }
    if (r.tag == kCleared) {
      metadata.Set("t", std::monostate());
    } else if (r.tag != 0) {
      metadata.Set("t", TagText(r.tag % kTags));
      metadata.Set("t_stamp", int64_t{r.tag});
    }
    any_metadata |= !metadata.empty();
    batch.metadatas.push_back(metadata.empty() ? std::optional<model::Metadata>() : metadata);
  }
  if (!any_document) batch.documents.clear();
  if (!any_metadata) batch.metadatas.clear();
  if (std::count(batch.has_vector.begin(), batch.has_vector.end(), 1) ==
      static_cast<std::ptrdiff_t>(ids.size())) {
    batch.has_vector.clear();
  }
  return batch;
}

std::string CollectionChange::Describe() const {
  constexpr const char* kNames[] = {"add", "update", "upsert", "delete"};
  std::string text = kNames[static_cast<size_t>(operation)];
  for (size_t i = 0; i < ids.size(); ++i) {
    text += " " + IdText(ids[i]);
    if (i < records.size()) text += simulation::Describe(records[i]);
  }
  if (where) text += " where " + where->Describe();
  if (limit) text += " limit " + std::to_string(*limit);
  return text;
}

size_t CollectionState::Hash() const {
  return Checksum(BytesView(reinterpret_cast<const char*>(this), sizeof(*this)));
}

std::string CollectionState::Describe() const {
  std::string text;
  for (uint32_t i = 0; i < size; ++i) {
    text += IdText(order[i]) + simulation::Describe(records[order[i]]) + " ";
  }
  return text;
}

void CollectionState::Insert(uint32_t id, const RecordState& record) {
  order[size++] = static_cast<uint8_t>(id);
  records[id] = RecordState();
  Merge(records[id], record);
}

void CollectionState::Erase(uint32_t id) {
  const auto end = order.begin() + size;
  const auto at = std::find(order.begin(), end, id);
  std::move(at + 1, end, at);
  order[--size] = 0;
  records[id] = RecordState();
}

bool CollectionState::Shows(const CollectionChange& change) const {
  for (size_t i = 0; i < change.records.size(); ++i) {
    const RecordState& written = change.records[i];
    const RecordState& present = records[change.ids[i]];
    if (written.vector != 0 && present.vector == written.vector) return true;
    if (written.document != kKept && present.document == written.document) return true;
  }
  return false;
}

std::vector<uint32_t> CollectionState::Select(const std::vector<uint32_t>* ids,
                                              const Condition* where) const {
  std::vector<uint32_t> selected;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t id = order[i];
    if (ids != nullptr && std::find(ids->begin(), ids->end(), id) == ids->end()) continue;
    if (where == nullptr || where->Matches(records[id])) selected.push_back(id);
  }
  return selected;
}

uint64_t CollectionState::Change(const CollectionChange& change) {
  if (change.operation == model::Operation::kDelete) {
    std::vector<uint32_t> doomed =
        Select(change.by_ids ? &change.ids : nullptr, change.where ? &*change.where : nullptr);
    if (change.limit && doomed.size() > *change.limit) doomed.resize(*change.limit);
    for (const uint32_t id : doomed) Erase(id);
    return change.where ? doomed.size() : change.ids.size();
  }
  for (size_t i = 0; i < change.ids.size(); ++i) {
    RecordState& record = records[change.ids[i]];
    if (record.vector == 0) {
      if (change.operation != model::Operation::kUpdate) Insert(change.ids[i], change.records[i]);
    } else if (change.operation != model::Operation::kAdd) {
      Merge(record, change.records[i]);
    }
  }
  return 0;
}

namespace {

// Whether the value is what the server makes of a document that some client may have written: its
// tokens include the stamp.
bool IsMadeOfDocument(const model::MetadataValue& value) {
  static const index::Bm25* const bm25 = [] {
    index::Bm25Config config;
    config.include_tokens = true;
    return new index::Bm25(config);
  }();
  const auto* vector = std::get_if<model::SparseVector>(&value);
  if (vector == nullptr) return false;
  for (const std::string& token : vector->tokens) {
    const auto stamp = ParseNumber(token);
    if (stamp && bm25->Embed(DocumentOf(*stamp)) == *vector) return true;
  }
  return false;
}

}  // namespace

std::optional<RecordState> DecodeRecord(const std::vector<float>& vector,
                                        const std::optional<std::string>& document,
                                        const std::optional<model::Metadata>& metadata,
                                        std::string* damage) {
  const auto wrong = [damage](std::string what) {
    *damage = std::move(what);
    return std::nullopt;
  };
  RecordState r;
  if (vector.size() != kDimension) return wrong("a vector of another dimension");
  r.vector = static_cast<uint32_t>(vector[0]) + static_cast<uint32_t>(vector[1]) * kBase +
             static_cast<uint32_t>(vector[2]) * kBase * kBase;
  if (r.vector == 0 || VectorOf(r.vector) != vector) return wrong("a vector nobody wrote");
  if (document) {
    const auto stamp = ParseNumber(document->substr(0, document->find(' ')));
    if (!stamp || DocumentOf(*stamp) != *document) return wrong("a document nobody wrote");
    r.document = *stamp;
  }
  if (!metadata) return r;
  const auto stamp_of = [&](const char* key, const char* stamp_key, const auto& value_of,
                            uint32_t* stamp) {
    const model::MetadataValue* value = metadata->Find(key);
    const model::MetadataValue* kept = metadata->Find(stamp_key);
    if (value == nullptr) return true;
    const int64_t* number = kept == nullptr ? nullptr : std::get_if<int64_t>(kept);
    if (number == nullptr || *number <= 0) return false;
    *stamp = static_cast<uint32_t>(*number);
    return *value == model::MetadataValue(value_of(*stamp));
  };
  const bool number_fits = stamp_of(
      "n", "n_stamp", [](uint32_t s) { return int64_t{s % kNumbers}; }, &r.number);
  const bool tag_fits = stamp_of(
      "t", "t_stamp", [](uint32_t s) { return TagText(s % kTags); }, &r.tag);
  if (!number_fits || !tag_fits) return wrong("metadata nobody wrote");
  const model::MetadataValue* words = metadata->Find(kWordsKey);
  if (words != nullptr && (!document || !IsMadeOfDocument(*words))) {
    return wrong("words of what is no document of it");
  }
  return r;
}

}  // namespace chroma::simulation
