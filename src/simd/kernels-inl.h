// The loops of every kernel that uses vector instructions, written once over the primitives of an
// instruction set. Each file of such an instruction set includes this inside its own unnamed
// namespace, so that every copy has internal linkage: the linker cannot give one file's code to
// the rest of the program. Hence this file includes nothing. What the includer defines before:
//
//   Vector, kLanes                           a vector register and the floats in it
//   Zero(), Load(p), Add(a, b), Subtract(a, b)
//   MultiplyAdd(a, b, c)                     a * b + c
//   LoadPart(p, n)                           the first n < kLanes floats at p, zeros in the other
//                                            lanes; touches nothing behind them
//   Sum(v)                                   of all lanes
//   Prefetch(p)                              the cache line of p
#pragma once

// What is summed: kSums running sums per row.
struct L2 {
  static constexpr size_t kSums = 1;
  [[gnu::always_inline]] static inline void Step(Vector query, Vector row, Vector* sums) {
    const Vector difference = Subtract(query, row);
    sums[0] = MultiplyAdd(difference, difference, sums[0]);
  }
};

struct Dot {
  static constexpr size_t kSums = 1;
  [[gnu::always_inline]] static inline void Step(Vector query, Vector row, Vector* sums) {
    sums[0] = MultiplyAdd(query, row, sums[0]);
  }
};

struct DotNorm {
  static constexpr size_t kSums = 2;
  [[gnu::always_inline]] static inline void Step(Vector query, Vector row, Vector* sums) {
    sums[0] = MultiplyAdd(query, row, sums[0]);
    sums[1] = MultiplyAdd(row, row, sums[1]);
  }
};

constexpr size_t kGroup = 4;           // rows walked together, sharing the loads of the query
constexpr size_t kFloatsPerLine = 16;  // of a 64-byte cache line
// Contiguous rows shorter than a page are walked one after the other: groups of them are several
// streams inside one page, which the processor's own prefetcher follows badly.
constexpr size_t kPageFloats = 1024;

// Walks kRows rows at once; sum s of row r goes to out[s][r]. Four or more independent chains of
// fused multiply-adds hide their latency. While it reads rows[r] it prefetches the same place of
// next[r], a row that comes later; with `next` null it leaves that to the processor, which is
// better at contiguous rows.
template <typename Op, size_t kRows>
[[gnu::always_inline]] inline void Walk(const float* query, const float* const* rows,
                                        const float* const* next, size_t dimension,
                                        float* const* out) {
  constexpr size_t kUnroll = kRows == 1 ? 4 : 2;
  constexpr size_t kStep = kUnroll * kLanes;
  Vector sums[kRows][kUnroll][Op::kSums];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t u = 0; u < kUnroll; ++u) {
#pragma GCC unroll 2
      for (size_t s = 0; s < Op::kSums; ++s) sums[r][u][s] = Zero();
    }
  }
  size_t i = 0;
  for (; i + kStep <= dimension; i += kStep) {
    if (next != nullptr) {
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (size_t line = 0; line < kStep; line += kFloatsPerLine) Prefetch(next[r] + i + line);
      }
    }
#pragma GCC unroll 4
    for (size_t u = 0; u < kUnroll; ++u) {
      const Vector q = Load(query + i + u * kLanes);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        Op::Step(q, Load(rows[r] + i + u * kLanes), sums[r][u]);
      }
    }
  }
  for (; i + kLanes <= dimension; i += kLanes) {
    const Vector q = Load(query + i);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) Op::Step(q, Load(rows[r] + i), sums[r][0]);
  }
  if (i < dimension) {
    const Vector q = LoadPart(query + i, dimension - i);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      Op::Step(q, LoadPart(rows[r] + i, dimension - i), sums[r][0]);
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (size_t s = 0; s < Op::kSums; ++s) {
      Vector total = sums[r][0][s];
#pragma GCC unroll 4
      for (size_t u = 1; u < kUnroll; ++u) total = Add(total, sums[r][u][s]);
      out[s][r] = Sum(total);
    }
  }
}

template <typename Op>
float One(const float* a, const float* b, size_t dimension) {
  float result;
  float* out = &result;
  Walk<Op, 1>(a, &b, nullptr, dimension, &out);
  return result;
}

float SquaredNorm(const float* a, size_t dimension) {
  return One<Dot>(a, a, dimension);
}

template <typename Op>
void WalkMany(const float* query, const float* rows, size_t stride, size_t n, size_t dimension,
              float* const* sums) {
  size_t i = 0;
  float* out[Op::kSums];
  for (; stride >= kPageFloats && i + kGroup <= n; i += kGroup) {
    const float* group[kGroup];
    for (size_t r = 0; r < kGroup; ++r) group[r] = rows + (i + r) * stride;
    for (size_t s = 0; s < Op::kSums; ++s) out[s] = sums[s] + i;
    Walk<Op, kGroup>(query, group, nullptr, dimension, out);
  }
  for (; i < n; ++i) {
    const float* row = rows + i * stride;
    for (size_t s = 0; s < Op::kSums; ++s) out[s] = sums[s] + i;
    Walk<Op, 1>(query, &row, nullptr, dimension, out);
  }
}

template <typename Op>
void WalkGather(const float* query, const float* const* rows, size_t n, size_t dimension,
                float* const* sums) {
  size_t i = 0;
  float* out[Op::kSums];
  for (; i + kGroup <= n; i += kGroup) {
    for (size_t s = 0; s < Op::kSums; ++s) out[s] = sums[s] + i;
    // The last group prefetches itself.
    const float* const* next = i + 2 * kGroup <= n ? rows + i + kGroup : rows + i;
    Walk<Op, kGroup>(query, rows + i, next, dimension, out);
  }
  for (; i < n; ++i) {
    for (size_t s = 0; s < Op::kSums; ++s) out[s] = sums[s] + i;
    Walk<Op, 1>(query, rows + i, nullptr, dimension, out);
  }
}

template <typename Op>
void Many(const float* query, const float* rows, size_t stride, size_t n, size_t dimension,
          float* out) {
  WalkMany<Op>(query, rows, stride, n, dimension, &out);
}

void DotNormMany(const float* query, const float* rows, size_t stride, size_t n, size_t dimension,
                 float* dots, float* squared_norms) {
  float* const sums[] = {dots, squared_norms};
  WalkMany<DotNorm>(query, rows, stride, n, dimension, sums);
}

template <typename Op>
void Gather(const float* query, const float* const* rows, size_t n, size_t dimension, float* out) {
  WalkGather<Op>(query, rows, n, dimension, &out);
}

void DotNormGather(const float* query, const float* const* rows, size_t n, size_t dimension,
                   float* dots, float* squared_norms) {
  float* const sums[] = {dots, squared_norms};
  WalkGather<DotNorm>(query, rows, n, dimension, sums);
}

constexpr Kernels MakeKernels(const char* name) {
  return {
      name,      One<L2>,     One<Dot>,   SquaredNorm, Many<L2>,
      Many<Dot>, DotNormMany, Gather<L2>, Gather<Dot>, DotNormGather,
  };
}
