// The reference kernels over quantised vectors: they define what the others compute. Sums run in
// lanes, which a compiler can keep in vector registers of the baseline instruction set.
#include "simd/code_kernels.h"

namespace chroma::simd {
namespace {

constexpr size_t kLanes = 8;

float Clamp(float x, float limit) {
  const float below = x < limit ? x : limit;
  return below > -limit ? below : -limit;
}

// To the nearest integer, ties to even: adding 1.5 * 2^23 leaves no bits for a fraction. For
// magnitudes up to 2^22.
int32_t Round(float x) {
  constexpr float kMagic = 12582912.0F;
  return static_cast<int32_t>((x + kMagic) - kMagic);
}

float Sum(const float* lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

int32_t DotI8(const int8_t* a, const int8_t* b, size_t dimension) {
  int32_t sum = 0;
  for (size_t i = 0; i < dimension; ++i) {
    sum += static_cast<int32_t>(a[i]) * static_cast<int32_t>(b[i]);
  }
  return sum;
}

// Number i of 64 of kBits each.
template <int kBits>
int32_t NumberOf(const uint8_t* chunk, size_t i) {
  constexpr size_t kBytes = 8 * kBits;
  return chunk[i % kBytes] >> (i / kBytes * kBits) & ((1 << kBits) - 1);
}

template <int kBits>
void DotPlanes(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
               int32_t* out) {
  for (size_t row = 0; row < n; ++row) {
    if (row + 1 < n) {
      for (size_t byte = 0; byte < dimension * kBits / 8; byte += 64) {
        __builtin_prefetch(planes[row + 1] + byte);
      }
    }
    int32_t sum = 0;
    const uint8_t* chunk = planes[row];
    for (const int8_t* q = query; q < query + dimension; q += 64, chunk += 8 * kBits) {
      for (size_t i = 0; i < 64; ++i) sum += q[i] * NumberOf<kBits>(chunk, i);
    }
    out[row] = sum;
  }
}

void JoinI6(const uint8_t* high, const uint8_t* low, size_t dimension, int8_t* codes) {
  for (int8_t* end = codes + dimension; codes < end; codes += 64, high += 32, low += 16) {
    for (size_t i = 0; i < 64; ++i) {
      codes[i] = static_cast<int8_t>(4 * NumberOf<4>(high, i) + NumberOf<2>(low, i) - 32);
    }
  }
}

void DotI8Block(const int8_t* const* a, size_t n_a, const int8_t* const* b, size_t n_b,
                size_t dimension, int32_t* out) {
  for (size_t i = 0; i < n_a; ++i) {
    for (size_t j = 0; j < n_b; ++j) *out++ = DotI8(a[i], b[j], dimension);
  }
}

uint32_t Estimate(const uint8_t* codes, const CodeTables& tables, size_t dimension,
                  const float* offsets, const float* factors, float base, float bound,
                  float* estimates) {
  uint32_t sums[kCodeLanes] = {};
  for (size_t group = 0; group < dimension / 4; ++group) {
    const uint8_t* table = tables.tables + group * 16;
    for (size_t j = 0; j < 16; ++j) {
      const uint8_t byte = codes[group * 16 + j];
      sums[j] += table[byte & 15];
      sums[j + 16] += table[byte >> 4];
    }
  }
  uint32_t below = 0;
  for (size_t j = 0; j < kCodeLanes; ++j) {
    const float sum = tables.scale * static_cast<float>(sums[j]) + tables.bias;
    estimates[j] = (base + offsets[j]) + factors[j] * sum;
    if (estimates[j] < bound) below |= uint32_t{1} << j;
  }
  return below;
}

void FillTables(const float* query, size_t dimension, float inverse_scale, uint8_t* tables) {
  const float scale = inverse_scale * 256;
  for (size_t group = 0; group < dimension / 4; ++group) {
    // Entry m counts a dimension's magnitude when m has the bit of its sign: no cancellation.
    int32_t set[4];
    int32_t clear[4];
    for (size_t i = 0; i < 4; ++i) {
      const int32_t fixed = Round(Clamp(query[group * 4 + i] * scale, 32767));
      set[i] = fixed > 0 ? fixed : 0;
      clear[i] = fixed < 0 ? -fixed : 0;
    }
    for (size_t m = 0; m < 16; ++m) {
      int32_t sum = 128;
      for (size_t i = 0; i < 4; ++i) sum += (m >> i & 1) != 0 ? set[i] : clear[i];
      const int32_t entry = sum >> 8;
      tables[group * 16 + m] = entry < kTableMax ? static_cast<uint8_t>(entry) : kTableMax;
    }
  }
}

void Measure(const float* vector, size_t dimension, CodeKernels::Shape* shape) {
  float magnitude_max = 0;
  float group_range_max = 0;
  float squared_norm[kLanes] = {};
  float sum[kLanes] = {};
  float negative_sum[kLanes] = {};
  for (size_t i = 0; i < dimension; i += kLanes) {
    float magnitudes[kLanes];
    for (size_t j = 0; j < kLanes; ++j) {
      const float x = vector[i + j];
      magnitudes[j] = x < 0 ? -x : x;
      magnitude_max = magnitudes[j] > magnitude_max ? magnitudes[j] : magnitude_max;
      squared_norm[j] += x * x;
      sum[j] += x;
      negative_sum[j] += x < 0 ? x : 0;
    }
    for (size_t j = 0; j < kLanes; j += 4) {
      const float range =
          (magnitudes[j] + magnitudes[j + 1]) + (magnitudes[j + 2] + magnitudes[j + 3]);
      group_range_max = range > group_range_max ? range : group_range_max;
    }
  }
  *shape = {magnitude_max, group_range_max, Sum(squared_norm), Sum(sum), Sum(negative_sum)};
}

void Quantize(const float* vector, size_t dimension, float inverse_scale, int8_t* out) {
  for (size_t i = 0; i < dimension; ++i) {
    out[i] = static_cast<int8_t>(Round(Clamp(vector[i] * inverse_scale, 127)));
  }
}

void EncodeResidual(const int8_t* row, float row_scale, const float* center, size_t dimension,
                    size_t lane, uint8_t* codes, CodeKernels::ResidualSums* sums) {
  float squared_norm[kLanes] = {};
  float magnitudes[kLanes] = {};
  float center_signed[kLanes] = {};
  const size_t shift = lane / 16 * 4;
  codes += lane % 16;
  for (size_t i = 0; i < dimension; i += kLanes) {
    uint32_t bits = 0;
    for (size_t j = 0; j < kLanes; ++j) {
      // The product is exact in a double, so this is what one fused multiply-add gives.
      const auto r = static_cast<float>(static_cast<double>(row[i + j]) * row_scale -
                                        static_cast<double>(center[i + j]));
      squared_norm[j] += r * r;
      magnitudes[j] += r < 0 ? -r : r;
      center_signed[j] += r > 0 ? center[i + j] : -center[i + j];
      bits |= static_cast<uint32_t>(r > 0) << j;
    }
    uint8_t* const code = codes + i / 4 * 16;
    code[0] = static_cast<uint8_t>(code[0] | (bits & 15) << shift);
    code[16] = static_cast<uint8_t>(code[16] | (bits >> 4) << shift);
  }
  *sums = {Sum(squared_norm), Sum(magnitudes), Sum(center_signed)};
}

void Hadamard(float* values, size_t n) {
  for (size_t half = 1; half < n; half *= 2) {
    for (size_t i = 0; i < n; i += 2 * half) {
      for (size_t j = i; j < i + half; ++j) {
        const float a = values[j];
        const float b = values[j + half];
        values[j] = a + b;
        values[j + half] = a - b;
      }
    }
  }
}

}  // namespace

const CodeKernels kScalarCodeKernels = {
    "scalar", DotI8,      DotPlanes<4>, DotPlanes<2>, JoinI6,         DotI8Block,
    Estimate, FillTables, Measure,      Quantize,     EncodeResidual, Hadamard,
};

}  // namespace chroma::simd
