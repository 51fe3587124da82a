#include "index/sparse/bit_packing.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/coding.h"

namespace chroma::index {
namespace {

constexpr uint32_t kLanes = 4;
constexpr uint32_t kPerLane = kPackedBlock / kLanes;

using Lanes = uint32_t __attribute__((vector_size(16)));

Lanes Load(const char* in) {
  Lanes lanes;
  std::memcpy(&lanes, in, sizeof lanes);
  return lanes;
}

// Adds to each lane those before it.
Lanes PrefixSum(Lanes v) {
  const Lanes zero = {0, 0, 0, 0};
  v += __builtin_shufflevector(v, zero, 4, 0, 1, 2);
  v += __builtin_shufflevector(v, zero, 4, 4, 0, 1);
  return v;
}

template <uint32_t kWidth>
void Unpack(const char* in, uint32_t first, uint32_t* rows) {
  constexpr uint32_t kMask = kWidth == 32 ? UINT32_MAX : (uint32_t{1} << kWidth) - 1;
  // The first gap is 0 and its row is `first`, so the sum starts one below.
  const uint32_t before = first - 1;
  Lanes last = {before, before, before, before};
  Lanes word = {0, 0, 0, 0};
  uint32_t used = 32;  // bits of `word`
#pragma GCC unroll 32
  for (uint32_t i = 0; i < kPerLane; ++i) {
    Lanes gap = {0, 0, 0, 0};
    if constexpr (kWidth > 0) {
      if (used == 32) {
        word = Load(in);
        in += sizeof(Lanes);
        gap = word;
        used = kWidth;
      } else if (used + kWidth <= 32) {
        gap = word >> used;
        used += kWidth;
      } else {
        gap = word >> used;
        word = Load(in);
        in += sizeof(Lanes);
        gap |= word << (32 - used);
        used = used + kWidth - 32;
      }
      gap &= kMask;
    }
    const Lanes sum = PrefixSum(gap + 1) + last;
    std::memcpy(rows + i * kLanes, &sum, sizeof sum);
    last = __builtin_shufflevector(sum, sum, 3, 3, 3, 3);
  }
}

using UnpackFunction = void (*)(const char*, uint32_t, uint32_t*);

template <size_t... kWidths>
constexpr std::array<UnpackFunction, sizeof...(kWidths)> UnpackTable(
    std::index_sequence<kWidths...>) {
  return {&Unpack<static_cast<uint32_t>(kWidths)>...};
}

constexpr auto kUnpack = UnpackTable(std::make_index_sequence<kWidthMax + 1>());

}  // namespace

uint32_t BitWidth(uint32_t value) {
  return static_cast<uint32_t>(std::bit_width(value));
}

void PackFull(const uint32_t* gaps, uint32_t width, Bytes& out) {
  std::array<uint32_t, kPackedBlock> words{};  // word w of lane l is words[w * kLanes + l]
  for (uint32_t i = 0; i < kPackedBlock; ++i) {
    const uint32_t lane = i % kLanes;
    const uint32_t bit = i / kLanes * width;
    const uint32_t word = bit / 32;
    const uint32_t shift = bit % 32;
    if (width == 0) break;
    words[word * kLanes + lane] |= gaps[i] << shift;
    if (shift + width > 32) words[(word + 1) * kLanes + lane] |= gaps[i] >> (32 - shift);
  }
  out.append(reinterpret_cast<const char*>(words.data()), FullBlockBytes(width));
}

void PackShort(const uint32_t* gaps, uint32_t n, uint32_t width, Bytes& out) {
  uint64_t buffer = 0;
  uint32_t used = 0;
  for (uint32_t i = 1; i < n; ++i) {
    buffer |= static_cast<uint64_t>(gaps[i]) << used;
    used += width;
    for (; used >= 8; used -= 8, buffer >>= 8) out.push_back(static_cast<char>(buffer & 0xFF));
  }
  if (used > 0) out.push_back(static_cast<char>(buffer & 0xFF));
}

void UnpackFull(const char* in, uint32_t width, uint32_t first, uint32_t* rows) {
  kUnpack[width](in, first, rows);
}

void UnpackShort(const char* in, uint32_t n, uint32_t width, uint32_t first, uint32_t* rows) {
  // A copy with room behind it, so that eight bytes can be loaded wherever a number begins.
  std::array<char, ShortBlockBytes(kPackedBlock, kWidthMax) + 8> padded;
  const size_t size = ShortBlockBytes(n - 1, width);
  std::memcpy(padded.data(), in, size);
  std::memset(padded.data() + size, 0, 8);
  const uint64_t mask = (uint64_t{1} << width) - 1;
  uint32_t row = first;
  rows[0] = row;
  size_t bit = 0;
  for (uint32_t i = 1; i < n; ++i, bit += width) {
    const uint64_t word = LoadFixed<uint64_t>(padded.data() + bit / 8) >> (bit % 8);
    row += 1 + static_cast<uint32_t>(word & mask);
    rows[i] = row;
  }
}

}  // namespace chroma::index
