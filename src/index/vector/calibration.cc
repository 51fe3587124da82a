#include "index/vector/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "index/vector/flat_index.h"
#include "index/vector/graph_index.h"

namespace chroma::index {
namespace {

constexpr size_t kSample = 200;
// Of so many rows at most one is in the sample.
constexpr size_t kSampleShareMax = 10;
// A smaller one says nothing.
constexpr size_t kSampleMin = 10;
constexpr std::array<uint32_t, 10> kEfforts = {16, 24, 32, 48, 64, 96, 144, 216, 324, 486};
// Where the last of them does not reach the target.
constexpr uint32_t kMostEffort = 972;
// Rows of the sample that are compared with all others at once.
constexpr size_t kTogether = 16;

// Of a row's nearest others, how many each effort finds.
struct Hits {
  std::array<uint32_t, kEfforts.size()> found{};
  uint32_t wanted = 0;
  Status status;
};

// A sample is each so many-th row.
size_t SampleStep(size_t n) {
  return std::max(kSampleShareMax, n / kSample);
}

const float* RowOf(const VectorSource& source, uint32_t row) {
  return source.row_pointers != nullptr ? source.row_pointers[row]
                                        : source.rows + size_t{row} * source.stride;
}

// Gives what is near `values`, which was encoded as `query`, distances in the code space that do
// not err.
void MakeExact(const RowCoder& coder, const VectorSource& source, const float* values,
               const CodedQuery& query, std::vector<CodedCandidate>& near) {
  std::erase_if(near, [&](const CodedCandidate& one) { return RowOf(source, one.row) == nullptr; });
  std::vector<const float*> rows;
  for (const CodedCandidate& one : near) rows.push_back(RowOf(source, one.row));
  std::vector<float> distances(near.size());
  Distances(coder.space().space, values, rows.data(), rows.size(), source.dimension,
            distances.data());
  const float length = coder.space().length;
  for (size_t i = 0; i < near.size(); ++i) {
    switch (coder.space().space) {
      case model::Space::kL2:
        near[i].distance = distances[i];
        break;
      case model::Space::kCosine:
        near[i].distance = 2 * distances[i];
        break;
      case model::Space::kInnerProduct:
        near[i].distance = 2 * (length * length - query.factor * (1 - distances[i]));
        break;
    }
  }
}

// From what is near one row, `query`. Nothing where that does not tell.
std::optional<double> SpreadAt(const CodedQuery& query, const RowCodes& rows,
                               std::vector<CodedCandidate>& found) {
  constexpr size_t kFar = 10 * kCalibratedNeighbors;
  if (found.size() < kFar) return std::nullopt;
  const auto far = found.begin() + (kFar - 1);
  const auto near = found.begin() + (kCalibratedNeighbors - 1);
  std::nth_element(found.begin(), far, found.end(), Nearer);
  std::nth_element(found.begin(), near, far, Nearer);
  // Copies of the row say nothing, and what codes hardly tell from copies is compared anyway.
  constexpr float kErrors = 3;
  const float error = RowCoder::ErrorOf(query, rows.scales[near->row]);
  if (!(near->distance > kErrors * error) || !std::isfinite(far->distance)) return std::nullopt;
  return std::log(static_cast<double>(far->distance) / near->distance) /
         std::log(static_cast<double>(kFar) / kCalibratedNeighbors);
}

std::vector<uint32_t> RowsWithout(std::span<const uint32_t> sample, const RowCodes& rows) {
  std::vector<uint32_t> others;
  for (uint32_t row = 0; row < rows.n; ++row) {
    if (!rows.Has(row)) continue;
    if (!std::binary_search(sample.begin(), sample.end(), row)) others.push_back(row);
  }
  return others;
}

// What is near some queries, which are compared together with rows as these come through the
// caches.
class NearestOthers {
 public:
  NearestOthers(const RowCoder& coder, const RowCodes& rows, std::vector<CodedQuery> queries)
      : coder_(coder), rows_(rows), queries_(std::move(queries)), near_(queries_.size()) {}

