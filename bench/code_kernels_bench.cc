// What the kernels over quantised vectors cost, for every instruction set of this processor, at the
// dimensions of usual embeddings: once with all operands in the first-level cache, and once over
// far more than the caches hold, in random order, the next operand being prefetched as a graph's
// walk does. Rows named */memory/* are bound by memory where they cost more than the same in
// */cache/*.
//
//   code_kernels_bench [--benchmark_filter=REGEX] (and the other flags of Google Benchmark)
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "simd/code_kernels.h"

namespace {

using chroma::simd::CodeKernels;
using chroma::simd::CodeTables;
using chroma::simd::kCodeLanes;

constexpr size_t kCacheBytes = 16 << 10;
constexpr size_t kMemoryBytes = 128 << 20;

// `bytes` of random bytes in pieces of `piece`, visited in a random order that repeats.
struct Pieces {
  Pieces(size_t bytes, size_t piece) : memory(std::max(bytes / piece, size_t{1}) * piece) {
    std::mt19937_64 random(1);
    for (size_t i = 0; i + 8 <= memory.size(); i += 8) {
      const uint64_t bytes_of_8 = random() | 0x0101010101010101;  // none is -128
      std::memcpy(memory.data() + i, &bytes_of_8, sizeof(bytes_of_8));
    }
    for (size_t i = 0; i < memory.size(); i += piece) order.push_back(memory.data() + i);
    std::shuffle(order.begin(), order.end(), random);
  }
  std::vector<uint8_t> memory;
  std::vector<const uint8_t*> order;
};

std::vector<float> Floats(size_t n) {
  std::mt19937_64 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& x : values) x = normal(random);
  return values;
}

struct Query {
  Query(const CodeKernels& kernels, size_t dimension)
      : vector(Floats(dimension)), code(dimension), entries(dimension * 4) {
    CodeKernels::Shape shape;
    kernels.measure(vector.data(), dimension, &shape);
    const float step = shape.group_range_max / chroma::simd::kTableMax;
    kernels.fill_tables(vector.data(), dimension, 1 / step, entries.data());
    kernels.quantize(vector.data(), dimension, 127 / shape.magnitude_max, code.data());
    tables = {entries.data(), 2 * step, 2 * shape.negative_sum - shape.sum};
  }
  std::vector<float> vector;
  std::vector<int8_t> code;
  std::vector<uint8_t> entries;
  CodeTables tables;
};

void Estimate(benchmark::State& state, const CodeKernels& kernels, size_t dimension, size_t bytes) {
  const Query query(kernels, dimension);
  const Pieces nodes(bytes, dimension * 4);
  const std::vector<float> terms = Floats(2 * kCodeLanes);
  float estimates[kCodeLanes];
  size_t at = 0;
  for (auto _ : state) {
    const size_t next = at + 1 < nodes.order.size() ? at + 1 : 0;
    if (bytes > kCacheBytes) {
      for (size_t i = 0; i < dimension * 4; i += 64) __builtin_prefetch(nodes.order[next] + i);
    }
    benchmark::DoNotOptimize(kernels.estimate(nodes.order[at], query.tables, dimension,
                                              terms.data(), terms.data() + kCodeLanes, 1, 0,
                                              estimates));
    benchmark::ClobberMemory();
    at = next;
  }
}

void Dot(benchmark::State& state, const CodeKernels& kernels, size_t dimension, size_t bytes) {
  const Query query(kernels, dimension);
  const Pieces rows(bytes, dimension);
  size_t at = 0;
  for (auto _ : state) {
    const size_t next = at + 1 < rows.order.size() ? at + 1 : 0;
    if (bytes > kCacheBytes) {
      for (size_t i = 0; i < dimension; i += 64) __builtin_prefetch(rows.order[next] + i);
    }
    benchmark::DoNotOptimize(kernels.dot_i8(
        query.code.data(), reinterpret_cast<const int8_t*>(rows.order[at]), dimension));
    at = next;
  }
}

