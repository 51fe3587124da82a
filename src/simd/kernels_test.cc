#include "simd/kernels.h"

#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace chroma::simd {
namespace {

constexpr uint32_t kSeed = 20240611;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::string> Available() {
  std::vector<std::string> all;
  for (size_t i = 0; const Kernels* kernels = AvailableKernels(i); ++i) {
    all.emplace_back(kernels->name);
  }
  return all;
}

std::vector<size_t> Dimensions() {
  std::vector<size_t> dimensions;
  for (size_t d = 0; d <= 130; ++d) dimensions.push_back(d);
  for (size_t d : {384, 768, 1024, 1536}) dimensions.push_back(d);
  return dimensions;
}

// Rounding of a float32 sum of n terms: at most n * 2^-24 of the sum of their magnitudes, in any
// order. Half of that is ample for blocked sums and still shows a missed or doubled term.
float Tolerance(size_t n, double magnitude) {
  return static_cast<float>(magnitude * static_cast<double>(n + 8) * 3.0e-8 + 1e-38);
}

double Magnitude(const float* a, const float* b, size_t n, bool l2) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const double term = l2 ? (a[i] - b[i]) * (a[i] - b[i]) : a[i] * b[i];
    sum += std::fabs(term);
  }
  return sum;
}

// Equal infinities, both NaN, or within the tolerance.
void ExpectClose(float want, float got, float tolerance, const std::string& what) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << what;
  } else if (std::isinf(want)) {
    EXPECT_EQ(want, got) << what;
  } else {
    EXPECT_NEAR(want, got, tolerance) << what;
  }
}

// By name, which ctest shows.
class KernelsTest : public testing::TestWithParam<std::string> {
 protected:
  const Kernels& kernels_ = *ChooseKernels(GetParam().c_str()).kernels;

  // `offset` floats into the buffer, so that rows start at any multiple of 4 bytes.
  void CompareAll(const std::vector<float>& query, const std::vector<float>& rows, size_t stride,
                  size_t n, size_t dimension, size_t offset) {
    const float* q = query.data() + offset;
    const float* r = rows.data() + offset;
    std::vector<const float*> pointers(n);
    for (size_t i = 0; i < n; ++i) pointers[i] = r + ((i * 7) % n) * stride;
    std::vector<float> many(n, -1), gathered(n, -1), dots(n, -1), norms(n, -1);
    std::vector<float> dots_gathered(n, -1), norms_gathered(n, -1), plain_dots(n, -1),
        plain_gathered(n, -1);
    kernels_.l2_many(q, r, stride, n, dimension, many.data());
    kernels_.l2_gather(q, pointers.data(), n, dimension, gathered.data());
    kernels_.dot_many(q, r, stride, n, dimension, plain_dots.data());
    kernels_.dot_gather(q, pointers.data(), n, dimension, plain_gathered.data());
    kernels_.dot_norm_many(q, r, stride, n, dimension, dots.data(), norms.data());
    kernels_.dot_norm_gather(q, pointers.data(), n, dimension, dots_gathered.data(),
                             norms_gathered.data());
    for (size_t i = 0; i < n; ++i) {
      const std::string where = std::string(kernels_.name) + " dimension " +
                                std::to_string(dimension) + " row " + std::to_string(i) +
                                " offset " + std::to_string(offset);
      Compare(q, r + i * stride, dimension, many[i], plain_dots[i], norms[i], where);
      ExpectClose(kScalarKernels.dot(q, r + i * stride, dimension), dots[i],
                  Tolerance(dimension, Magnitude(q, r + i * stride, dimension, false)), where);
      Compare(q, pointers[i], dimension, gathered[i], plain_gathered[i], norms_gathered[i], where);
      ExpectClose(kScalarKernels.dot(q, pointers[i], dimension), dots_gathered[i],
                  Tolerance(dimension, Magnitude(q, pointers[i], dimension, false)), where);
    }
    if (n > 0) {
      Compare(q, r, dimension, kernels_.l2(q, r, dimension), kernels_.dot(q, r, dimension),
              kernels_.squared_norm(r, dimension), std::string(kernels_.name) + " one to one");
    }
  }

