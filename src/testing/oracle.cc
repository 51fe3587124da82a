#include "testing/oracle.h"

#include <algorithm>
#include <cmath>

#include "index/text/bm25.h"
#include "index/text/phrase.h"
#include "model/compare.h"

namespace chroma::testing {
namespace {

using model::DocumentOperator;

const std::string* TextOf(const model::RecordBatch& batch, size_t i, const std::string& source) {
  if (source == model::kDocumentKey) {
    return i < batch.documents.size() && batch.documents[i] ? &*batch.documents[i] : nullptr;
  }
  if (i >= batch.metadatas.size() || !batch.metadatas[i]) return nullptr;
  const model::MetadataValue* value = batch.metadatas[i]->Find(source);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

// What a record has under a key that is not its metadata's; null: nothing.
std::optional<model::MetadataValue> ReservedValue(const OracleRecord& record,
                                                  const std::string& key) {
  if (key == model::kIdKey) return record.id;
  if (key != model::kDocumentMetadataKey && key != model::kUriMetadataKey) return std::nullopt;
  const auto& text = key == model::kUriMetadataKey ? record.uri : record.document;
  return text ? model::MetadataValue(*text) : model::MetadataValue();
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  index::WordCutter cutter(text);
  for (index::TextRange word; cutter.Next(&word);) {
    words.emplace_back(text.substr(word.begin, word.end - word.begin));
  }
  return words;
}

bool HasPhrase(std::string_view text, std::string_view phrase, bool prefix) {
  const std::vector<std::string> wanted = Words(phrase);
  const std::vector<std::string> words = Words(text);
  for (size_t at = 0; at + wanted.size() <= words.size(); ++at) {
    size_t equal = 0;
    while (equal < wanted.size() && words[at + equal] == wanted[equal]) ++equal;
    if (equal == wanted.size()) return true;
    if (prefix && equal + 1 == wanted.size() && words[at + equal].starts_with(wanted[equal])) {
      return true;
    }
  }
  return false;
}

}  // namespace

void Oracle::MergeInto(OracleRecord& record, const model::RecordBatch& batch, size_t i,
                       const float* vector) const {
  if (vector != nullptr) record.vector.assign(vector, vector + batch.vectors.dimension);
  if (i < batch.documents.size() && batch.documents[i]) record.document = batch.documents[i];
  if (i < batch.uris.size() && batch.uris[i]) record.uri = batch.uris[i];
  const bool has_metadata = i < batch.metadatas.size() && batch.metadatas[i];
  for (const auto& [key, source] : embedded_) {
    const std::string* text = TextOf(batch, i, source);
    const bool given = has_metadata && batch.metadatas[i]->Find(key) != nullptr;
    if (text != nullptr && !given) record.metadata.Set(key, index::Bm25().Embed(*text));
  }
  if (!has_metadata) return;
  for (const auto& [key, value] : *batch.metadatas[i]) {
    if (model::TypeOf(value) == model::ValueType::kNull || model::IsEmptyArray(value)) {
      record.metadata.Erase(key);
      record.awaited.erase(key);
    } else {
      record.metadata.Set(key, value);
    }
  }
}

void Oracle::SetEmbedded(std::map<std::string, std::string> embedded) {
  for (auto& [id, record] : records_) {
    std::erase_if(record.awaited, [&](const auto& key) { return !embedded.contains(key); });
    for (const auto& [key, source] : embedded) {
      if (!embedded_.contains(key)) record.awaited.insert(key);
    }
  }
  embedded_ = std::move(embedded);
}

void Oracle::Settle() {
  for (auto& [id, record] : records_) {
    for (const std::string& key : record.awaited) {
      if (record.metadata.Find(key) != nullptr) continue;
      const std::string& source = embedded_.at(key);
      const model::MetadataValue* value = record.metadata.Find(source);
      const std::string* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
      if (source == model::kDocumentKey) text = record.document ? &*record.document : nullptr;
      if (text == nullptr) continue;
      model::SparseVector vector = index::Bm25().Embed(*text);
      record.metadata.Set(key, std::move(vector));
    }
    record.awaited.clear();
  }
}

void Oracle::Apply(const model::RecordBatch& batch) {
  using model::Operation;
  size_t next_vector = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool has_vector =
        batch.has_vector.empty() ? next_vector < batch.vectors.rows() : batch.has_vector[i] != 0;
    const float* vector = has_vector ? batch.vectors.row(next_vector++) : nullptr;
    const auto found = records_.find(batch.ids[i]);
    const bool exists = found != records_.end();
    ++next_order_;
    if (batch.operation == Operation::kDelete) {
      if (exists) records_.erase(found);
    } else if (exists) {
      if (batch.operation != Operation::kAdd) MergeInto(found->second, batch, i, vector);
    } else if (batch.operation != Operation::kUpdate) {
      OracleRecord& record = records_[batch.ids[i]];
      record.id = batch.ids[i];
      record.order = next_order_;
      MergeInto(record, batch, i, vector);
    }
  }
}

bool Oracle::MatchesRegex(const std::string& pattern, const std::string& text) const {
  const auto [at, is_new] = regexes_.try_emplace(pattern);
  if (is_new) {
    auto compiled = index::Regex::Compile(pattern);
    if (compiled.ok()) at->second = *std::move(compiled);
  }
  return at->second != nullptr && at->second->Matches(text);
}

bool Oracle::MatchesDocument(const OracleRecord& record,
                             const model::DocumentPredicate& predicate) const {
  bool positive = false;
  switch (predicate.op) {
    case DocumentOperator::kContains:
    case DocumentOperator::kNotContains:
      positive = record.document && record.document->find(predicate.pattern) != std::string::npos;
      return positive == (predicate.op == DocumentOperator::kContains);
    case DocumentOperator::kRegex:
    case DocumentOperator::kNotRegex:
      positive = record.document && MatchesRegex(predicate.pattern, *record.document);
      return positive == (predicate.op == DocumentOperator::kRegex);
    case DocumentOperator::kPhrase:
    case DocumentOperator::kNotPhrase:
    case DocumentOperator::kPrefix:
    case DocumentOperator::kNotPrefix: {
      const bool prefix =
          predicate.op == DocumentOperator::kPrefix || predicate.op == DocumentOperator::kNotPrefix;
      const bool wanted =
          predicate.op == DocumentOperator::kPhrase || predicate.op == DocumentOperator::kPrefix;
      return wanted == (record.document && HasPhrase(*record.document, predicate.pattern, prefix));
    }
  }
  return false;
}

bool Oracle::MatchesText(const OracleRecord& record, const model::TextPredicate& predicate) {
  using enum model::TextOperator;
  const model::TextOperator op = predicate.op;
  const bool any = op == kContainsAny || op == kNotContainsAny;
  const bool prefix = op == kPrefix || op == kNotPrefix;
  const auto matches = [&](const std::string& value) {
    if (!any) return HasPhrase(value, predicate.texts[0], prefix);
    return std::any_of(
        predicate.texts.begin(), predicate.texts.end(),
        [&](const std::string& text) { return value.find(text) != std::string::npos; });
  };
  bool positive = false;
  if (const model::MetadataValue* value = record.metadata.Find(predicate.key)) {
    const auto* one = std::get_if<std::string>(value);
    const auto* many = std::get_if<std::vector<std::string>>(value);
    positive = (one != nullptr && matches(*one)) ||
               (many != nullptr && std::any_of(many->begin(), many->end(), matches));
  }
  const bool negated = op == kNotContainsAny || op == kNotPhrase || op == kNotPrefix;
  return positive != negated;
}

bool Oracle::Matches(const OracleRecord& record, const model::Filter& filter) const {
  if (const auto* logical = std::get_if<model::LogicalFilter>(&filter.node)) {
    const auto matches = [&](const model::Filter& child) { return Matches(record, child); };
    return logical->op == model::LogicalOperator::kAnd
               ? std::all_of(logical->children.begin(), logical->children.end(), matches)
               : std::any_of(logical->children.begin(), logical->children.end(), matches);
  }
  if (const auto* document = std::get_if<model::DocumentPredicate>(&filter.node)) {
    return MatchesDocument(record, *document);
  }
  if (const auto* text = std::get_if<model::TextPredicate>(&filter.node)) {
    return MatchesText(record, *text);
  }
  const auto& predicate = std::get<model::MetadataPredicate>(filter.node);
  if (const auto reserved = ReservedValue(record, predicate.key)) {
    const bool is_there = model::TypeOf(*reserved) != model::ValueType::kNull;
    return model::MatchesValue(predicate, is_there ? &*reserved : nullptr);
  }
  return model::MatchesValue(predicate, record.metadata.Find(predicate.key));
}

std::vector<const OracleRecord*> Oracle::Select(const std::vector<std::string>* ids,
                                                const model::Filter* where,
                                                const model::Filter* where_document) const {
  std::vector<const OracleRecord*> selected;
  for (const auto& [id, record] : records_) {
    if (ids != nullptr && std::find(ids->begin(), ids->end(), id) == ids->end()) continue;
    if (where != nullptr && !Matches(record, *where)) continue;
    if (where_document != nullptr && !Matches(record, *where_document)) continue;
    selected.push_back(&record);
  }
  std::sort(selected.begin(), selected.end(),
            [](const auto* a, const auto* b) { return a->order < b->order; });
  return selected;
}

std::vector<OracleNeighbor> Oracle::Rank(const std::vector<const OracleRecord*>& records,
                                         const float* query) const {
  std::vector<OracleNeighbor> ranked;
  for (const OracleRecord* record : records) {
    double l2 = 0, dot = 0, row_norm = 0, query_norm = 0;
    for (size_t i = 0; i < record->vector.size(); ++i) {
      const double a = record->vector[i], b = query[i];
      l2 += (a - b) * (a - b);
      dot += a * b;
      row_norm += a * a;
      query_norm += b * b;
    }
    const double norms = std::sqrt(row_norm) * std::sqrt(query_norm);
    const double cosine = norms > 0 ? dot / norms : 0.0;
    const double distance = space_ == model::Space::kL2       ? l2
                            : space_ == model::Space::kCosine ? 1.0 - cosine
                                                              : 1.0 - dot;
    ranked.push_back({record->id, distance});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  return ranked;
}

}  // namespace chroma::testing
