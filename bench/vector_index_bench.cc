// Queries per processor second at a stated recall, and the processor seconds of building: the graph
// index beside hnswlib, over the same rows in the same run, on one thread for searching.
//
//   vector_index_bench FILE.npy [ROWS]        float16 or float32 rows; the last 1,000 are the
//   queries vector_index_bench --random DIMENSION ROWS  clustered random rows instead
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#ifdef CHROMA_BENCH_HNSWLIB
#include <hnswlib/hnswlib.h>
#endif

#include "bench/built_graph.h"
#include "bench/matrix.h"
#include "index/vector/flat_index.h"
#include "index/vector/sign_codes.h"

namespace {

using chroma::bench::Matrix;
using chroma::bench::ParallelFor;
using chroma::bench::Seconds;
using chroma::index::Candidate;

constexpr size_t kQueries = 1000;
constexpr size_t kNeighbors = 10;
constexpr int kRounds = 5;

struct Data {
  Matrix rows;
  size_t n = 0;  // without the queries
  std::vector<std::vector<uint32_t>> truth;
  const float* query(size_t i) const { return rows.at(rows.n - kQueries + i); }
  chroma::index::VectorSource source() const {
    chroma::index::VectorSource source;
    source.rows = rows.values.data();
    source.stride = rows.dimension;
    source.n = static_cast<uint32_t>(n);
    source.dimension = static_cast<uint32_t>(rows.dimension);
    return source;
  }
};

std::vector<uint32_t> RowsOf(const std::vector<Candidate>& found) {
  std::vector<uint32_t> rows;
  for (const Candidate& candidate : found) rows.push_back(candidate.row);
  return rows;
}

void FindTruth(Data& data) {
  data.truth.resize(kQueries);
  ParallelFor(kQueries, [&](size_t i) {
    chroma::index::SearchRequest request;
    request.query = data.query(i);
    request.k = kNeighbors;
    std::vector<Candidate> found;
    if (chroma::index::FlatIndex().Search(data.source(), request, &found).ok()) {
      data.truth[i] = RowsOf(found);
    }
  });
}

// search(query, effort) gives row ids.
template <typename Search>
void Measure(const char* name, const Data& data, Search search) {
  for (const size_t effort : {12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 400}) {
    std::vector<double> rounds;
    size_t hits = 0;
    for (int round = 0; round < kRounds; ++round) {
      hits = 0;
      const double begin = Seconds(CLOCK_THREAD_CPUTIME_ID);
      for (size_t i = 0; i < kQueries; ++i) {
        for (const uint32_t row : search(data.query(i), effort)) {
          hits += std::count(data.truth[i].begin(), data.truth[i].end(), row);
        }
      }
      rounds.push_back(Seconds(CLOCK_THREAD_CPUTIME_ID) - begin);
    }
    std::sort(rounds.begin(), rounds.end());
    const double recall = static_cast<double>(hits) / (kQueries * kNeighbors);
    fmt::print("{:10} effort {:4} recall@10 {:.4f}  {:8.0f} queries/s\n", name, effort, recall,
               kQueries / rounds[kRounds / 2]);
    if (recall > .995) break;
  }
}

// Of other numbers of results than ten; without an effort, as who asks for many sets none.
void MeasureResults(const Data& data, const chroma::bench::BuiltGraph& graph) {
  using chroma::bench::BuiltGraph;
  for (const size_t n_results : {10, 100, 1000, 5000, 20000}) {
    const size_t queries = std::max<size_t>(3, 5000 / n_results);
    for (const auto layout : {BuiltGraph::Layout::kCompact, BuiltGraph::Layout::kRoomy}) {
      double seconds = 0;
      size_t hits = 0;
      size_t wanted = 0;
      for (size_t i = 0; i < queries; ++i) {
        chroma::index::SearchRequest request;
        request.query = data.query(i);
        request.k = n_results;
        std::vector<Candidate> found;
        const double begin = Seconds(CLOCK_THREAD_CPUTIME_ID);
        if (!graph.index(layout).Search(data.source(), request, &found).ok()) std::exit(1);
        seconds += Seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
        std::vector<Candidate> exact;
        if (!chroma::index::FlatIndex().Search(data.source(), request, &exact).ok()) std::exit(1);
        std::vector<uint32_t> rows = RowsOf(found);
        std::sort(rows.begin(), rows.end());
        for (const uint32_t row : RowsOf(exact)) {
          hits += std::binary_search(rows.begin(), rows.end(), row) ? 1 : 0;
        }
        wanted += exact.size();
      }
      fmt::print("{:10} n_results {:5} recall {:.4f}  {:8.3f} ms\n",
                 layout == BuiltGraph::Layout::kRoomy ? "roomy" : "compact", n_results,
                 static_cast<double>(hits) / static_cast<double>(wanted),
                 seconds * 1e3 / static_cast<double>(queries));
    }
  }
}

class MatrixReader final : public chroma::index::RowReader {
 public:
  explicit MatrixReader(const Matrix& rows) : rows_(rows) {}
  chroma::Result<const float*> Row(uint32_t row) const override { return rows_.at(row); }