  Status Compare(std::span<const uint32_t> others, const std::function<Status()>& check) {
    constexpr size_t kTile = 256;
    std::array<float, kTile> distances;
    while (!others.empty()) {
      if (check) CHROMA_TRY(check());
      const std::span<const uint32_t> some = others.first(std::min(kTile, others.size()));
      for (size_t i = 0; i < queries_.size(); ++i) {
        coder_.Distances(queries_[i].vector(), rows_, some, Planes::kBoth, distances.data());
        near_[i].Add(some, distances.data());
      }
      others = others.subspan(some.size());
    }
    return Status::Ok();
  }

  // By codes: many times as many as are wanted, in any order.
  Bitmap Of(size_t i) {
    near_[i].Shrink();
    std::vector<uint32_t> rows;
    for (const CodedCandidate& one : near_[i].found) rows.push_back(one.row);
    std::sort(rows.begin(), rows.end());
    return Bitmap::FromSorted(rows.data(), rows.size());
  }

 private:
  struct Near {
    static constexpr size_t kKept = 10 * kCalibratedNeighbors;
    std::vector<CodedCandidate> found;
    float limit = std::numeric_limits<float>::infinity();

    void Add(std::span<const uint32_t> rows, const float* distances) {
      for (size_t i = 0; i < rows.size(); ++i) {
        if (distances[i] < limit) found.push_back({distances[i], rows[i]});
      }
      if (found.size() > 4 * kKept) Shrink();
    }
    void Shrink() {
      if (found.size() <= kKept) return;
      const auto last = found.begin() + (kKept - 1);
      std::nth_element(found.begin(), last, found.end(), Nearer);
      limit = last->distance;
      found.resize(kKept);
    }
  };

