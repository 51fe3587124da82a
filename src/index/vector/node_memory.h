// The memory that packed nodes take, of all indexes of a process together. Nodes make walks quicker
// and are never needed: an index that gets no memory for them walks over codes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/vector/packed_nodes.h"
#include "runtime/mutex.h"

namespace chroma::index {

class KeptNodes;

// Thread safe.
class NodeMemory {
 public:
  explicit NodeMemory(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  uint64_t taken_bytes() const;

 private:
  friend class KeptNodes;

  // Whether there may be nodes of so many bytes, until they are dropped or given back. Nodes that
  // were used lately do not give way.
  bool Take(KeptNodes& nodes, uint64_t bytes, bool beyond_limit);
  void GiveBack(KeptNodes& nodes);
  KeptNodes* LongestUnused() CHROMA_REQUIRES(mutex_);

  const uint64_t bytes_max_;
  std::atomic<uint64_t> clock_{0};  // counts uses
  mutable runtime::Mutex mutex_;    // taken before that of KeptNodes
  uint64_t taken_bytes_ CHROMA_GUARDED_BY(mutex_) = 0;
  std::vector<KeptNodes*> holders_ CHROMA_GUARDED_BY(mutex_);
};

// The nodes of one index, as long as there is memory for them. Thread safe.
class KeptNodes {
 public:
  // `coder` outlives it; no `memory`: never any nodes.
  KeptNodes(const RowCoder& coder, uint32_t n, std::shared_ptr<NodeMemory> memory);
  ~KeptNodes();
  KeptNodes(const KeptNodes&) = delete;
  KeptNodes& operator=(const KeptNodes&) = delete;

  // For one walk; null: not all of them are made. Others may drop them meanwhile: the memory is
  // free when the last walk has ended. Memory is asked for once there were so many uses that making
  // them pays; with `beyond_limit` at once, and whether there is any or not.
  std::shared_ptr<PackedNodes> Use(bool beyond_limit = false);

  // For who makes them; null: there is no memory.
  std::shared_ptr<PackedNodes> Make() { return Take(/*beyond_limit=*/false); }

  // For work that is long and makes what it needs: as Make, but nobody drops them as long as this
  // lives, so that the memory they take is never given to others as well.
  std::shared_ptr<PackedNodes> Hold();

  // Whether there is memory for nodes, and nobody has said that all of them are made.
  bool Incomplete() const { return state_.load(std::memory_order_relaxed) == State::kIncomplete; }
  bool Complete() const { return state_.load(std::memory_order_relaxed) == State::kComplete; }
  void SetComplete(const PackedNodes& nodes);

 private:
  friend class NodeMemory;
  enum class State : uint8_t { kNone, kIncomplete, kComplete };
  std::shared_ptr<PackedNodes> Take(bool beyond_limit);
  void Drop();

  const RowCoder& coder_;
  const uint32_t n_;
  const std::shared_ptr<NodeMemory> memory_;
  std::atomic<uint64_t> used_{0};  // by NodeMemory's clock
  std::atomic<uint64_t> uses_{0};
  std::atomic<bool> held_{false};
  uint64_t bytes_ = 0;  // of NodeMemory's lock
  runtime::Mutex mutex_;
  std::shared_ptr<PackedNodes> nodes_ CHROMA_GUARDED_BY(mutex_);
  std::atomic<State> state_{State::kNone};  // written with the lock
};

}  // namespace chroma::index
