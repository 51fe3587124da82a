// Rows for benchmarks: from files of numpy, or made.
#pragma once

#include <time.h>

#include <cstddef>
#include <vector>

namespace chroma::bench {

struct Matrix {
  std::vector<float> values;
  size_t n = 0;
  size_t dimension = 0;
  const float* at(size_t i) const { return values.data() + i * dimension; }
};

// The format of numpy.save, version 1, for two-dimensional arrays of float16 or float32 in C order.
// Exits when the file cannot be read.
Matrix LoadNpy(const char* path);
// 500 rows around each of random centres.
Matrix Clustered(size_t dimension, size_t n);

double Seconds(clockid_t clock);

}  // namespace chroma::bench
