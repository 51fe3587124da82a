// A compressed set of row ids (Roaring), the currency between filters, indexes and executors.
// Not thread safe while it changes; a const Bitmap may be read from many threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"

struct roaring_bitmap_s;  // the library stays behind this header

namespace chroma {

class Bitmap {
 public:
  Bitmap();
  ~Bitmap();
  Bitmap(const Bitmap& other);
  Bitmap(Bitmap&& other) noexcept;
  Bitmap& operator=(const Bitmap& other);
  Bitmap& operator=(Bitmap&& other) noexcept;

  // {begin, …, end - 1}
  static Bitmap Range(uint32_t begin, uint32_t end);
  static Bitmap FromSorted(const uint32_t* rows, size_t n);
  // Row r is bit r % 64, low bits first, of word r / 64; at most 2^26 words.
  static Bitmap FromWords(std::span<const uint64_t> words);

  void Add(uint32_t row);
  void AddRange(uint32_t begin, uint32_t end);
  void Remove(uint32_t row);
  bool Contains(uint32_t row) const;
  uint64_t Count() const;
  // Members in [begin, end).
  uint64_t CountRange(uint32_t begin, uint32_t end) const;
  bool Empty() const;
  // The member that `i` members are below of; i < Count().
  uint32_t Nth(uint32_t i) const;

  Bitmap& operator&=(const Bitmap& other);
  Bitmap& operator|=(const Bitmap& other);
  Bitmap& operator-=(const Bitmap& other);
  // Replaces the set by {0, …, n - 1} minus it.
  void Complement(uint32_t n);
  bool operator==(const Bitmap& other) const;

  // Ascending; stops when `visit` returns false.
  void ForEach(const std::function<bool(uint32_t)>& visit) const;
  // Copies up to `n` members, ascending, not below `from`, into `out`; returns how many.
  size_t Read(uint32_t from, uint32_t* out, size_t n) const;
  std::vector<uint32_t> ToVector() const;

  Bytes Serialize() const;
  // `bytes` must have passed a checksum; still bounds checked. kDataLoss when malformed.
  static Result<Bitmap> Deserialize(BytesView bytes);

 private:
  explicit Bitmap(roaring_bitmap_s* raw) : raw_(raw) {}
  roaring_bitmap_s* raw_;
};

}  // namespace chroma
