// Explains a plan: runs it as it is always run, with a trace, and tells of single records why they
// are among the results or are not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "executor/trace.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// What a filter, or a clause of it, says of one record.
struct Verdict {
  std::string clause;  // as planner::Describe has it
  bool matches = false;
  // Of a clause about metadata: what the record has under the key, as JSON; "null" for nothing.
  // A long text is cut; of a long array it is the beginning of its JSON, as a text.
  std::string value;
  std::vector<Verdict> clauses;
};

// What one $knn says of one record.
struct KnnVerdict {
  std::string knn;                // as Describe(KnnPlan) has it
  std::optional<uint64_t> place;  // from 0, of all that match, by exact distance; none: not found
  std::optional<float> distance;
  bool within_limit = false;
  bool missed = false;  // within its limit, but the vector index did not find it
};

struct RecordVerdict {
  std::string id;
  bool exists = false;
  bool matches = false;           // the filter
  std::optional<Verdict> filter;  // of a record that exists, where there is one
  std::vector<KnnVerdict> knns;   // of one that matches, where there are some
  std::optional<float> score;     // or distance
  std::optional<uint64_t> place;  // from 0, among all that have one
  bool returned = false;
  std::string reason;
};

struct Explanation {
  uint64_t records = 0;  // of the collection
  uint64_t segments = 0;
  uint64_t log_operations = 0;  // not yet in segments
  uint64_t returned = 0;
  int64_t ns = 0;  // of all steps
  std::vector<Step> steps;
  std::vector<RecordVerdict> verdicts;  // of the plan's records, of each once
};

Result<Explanation> Explain(runtime::Context& ctx, runtime::ThreadPool& pool, runtime::Clock& clock,
                            const segment::Snapshot& snapshot, const planner::ExplainPlan& plan);

}  // namespace chroma::executor
