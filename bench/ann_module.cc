// The graph index as a shared library for ann_bench.py, which calls it through ctypes.
#include <atomic>
#include <thread>
#include <vector>

#include "bench/built_graph.h"

using chroma::bench::BuiltGraph;

namespace {

// Answers queries[i] for every i that `next` gives.
bool Answer(const BuiltGraph& graph, BuiltGraph::Layout layout,
            chroma::index::SearchRequest request, const float* queries, uint32_t n,
            std::atomic<uint32_t>& next, uint32_t* out) {
  const chroma::index::VectorSource source = graph.source();
  std::vector<chroma::index::Candidate> found;
  for (uint32_t i; (i = next.fetch_add(1)) < n;) {
    request.query = queries + size_t{i} * source.dimension;
    found.clear();
    if (!graph.index(layout).Search(source, request, &found).ok()) return false;
    for (size_t j = 0; j < request.k; ++j) {
      out[i * request.k + j] = j < found.size() ? found[j].row : chroma::index::kNoRow;
    }
  }
  return true;
}

}  // namespace

extern "C" {

// The rows, n * dimension floats, must outlive the index.
void* chroma_ann_build(const float* rows, uint32_t n, uint32_t dimension) {
  return new BuiltGraph(rows, n, dimension);
}

void chroma_ann_free(void* index) {
  delete static_cast<BuiltGraph*>(index);
}

// Makes what the roomy layout needs beside the compact one.
void chroma_ann_make_nodes(void* index) {
  static_cast<BuiltGraph*>(index)->MakeNodes();
}

uint64_t chroma_ann_bytes(void* index, int roomy) {
  const auto& graph = *static_cast<BuiltGraph*>(index);
  return roomy != 0 ? graph.node_bytes() : graph.compact_bytes();
}

// Writes k row numbers for each of the n queries. Returns 0 on success.
int chroma_ann_search(void* index, int roomy, const float* queries, uint32_t n, uint32_t k,
                      uint32_t effort, uint32_t threads, uint32_t* out) {
  const auto& graph = *static_cast<BuiltGraph*>(index);
  const auto layout = roomy != 0 ? BuiltGraph::Layout::kRoomy : BuiltGraph::Layout::kCompact;
  chroma::index::SearchRequest request;
  request.k = k;
  request.tuning.effort = effort;
  std::atomic<uint32_t> next{0};
  std::atomic<bool> ok{true};
  const auto answer = [&] {
    if (!Answer(graph, layout, request, queries, n, next, out)) ok = false;
  };
  std::vector<std::thread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back(answer);
  answer();
  for (std::thread& thread : others) thread.join();
  return ok ? 0 : 1;
}
}
