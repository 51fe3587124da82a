#include "base/coding.h"

namespace chroma {

void PutVarint(Bytes& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void PutString(Bytes& out, BytesView value) {
  PutVarint(out, value.size());
  out.append(value);
}

void PutPadding(Bytes& out, size_t alignment) {
  const size_t excess = out.size() % alignment;
  if (excess != 0) out.append(alignment - excess, '\0');
}

uint64_t ByteReader::Varint() {
  uint64_t value = 0;
  const size_t size_max = bytes_.size() < 10 ? bytes_.size() : 10;
  for (size_t i = 0; i < size_max; ++i) {
    const uint64_t byte = static_cast<uint8_t>(bytes_[i]);
    // The tenth byte holds only the 64th bit.
    if (i == 9 && byte > 1) break;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes_.remove_prefix(i + 1);
      return value;
    }
  }
  Fail();
  return 0;
}

uint64_t ByteReader::VarintAtMost(uint64_t max) {
  const uint64_t value = Varint();
  if (value <= max) return value;
  Fail();
  return 0;
}

BytesView ByteReader::String() {
  const uint64_t size = Varint();
  if (size > bytes_.size()) {
    Fail();
    return {};
  }
  return Raw(static_cast<size_t>(size));
}

BytesView ByteReader::Raw(size_t n) {
  if (!ok_ || n > bytes_.size()) {
    Fail();
    return {};
  }
  const BytesView raw = bytes_.substr(0, n);
  bytes_.remove_prefix(n);
  return raw;
}

void ByteReader::Align(size_t alignment) {
  const size_t excess = position() % alignment;
  if (excess != 0) Raw(alignment - excess);
}

}  // namespace chroma