// Of planes of so many bits. Time a row, not a call.
template <size_t kBits>
void DotPlanes(benchmark::State& state, const CodeKernels& kernels, size_t dimension,
               size_t bytes) {
  constexpr size_t kRows = 32;
  const size_t plane_bytes = dimension * kBits / 8;
  const Query query(kernels, dimension);
  const Pieces planes(std::max(bytes, kRows * plane_bytes), plane_bytes);
  const auto dot = kBits == 4 ? kernels.dot_u4 : kernels.dot_u2;
  int32_t dots[kRows];
  size_t at = 0;
  while (state.KeepRunningBatch(kRows)) {
    dot(query.code.data(), planes.order.data() + at, kRows, dimension, dots);
    benchmark::ClobberMemory();
    at = at + 2 * kRows <= planes.order.size() ? at + kRows : 0;
  }
}

// As building does within a leaf. Time a pair, not a call.
void DotBlock(benchmark::State& state, const CodeKernels& kernels, size_t dimension, size_t bytes) {
  constexpr size_t kRows = 32;
  const Pieces rows(std::max(bytes, 2 * kRows * dimension), dimension);
  std::vector<const int8_t*> order;
  for (const uint8_t* row : rows.order) order.push_back(reinterpret_cast<const int8_t*>(row));
  int32_t dots[kRows * kRows];
  size_t at = 0;
  while (state.KeepRunningBatch(kRows * kRows)) {
    kernels.dot_i8_block(order.data() + at, kRows, order.data() + at + kRows, kRows, dimension,
                         dots);
    benchmark::ClobberMemory();
    at = at + 4 * kRows <= order.size() ? at + 2 * kRows : 0;
  }
}

void PrepareQuery(benchmark::State& state, const CodeKernels& kernels, size_t dimension) {
  Query query(kernels, dimension);
  for (auto _ : state) {
    CodeKernels::Shape shape;
    kernels.measure(query.vector.data(), dimension, &shape);
    kernels.quantize(query.vector.data(), dimension, 127 / shape.magnitude_max, query.code.data());
    kernels.fill_tables(query.vector.data(), dimension,
                        chroma::simd::kTableMax / shape.group_range_max, query.entries.data());
    benchmark::ClobberMemory();
  }
}

void Encode(benchmark::State& state, const CodeKernels& kernels, size_t dimension) {
  const Pieces rows(dimension, dimension);
  const std::vector<float> center = Floats(dimension);
  std::vector<uint8_t> codes(dimension * 4);
  CodeKernels::ResidualSums sums;
  size_t lane = 0;
  for (auto _ : state) {
    kernels.encode_residual(reinterpret_cast<const int8_t*>(rows.order[0]), 0.02F, center.data(),
                            dimension, lane, codes.data(), &sums);
    benchmark::ClobberMemory();
    lane = (lane + 1) % kCodeLanes;
  }
}

void Hadamard(benchmark::State& state, const CodeKernels& kernels, size_t n) {
  std::vector<float> values(n);  // zeros stay so, others would grow without end
  for (auto _ : state) {
    kernels.hadamard(values.data(), n);
    benchmark::ClobberMemory();
  }
}

void Register(const CodeKernels& kernels) {
  using benchmark::RegisterBenchmark;
  using benchmark::State;
  const auto name = [&](const char* what, const char* where, size_t dimension) {
    return fmt::format("{}/{}/{}{}", what, kernels.name, where, dimension);
  };
  for (const size_t dimension : {384, 768, 1024, 1536}) {
    for (const size_t bytes : {kCacheBytes, kMemoryBytes}) {
      const char* const where = bytes == kCacheBytes ? "cache/" : "memory/";
      const auto add = [&](const char* what, auto run) {
        RegisterBenchmark(name(what, where, dimension).c_str(),
                          [=, &kernels](State& state) { run(state, kernels, dimension, bytes); });
      };
      add("estimate", Estimate);
      add("dot_i8", Dot);
      add("dot_u4", DotPlanes<4>);
      add("dot_u2", DotPlanes<2>);
      add("dot_i8_block", DotBlock);
    }
    RegisterBenchmark(name("prepare_query", "", dimension).c_str(),
                      [=, &kernels](State& state) { PrepareQuery(state, kernels, dimension); });
    RegisterBenchmark(name("encode_residual", "", dimension).c_str(),
                      [=, &kernels](State& state) { Encode(state, kernels, dimension); });
  }
  for (const size_t n : {256, 512, 1024}) {
    RegisterBenchmark(name("hadamard", "", n).c_str(),
                      [=, &kernels](State& state) { Hadamard(state, kernels, n); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (size_t i = 0; const CodeKernels* kernels = chroma::simd::AvailableCodeKernels(i); ++i) {
    Register(*kernels);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
