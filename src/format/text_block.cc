#include "format/text_block.h"

#include <utility>

namespace chroma::format {
namespace {

constexpr size_t kSlots = 4096;
// Of texts: those of ordinary documents are a third of it.
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
  if (block->raw.size() > kBlockBytesMax) return;
  const size_t size_bytes = SizeBytes(*block);
  std::vector<std::shared_ptr<const TextBlock>> taken;  // and freed without the lock
  runtime::MutexLock lock(mutex_);
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[number % kSlots];
  taken.push_back(Take(slot));
  for (; kept_bytes_ + size_bytes > kKeptBytesMax; hand_ = (hand_ + 1) % kSlots) {
    taken.push_back(Take(slots_[hand_]));
  }
  kept_bytes_ += size_bytes;
  slot = {number, std::move(block)};
}

std::shared_ptr<const TextBlock> RecentTextBlocks::Take(Slot& slot) {
  if (slot.block != nullptr) kept_bytes_ -= SizeBytes(*slot.block);
  return std::exchange(slot.block, nullptr);
}

void RecentTextBlocks::Clear() {
  std::vector<Slot> slots;
  runtime::MutexLock lock(mutex_);
  slots.swap(slots_);
  kept_bytes_ = 0;
}

}  // namespace chroma::format
