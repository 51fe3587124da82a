#include "format/text_block.h"

#include <utility>

namespace chroma::format {
namespace {

constexpr size_t kSlots = 1024;
// Those of ordinary documents are a third of it.
constexpr size_t kKeptBytesMax = 16 << 10;

}  // namespace

std::shared_ptr<const TextBlock> RecentTextBlocks::Find(uint64_t number) const {
  runtime::MutexLock lock(mutex_);
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[number % kSlots];
  return slot.number == number ? slot.block : nullptr;
}

void RecentTextBlocks::Keep(uint64_t number, std::shared_ptr<const TextBlock> block) {
  if (block->raw.size() > kKeptBytesMax) return;
  runtime::MutexLock lock(mutex_);
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[number % kSlots];
  slot.number = number;
  slot.block.swap(block);  // the other one is freed without the lock
}

void RecentTextBlocks::Clear() {
  std::vector<Slot> slots;
  runtime::MutexLock lock(mutex_);
  slots.swap(slots_);
}

}  // namespace chroma::format
