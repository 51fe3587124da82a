// A block of texts, decompressed (format/text_column.h), and those that were read last.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "runtime/mutex.h"

namespace chroma::format {

struct TextBlock {
  // Where a row's text lies in `raw`; begin > end when it has none.
  struct Place {
    uint64_t begin = 1;
    uint64_t end = 0;
  };
  Bytes raw;
  uint64_t first_row = 0;
  std::vector<Place> places;  // of each row

  uint64_t end_row() const { return first_row + places.size(); }
  bool Has(uint64_t row) const {
    const Place& place = places[row - first_row];
    return place.begin <= place.end;
  }
  std::string_view Text(uint64_t row) const {
    const Place& place = places[row - first_row];
    return std::string_view(raw).substr(place.begin, place.end - place.begin);
  }
};

// Decompressing is most of what reading a text costs, and a request often reads one twice: to see
// whether it matches, and to answer with it; and ten records that a query finds lie in ten blocks.
// So the blocks of one column that were read last stay, 16 MiB at most, until the column's pages
// are given back. Thread safe.
class RecentTextBlocks {
 public:
  // Null where it is not kept.
  std::shared_ptr<const TextBlock> Find(uint64_t number) const;
  // In place of others, slot by slot, until there is room; not where it is large.
  void Keep(uint64_t number, std::shared_ptr<const TextBlock> block);
  void Clear();

 private:
  struct Slot {
    uint64_t number = 0;
    std::shared_ptr<const TextBlock> block;
  };
  // Null where the slot is empty.
  std::shared_ptr<const TextBlock> Take(Slot& slot) CHROMA_REQUIRES(mutex_);

  mutable runtime::Mutex mutex_;
  std::vector<Slot> slots_ CHROMA_GUARDED_BY(mutex_);  // by number; empty until one is kept
  size_t hand_ CHROMA_GUARDED_BY(mutex_) = 0;          // the slot to make room next
  size_t kept_bytes_ CHROMA_GUARDED_BY(mutex_) = 0;
};

}  // namespace chroma::format
