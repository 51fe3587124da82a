// How much effort it takes to find a given share of the nearest rows, measured on an index itself:
// some of its rows are looked for by walks that pass over them, as queries that come from where the
// rows came from would be, and by comparing all rows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "chroma/status.h"
#include "index/vector/graph.h"
#include "index/vector/graph_builder.h"
#include "index/vector/vector_index.h"

namespace chroma::index {

struct CalibrationPoint {
  uint32_t effort = 0;  // SearchTuning::effort
  float recall = 0;     // of ten neighbours
};

// Efforts ascending, recalls not descending.
using Calibration = std::vector<CalibrationPoint>;

// The smallest effort that reached `target_recall`, and more than any that was tried where none
// did; 0 without points.
uint32_t EffortFor(const Calibration& calibration, double target_recall);

// `source` has a row for each of the graph. Walks go by codes. Costs about a hundred exact scans.
// `check` (may be empty) is called for each row of the sample; its failure ends it.
Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              const ParallelFor& parallel_for,
                              const std::function<Status()>& check);

}  // namespace chroma::index
