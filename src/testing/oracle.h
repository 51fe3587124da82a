// A naive Chroma collection: what the engine must agree with. Everything is evaluated record by
// record on plain values; nothing of the engine's planner, executor or storage is used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

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
};

struct OracleNeighbor {
  std::string id;
  double distance = 0;
};

class Oracle {
 public:
  explicit Oracle(model::Space space) : space_(space) {}

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

  const model::Space space_;
  uint64_t next_order_ = 0;
  std::map<std::string, OracleRecord> records_;
};

}  // namespace chroma::testing
