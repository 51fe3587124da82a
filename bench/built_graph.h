// A graph index over rows in memory, built on all processors as the compactor builds one: what the
// benchmarks measure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "index/vector/graph_index.h"

namespace chroma::bench {

// On all processors.
void ParallelFor(size_t n, const std::function<void(size_t)>& job);

class BuiltGraph {
 public:
  // `rows` outlives it: n rows of `dimension` floats, whose squared distances are what counts.
  // Exits when it cannot be built.
  BuiltGraph(const float* rows, uint32_t n, uint32_t dimension);

  enum class Layout : uint8_t { kCompact, kRoomy };
  const index::GraphIndex& index(Layout layout) const {
    return layout == Layout::kRoomy ? *roomy_ : *compact_;
  }
  index::VectorSource source() const;
  // Codes and edges; the nodes of the roomy layout come on top.
  size_t compact_bytes() const;
  size_t node_bytes() const { return memory_->taken_bytes(); }
  // Makes the nodes of the roomy layout.
  void MakeNodes() const;

 private:
  const float* const rows_;
  const uint32_t n_;
  const uint32_t dimension_;
  std::unique_ptr<index::CodedRows> codes_;
  std::vector<uint8_t> edges_;
  const std::shared_ptr<index::NodeMemory> memory_;
  std::unique_ptr<index::GraphIndex> compact_;
  std::unique_ptr<index::GraphIndex> roomy_;
};

}  // namespace chroma::bench
