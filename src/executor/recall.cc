#include "executor/recall.h"

#include <algorithm>
#include <vector>

#include "executor/scan.h"

namespace chroma::executor {
namespace {

using segment::Snapshot;

// Live rows, each once, in no order.
std::vector<RowRef> Sample(const Snapshot& snapshot, uint32_t n, runtime::Random& random) {
  std::vector<uint64_t> chosen;
  const uint64_t live = snapshot.live;
  if (live <= n) {
    for (uint64_t i = 0; i < live; ++i) chosen.push_back(i);
  } else {
    while (chosen.size() < n) {
      for (size_t i = chosen.size(); i < n; ++i) chosen.push_back(random.Next() % live);
      std::sort(chosen.begin(), chosen.end());
      chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    }
  }
  std::vector<RowRef> rows;
  uint64_t first = 0;
  auto next = chosen.begin();
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const segment::SnapshotPart& part = snapshot.parts[i];
    Bitmap alive = Bitmap::Range(0, part.part->rows());
    alive -= *part.dead;
    const std::vector<uint32_t> members = alive.ToVector();
    for (; next != chosen.end() && *next < first + members.size(); ++next) {
      rows.push_back({i, members[*next - first]});
    }
    first += members.size();
  }
  return rows;
}

// Without the row itself, and at most n.
NearestRows Without(const NearestRows& found, const RowRef& self, size_t n) {
  NearestRows others;
  for (size_t i = 0; i < found.rows.size() && others.rows.size() < n; ++i) {
    if (found.rows[i].part == self.part && found.rows[i].row == self.row) continue;
    others.rows.push_back(found.rows[i]);
    others.distances.push_back(found.distances[i]);
  }
  return others;
}

// Rows and not distances alone: those of one row differ in the last bit by how they were summed.
size_t CountHits(const NearestRows& found, const NearestRows& truth) {
  size_t hits = 0;
  for (size_t i = 0; i < found.rows.size(); ++i) {
    const bool is_there = std::any_of(truth.rows.begin(), truth.rows.end(),
                                      [&row = found.rows[i]](const RowRef& one) {
                                        return one.part == row.part && one.row == row.row;
                                      });
    hits += is_there || found.distances[i] <= truth.distances.back() ? 1 : 0;
  }
  return hits;
}

}  // namespace

Result<RecallReport> MeasureRecall(runtime::Context& ctx, runtime::ThreadPool& pool,
                                   runtime::Clock& clock, runtime::Random& random,
                                   const Snapshot& snapshot, const planner::RecallPlan& plan) {
  RecallReport report;
  report.records = snapshot.live;
  if (snapshot.dimension == 0) return report;
  uint64_t hits = 0;
  uint64_t wanted = 0;
  for (const RowRef& self : Sample(snapshot, plan.queries, random)) {
    CHROMA_ASSIGN(const segment::VectorRun run, snapshot.parts[self.part].part->Vectors(self.row));
    planner::QueryPlan query;
    query.queries = {snapshot.dimension,
                     std::vector<float>(run.values, run.values + snapshot.dimension)};
    query.n_results = plan.n_results + 1;
    query.space = plan.space;
    query.tuning = plan.tuning;
    query.tuning.results = plan.n_results;  // the effort of a query without the row itself
    const int64_t begin_ns = clock.MonotonicNs();
    CHROMA_ASSIGN(const std::vector<NearestRows> found, SelectNearest(ctx, pool, snapshot, query));
    const int64_t found_ns = clock.MonotonicNs();
    query.exact = true;
    CHROMA_ASSIGN(const std::vector<NearestRows> exact, SelectNearest(ctx, pool, snapshot, query));
    report.search_ns += found_ns - begin_ns;
    report.exact_ns += clock.MonotonicNs() - found_ns;
    ++report.queries;
    const NearestRows truth = Without(exact[0], self, plan.n_results);
    if (truth.rows.empty()) continue;
    wanted += truth.rows.size();
    hits += CountHits(Without(found[0], self, plan.n_results), truth);
  }
  if (wanted > 0) report.recall = static_cast<double>(hits) / static_cast<double>(wanted);
  return report;
}

}  // namespace chroma::executor
