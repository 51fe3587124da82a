#include "index/vector/node_memory.h"

#include <algorithm>
#include <utility>

namespace chroma::index {
namespace {

// Who was not used for so many uses of any gives way. Between indexes that are all in use nodes do
// not move: making them costs more than a walk without them.
constexpr uint64_t kUsesKept = 2000;
// Uses of an index that was refused until it asks again.
constexpr uint64_t kUsesPerTry = 256;
// A node takes about as long to make as three walks gain by all of them (16 and 53 us, 384
// dimensions, 117k rows). Sooner than after n / 3 uses, since who has made so many makes more; not
// at the first, which would share the processors and the memory with searches that are to be few.
constexpr uint64_t kUsesMin = 16;
constexpr uint64_t kRowsPerUse = 16;

}  // namespace

bool NodeMemory::Take(KeptNodes& nodes, uint64_t bytes, bool beyond_limit) {
  if (bytes > bytes_max_ && !beyond_limit) return false;
  runtime::MutexLock lock(mutex_);
  if (std::find(holders_.begin(), holders_.end(), &nodes) != holders_.end()) return true;
  while (taken_bytes_ + bytes > bytes_max_) {
    KeptNodes* unused = LongestUnused();
    if (unused == nullptr && beyond_limit) break;
    if (unused == nullptr) return false;
    unused->Drop();
    taken_bytes_ -= unused->bytes_;
    std::erase(holders_, unused);
  }
  taken_bytes_ += bytes;
  nodes.bytes_ = bytes;
  holders_.push_back(&nodes);
  return true;
}

KeptNodes* NodeMemory::LongestUnused() {
  const uint64_t now = clock_.load(std::memory_order_relaxed);
  KeptNodes* oldest = nullptr;
  uint64_t oldest_use = now > kUsesKept ? now - kUsesKept : 0;
  for (KeptNodes* nodes : holders_) {
    if (nodes->held_.load(std::memory_order_relaxed)) continue;
    const uint64_t used = nodes->used_.load(std::memory_order_relaxed);
    if (used >= oldest_use) continue;
    oldest = nodes;
    oldest_use = used;
  }
  return oldest;
}

void NodeMemory::GiveBack(KeptNodes& nodes) {
  runtime::MutexLock lock(mutex_);
  if (std::erase(holders_, &nodes) > 0) taken_bytes_ -= nodes.bytes_;
}

uint64_t NodeMemory::taken_bytes() const {
  runtime::MutexLock lock(mutex_);
  return taken_bytes_;
}

KeptNodes::KeptNodes(const RowCoder& coder, uint32_t n, std::shared_ptr<NodeMemory> memory)
    : coder_(coder), n_(n), memory_(std::move(memory)) {}

KeptNodes::~KeptNodes() {
  if (memory_ != nullptr) memory_->GiveBack(*this);
}

std::shared_ptr<PackedNodes> KeptNodes::Use(bool beyond_limit) {
  if (memory_ == nullptr) return nullptr;
  used_.store(memory_->clock_.fetch_add(1, std::memory_order_relaxed) + 1,
              std::memory_order_relaxed);
  const uint64_t uses = uses_.fetch_add(1, std::memory_order_relaxed) + 1;
  const State state = state_.load(std::memory_order_relaxed);
  if (state == State::kComplete) {
    runtime::MutexLock lock(mutex_);
    return state_.load(std::memory_order_relaxed) == State::kComplete ? nodes_ : nullptr;
  }
  const uint64_t uses_min = std::max(kUsesMin, n_ / kRowsPerUse);
  const bool asks = beyond_limit || (uses >= uses_min && (uses - uses_min) % kUsesPerTry == 0);
  if (state == State::kNone && asks) Take(beyond_limit);
  return nullptr;
}

std::shared_ptr<PackedNodes> KeptNodes::Take(bool beyond_limit) {
  if (memory_ == nullptr) return nullptr;
  {
    runtime::MutexLock lock(mutex_);
    if (nodes_ != nullptr) return nodes_;
  }
  // This takes addresses, no memory yet.
  auto nodes = std::make_shared<PackedNodes>(coder_, n_);
  if (!memory_->Take(*this, nodes->size_bytes(), beyond_limit)) return nullptr;
  runtime::MutexLock lock(mutex_);
  if (nodes_ == nullptr) {
    nodes_ = std::move(nodes);
    state_.store(State::kIncomplete, std::memory_order_relaxed);
  }
  return nodes_;
}

std::shared_ptr<PackedNodes> KeptNodes::Hold() {
  held_.store(true, std::memory_order_relaxed);
  return Make();
}

void KeptNodes::SetComplete(const PackedNodes& nodes) {
  runtime::MutexLock lock(mutex_);
  if (nodes_.get() == &nodes) state_.store(State::kComplete, std::memory_order_relaxed);
}

void KeptNodes::Drop() {
  std::shared_ptr<PackedNodes> dropped;  // freed without the lock
  runtime::MutexLock lock(mutex_);
  dropped.swap(nodes_);
  state_.store(State::kNone, std::memory_order_relaxed);
}

}  // namespace chroma::index
