#include "bench/matrix.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>

namespace chroma::bench {
namespace {

float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const int exponent = half >> 10 & 31;
  const float fraction = static_cast<float>(half & 1023) / 1024;
  float value = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits |= sign;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

Matrix LoadNpy(const char* path) {
  std::ifstream file(path, std::ios::binary);
  char magic[10];
  if (!file.read(magic, sizeof magic)) std::exit((fmt::print("cannot read {}\n", path), 2));
  std::string header(static_cast<uint8_t>(magic[8]) | static_cast<uint8_t>(magic[9]) << 8, ' ');
  file.read(header.data(), static_cast<std::streamsize>(header.size()));
  Matrix rows;
  const size_t shape = header.find("'shape': (") + 10;
  std::sscanf(header.c_str() + shape, "%zu, %zu", &rows.n, &rows.dimension);
  rows.values.resize(rows.n * rows.dimension);
  if (header.find("<f2") != std::string::npos) {
    std::vector<uint16_t> halves(rows.values.size());
    file.read(reinterpret_cast<char*>(halves.data()),
              static_cast<std::streamsize>(halves.size() * 2));
    std::transform(halves.begin(), halves.end(), rows.values.begin(), FromHalf);
  } else {
    file.read(reinterpret_cast<char*>(rows.values.data()),
              static_cast<std::streamsize>(rows.values.size() * sizeof(float)));
  }
  return rows;
}

Matrix Clustered(size_t dimension, size_t n) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const size_t clusters = std::max<size_t>(n / 500, 1);
  std::vector<float> centers(clusters * dimension);
  for (float& value : centers) value = normal(random);
  Matrix rows{std::vector<float>(n * dimension), n, dimension};
  for (size_t i = 0; i < n; ++i) {
    const float* center = centers.data() + random() % clusters * dimension;
    for (size_t d = 0; d < dimension; ++d) {
      rows.values[i * dimension + d] = center[d] + normal(random);
    }
  }
  return rows;
}

double Seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace chroma::bench
