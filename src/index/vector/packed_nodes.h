// The roomy layout: all that a walk needs of a row lies together, its own code and the 1-bit codes
// of its neighbours, which one kernel call compares with the query, 32 at a time, in registers.
//
// A neighbour x of the row c is coded by the signs of r = x - c in the rotated code space, and for
// a query q
//   |q - x|² = |q - c|² + |r|² - 2 <q - c, r>,   <q - c, r> ≈ (|r|² / Σ|r_i|) · Σ sign(r_i)(q -
//   c)_i
// which is unbiased, as "RaBitQ" shows (J. Gao, C. Long, SIGMOD 2024). What does not depend on q is
// one offset and one factor for each neighbour; codes that lie with the row and are scanned
// together follow "SymphonyQG" (Y. Gou, J. Gao et al., SIGMOD 2025) and NGT-QG.
//
// Nodes are made from codes and edges: by who builds a graph where it comes to them, and one after
// the other in the background for who searches, since fresh memory comes in pages of 2 MB, which a
// query that touches a few of them here and there would wait for.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/huge_memory.h"
#include "index/vector/graph.h"

namespace chroma::index {

// Node() is thread safe; Forget() is not.
class PackedNodes {
 public:
  // `coder` outlives it.
  PackedNodes(const RowCoder& coder, uint32_t n);

  // Were all nodes in use.
  size_t size_bytes() const { return memory_.size_bytes(); }

  // A node as a walk reads it. Valid until Forget, or until `scratch` is used again.
  struct Node {
    RowScale scale;
    const int8_t* code;
    const uint8_t* neighbor_codes;
    const float* offsets;  // of kDegree neighbours; huge where there is none
    const float* factors;
    const uint32_t* neighbors;
  };
  enum class Found : uint8_t { kReady, kAbsent, kDamaged };
  // kAbsent: it is not there and `make` is false; kDamaged: the graph is, at this place. `scratch`
  // serves when another thread is just making the node.
  Found At(const Graph& graph, uint32_t row, bool make, std::vector<uint8_t>* scratch, Node* out);
  void Prefetch(uint32_t row) const;

  // The edges of these rows have changed.
  void Forget(std::span<const uint32_t> rows);

 private:
  enum class State : uint8_t { kAbsent, kBusy, kReady };  // absent is what fresh memory says
  std::atomic<State>& StateOf(uint8_t* node) const {
    return *reinterpret_cast<std::atomic<State>*>(node);
  }
  bool Make(const Graph& graph, uint32_t row, uint8_t* node) const;
  Node View(const uint8_t* node) const;

  const RowCoder& coder_;
  const size_t codes_at_;
  const size_t offsets_at_;
  const size_t factors_at_;
  const size_t neighbors_at_;
  const size_t node_bytes_;
  HugeMemory memory_;
};

}  // namespace chroma::index
