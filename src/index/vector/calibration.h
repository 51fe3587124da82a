// What there is to know of an index for searches of it, measured on it: some of its rows are looked
// for by walks that pass over them, as queries that come from where the rows came from would be.
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

struct Calibration {
  // By how much distances grow: the m-th nearest row is about (m / k)^spread times as far (squared)
  // as the k-th, so that this is 2 / dimension for rows that fill some dimensions evenly. 0: it
  // could not be measured, or distances are so alike that they do not say when to end.
  float spread = 0;
  // Efforts ascending, recalls not descending.
  std::vector<CalibrationPoint> points;
};

// The smallest effort that reached `target_recall`, and more than any that was tried where none
// did; 0 without points.
uint32_t EffortFor(const Calibration& calibration, double target_recall);

// What a spread is, if it is not 0.
constexpr float kSpreadMin = .04F;
constexpr float kSpreadMax = 1;

// In most surroundings of some hundred rows, each as a query, by walks over codes. kDataLoss: the
// graph is damaged.
Result<float> MeasureSpread(const RowCoder& coder, const Graph& graph, const VectorSource& source);

// `source` has a row for each of the graph. Walks go by codes. Costs about a hundred exact scans.
// `check` (may be empty) is called for each row of the sample; its failure ends it.
Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              const ParallelFor& parallel_for,
                              const std::function<Status()>& check);

}  // namespace chroma::index
