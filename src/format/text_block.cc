#include "format/text_block.h"

#include <utility>

namespace chroma::format {
namespace {

constexpr size_t kSlots = 4096;
// Those of ordinary documents are a third of it.
constexpr size_t kBlockBytesMax = 16 << 10;
constexpr size_t kKeptBytesMax = 16 << 20;

size_t SizeBytes(const TextBlock& block) {
  return sizeof block + block.raw.size() + block.places.size() * sizeof(TextBlock::Place);
}

}  // namespace

std::shared_ptr<const TextBlock> RecentTextBlocks::Find(uint64_t number) const {
  runtime::MutexLock lock(mutex_);
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[number % kSlots];
  return slot.number == number ? slot.block : nullptr;
}

void RecentTextBlocks::Keep(uint64_t number, std::shared_ptr<const TextBlock> block) {
  const size_t size_bytes = SizeBytes(*block);
  if (size_bytes > kBlockBytesMax) return;
  runtime::MutexLock lock(mutex_);
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[number % kSlots];
  const size_t others_bytes = kept_bytes_ - (slot.block ? SizeBytes(*slot.block) : 0);
  if (others_bytes + size_bytes > kKeptBytesMax) return;
  kept_bytes_ = others_bytes + size_bytes;
  slot.number = number;
  slot.block.swap(block);  // the other one is freed without the lock
}

void RecentTextBlocks::Clear() {
  std::vector<Slot> slots;
  runtime::MutexLock lock(mutex_);
  slots.swap(slots_);
  kept_bytes_ = 0;
}

}  // namespace chroma::format
