// What there is to know of an index for searches of it, measured on it while it is built: some of
// its rows are looked for before they are inserted, as queries that come from where the rows came
// from will be. (Rows that are taken out again are no such queries: what leads to them leads to
// what is near them, so that .9975 are found where others find .9938; and where walks pass over
// them in place, edges are missing, and .97 are found.)
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "chroma/status.h"
#include "index/vector/graph.h"
#include "index/vector/graph_builder.h"
#include "index/vector/vector_index.h"

namespace chroma::index {

constexpr size_t kCalibratedNeighbors = 10;

struct CalibrationPoint {
  uint32_t effort = 0;  // SearchTuning::effort
  float recall = 0;     // of kCalibratedNeighbors
};

struct Calibration {
  // By how much distances grow: the m-th nearest row is about (m / k)^spread times as far (squared)
  // as the k-th, so that this is 2 / dimension for rows that fill some dimensions evenly. 0: it
  // could not be measured, or distances are so alike that they do not say when to end.
  float spread = 0;
  // Efforts ascending, recalls not descending.
  std::vector<CalibrationPoint> points;
};

// The effort that reaches `target_recall`, between those that were tried, and more than any of
// these where none did; 0 without points.
uint32_t EffortFor(const Calibration& calibration, float target_recall);

// What a spread is, if it is not 0.
constexpr float kSpreadMin = .04F;
constexpr float kSpreadMax = 1;

// In most surroundings of some hundred rows, each as a query, by walks over codes. kDataLoss: the
// graph is damaged.
Result<float> MeasureSpread(const RowCoder& coder, const Graph& graph, const VectorSource& source);

// Of rows that are to be inserted, ascending: those to be left out until Calibrate has looked for
// them. None of few rows.
std::vector<uint32_t> DrawSample(std::span<const uint32_t> rows);

// `graph` has edges to no row of `sample`, and `source` has a row for each of both. Walks go by
// codes. Takes as long as two hundred scans of the codes, sixteen at a time. `check` (may be empty)
// is called often; its failure ends it. No points without a sample.
Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              std::span<const uint32_t> sample, const ParallelFor& parallel_for,
                              const std::function<Status()>& check);

// What two kinds of rows, so many of each, find together: for a graph that was extended, what was
// known of it before, and its new rows. (What was known is of a smaller graph: while it grows by
// small parts to its double this says a few thousandths too much.) All of `b` where other efforts
// were tried for `a`.
std::vector<CalibrationPoint> Mix(const std::vector<CalibrationPoint>& a, size_t rows_of_a,
                                  const std::vector<CalibrationPoint>& b, size_t rows_of_b);

}  // namespace chroma::index
