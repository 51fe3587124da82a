// A naive Chroma collection: what the engine must agree with. Everything is evaluated record by
// record on plain values; nothing of the engine's planner, executor or storage is used.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "index/text/regex.h"
#include "model/filter.h"
#include "model/record.h"
#include "model/schema.h"

namespace chroma::testing {

struct OracleRecord {
  std::string id;
  uint64_t order = 0;  // of first insertion
  std::vector<float> vector;
  std::optional<std::string> document;
  std::optional<std::string> uri;
  model::Metadata metadata;
  std::set<std::string> awaited;  // keys that Settle() may fill
};

struct OracleNeighbor {
  std::string id;
  double distance = 0;
};

class Oracle {
 public:
  explicit Oracle(model::Space space) : space_(space) {}

  // From keys to their sources, "#document" or a key: from now on records that come with a text as
  // the source and without the key get what chroma_bm25 makes of the text under the key. Of keys
  // that were not among them, those that are there await it.
  void SetEmbedded(std::map<std::string, std::string> embedded);
  // What is done in the background is done: records that await a key get it, if they have its
  // source now and the key was not removed since.
  void Settle();
  void Apply(const model::RecordBatch& batch);

  // Matching records in insertion order. Null: no restriction.
  std::vector<const OracleRecord*> Select(const std::vector<std::string>* ids,
                                          const model::Filter* where,
                                          const model::Filter* where_document) const;
  // All of `records`, nearest first.
  std::vector<OracleNeighbor> Rank(const std::vector<const OracleRecord*>& records,
                                   const float* query) const;
  size_t size() const { return records_.size(); }
  const std::map<std::string, OracleRecord>& records() const { return records_; }

 private:
  bool Matches(const OracleRecord& record, const model::Filter& filter) const;
  static bool MatchesText(const OracleRecord& record, const model::TextPredicate& predicate);
  bool MatchesDocument(const OracleRecord& record, const model::DocumentPredicate& predicate) const;
  bool MatchesRegex(const std::string& pattern, const std::string& text) const;
  void MergeInto(OracleRecord& record, const model::RecordBatch& batch, size_t i,
                 const float* vector) const;

  const model::Space space_;
  std::map<std::string, std::string> embedded_;
  uint64_t next_order_ = 0;
  std::map<std::string, OracleRecord> records_;
  mutable std::map<std::string, std::unique_ptr<index::Regex>> regexes_;  // null: refused
};

}  // namespace chroma::testing
