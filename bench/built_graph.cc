#include "bench/built_graph.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "index/vector/graph_builder.h"

namespace chroma::bench {

using index::Edges;
using index::kDegree;

void ParallelFor(size_t n, const std::function<void(size_t)>& job) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      for (size_t i; (i = next.fetch_add(1)) < n;) job(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

BuiltGraph::BuiltGraph(const float* rows, uint32_t n, uint32_t dimension)
    : rows_(rows),
      n_(n),
      dimension_(dimension),
      memory_(std::make_shared<index::NodeMemory>(UINT64_MAX)) {
  const simd::CodeKernels& kernels = simd::ActiveCodeKernels();
  std::vector<const float*> pointers;
  for (size_t i = 0; i < n; ++i) pointers.push_back(rows + i * dimension);
  const index::CodeSpace space =
      index::ChooseCodeSpace(model::Space::kL2, dimension, /*seed=*/1, pointers);
  const index::RowCoder coder(kernels, space);
  codes_ = std::make_unique<index::CodedRows>(coder, pointers, ParallelFor);
  const index::RowCodes codes = codes_->view();
  const uint32_t bits = Edges::BitsFor(n);
  edges_.resize(size_t{n} * Edges::Bytes(bits));
  uint32_t entry = index::kNoRow;
  {
    index::GraphBuilder builder(coder, codes, {}, ParallelFor, nullptr,
                                std::make_shared<index::NodeMemory>(UINT64_MAX));
    if (!builder.Build().ok()) std::exit(1);
    for (uint32_t row = 0; row < n; ++row) {
      index::PackEdges(builder.neighbors().data() + size_t{row} * kDegree, bits,
                       edges_.data() + size_t{row} * Edges::Bytes(bits));
    }
    entry = builder.entry();
  }
  const index::Graph graph{codes, {edges_.data(), bits}, entry};
  const Result<float> spread = index::MeasureSpread(coder, graph, source());
  if (!spread.ok()) std::exit(1);
  const index::Calibration calibration{.spread = *spread, .points = {}};
  compact_ = std::make_unique<index::GraphIndex>(kernels, space, graph, nullptr, calibration);
  roomy_ = std::make_unique<index::GraphIndex>(kernels, space, graph, memory_, calibration);
}

index::VectorSource BuiltGraph::source() const {
  index::VectorSource source;
  source.rows = rows_;
  source.stride = dimension_;
  source.n = n_;
  source.dimension = dimension_;
  return source;
}

size_t BuiltGraph::compact_bytes() const {
  return codes_->size_bytes() + edges_.size();
}

void BuiltGraph::MakeNodes() const {
  if (!roomy_->MakeNodes({}).ok()) std::exit(1);
}

}  // namespace chroma::bench
