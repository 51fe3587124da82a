#include "index/vector/calibration.h"

#include <algorithm>
#include <array>
#include <set>

#include "index/vector/flat_index.h"
#include "index/vector/graph_index.h"

namespace chroma::index {
namespace {

constexpr size_t kSample = 100;
constexpr size_t kNeighbors = 10;
constexpr std::array<uint32_t, 10> kEfforts = {16, 24, 32, 48, 64, 96, 144, 216, 324, 486};
// Where the last of them does not reach the target.
constexpr uint32_t kMostEffort = 972;

// Of the row's nearest others, how many each effort finds.
struct Hits {
  std::array<uint32_t, kEfforts.size()> found{};
  uint32_t wanted = 0;
  Status status;
};

const float* RowOf(const VectorSource& source, uint32_t row) {
  return source.row_pointers != nullptr ? source.row_pointers[row]
                                        : source.rows + size_t{row} * source.stride;
}

// The row as a query that the graph has never seen: one that it holds it would find, and what is
// near it, by the edges that were made for it.
Status CountHits(const GraphIndex& index, const VectorSource& source, SearchRequest request,
                 uint32_t row, Hits* hits) {
  request.query = RowOf(source, row);
  request.k = kNeighbors + 1;
  std::vector<Candidate> exact;
  CHROMA_TRY(FlatIndex().Search(source, request, &exact));
  std::erase_if(exact, [row](const Candidate& one) { return one.row == row; });
  exact.resize(std::min(exact.size(), kNeighbors));
  if (exact.empty()) return Status::Ok();
  std::set<uint32_t> wanted;
  for (const Candidate& candidate : exact) wanted.insert(candidate.row);
  hits->wanted = static_cast<uint32_t>(wanted.size());
  request.k = kNeighbors;
  request.unseen = row;
  for (size_t i = 0; i < kEfforts.size(); ++i) {
    request.tuning.effort = kEfforts[i];
    std::vector<Candidate> found;
    CHROMA_TRY(index.Search(source, request, &found));
    // Any of several rows that are equally far.
    for (const Candidate& candidate : found) {
      const bool is_near = candidate.distance <= exact.back().distance;
      hits->found[i] += is_near || wanted.contains(candidate.row) ? 1 : 0;
    }
    hits->found[i] = std::min(hits->found[i], hits->wanted);
  }
  return Status::Ok();
}

}  // namespace

uint32_t EffortFor(const Calibration& calibration, double target_recall) {
  if (calibration.empty()) return 0;
  for (const CalibrationPoint& point : calibration) {
    if (point.recall >= target_recall) return point.effort;
  }
  return kMostEffort;
}

Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              const ParallelFor& parallel_for,
                              const std::function<Status()>& check) {
  const uint32_t n = graph.rows.n;
  const uint32_t step = std::max<uint32_t>(1, n / kSample);
  const GraphIndex index(coder.kernels(), coder.space(), graph, nullptr);
  std::vector<Hits> hits((n + step - 1) / step);
  parallel_for(hits.size(), [&](size_t i) {
    const auto row = static_cast<uint32_t>(i) * step;
    SearchRequest request;
    request.space = coder.space().space;
    request.k = kNeighbors;
    request.check = check;
    if (RowOf(source, row) == nullptr || !graph.rows.Has(row) || row == graph.entry) return;
    hits[i].status = CountHits(index, source, request, row, &hits[i]);
  });
  Calibration calibration;
  for (size_t i = 0; i < kEfforts.size(); ++i) {
    uint64_t found = 0;
    uint64_t wanted = 0;
    for (const Hits& one : hits) {
      CHROMA_TRY(one.status);
      found += one.found[i];
      wanted += one.wanted;
    }
    const float recall = wanted == 0 ? 1 : static_cast<float>(found) / static_cast<float>(wanted);
    const float before = calibration.empty() ? 0 : calibration.back().recall;
    calibration.push_back({kEfforts[i], std::max(recall, before)});
  }
  return calibration;
}

}  // namespace chroma::index
