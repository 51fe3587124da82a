#include "index/vector/graph_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "index/vector/flat_index.h"

namespace chroma::index {
namespace {

// Codes compared between two calls of SearchRequest::check, and by one call of the kernel.
constexpr size_t kScanRows = 256;
// What a walk costs for each candidate that it keeps, by estimates and by codes, in comparisons of
// codes that a scan comes to in order, which take 30 ns at 384 dimensions. Long beams cost more for
// each: candidates are moved to let others in, and caches do not hold them.
constexpr double kEstimateCost = 35;
constexpr double kCodeCost = 50;
constexpr double kBeamCost = 1 / 400.0;  // for each other candidate
// What one visit costs where there is a filter, and how many visits, for a candidate that is kept:
// with filters that say what the rows are about, as users' do, the nearest rows pass seldom.
constexpr double kFilteredVisitCost = 35;
constexpr double kFilteredVisits = 2.6;
// How many rows that pass a filtered walk visits for each that is within reach in the end: before,
// the k-th nearest is farther.
constexpr double kVisitsWithin = 1.65;
// A filter that this share of the rows passes is applied to what a plain walk found.
constexpr double kMostRows = .75;
// An effort is what hnswlib calls ef: these many candidates find as many of the nearest rows as it
// does (docs/vector-index.md). A graph of more edges needs fewer, estimates need more.
constexpr double kCodesPerEffort = .75;
constexpr double kEstimatesPerEffort = 1.5;
// Where it is known how distances grow, a walk ends by distances: when it has been to all that are
// nearer than the m-th nearest row is likely to be, m being k times what this says. As many rows
// are found as by the candidates above, by some three quarters of the visits.
struct ReachOfEffort {
  double of_one;
  double per_effort;
};
constexpr ReachOfEffort kReachByCodes = {1, .38};
constexpr ReachOfEffort kReachByEstimates = {1.1, .2};
// A walk that came to so few rows may not have left those around its entry.
constexpr double kVisitsPerEffort = .375;
size_t LeastVisits(size_t effort) {
  return static_cast<size_t>(kVisitsPerEffort * static_cast<double>(effort));
}
// By estimates that takes an effort of so many times the results: fewer candidates are visited as
// soon as ends are looked for.
constexpr size_t kReachEffortMin = 4;
double RowsWithin(const ReachOfEffort& reach, size_t effort, size_t k) {
  return reach.of_one + reach.per_effort * static_cast<double>(effort) / static_cast<double>(k);
}
// A beam of estimates holds most rows several times, by different edges, each time with another
// estimate. So it takes this many to find a row, and for many rows codes are quicker.
constexpr size_t kEstimatesPerRow = 4;
constexpr size_t kEstimatedRowsMax = 64;
bool CodesAreQuicker(size_t effort, size_t k) {
  return k > kEstimatedRowsMax && kEstimatesPerEffort * static_cast<double>(effort) <
                                      static_cast<double>(kEstimatesPerRow * k);
}
// What a plain walk found is taken where no more rows than this for each result were nearer and do
// not pass.
constexpr double kMostBlocked = 1.5;
// Where there were more, what passes lies on all sides of them: that takes so many times the
// candidates.
constexpr size_t kAroundBlocked = 2;

// Of a walk for so many results.
size_t LeastCandidates(size_t results, bool by_estimates) {
  return by_estimates ? kEstimatesPerRow * results : results + results / 4;
}

// Leaves what passes of what a plain walk with so many candidates found. Whether these are the k
// nearest: not where there are fewer, or where many of the others were nearer than the last of
// them, since then the walk ended among rows that do not pass.
bool TakePassing(const RowFilter& filter, size_t k, size_t candidates, bool by_estimates,
                 std::vector<CodedCandidate>& found) {
  const auto others =
      std::partition(found.begin(), found.end(),
                     [&](const CodedCandidate& candidate) { return filter.Passes(candidate.row); });
  size_t blocked = SIZE_MAX;
  if (static_cast<size_t>(others - found.begin()) >= k) {
    const auto last = found.begin() + static_cast<ptrdiff_t>(k - 1);
    std::nth_element(found.begin(), last, others, Nearer);
    blocked = static_cast<size_t>(std::count_if(
        others, found.end(), [last](const CodedCandidate& other) { return Nearer(other, *last); }));
  }
  found.erase(others, found.end());
  return static_cast<double>(blocked) <= kMostBlocked * static_cast<double>(k) &&
         LeastCandidates(k + blocked, by_estimates) <= candidates;
}

// By how many errors the k-th nearest of n that are about equally far seems nearer than it is: it
// is one of those whose errors are largest (the expected maximum of normal errors, about).
float ErrorOfNearest(size_t n, size_t k) {
  return n <= k ? 0 : std::sqrt(2 * std::log(static_cast<float>(n) / static_cast<float>(k)));
}

// Keeps the k nearest, and those that may be nearer than one of them by their exact distances;
// `planes`: what was read of their codes; `in_doubt`: of how many more that are perhaps among the
// nearest.
void KeepRanked(const CodedQuery& query, const RowScale* scales, Planes planes, size_t k,
                size_t in_doubt, std::vector<CodedCandidate>& candidates) {
  constexpr float kErrors = 4;
  constexpr size_t kCrowd = 4;  // times k: more are about as far as the last
  if (candidates.size() <= k) return;
  const auto last = candidates.begin() + static_cast<ptrdiff_t>(k - 1);
  std::nth_element(candidates.begin(), last, candidates.end(), Nearer);
  const auto within = [&, than = last->distance](float errors) {
    return [&, than, errors](const CodedCandidate& one) {
      return RowCoder::MayBeNearer(query, scales[one.row], planes, one.distance, errors, than);
    };
  };
  if (in_doubt == 0) {
    const auto near = std::count_if(last, candidates.end(), within(kErrors));
    if (static_cast<size_t>(near) > kCrowd * k) in_doubt = static_cast<size_t>(near);
  }
  candidates.erase(
      std::partition(last + 1, candidates.end(), within(kErrors + ErrorOfNearest(in_doubt, k))),
      candidates.end());
}

}  // namespace

// What one search needs; kept, but for the nodes, for the next one.
struct GraphIndex::Work {
  std::shared_ptr<PackedNodes> nodes;  // null: the search goes by codes
  WalkState state;
  std::vector<const float*> pointers;
  std::vector<float> distances;
  std::vector<Candidate> ranked;
};

class GraphIndex::Lease {
 public:
  Lease(const GraphIndex& index, model::IndexMemory memory) : index_(index) {
    std::shared_ptr<PackedNodes> nodes;
    if (memory != model::IndexMemory::kCompact)
      nodes = index_.nodes_.Use(memory == model::IndexMemory::kRoomy);
    runtime::MutexLock lock(index_.mutex_);
    if (index_.free_.empty()) {
      work_ = std::make_unique<Work>();
    } else {
      work_ = std::move(index_.free_.back());
      index_.free_.pop_back();
    }
    work_->nodes = std::move(nodes);
  }
  ~Lease() {
    work_->nodes.reset();
    runtime::MutexLock lock(index_.mutex_);
    index_.free_.push_back(std::move(work_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Work& operator*() { return *work_; }

 private:
  const GraphIndex& index_;
  std::unique_ptr<Work> work_;
};

GraphIndex::GraphIndex(const simd::CodeKernels& kernels, CodeSpace space, const Graph& graph,
                       std::shared_ptr<NodeMemory> memory, Calibration calibration)
    : coder_(kernels, std::move(space)),
      graph_(graph),
      calibration_(std::move(calibration)),
      nodes_(coder_, graph.rows.n, std::move(memory)) {
  for (uint32_t row = 0; row < graph_.rows.n; ++row) {
    if (!graph_.rows.Has(row)) uncoded_.push_back(row);
  }
}

GraphIndex::~GraphIndex() = default;

Status GraphIndex::MakeNodes(const std::function<Status()>& check) const {
  constexpr uint32_t kNodesPerCheck = 64;
  const std::shared_ptr<PackedNodes> nodes = nodes_.Make();
  if (nodes == nullptr) return Status::Ok();
  std::vector<uint8_t> scratch;
  PackedNodes::Node node;
  for (uint32_t row = 0; row < graph_.rows.n; ++row) {
    if (row % kNodesPerCheck == 0 && check) CHROMA_TRY(check());
    if (!graph_.rows.Has(row)) continue;
    if (nodes->At(graph_, row, true, &scratch, &node) == PackedNodes::Found::kDamaged) {
      return Status::DataLoss("a vector index is damaged");
    }
  }
  nodes_.SetComplete(*nodes);
  return Status::Ok();
}

Status GraphIndex::Search(const VectorSource& source, const SearchRequest& request,
                          std::vector<Candidate>* out) const {
  if (request.k == 0 || source.n == 0) return Status::Ok();
  Lease lease(*this, request.tuning.memory);
  Work& work = *lease;
  if (!coder_.EncodeQuery(request.query, &work.state.query)) {
    TakeAllowed(request, work);
    return Rank(source, request, work, out);
  }
  const size_t rows = graph_.rows.n;
  const size_t allowed =
      request.allowed != nullptr ? std::min<size_t>(request.allowed->Count(), rows) : rows;
  const bool plain = IsPlain(allowed);
  const size_t k = ResultsOf(request);
  const size_t effort = EffortOf(request);
  if (!plain || CodesAreQuicker(effort, k)) work.nodes.reset();
  const bool by_estimates = work.nodes != nullptr;
  const Depth depth = plain ? PlainDepth(effort, k, by_estimates) : FilteredDepth(effort, k);
  bool walked = false;
  if (static_cast<double>(allowed) > WalkCost(depth, plain, by_estimates, allowed)) {
    CHROMA_ASSIGN(walked, WalkAllowed(request, depth, allowed, work));
  }
  if (!walked || work.state.found.size() < std::min(request.k, allowed)) {
    CHROMA_TRY(ScanAllowed(request, work));
  }
  CHROMA_TRY(RankByBothPlanes(request.k, work));
  KeepRanked(work.state.query, graph_.rows.scales, Planes::kBoth, request.k, /*in_doubt=*/0,
             work.state.found);
  for (const uint32_t row : uncoded_) work.state.found.push_back({0, row});
  return Rank(source, request, work, out);
}

size_t GraphIndex::EffortOf(const SearchRequest& request) const {
  size_t effort = request.tuning.effort > 0 ? request.tuning.effort : kDefaultEffort;
  if (request.tuning.target_recall > 0 && !calibration_.points.empty()) {
    effort = EffortFor(calibration_, request.tuning.target_recall);
  } else if (!calibration_.points.empty()) {
    effort = WithinRecalls(request, effort);
  }
  // With as many as there are rows a scan is quicker, whatever was asked for.
  return std::max(std::min<size_t>(effort, graph_.rows.n), ResultsOf(request));
}

size_t GraphIndex::WithinRecalls(const SearchRequest& request, size_t effort) const {
  const SearchTuning& tuning = request.tuning;
  size_t most = effort;
  // Queries may be less like the rows than those that calibration looked for.
  const size_t results = tuning.results > 0 ? tuning.results : request.k;
  if (tuning.enough_recall > 0 && results <= kCalibratedNeighbors) {
    most = std::max<size_t>(effort / 2, EffortFor(calibration_, tuning.enough_recall));
  }
  const size_t least = tuning.least_recall > 0 ? EffortFor(calibration_, tuning.least_recall) : 0;
  return std::max(std::min(effort, most), least);
}

bool GraphIndex::IsPlain(size_t allowed) const {
  return static_cast<double>(allowed) >= kMostRows * graph_.rows.n;
}

size_t GraphIndex::ResultsOf(const SearchRequest& request) const {
  return std::min<size_t>(request.k, graph_.rows.n);
}

Depth GraphIndex::PlainDepth(size_t effort, size_t k, bool by_estimates) const {
  const double each = by_estimates ? kEstimatesPerEffort : kCodesPerEffort;
  const auto candidates = static_cast<size_t>(each * static_cast<double>(effort));
  Depth depth;
  depth.candidates = std::max(candidates, LeastCandidates(k, by_estimates));
  if (calibration_.spread == 0 || (by_estimates && effort < kReachEffortMin * k)) return depth;
  depth.results = k;
  depth.reach = ReachTo(RowsWithin(by_estimates ? kReachByEstimates : kReachByCodes, effort, k));
  depth.visits_min = LeastVisits(effort);
  return depth;
}

Depth GraphIndex::FilteredDepth(size_t effort, size_t k) const {
  if (calibration_.spread == 0) return {.candidates = effort, .results = effort};
  const double rows = RowsWithin(kReachByCodes, effort, k);
  return {.candidates = static_cast<size_t>(kVisitsWithin * rows * static_cast<double>(k)),
          .results = k,
          .reach = ReachTo(rows),
          .visits_min = LeastVisits(effort)};
}

float GraphIndex::ReachTo(double rows) const {
  return static_cast<float>(std::pow(rows, calibration_.spread));
}

double GraphIndex::WalkCost(const Depth& depth, bool plain, bool by_estimates,
                            size_t allowed) const {
  const auto candidates = static_cast<double>(depth.candidates);
  const double selectivity = static_cast<double>(allowed) / graph_.rows.n;
  if (!plain) return kFilteredVisitCost * kFilteredVisits * candidates / selectivity;
  const double each = by_estimates ? kEstimateCost : kCodeCost;
  return candidates * (each + kBeamCost * candidates) / selectivity;
}

Result<bool> GraphIndex::WalkAllowed(const SearchRequest& request, Depth depth, size_t allowed,
                                     Work& work) const {
  const RowFilter filter{request.allowed, request.moved};
  const WalkedGraph walked{graph_, coder_, work.nodes.get(), /*makes_nodes=*/false, request.check};
  if (filter.PassesAll()) {
    CHROMA_TRY(Walk(walked, depth, work.state));
    return true;
  }
  depth.filter = &filter;
  if (IsPlain(allowed)) {
    // Nearly all rows pass: it costs less to leave the others out afterwards.
    depth.candidates = static_cast<size_t>(static_cast<double>(depth.candidates) / kMostRows);
    CHROMA_TRY(Walk(walked, depth, work.state));
    CHROMA_TRY(ReadBothPlanes(work));
    const bool by_estimates = work.nodes != nullptr;
    if (TakePassing(filter, request.k, depth.candidates, by_estimates, work.state.found)) {
      return true;
    }
    const size_t around = kAroundBlocked * EffortOf(request);
    depth = {.candidates = around, .results = around, .filter = &filter};
  }
  // Where the allowed rows are far from the query a walk would visit all that are nearer: it may
  // take half as long as the scan would, so that both take no longer than to compare the rows
  // themselves.
  constexpr double kScanShare = .5;
  const auto visits_max =
      static_cast<size_t>(kScanShare * static_cast<double>(allowed) / kFilteredVisitCost);
  const WalkedGraph by_codes{graph_, coder_, /*nodes=*/nullptr, /*makes_nodes=*/false,
                             request.check};
  return WalkToResults(by_codes, depth, visits_max, work.state);
}

size_t GraphIndex::NextAllowed(const RowFilter& filter, uint32_t* from, uint32_t* rows,
                               size_t n) const {
  const uint32_t end = graph_.rows.n;
  size_t count = 0;
  if (filter.moved.to == nullptr && filter.allowed != nullptr) {
    count = filter.allowed->Read(*from, rows, n);
    *from = count < n || rows[count - 1] >= end - 1 ? kNoRow : rows[count - 1] + 1;
    while (count > 0 && rows[count - 1] >= end) --count;
    return count;
  }
  uint32_t row = *from;
  for (; row < end && count < n; ++row) {
    if (filter.Passes(row)) rows[count++] = row;
  }
  *from = row < end ? row : kNoRow;
  return count;
}

void GraphIndex::TakeAllowed(const SearchRequest& request, Work& work) const {
  const RowFilter filter{request.allowed, request.moved};
  work.state.found.clear();
  std::array<uint32_t, kScanRows> rows;
  for (uint32_t from = 0; from != kNoRow;) {
    const size_t count = NextAllowed(filter, &from, rows.data(), rows.size());
    for (size_t i = 0; i < count; ++i) work.state.found.push_back({0, rows[i]});
  }
}

Status GraphIndex::ScanAllowed(const SearchRequest& request, Work& work) const {
  const CodedQuery& query = work.state.query;
  std::vector<CodedCandidate>& found = work.state.found;
  found.clear();
  std::array<uint32_t, kScanRows> members;
  std::array<float, kScanRows> distances;
  size_t most = 4 * (request.k + kScanRows);  // more are looked through for what can be dropped
  const RowFilter filter{request.allowed, request.moved};
  for (uint32_t from = 0; from != kNoRow;) {
    const size_t count = NextAllowed(filter, &from, members.data(), members.size());
    const auto coded_end =
        std::remove_if(members.begin(), members.begin() + static_cast<ptrdiff_t>(count),
                       [&](uint32_t row) { return !graph_.rows.Has(row); });
    const std::span<const uint32_t> coded(members.begin(), coded_end);
    for (const uint32_t row : coded) {
      if (!graph_.CheckHigh(row)) return Status::DataLoss("a vector index is damaged");
      // The rows of a filter are apart: what follows a row is not what comes next.
      const uint8_t* const plane = graph_.rows.High(row);
      for (uint32_t at = 0; at < graph_.rows.high_bytes(); at += 64) __builtin_prefetch(plane + at);
    }
    coder_.Distances(query.vector(), graph_.rows, coded, Planes::kHigh, distances.data());
    for (size_t i = 0; i < coded.size(); ++i) found.push_back({distances[i], coded[i]});
    if (found.size() > most) {
      KeepRanked(query, graph_.rows.scales, Planes::kHigh, request.k, graph_.rows.n, found);
      most = std::max(most, 2 * found.size());
    }
    if (request.check) CHROMA_TRY(request.check());
  }
  work.state.found_by = Planes::kHigh;
  return Status::Ok();
}

Status GraphIndex::ReadBothPlanes(Work& work) const {
  if (work.state.found_by == Planes::kBoth) return Status::Ok();
  work.state.found_by = Planes::kBoth;
  return index::ReadBothPlanes(graph_, coder_, work.state.query, work.state.found);
}

Status GraphIndex::RankByBothPlanes(size_t k, Work& work) const {
  constexpr size_t kLeast = 16;
  constexpr float kErrors = 4;
  const CodedQuery& query = work.state.query;
  std::vector<CodedCandidate>& found = work.state.found;
  const size_t n = std::max(2 * k, kLeast);
  if (work.state.found_by == Planes::kBoth || found.size() <= n) return ReadBothPlanes(work);
  work.state.found_by = Planes::kBoth;
  // What seems nearest says how near the k-th is at most, and so which of the others may be nearer.
  const auto chunk_end = found.begin() + static_cast<ptrdiff_t>(n);
  std::nth_element(found.begin(), chunk_end, found.end(), Nearer);
  CHROMA_TRY(index::ReadBothPlanes(graph_, coder_, query, std::span(found).first(n)));
  const auto last = found.begin() + static_cast<ptrdiff_t>(k - 1);
  std::nth_element(found.begin(), last, chunk_end, Nearer);
  found.erase(std::partition(chunk_end, found.end(),
                             [&, than = last->distance](const CodedCandidate& one) {
                               return RowCoder::MayBeNearer(query, graph_.rows.scales[one.row],
                                                            Planes::kHigh, one.distance, kErrors,
                                                            than);
                             }),
              found.end());
  return index::ReadBothPlanes(graph_, coder_, query, std::span(found).subspan(n));
}

namespace {

// Null: the source has no such row.
Result<const float*> RowOf(const VectorSource& source, uint32_t row) {
  if (row >= source.n) return static_cast<const float*>(nullptr);
  if (source.reader != nullptr) return source.reader->Row(row);
  return source.row_pointers != nullptr ? source.row_pointers[row]
                                        : source.rows + row * source.stride;
}

}  // namespace

Status GraphIndex::Rank(const VectorSource& source, const SearchRequest& request, Work& work,
                        std::vector<Candidate>* out) const {
  const RowFilter filter{request.allowed, request.moved};
  work.pointers.clear();
  work.ranked.clear();
  for (const CodedCandidate& candidate : work.state.found) {
    if (!filter.Passes(candidate.row)) continue;
    const uint32_t row = request.moved[candidate.row];
    CHROMA_ASSIGN(const float* values, RowOf(source, row));
    if (values == nullptr) continue;
    work.pointers.push_back(values);
    work.ranked.push_back({0, row});
  }
  work.distances.resize(work.pointers.size());
  Distances(request.space, request.query, work.pointers.data(), work.pointers.size(),
            source.dimension, work.distances.data());
  for (size_t i = 0; i < work.ranked.size(); ++i) work.ranked[i].distance = work.distances[i];
  std::erase_if(work.ranked, [&](const Candidate& c) { return c.distance > request.bound; });
  std::sort(work.ranked.begin(), work.ranked.end());
  const size_t n = std::min(request.k, work.ranked.size());
  out->insert(out->end(), work.ranked.begin(), work.ranked.begin() + static_cast<ptrdiff_t>(n));
  return Status::Ok();
}

}  // namespace chroma::index
