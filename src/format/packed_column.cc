#include "format/packed_column.h"

#include <algorithm>

namespace chroma::format {
namespace {

uint32_t WidthOf(uint64_t range) {
  if (range == 0) return 0;
  if (range <= UINT8_MAX) return 1;
  if (range <= UINT16_MAX) return 2;
  return range <= UINT32_MAX ? 4 : 8;
}

template <typename Stored, typename T>
void Pack(Bytes& out, std::span<const T> values, T base) {
  const size_t at = out.size();
  out.resize(at + values.size() * sizeof(Stored));
  char* to = out.data() + at;
  for (const T value : values) {
    const auto stored =
        static_cast<Stored>(static_cast<uint64_t>(value) - static_cast<uint64_t>(base));
    std::memcpy(to, &stored, sizeof(stored));
    to += sizeof(stored);
  }
}

template <typename T>
void Encode(Bytes& out, std::span<const T> values, uint32_t width_min) {
  T base = 0;
  uint64_t range = 0;
  if (!values.empty()) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    base = *low;
    range = static_cast<uint64_t>(*high) - static_cast<uint64_t>(*low);
  }
  const uint32_t width = std::max(WidthOf(range), width_min);
  PutFixed(out, static_cast<uint64_t>(values.size()));
  PutFixed(out, static_cast<uint64_t>(base));
  PutFixed(out, static_cast<uint8_t>(width));
  PutPadding(out, 8);
  switch (width) {
    case 0:
      break;
    case 1:
      Pack<uint8_t>(out, values, base);
      break;
    case 2:
      Pack<uint16_t>(out, values, base);
      break;
    case 4:
      Pack<uint32_t>(out, values, base);
      break;
    default:
      Pack<uint64_t>(out, values, base);
      break;
  }
  PutPadding(out, 8);
}

}  // namespace

void EncodePacked(Bytes& out, std::span<const uint64_t> values, uint32_t width_min) {
  Encode(out, values, width_min);
}
void EncodePackedSigned(Bytes& out, std::span<const int64_t> values, uint32_t width_min) {
  Encode(out, values, width_min);
}

PackedReader PackedReader::Read(ByteReader& in, uint64_t count, uint32_t width_min) {
  PackedReader column;
  column.count_ = in.Fixed<uint64_t>();
  column.base_ = in.Fixed<uint64_t>();
  column.width_ = in.Fixed<uint8_t>();
  in.Align(8);
  const uint32_t width = column.width_;
  const bool width_ok = width == 0 || width == 1 || width == 2 || width == 4 || width == 8;
  if (!in.ok() || column.count_ != count || !width_ok || (width < width_min && count > 0) ||
      (width != 0 && count > in.remaining() / width)) {
    in.Fail();
    return PackedReader();
  }
  column.packed_ = in.Raw(count * width).data();
  in.Align(8);
  return column;
}

uint64_t PackedReader::LastAtMost(uint64_t first, uint64_t end, uint64_t value) const {
  uint64_t step = 1;
  while (first + step < end && (*this)[first + step] <= value) step *= 2;
  uint64_t low = first + step / 2;
  uint64_t high = std::min(first + step, end);
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    if ((*this)[middle] <= value) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

bool PackedReader::AreOffsets(uint64_t first, uint64_t last) const {
  if (count_ == 0) return false;
  if (width_ == 0) return base_ == first && base_ == last;
  return VisitPacked(*this, [&](auto load) {
    uint64_t before = first;
    bool ascending = base_ + load(0) == first;
    for (uint64_t i = 0; i < count_; ++i) {
      const uint64_t value = base_ + load(i);
      ascending &= value >= before;
      before = value;
    }
    return ascending && before == last;
  });
}

bool PackedReader::AllBelow(uint64_t end) const {
  return VisitPacked(*this, [&](auto load) {
    bool below = true;
    const uint64_t n = width_ == 0 && count_ > 0 ? 1 : count_;
    for (uint64_t i = 0; i < n; ++i) below &= base_ + load(i) < end;
    return below;
  });
}

}  // namespace chroma::format
