// How close the exact scan comes to reading memory: GB/s of FlatIndex::Search (k = 10) over
// about 400 MB of rows, against a plain loop that reads and adds the same memory, in the same
// run. Prints medians over several rounds, the measurements interleaved so that noise on the
// machine hits both alike.
//
//   scan_bench [megabytes] [rounds]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "index/vector/flat_index.h"
#include "simd/kernels.h"

namespace {

using chroma::model::Space;

float ReadAll(const float* p, size_t n) {
#if defined(__AVX2__)
  __m256 sums[8];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (size_t i = 0; i + 64 <= n; i += 64) {
    for (size_t j = 0; j < 8; ++j) {
      sums[j] = _mm256_add_ps(sums[j], _mm256_loadu_ps(p + i + 8 * j));
    }
  }
  float total = 0;
  for (const __m256& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
#else
  float sums[64] = {};
  for (size_t i = 0; i + 64 <= n; i += 64) {
    for (size_t j = 0; j < 64; ++j) sums[j] += p[i + j];
  }
  return sums[0];
#endif
}

double Seconds(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Method {
  const char* name;
  std::function<void()> run;
  std::vector<double> seconds;
};

volatile float sink;

void Measure(const std::vector<float>& memory, uint32_t dimension, int rounds) {
  chroma::index::VectorSource source;
  source.rows = memory.data();
  source.stride = source.dimension = dimension;
  source.n = static_cast<uint32_t>(memory.size() / dimension);
  const std::vector<float> inverse_norms(source.n, 1.0F);
  const std::vector<float> query(memory.begin(), memory.begin() + dimension);
  const chroma::index::FlatIndex index;
  const auto search = [&](Space space, const float* norms) {
    chroma::index::VectorSource with_norms = source;
    with_norms.inverse_norms = norms;
    chroma::index::SearchRequest request;
    request.query = query.data();
    request.space = space;
    request.k = 10;
    std::vector<chroma::index::Candidate> found;
    if (!index.Search(with_norms, request, &found).ok()) std::abort();
    sink = found.front().distance;
  };
  const size_t floats = static_cast<size_t>(source.n) * dimension;
  std::vector<Method> methods;
  methods.push_back({"read", [&] { sink = ReadAll(memory.data(), floats); }, {}});
  methods.push_back({"l2", [&] { search(Space::kL2, nullptr); }, {}});
  methods.push_back({"ip", [&] { search(Space::kInnerProduct, nullptr); }, {}});
  methods.push_back({"cosine", [&] { search(Space::kCosine, nullptr); }, {}});
  methods.push_back(
      {"cosine, norms given", [&] { search(Space::kCosine, inverse_norms.data()); }, {}});
  for (int round = 0; round < rounds; ++round) {
    for (Method& method : methods) method.seconds.push_back(Seconds(method.run));
  }
  const double gigabytes = static_cast<double>(floats) * sizeof(float) / 1e9;
  const double read = Median(methods[0].seconds);
  for (const Method& method : methods) {
    const double seconds = Median(method.seconds);
    fmt::print("{:5} dimensions  {:20} {:6.2f} GB/s  ratio to read {:.2f}\n", dimension,
               method.name, gigabytes / seconds, read / seconds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const size_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 11;
  std::vector<float> memory(megabytes * 1000000 / sizeof(float));
  uint32_t state = 1;
  for (float& x : memory) {
    state = state * 1664525 + 1013904223;
    x = static_cast<float>(state >> 8) * (2.0F / 16777216.0F) - 1.0F;
  }
  fmt::print("kernels {}, {} MB, {} rounds\n", chroma::simd::ActiveKernels().name, megabytes,
             rounds);
  for (uint32_t dimension : {384, 768, 1024, 1536}) Measure(memory, dimension, rounds);
  return 0;
}
