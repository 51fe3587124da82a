// Counts: how many records match, and which values they have. No record is fetched.
#pragma once

#include <string>
#include <vector>

#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"
#include "segment/value_counts.h"

namespace chroma::executor {

struct FacetValues {
  std::string key;
  uint64_t records = 0;   // that match and have the key
  uint64_t distinct = 0;  // values among them
  // The first of them, as the facet orders them. An array counts each of its elements once, a
  // sparse vector none.
  std::vector<segment::ValueCount> values;
};

struct FacetResult {
  uint64_t count = 0;  // of records that match
  std::vector<FacetValues> facets;
};

// The pool, if any, helps to read documents.
Result<FacetResult> CountFacets(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                const planner::FacetsPlan& plan, runtime::ThreadPool* pool);

}  // namespace chroma::executor
