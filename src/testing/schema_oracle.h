// Which filters and searches a schema refuses, by the letter of semantics.md §1.8 and §3.3. Nothing
// of model::Schema is used: a switch is what was set, or a copy of the default that there was when
// the first value of its key and type was written.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/filter.h"
#include "model/metadata.h"
#include "model/record.h"
#include "model/search.h"

namespace chroma::testing {

// At first that of a collection made without a schema.
class SchemaOracle {
 public:
  // `type`: of scalars, or of sparse vectors.
  void SetDefault(model::ValueType type, bool on) { defaults_[type] = on; }
  void Set(const std::string& key, model::ValueType type, bool on) { keys_[{key, type}] = on; }
  void SetFullText(bool on) { full_text_ = on; }
  // The key has an embedding function, so that searches may be made of texts while its index is on.
  void SetEmbedding(const std::string& key) { embeddings_.insert(key); }
  // Lists the keys and types that the batch has, whatever becomes of its records.
  void Apply(const model::RecordBatch& batch);

  bool IsOn(const std::string& key, model::ValueType type) const;
  // The text by which the request is refused, if it is.
  std::optional<std::string> Refusal(const model::Filter& filter) const;
  std::optional<std::string> Refusal(const std::vector<model::Search>& searches) const;

 private:
  std::optional<std::string> RefusalOfText(const std::vector<model::Search>& searches) const;
  std::optional<std::string> Refusal(const model::Search& search) const;

  std::map<model::ValueType, bool> defaults_;
  std::map<std::pair<std::string, model::ValueType>, bool> keys_;
  bool full_text_ = true;
  std::set<std::string> embeddings_;
};

}  // namespace chroma::testing
