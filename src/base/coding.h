// Integers as bytes: fixed width little-endian and LEB128 varints, appended to a Bytes and read
// back through ByteReader, a cursor that never reads past its end.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "base/bytes.h"

namespace chroma {

static_assert(std::endian::native == std::endian::little, "formats are little-endian");

// Appends the object representation of a trivially copyable value.
template <typename T>
  requires std::is_trivially_copyable_v<T>
void PutFixed(Bytes& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename T>
  requires std::is_trivially_copyable_v<T>
T LoadFixed(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

void PutVarint(Bytes& out, uint64_t value);
// A varint length, then the bytes.
void PutString(Bytes& out, BytesView value);
// Zero bytes until out.size() is a multiple of `alignment`.
void PutPadding(Bytes& out, size_t alignment);

// Reads what the functions above wrote. The first read that does not fit makes the reader fail
// for good: ok() turns false and every later read returns zero or empty. So a decoder may read
// a whole structure and ask ok() once, before it uses a value as a length or an index.
// Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) : begin_(bytes.data()), bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return bytes_.empty(); }
  size_t remaining() const { return bytes_.size(); }
  // Bytes read so far.
  size_t position() const { return static_cast<size_t>(bytes_.data() - begin_); }

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  T Fixed() {
    BytesView raw = Raw(sizeof(T));
    return ok_ ? LoadFixed<T>(raw.data()) : T{};
  }
  uint64_t Varint();
  // A varint that must be <= max (and fit the reader's idea of sanity); fails otherwise.
  uint64_t VarintAtMost(uint64_t max);
  BytesView String();
  BytesView Raw(size_t n);
  // Skips padding to a multiple of `alignment`, counted from the start of the bytes.
  void Align(size_t alignment);
  void Fail() { ok_ = false; bytes_ = BytesView(bytes_.data(), 0); }

 private:
  const char* begin_;
  BytesView bytes_;
  bool ok_ = true;
};

}  // namespace chroma