  const RowCoder& coder_;
  const RowCodes& rows_;
  const std::vector<CodedQuery> queries_;
  std::vector<Near> near_;
};

// `near`: rows among which the nearest are.
Status CountHits(const GraphIndex& index, const VectorSource& source, SearchRequest request,
                 const Bitmap& near, Hits* hits) {
  request.k = kCalibratedNeighbors;
  request.allowed = &near;
  std::vector<Candidate> exact;
  CHROMA_TRY(FlatIndex().Search(source, request, &exact));
  if (exact.empty()) return Status::Ok();
  hits->wanted = static_cast<uint32_t>(exact.size());
  // Any of several rows that are equally far, by sums of another order perhaps.
  const auto is_near = [&exact](const Candidate& one) {
    return one.distance <= exact.back().distance ||
           std::any_of(exact.begin(), exact.end(),
                       [&one](const Candidate& wanted) { return wanted.row == one.row; });
  };
  request.allowed = nullptr;
  for (size_t i = 0; i < kEfforts.size(); ++i) {
    request.tuning.effort = kEfforts[i];
    std::vector<Candidate> found;
    CHROMA_TRY(index.Search(source, request, &found));
    const auto n = static_cast<uint32_t>(std::count_if(found.begin(), found.end(), is_near));
    hits->found[i] = std::min(n, hits->wanted);
  }
  return Status::Ok();
}

// Recalls do not descend, whatever chance says.
std::vector<CalibrationPoint> PointsOf(const std::vector<Hits>& hits) {
  std::vector<CalibrationPoint> points;
  for (size_t i = 0; i < kEfforts.size(); ++i) {
    uint64_t found = 0;
    uint64_t wanted = 0;
    for (const Hits& one : hits) {
      found += one.found[i];
      wanted += one.wanted;
    }
    const float recall = wanted == 0 ? 1 : static_cast<float>(found) / static_cast<float>(wanted);
    points.push_back({kEfforts[i], std::max(recall, points.empty() ? 0 : points.back().recall)});
  }
  return points;
}

}  // namespace

uint32_t EffortFor(const Calibration& calibration, float target_recall) {
  if (calibration.points.empty()) return 0;
  CalibrationPoint before;
  for (const CalibrationPoint& point : calibration.points) {
    if (point.recall < target_recall) {
      before = point;
      continue;
    }
    // With the last of these a search may have been a scan of few rows.
    if (before.effort == 0 || point.recall >= 1) return point.effort;
    // Between the two recall grows less and less with the logarithm of the effort, so that on a
    // straight line this is enough.
    const float share = (target_recall - before.recall) / (point.recall - before.recall);
    return static_cast<uint32_t>(std::ceil(
        before.effort * std::pow(static_cast<double>(point.effort) / before.effort, share)));
  }
  return kMostEffort;
}

Result<float> MeasureSpread(const RowCoder& coder, const Graph& graph, const VectorSource& source) {
  constexpr size_t kCandidates = 200;
  WalkState state;
  std::vector<double> spreads;
  const uint32_t n = graph.rows.n;
  for (size_t at = 0; at < n; at += SampleStep(n)) {
    const auto row = static_cast<uint32_t>(at);
    const float* const values = RowOf(source, row);
    if (values == nullptr || !coder.EncodeQuery(values, &state.query)) continue;
    CHROMA_TRY(Walk({graph, coder}, {.candidates = kCandidates}, state));
    std::erase_if(state.found, [row](const CodedCandidate& one) { return one.row == row; });
    MakeExact(coder, source, values, state.query, state.found);
    const auto spread = SpreadAt(state.query, graph.rows, state.found);
    if (spread) spreads.push_back(*spread);
  }
  if (spreads.empty()) return 0;
  const auto middle = spreads.begin() + static_cast<ptrdiff_t>(spreads.size() / 2);
  std::nth_element(spreads.begin(), middle, spreads.end());
  return *middle < kSpreadMin ? 0 : std::min(static_cast<float>(*middle), kSpreadMax);
}

std::vector<uint32_t> DrawSample(std::span<const uint32_t> rows) {
  std::vector<uint32_t> sample;
  if (rows.size() < kSampleMin * kSampleShareMax) return sample;
  for (size_t i = 0; i < rows.size(); i += SampleStep(rows.size())) sample.push_back(rows[i]);
  return sample;
}

Result<Calibration> Calibrate(const RowCoder& coder, const Graph& graph, const VectorSource& source,
                              std::span<const uint32_t> sample, const ParallelFor& parallel_for,
                              const std::function<Status()>& check) {
  Calibration calibration;
  CHROMA_ASSIGN(calibration.spread, MeasureSpread(coder, graph, source));
  if (sample.empty()) return calibration;
  const std::vector<uint32_t> others = RowsWithout(sample, graph.rows);
  const GraphIndex index(coder.kernels(), coder.space(), graph, nullptr, calibration);

  std::vector<Hits> hits(sample.size());
  parallel_for((sample.size() + kTogether - 1) / kTogether, [&](size_t group) {
    const size_t begin = group * kTogether;
    const size_t n = std::min(kTogether, sample.size() - begin);
    std::vector<CodedQuery> queries(n);
    for (size_t i = 0; i < n; ++i) {
      // Not as rows: in the code space these may lie elsewhere. A row with a code is a query too.
      static_cast<void>(coder.EncodeQuery(RowOf(source, sample[begin + i]), &queries[i]));
    }
    NearestOthers nearest(coder, graph.rows, std::move(queries));
    hits[begin].status = nearest.Compare(others, check);
    for (size_t i = 0; i < n && hits[begin].status.ok(); ++i) {
      SearchRequest request;
      request.space = coder.space().space;
      request.query = RowOf(source, sample[begin + i]);
      request.check = check;
      hits[begin + i].status = CountHits(index, source, request, nearest.Of(i), &hits[begin + i]);
    }
  });
  for (const Hits& one : hits) CHROMA_TRY(one.status);
  calibration.points = PointsOf(hits);
  return calibration;
}

std::vector<CalibrationPoint> Mix(const std::vector<CalibrationPoint>& a, size_t rows_of_a,
                                  const std::vector<CalibrationPoint>& b, size_t rows_of_b) {
  if (b.empty()) return a;
  const auto same_effort = [](const CalibrationPoint& x, const CalibrationPoint& y) {
    return x.effort == y.effort;
  };
  if (!std::equal(a.begin(), a.end(), b.begin(), b.end(), same_effort)) return b;
  const double share_of_a =
      static_cast<double>(rows_of_a) / static_cast<double>(rows_of_a + rows_of_b);
  std::vector<CalibrationPoint> mixed = b;
  for (size_t i = 0; i < b.size(); ++i) {
    mixed[i].recall = static_cast<float>(share_of_a * a[i].recall + (1 - share_of_a) * b[i].recall);
  }
  return mixed;
}

}  // namespace chroma::index
