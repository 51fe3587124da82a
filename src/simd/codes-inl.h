// The floating-point loops of the kernels over quantised vectors, written once over the primitives
// of an instruction set; included as kernels-inl.h is, and for the same reason including nothing.
// What the includer defines before:
//
//   Vector, kLanes                           a vector register and the floats in it, 4 at least
//   Zero(), Broadcast(x), Load(p), Store(p, v)
//   Add(a, b), Subtract(a, b), Min(a, b), Max(a, b), Abs(v)
//   MultiplyAdd(a, b, c)                     a * b + c, rounded once; MultiplySubtract: a * b - c
//   Sum(v), Highest(v)                       of all lanes
//   GroupSums(v)                             in every lane, the sum of its group of four lanes
//   LoadRow(p)                               kLanes int8_t as floats
//   PositiveMask(v)                          bit i set where lane i is greater than zero
//   SignedAs(v, r)                           v where r is greater than zero, -v elsewhere
//   Butterfly(v)                             the Hadamard transform of a register's lanes
#pragma once

void Measure(const float* vector, size_t dimension, CodeKernels::Shape* shape) {
  // Two sets of running values hide the latency of additions.
  constexpr size_t kUnroll = 2;
  Vector highest = Zero();
  Vector range = Zero();
  Vector squared_norm[kUnroll] = {Zero(), Zero()};
  Vector sum[kUnroll] = {Zero(), Zero()};
  Vector negative_sum[kUnroll] = {Zero(), Zero()};
  for (size_t i = 0; i < dimension; i += kUnroll * kLanes) {
#pragma GCC unroll 2
    for (size_t u = 0; u < kUnroll; ++u) {
      const Vector v = Load(vector + i + u * kLanes);
      const Vector magnitudes = Abs(v);
      highest = Max(highest, magnitudes);
      range = Max(range, GroupSums(magnitudes));
      squared_norm[u] = MultiplyAdd(v, v, squared_norm[u]);
      sum[u] = Add(sum[u], v);
      negative_sum[u] = Add(negative_sum[u], Min(v, Zero()));
    }
  }
  shape->magnitude_max = Highest(highest);
  shape->group_range_max = Highest(range);
  shape->squared_norm = Sum(Add(squared_norm[0], squared_norm[1]));
  shape->sum = Sum(Add(sum[0], sum[1]));
  shape->negative_sum = Sum(Add(negative_sum[0], negative_sum[1]));
}

void EncodeResidual(const int8_t* row, float row_scale, const float* center, size_t dimension,
                    size_t lane, uint8_t* codes, CodeKernels::ResidualSums* sums) {
  constexpr size_t kUnroll = 2;
  const Vector scale = Broadcast(row_scale);
  const size_t shift = lane / 16 * 4;
  Vector squared_norm[kUnroll] = {Zero(), Zero()};
  Vector magnitudes[kUnroll] = {Zero(), Zero()};
  Vector center_signed[kUnroll] = {Zero(), Zero()};
  codes += lane % 16;
  for (size_t i = 0; i < dimension; i += kUnroll * kLanes) {
#pragma GCC unroll 2
    for (size_t u = 0; u < kUnroll; ++u) {
      const Vector c = Load(center + i + u * kLanes);
      const Vector r = MultiplySubtract(LoadRow(row + i + u * kLanes), scale, c);
      squared_norm[u] = MultiplyAdd(r, r, squared_norm[u]);
      magnitudes[u] = Add(magnitudes[u], Abs(r));
      center_signed[u] = Add(center_signed[u], SignedAs(c, r));
      const uint32_t bits = PositiveMask(r);
      uint8_t* const group = codes + (i + u * kLanes) / 4 * 16;
#pragma GCC unroll 4
      for (size_t g = 0; g < kLanes / 4; ++g) {
        const uint32_t nibble = bits >> (4 * g) & 15;
        group[16 * g] = static_cast<uint8_t>(group[16 * g] | nibble << shift);
      }
    }
  }
  sums->squared_norm = Sum(Add(squared_norm[0], squared_norm[1]));
  sums->magnitudes = Sum(Add(magnitudes[0], magnitudes[1]));
  sums->center_signed = Sum(Add(center_signed[0], center_signed[1]));
}

// One stage of the transform: pairs that are `half` apart.
[[gnu::always_inline]] inline void HadamardStage(float* values, size_t n, size_t half) {
  for (size_t i = 0; i < n; i += 2 * half) {
    for (size_t j = i; j < i + half; j += kLanes) {
      const Vector a = Load(values + j);
      const Vector b = Load(values + j + half);
      Store(values + j, Add(a, b));
      Store(values + j + half, Subtract(a, b));
    }
  }
}

// Two stages, `half` and 2 * half, over four registers that are `half` apart in memory.
[[gnu::always_inline]] inline void StoreTwoStages(float* p, size_t half, Vector a, Vector b,
                                                  Vector c, Vector d) {
  const Vector a_plus_b = Add(a, b);
  const Vector a_less_b = Subtract(a, b);
  const Vector c_plus_d = Add(c, d);
  const Vector c_less_d = Subtract(c, d);
  Store(p, Add(a_plus_b, c_plus_d));
  Store(p + half, Add(a_less_b, c_less_d));
  Store(p + 2 * half, Subtract(a_plus_b, c_plus_d));
  Store(p + 3 * half, Subtract(a_less_b, c_less_d));
}

void Hadamard(float* values, size_t n) {
  if (n < kLanes) {
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
    return;
  }
  size_t half = kLanes;
  if (4 * kLanes <= n) {
    for (float* p = values; p < values + n; p += 4 * kLanes) {
      StoreTwoStages(p, kLanes, Butterfly(Load(p)), Butterfly(Load(p + kLanes)),
                     Butterfly(Load(p + 2 * kLanes)), Butterfly(Load(p + 3 * kLanes)));
    }
    half *= 4;
  } else {
    for (size_t i = 0; i < n; i += kLanes) Store(values + i, Butterfly(Load(values + i)));
  }
  for (; 4 * half <= n; half *= 4) {
    for (size_t i = 0; i < n; i += 4 * half) {
      for (float* p = values + i; p < values + i + half; p += kLanes) {
        StoreTwoStages(p, half, Load(p), Load(p + half), Load(p + 2 * half), Load(p + 3 * half));
      }
    }
  }
  if (half < n) HadamardStage(values, n, half);
}
