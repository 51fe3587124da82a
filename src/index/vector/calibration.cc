#include "index/vector/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
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

// The sample is each so many-th row.
uint32_t SampleStep(uint32_t n) {
  return std::max<uint32_t>(1, n / kSample);
}

// From what a walk for `query` found: of one row's surroundings. Nothing where they do not tell.
std::optional<double> SpreadAt(const CodedQuery& query, const RowCodes& rows,
                               std::vector<CodedCandidate>& found) {
  constexpr size_t kFar = 10 * kNeighbors;
  if (found.size() < kFar) return std::nullopt;
  const auto far = found.begin() + (kFar - 1);
  const auto near = found.begin() + (kNeighbors - 1);
  std::nth_element(found.begin(), far, found.end(), Nearer);
  std::nth_element(found.begin(), near, far, Nearer);
  // Rows that are copies of the query seem as far as codes err.
  constexpr float kErrors = 8;
  const float error = RowCoder::ErrorOf(query, rows.scales[near->row]);
  if (!(near->distance > kErrors * error) || !std::isfinite(far->distance)) return std::nullopt;
  return std::log(static_cast<double>(far->distance) / near->distance) /
         std::log(static_cast<double>(kFar) / kNeighbors);
}

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
  if (calibration.points.empty()) return 0;
  for (const CalibrationPoint& point : calibration.points) {
    if (point.recall >= target_recall) return point.effort;
  }
  return kMostEffort;
}

Result<float> MeasureSpread(const RowCoder& coder, const Graph& graph, const VectorSource& source) {
  constexpr size_t kCandidates = 200;
  WalkState state;
  std::vector<double> spreads;
  const uint32_t n = graph.rows.n;
  for (uint32_t row = 0; row < n; row += SampleStep(n)) {
    const float* const values = RowOf(source, row);
    if (values == nullptr || !coder.EncodeQuery(values, &state.query)) continue;
    WalkedGraph walked{graph, coder};
    if (row != graph.entry) walked.unseen = row;
    CHROMA_TRY(Walk(walked, {.candidates = kCandidates}, state));
    const auto spread = SpreadAt(state.query, graph.rows, state.found);
    if (spread) spreads.push_back(*spread);
  }
  if (spreads.empty()) return 0;
  const auto middle = spreads.begin() + static_cast<ptrdiff_t>(spreads.size() / 2);
  std::nth_element(spreads.begin(), middle, spreads.end());
  return *middle < kSpreadMin ? 0 : std::min(static_cast<float>(*middle), kSpreadMax);
}

Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              const ParallelFor& parallel_for,
                              const std::function<Status()>& check) {
  const uint32_t n = graph.rows.n;
  const uint32_t step = SampleStep(n);
  Calibration calibration;
  CHROMA_ASSIGN(calibration.spread, MeasureSpread(coder, graph, source));
  const GraphIndex index(coder.kernels(), coder.space(), graph, nullptr, calibration);
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
  for (size_t i = 0; i < kEfforts.size(); ++i) {
    uint64_t found = 0;
    uint64_t wanted = 0;
    for (const Hits& one : hits) {
      CHROMA_TRY(one.status);
      found += one.found[i];
      wanted += one.wanted;
    }
    const float recall = wanted == 0 ? 1 : static_cast<float>(found) / static_cast<float>(wanted);
    std::vector<CalibrationPoint>& points = calibration.points;
    const float before = points.empty() ? 0 : points.back().recall;
    points.push_back({kEfforts[i], std::max(recall, before)});
  }
  return calibration;
}

}  // namespace chroma::index
