// Filtered queries by the graph index beside the exact scan of the rows that pass, over the same
// rows in one run on one thread: from one row in ten thousand to nearly all, for filters that say
// nothing about the query, that pass what is near it, and that pass what is far from it, and with
// three rows in ten deleted.
//
//   filtered_walk_bench FILE.npy [ROWS]                float16 or float32 rows; the last ones are
//   filtered_walk_bench --random DIMENSION ROWS        the queries; or clustered random rows
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "bench/built_graph.h"
#include "bench/matrix.h"
#include "bench/require.h"
#include "index/vector/flat_index.h"

namespace {

using chroma::Bitmap;
using chroma::bench::BuiltGraph;
using chroma::bench::Matrix;
using chroma::bench::Seconds;
using chroma::index::Candidate;

constexpr size_t kQueries = 60;
constexpr size_t kNeighbors = 10;
constexpr int kRounds = 3;
constexpr size_t kEffort = 100;       // what a collection has by default
constexpr size_t kComparedMax = 512;  // so few rows the executor compares without the index
constexpr double kDeletedShare = .3;

enum class Relation { kNone, kNear, kFar };

// What passes the filter, of each query.
std::vector<Bitmap> Filters(const BuiltGraph& graph, const Matrix& rows, uint32_t n, Relation to,
                            double share, bool some_deleted) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform;
  Bitmap live;
  for (uint32_t row = 0; row < n; ++row) {
    if (!some_deleted || uniform(random) >= kDeletedShare) live.Add(row);
  }
  const auto passing = std::max<size_t>(1, static_cast<size_t>(share * n));
  std::vector<Bitmap> filters(kQueries);
  for (size_t query = 0; query < kQueries; ++query) {
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::vector<float> key(n);
    if (to == Relation::kNone) {
      for (float& value : key) value = uniform(random);
    } else {
      const float* asked = rows.at(rows.n - kQueries + query);
      chroma::index::SearchRequest request;
      request.query = asked;
      request.k = n;
      std::vector<Candidate> found;
      chroma::Require(chroma::index::FlatIndex().Search(graph.source(), request, &found));
      const float sign = to == Relation::kNear ? 1.0F : -1.0F;
      for (const Candidate& one : found) key[one.row] = sign * one.distance;
    }
    std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(passing - 1),
                     order.end(), [&](uint32_t a, uint32_t b) { return key[a] < key[b]; });
    order.resize(passing);
    std::sort(order.begin(), order.end());
    filters[query] = Bitmap::FromSorted(order.data(), order.size());
    filters[query] &= live;
  }
  return filters;
}

struct Figures {
  double us = 0;  // of a query, the median of the rounds
  std::vector<std::vector<Candidate>> found;
};

Figures Measure(const chroma::index::VectorIndex& index, const BuiltGraph& graph,
                const Matrix& rows, const std::vector<Bitmap>& filters) {
  Figures figures;
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    figures.found.assign(kQueries, {});
    const double began = Seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t query = 0; query < kQueries; ++query) {
      chroma::index::SearchRequest request;
      request.query = rows.at(rows.n - kQueries + query);
      request.k = kNeighbors;
      request.allowed = &filters[query];
      request.tuning.effort = kEffort;
      chroma::Require(index.Search(graph.source(), request, &figures.found[query]));
    }
    rounds.push_back((Seconds(CLOCK_THREAD_CPUTIME_ID) - began) * 1e6 / kQueries);
  }
  std::sort(rounds.begin(), rounds.end());
  figures.us = rounds[kRounds / 2];
  return figures;
}

// Of the nearest rows that pass, how many are found; any of several that are equally far, but for
// the rounding of sums that add up in another order.
double Recall(const Figures& exact, const Figures& found) {
  size_t hits = 0;
  size_t wanted = 0;
  for (size_t query = 0; query < kQueries; ++query) {
    if (exact.found[query].empty()) continue;
    const float limit = exact.found[query].back().distance * 1.000001F;
    wanted += exact.found[query].size();
    hits += static_cast<size_t>(
        std::count_if(found.found[query].begin(), found.found[query].end(),
                      [limit](const Candidate& one) { return one.distance <= limit; }));
  }
  return wanted == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(wanted);
}

void Run(const BuiltGraph& graph, const Matrix& rows, uint32_t n, Relation to, bool some_deleted) {
  constexpr const char* kNames[] = {"unrelated", "near", "far"};
  for (const double share : {.0001, .001, .01, .03, .1, .3, .5, .7, .9, .99, .997, .999, .9997}) {
    const std::vector<Bitmap> filters = Filters(graph, rows, n, to, share, some_deleted);
    const Figures exact = Measure(chroma::index::FlatIndex(), graph, rows, filters);
    fmt::print("{:9} {:7} {:6.2f} %  exact {:9.1f} us", kNames[static_cast<int>(to)],
               some_deleted ? "deleted" : "", share * 100, exact.us);
    if (filters[0].Count() <= kComparedMax) {
      fmt::print("  compared one by one\n");
      continue;
    }
    for (const auto layout : {BuiltGraph::Layout::kCompact, BuiltGraph::Layout::kRoomy}) {
      const Figures found = Measure(graph.index(layout), graph, rows, filters);
      fmt::print("  {} {:8.1f} us = {:.3f}, recall {:.4f}",
                 layout == BuiltGraph::Layout::kRoomy ? "roomy" : "compact", found.us,
                 found.us / exact.us, Recall(exact, found));
    }
    fmt::print("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  Matrix rows;
  size_t limit = SIZE_MAX;
  if (argc == 4 && std::string_view(argv[1]) == "--random") {
    rows = chroma::bench::Clustered(std::strtoul(argv[2], nullptr, 10),
                                    std::strtoul(argv[3], nullptr, 10) + kQueries);
  } else if (argc == 2 || argc == 3) {
    rows = chroma::bench::LoadNpy(argv[1]);
    if (argc == 3) limit = std::strtoul(argv[2], nullptr, 10);
  } else {
    fmt::print("usage: filtered_walk_bench FILE.npy [ROWS] | --random DIMENSION ROWS\n");
    return 2;
  }
  if (rows.n <= 2 * kQueries) {
    fmt::print("too few rows\n");
    return 2;
  }
  const auto n = static_cast<uint32_t>(std::min(limit, rows.n - kQueries));
  const BuiltGraph graph(rows.values.data(), n, static_cast<uint32_t>(rows.dimension));
  graph.MakeNodes();
  fmt::print("{} rows of {} dimensions\n", n, rows.dimension);
  for (const bool some_deleted : {false, true}) {
    for (const Relation to : {Relation::kNone, Relation::kNear, Relation::kFar}) {
      Run(graph, rows, n, to, some_deleted);
    }
  }
}