 private:
  const Matrix& rows_;
};

// Among rows that no graph holds yet: by their signs, and compared one by one.
void RunUnindexed(const Data& data) {
  using chroma::index::FlatIndex;
  using chroma::index::SignCodes;
  constexpr size_t kAsked = 200;
  const MatrixReader reader(data.rows);
  for (size_t n = SignCodes::kRowsMin; n <= data.n;
       n = n < data.n ? std::min(data.n, 4 * n) : n + 1) {
    chroma::index::VectorSource exact = data.source();
    exact.n = static_cast<uint32_t>(n);
    chroma::index::VectorSource read = exact;
    read.reader = &reader;
    SignCodes signs(chroma::model::Space::kL2, exact.dimension);
    const double begin = Seconds(CLOCK_THREAD_CPUTIME_ID);
    if (!signs.Extend(read, exact.n).ok()) std::exit(1);
    const double coded = Seconds(CLOCK_THREAD_CPUTIME_ID);
    double by_signs = 0;
    double one_by_one = 0;
    size_t hits = 0;
    for (size_t i = 0; i < kAsked; ++i) {
      chroma::index::SearchRequest request;
      request.query = data.query(i);
      request.k = kNeighbors;
      std::vector<Candidate> found;
      std::vector<Candidate> wanted;
      const double first = Seconds(CLOCK_THREAD_CPUTIME_ID);
      if (!signs.Search(read, request, &found).ok()) std::exit(1);
      const double second = Seconds(CLOCK_THREAD_CPUTIME_ID);
      if (!FlatIndex().Search(exact, request, &wanted).ok()) std::exit(1);
      by_signs += second - first;
      one_by_one += Seconds(CLOCK_THREAD_CPUTIME_ID) - second;
      const std::vector<uint32_t> rows = RowsOf(found);
      for (const uint32_t row : RowsOf(wanted)) hits += std::count(rows.begin(), rows.end(), row);
    }
    fmt::print(
        "unindexed  {:7} rows, {:.2f} us each to code, recall@10 {:.4f}  {:.3f} ms, "
        "{:.3f} ms one by one\n",
        n, (coded - begin) * 1e6 / static_cast<double>(n),
        static_cast<double>(hits) / (kAsked * kNeighbors), by_signs * 1e3 / kAsked,
        one_by_one * 1e3 / kAsked);
  }
}

void RunGraph(const Data& data) {
  using chroma::bench::BuiltGraph;
  const double begin = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  const BuiltGraph graph(data.rows.values.data(), static_cast<uint32_t>(data.n),
                         static_cast<uint32_t>(data.rows.dimension));
  fmt::print("graph      built in {:.1f} processor seconds\n",
             Seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
  const double raw = static_cast<double>(data.n * data.rows.dimension * sizeof(float));
  fmt::print("compact    {:.3f} of the rows' bytes\n",
             static_cast<double>(graph.compact_bytes()) / raw);
  graph.MakeNodes();
  for (const auto layout : {BuiltGraph::Layout::kCompact, BuiltGraph::Layout::kRoomy}) {
    const bool roomy = layout == BuiltGraph::Layout::kRoomy;
    Measure(roomy ? "roomy" : "compact", data, [&](const float* query, size_t effort) {
      chroma::index::SearchRequest request;
      request.query = query;
      request.k = kNeighbors;
      request.tuning.effort = effort;
      std::vector<Candidate> found;
      if (!graph.index(layout).Search(data.source(), request, &found).ok()) std::exit(1);
      return RowsOf(found);
    });
  }
  MeasureResults(data, graph);
  fmt::print("roomy      {:.3f} of the rows' bytes more\n",
             static_cast<double>(graph.node_bytes()) / raw);
}

#ifdef CHROMA_BENCH_HNSWLIB
void RunHnswlib(const Data& data) {
  const double begin = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  hnswlib::L2Space space(data.rows.dimension);
  hnswlib::HierarchicalNSW<float> index(&space, data.n, 16, 200);
  index.addPoint(data.rows.at(0), 0);
  ParallelFor(data.n - 1, [&](size_t i) { index.addPoint(data.rows.at(i + 1), i + 1); });
  fmt::print("hnswlib    built in {:.1f} processor seconds (M=16, efConstruction=200)\n",
             Seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
  Measure("hnswlib", data, [&](const float* query, size_t effort) {
    index.setEf(effort);
    std::vector<uint32_t> rows;
    for (auto found = index.searchKnn(query, kNeighbors); !found.empty(); found.pop()) {
      rows.push_back(static_cast<uint32_t>(found.top().second));
    }
    return rows;
  });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    std::exit((fmt::print("usage: vector_index_bench FILE.npy [ROWS] | --random D N\n"), 2));
  Data data;
  size_t limit = SIZE_MAX;
  if (argc == 4 && std::string_view(argv[1]) == "--random") {
    data.rows = chroma::bench::Clustered(std::strtoul(argv[2], nullptr, 10),
                                         std::strtoul(argv[3], nullptr, 10) + kQueries);
  } else {
    data.rows = chroma::bench::LoadNpy(argv[1]);
    if (argc > 2) limit = std::strtoul(argv[2], nullptr, 10);
  }
  if (data.rows.n <= 2 * kQueries) std::exit((fmt::print("too few rows\n"), 2));
  data.n = std::min(limit, data.rows.n - kQueries);
  FindTruth(data);
  fmt::print("{} rows of {} dimensions\n", data.n, data.rows.dimension);
  RunUnindexed(data);
  RunGraph(data);
#ifdef CHROMA_BENCH_HNSWLIB
  RunHnswlib(data);
#endif
}