  static void Compare(const float* q, const float* row, size_t dimension, float l2, float dot,
                      float norm, const std::string& where) {
    ExpectClose(kScalarKernels.l2(q, row, dimension), l2,
                Tolerance(dimension, Magnitude(q, row, dimension, true)), where + " l2");
    ExpectClose(kScalarKernels.dot(q, row, dimension), dot,
                Tolerance(dimension, Magnitude(q, row, dimension, false)), where + " dot");
    ExpectClose(kScalarKernels.squared_norm(row, dimension), norm,
                Tolerance(dimension, Magnitude(row, row, dimension, false)), where + " norm");
  }
};

TEST_P(KernelsTest, AgreesWithScalarAtEveryDimensionAndAlignment) {
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (size_t dimension : Dimensions()) {
    const size_t offset = dimension % 5;
    const size_t n = dimension % 11;  // below, at and above a group of rows
    const size_t stride = dimension + dimension % 3;
    // Exactly as long as needed, so that a sanitizer sees one float read too many.
    std::vector<float> query(offset + dimension), rows(offset + n * stride);
    for (float& x : query) x = normal(random);
    for (float& x : rows) x = normal(random);
    CompareAll(query, rows, stride, n, dimension, offset);
    if (HasFailure()) return;
  }
}

TEST_P(KernelsTest, CarriesInfinitiesNansAndDenormals) {
  std::mt19937 random(kSeed);
  const float specials[] = {0.0F,
                            -0.0F,
                            1e-42F,
                            -3e-40F,
                            1e-20F,
                            1e18F,
                            kInfinity,
                            -kInfinity,
                            std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::max()};
  for (size_t dimension : {1, 3, 8, 15, 16, 17, 31, 33, 64, 100}) {
    const size_t n = 9;
    std::vector<float> query(dimension, 0.5F), rows(n * dimension, 0.25F);
    // One special value a row: sums that hold several may overflow in one order only.
    for (size_t i = 0; i < n; ++i) {
      rows[i * dimension + random() % dimension] = specials[random() % std::size(specials)];
    }
    CompareAll(query, rows, dimension, n, dimension, 0);
    std::vector<float> tiny(dimension, 1e-42F);
    std::vector<float> zero(dimension, 0.0F);
    EXPECT_EQ(kScalarKernels.dot(query.data(), tiny.data(), dimension),
              kernels_.dot(query.data(), tiny.data(), dimension));
    EXPECT_EQ(0.0F, kernels_.l2(tiny.data(), zero.data(), dimension));
  }
}

TEST_P(KernelsTest, KnownValues) {
  EXPECT_EQ(GetParam(), kernels_.name);
  const float a[] = {1, 2, 3};
  const float b[] = {4, -5, 6};
  EXPECT_EQ(67.0F, kernels_.l2(a, b, 3));
  EXPECT_EQ(12.0F, kernels_.dot(a, b, 3));
  EXPECT_EQ(14.0F, kernels_.squared_norm(a, 3));
  EXPECT_EQ(0.0F, kernels_.l2(a, b, 0));
}

// Instruction sets that this processor lacks cannot run here; their absence is printed.
INSTANTIATE_TEST_SUITE_P(Available, KernelsTest, testing::ValuesIn(Available()),
                         [](const auto& p) { return p.param; });

TEST(ChooseKernelsTest, ListsWhatThisProcessorRuns) {
  std::string names;
  for (const std::string& name : Available()) names += " " + name;
  RecordProperty("available", names);
  std::cout << "available kernels:" << names << '\n';
  EXPECT_EQ("scalar", Available().back());
}

TEST(ChooseKernelsTest, FollowsTheEnvironmentOrSaysWhyNot) {
  const Kernels* best = AvailableKernels(0);
  EXPECT_EQ(best, ChooseKernels(nullptr).kernels);
  EXPECT_STREQ("", ChooseKernels(nullptr).note);
  EXPECT_EQ(best, ChooseKernels("").kernels);
  EXPECT_EQ(&kScalarKernels, ChooseKernels("scalar").kernels);
  EXPECT_STREQ("", ChooseKernels("scalar").note);
  EXPECT_EQ(best, ChooseKernels("sse9").kernels);
  EXPECT_NE(nullptr, std::strstr(ChooseKernels("sse9").note, "not one of"));
#if defined(__x86_64__)
  EXPECT_EQ(best, ChooseKernels("neon").kernels);
  EXPECT_NE(nullptr, std::strstr(ChooseKernels("neon").note, "lacks"));
#endif
  EXPECT_NE(nullptr, &ActiveKernels());
}

}  // namespace
}  // namespace chroma::simd
