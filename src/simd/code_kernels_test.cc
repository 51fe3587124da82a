#include "simd/code_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "simd/kernels.h"

namespace chroma::simd {
namespace {

constexpr uint32_t kSeed = 20250317;

std::vector<std::string> Available() {
  std::vector<std::string> all;
  for (size_t i = 0; const CodeKernels* kernels = AvailableCodeKernels(i); ++i) {
    all.emplace_back(kernels->name);
  }
  return all;
}

// Exactly as long as needed and at any address, so that a sanitizer sees one element too many.
template <typename T>
class Unaligned {
 public:
  Unaligned(size_t size, size_t offset) : bytes_(offset % 64 + size * sizeof(T)), size_(size) {
    start_ = bytes_.data() + offset % 64;
  }
  T* get() { return reinterpret_cast<T*>(start_); }
  T& operator[](size_t i) { return get()[i]; }
  T* begin() { return get(); }
  T* end() { return get() + size_; }

 private:
  std::vector<char> bytes_;
  size_t size_;
  char* start_;
};

// By name, which ctest shows.
class CodeKernelsTest : public testing::TestWithParam<std::string> {
 protected:
  CodeKernelsTest() {
    for (size_t i = 0; const CodeKernels* kernels = AvailableCodeKernels(i); ++i) {
      if (GetParam() == kernels->name) kernels_ = kernels;
    }
  }

  int8_t Component() { return static_cast<int8_t>(static_cast<int>(random_() % 255) - 127); }
  float Normal() { return normal_(random_); }
  size_t Offset() { return random_() % 64; }
  size_t FloatOffset() { return random_() % 16 * sizeof(float); }

  // Every dimension that a table must take, and each above 4096 where 16-bit sums end.
  template <typename Check>
  void ForEachDimension(Check check) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + " kernels " + GetParam());
    for (size_t dimension = 64; dimension <= 4096 && !HasFailure(); dimension += 64) {
      check(dimension);
    }
    for (const size_t dimension : {4160, 8192, 12352}) {
      if (!HasFailure()) check(dimension);
    }
  }

  static float Tolerance(size_t terms, double magnitude) {
    return static_cast<float>(magnitude * static_cast<double>(terms + 8) * 3.0e-8 + 1e-38);
  }

  const CodeKernels* kernels_ = nullptr;
  std::mt19937 random_{kSeed};
  std::normal_distribution<float> normal_;
};

TEST_P(CodeKernelsTest, DotsAreExact) {
  ForEachDimension([&](size_t dimension) {
    for (const int extreme : {0, 127, -127, 1}) {
      Unaligned<int8_t> a(dimension, Offset());
      Unaligned<int8_t> b(dimension, Offset());
      int32_t want = 0;
      for (size_t i = 0; i < dimension; ++i) {
        // 1 stands for random ones; else the extreme and its negative, or all the same sign.
        a[i] = extreme == 1 ? Component() : static_cast<int8_t>(extreme);
        b[i] = extreme == 1 ? Component() : static_cast<int8_t>(i % 3 == 0 ? -extreme : extreme);
        want += a[i] * b[i];
      }
      EXPECT_EQ(want, kernels_->dot_i8(a.get(), b.get(), dimension)) << dimension;
      EXPECT_EQ(dimension * 127 * 127, [&] {
        std::fill(a.begin(), a.end(), static_cast<int8_t>(extreme < 0 ? -127 : 127));
        return static_cast<size_t>(kernels_->dot_i8(a.get(), a.get(), dimension));
      }());
    }
  });
}

// Number `d` of a plane that holds `bits` of each.
void Put(size_t bits, size_t d, int number, uint8_t* plane) {
  const size_t chunk = 8 * bits;
  uint8_t& byte = plane[d / 64 * chunk + d % chunk];
  byte = static_cast<uint8_t>(byte | number << (d % 64 / chunk * bits));
}

TEST_P(CodeKernelsTest, DotsOfPlanesAreExact) {
  ForEachDimension([&](size_t dimension) {
    for (const size_t bits : {4, 2}) {
      const int highest = (1 << bits) - 1;
      const size_t n = random_() % 14;
      Unaligned<int8_t> query(dimension, Offset());
      const bool extreme = random_() % 4 == 0;
      std::generate(query.begin(), query.end(),
                    [&] { return extreme ? int8_t{-127} : Component(); });
      std::vector<Unaligned<uint8_t>> planes;
      planes.reserve(n);
      std::vector<const uint8_t*> pointers;
      std::vector<int32_t> want;
      for (size_t i = 0; i < n; ++i) {
        Unaligned<uint8_t>& plane = planes.emplace_back(dimension * bits / 8, Offset());
        int32_t sum = 0;
        for (size_t d = 0; d < dimension; ++d) {
          const int number = i == 3 ? highest : static_cast<int>(random_()) & highest;
          Put(bits, d, number, plane.get());
          sum += query[d] * number;
        }
        want.push_back(sum);
        pointers.push_back(plane.get());
      }
      want.push_back(-1);  // the last stays as it is
      std::vector<int32_t> got(n + 1, -1);
      (bits == 4 ? kernels_->dot_u4 : kernels_->dot_u2)(query.get(), pointers.data(), n, dimension,
                                                        got.data());
      EXPECT_EQ(want, got) << dimension << " of " << bits << " bits";
    }
  });
}

TEST_P(CodeKernelsTest, PlanesJoinToTheCodesThatTheyWereCutFrom) {
  ForEachDimension([&](size_t dimension) {
    Unaligned<uint8_t> high(dimension / 2, Offset());
    Unaligned<uint8_t> low(dimension / 4, Offset());
    std::vector<int8_t> want(dimension);
    for (size_t d = 0; d < dimension; ++d) {
      const int raised = static_cast<int>(d < 64 ? d : random_() % 64);
      want[d] = static_cast<int8_t>(raised - 32);
      Put(4, d, raised >> 2, high.get());
      Put(2, d, raised & 3, low.get());
    }
    Unaligned<int8_t> got(dimension, Offset());
    kernels_->join_i6(high.get(), low.get(), dimension, got.get());
    EXPECT_TRUE(std::equal(want.begin(), want.end(), got.begin())) << dimension;
  });
}

TEST_P(CodeKernelsTest, BlocksCompareEachWithEach) {
  ForEachDimension([&](size_t dimension) {
    std::vector<Unaligned<int8_t>> rows;
    std::vector<const int8_t*> pointers;
    const size_t n_a = random_() % 10, n_b = random_() % 10;
    rows.reserve(n_a + n_b);
    for (size_t i = 0; i < n_a + n_b; ++i) {
      Unaligned<int8_t>& row = rows.emplace_back(dimension, Offset());
      std::generate(row.begin(), row.end(),
                    [&] { return i % 5 == 3 ? int8_t{-127} : Component(); });
      pointers.push_back(row.get());
    }
    std::vector<int32_t> got(n_a * n_b + 1, -1);  // the last stays as it is
    kernels_->dot_i8_block(pointers.data(), n_a, pointers.data() + n_a, n_b, dimension, got.data());
    for (size_t i = 0; i < n_a; ++i) {
      for (size_t j = 0; j < n_b; ++j) {
        EXPECT_EQ(kScalarCodeKernels.dot_i8(pointers[i], pointers[n_a + j], dimension),
                  got[i * n_b + j])
            << dimension << ": " << i << ", " << j;
      }
    }
    EXPECT_EQ(-1, got.back());
  });
}

TEST_P(CodeKernelsTest, EstimateAddsTheChosenEntriesExactly) {
  ForEachDimension([&](size_t dimension) {
    for (const bool highest : {false, true}) {
      Unaligned<uint8_t> codes(dimension * 4, Offset());
      Unaligned<uint8_t> entries(dimension * 4, Offset());
      std::generate(codes.begin(), codes.end(), [&] { return static_cast<uint8_t>(random_()); });
      std::generate(entries.begin(), entries.end(), [&] {
        return highest ? kTableMax : static_cast<uint8_t>(random_() % (kTableMax + 1));
      });
      Unaligned<float> offsets(kCodeLanes, FloatOffset());
      Unaligned<float> factors(kCodeLanes, FloatOffset());
      std::fill(factors.begin(), factors.end(), 1.0F);
      Unaligned<float> got(kCodeLanes, FloatOffset());
      // The sums themselves: whole numbers below 2^24.
      const auto bound = static_cast<float>(dimension / 4 * kTableMax / 2);
      const uint32_t mask = kernels_->estimate(codes.get(), {entries.get(), 1, 0}, dimension,
                                               offsets.get(), factors.get(), 0, bound, got.get());
      for (size_t j = 0; j < kCodeLanes; ++j) {
        uint32_t sum = 0;
        for (size_t g = 0; g < dimension / 4; ++g) {
          sum += entries[g * 16 + (codes[g * 16 + j % 16] >> (j / 16 * 4) & 15)];
        }
        EXPECT_EQ(static_cast<float>(sum), got[j]) << dimension << " neighbour " << j;
        EXPECT_EQ(got[j] < bound, (mask >> j & 1) != 0) << dimension << " neighbour " << j;
      }
    }
  });
}

TEST_P(CodeKernelsTest, EstimateAppliesScalesAndBound) {
  ForEachDimension([&](size_t dimension) {
    std::vector<uint8_t> codes(dimension * 4), entries(dimension * 4);
    for (uint8_t& x : codes) x = static_cast<uint8_t>(random_());
    for (uint8_t& x : entries) x = static_cast<uint8_t>(random_() % (kTableMax + 1));
    const float root = std::sqrt(static_cast<float>(dimension));
    const CodeTables tables{entries.data(), 0.01F, -0.3F * root};
    std::vector<float> offsets(kCodeLanes), factors(kCodeLanes), want(kCodeLanes), got(kCodeLanes);
    for (float& x : offsets) x = Normal();
    for (float& x : factors) x = -std::fabs(Normal()) / root;
    // An empty place among the neighbours never passes.
    offsets[5] = std::numeric_limits<float>::infinity();
    const float base = 1.5F;
    kScalarCodeKernels.estimate(codes.data(), tables, dimension, offsets.data(), factors.data(),
                                base, 0, want.data());
    for (const float bound : {0.0F, std::numeric_limits<float>::infinity(), want[7]}) {
      const uint32_t mask = kernels_->estimate(codes.data(), tables, dimension, offsets.data(),
                                               factors.data(), base, bound, got.data());
      for (size_t j = 0; j < kCodeLanes; ++j) {
        if (j == 5) {
          EXPECT_EQ(want[j], got[j]);
        } else {
          EXPECT_NEAR(want[j], got[j], 1e-6F * static_cast<float>(dimension));
        }
        EXPECT_EQ(got[j] < bound, (mask >> j & 1) != 0) << dimension << " neighbour " << j;
      }
    }
  });
}

TEST_P(CodeKernelsTest, TablesAreTheSameBitForBit) {
  ForEachDimension([&](size_t dimension) {
    Unaligned<float> query(dimension, FloatOffset());
    // Zeros of both signs, ties, and magnitudes that leave every range.
    const float specials[] = {0.0F, -0.0F, 0.5F, -1.5F, 1e-42F, 3e9F, -3e9F, 3e38F};
    for (size_t i = 0; i < dimension; ++i) {
      query[i] = i % 17 == 0 && dimension % 128 == 0 ? specials[random_() % std::size(specials)]
                                                     : Normal();
    }
    for (const float inverse_scale : {1.0F, kTableMax / 9.0F, 1e-30F, 1e6F}) {
      Unaligned<uint8_t> want(dimension * 4, Offset());
      Unaligned<uint8_t> got(dimension * 4, Offset());
      kScalarCodeKernels.fill_tables(query.get(), dimension, inverse_scale, want.get());
      kernels_->fill_tables(query.get(), dimension, inverse_scale, got.get());
      EXPECT_EQ(0, std::memcmp(want.get(), got.get(), dimension * 4)) << dimension;
      EXPECT_LE(*std::max_element(got.begin(), got.end()), kTableMax);
    }
  });
}

TEST_P(CodeKernelsTest, MeasuresAsScalar) {
  ForEachDimension([&](size_t dimension) {
    Unaligned<float> vector(dimension, FloatOffset());
    for (float& x : vector) x = dimension == 640 ? 0.0F : Normal();
    CodeKernels::Shape want;
    CodeKernels::Shape got;
    kScalarCodeKernels.measure(vector.get(), dimension, &want);
    kernels_->measure(vector.get(), dimension, &got);
    double magnitudes = 0;
    for (const float x : vector) magnitudes += std::fabs(x);
    EXPECT_EQ(want.magnitude_max, got.magnitude_max);
    EXPECT_NEAR(want.group_range_max, got.group_range_max, 1e-6 * want.group_range_max);
    EXPECT_NEAR(want.squared_norm, got.squared_norm, Tolerance(dimension, want.squared_norm));
    EXPECT_NEAR(want.sum, got.sum, Tolerance(dimension, magnitudes));
    EXPECT_NEAR(want.negative_sum, got.negative_sum, Tolerance(dimension, magnitudes));
  });
}

TEST_P(CodeKernelsTest, QuantizesTiesAndExtremesAlike) {
  ForEachDimension([&](size_t dimension) {
    Unaligned<float> vector(dimension, FloatOffset());
    for (size_t i = 0; i < dimension; ++i) {
      const float specials[] = {static_cast<float>(i % 300) - 149.5F, 1e30F, -1e30F, -0.0F, 1e-42F};
      vector[i] = i % 3 == 0 ? 60 * Normal() : specials[random_() % std::size(specials)];
    }
    for (const float inverse_scale : {1.0F, 0.37F, 1e12F}) {
      Unaligned<int8_t> want(dimension, Offset());
      Unaligned<int8_t> got(dimension, Offset());
      kScalarCodeKernels.quantize(vector.get(), dimension, inverse_scale, want.get());
      kernels_->quantize(vector.get(), dimension, inverse_scale, got.get());
      EXPECT_TRUE(std::equal(want.begin(), want.end(), got.begin())) << dimension;
      EXPECT_GE(*std::min_element(got.begin(), got.end()), -127);
    }
  });
}

TEST_P(CodeKernelsTest, EncodesEveryLaneAlone) {
  ForEachDimension([&](size_t dimension) {
    Unaligned<uint8_t> want(dimension * 4, Offset());
    Unaligned<uint8_t> got(dimension * 4, Offset());
    Unaligned<int8_t> row(dimension, Offset());
    Unaligned<float> center(dimension, FloatOffset());
    for (size_t lane = 0; lane<kCodeLanes; lane += dimension> 512 ? 5 : 1) {
      const float scale = lane == 2 ? 0.0F : std::fabs(Normal()) / 127;
      for (size_t i = 0; i < dimension; ++i) {
        row[i] = lane == 3 ? int8_t{-127} : Component();
        // Some residuals are zero, or are so but for the rounding of the product.
        center[i] = i % 5 == 0 ? static_cast<float>(row[i]) * scale : Normal();
      }
      CodeKernels::ResidualSums want_sums;
      CodeKernels::ResidualSums got_sums;
      kScalarCodeKernels.encode_residual(row.get(), scale, center.get(), dimension, lane,
                                         want.get(), &want_sums);
      kernels_->encode_residual(row.get(), scale, center.get(), dimension, lane, got.get(),
                                &got_sums);
      EXPECT_TRUE(std::equal(want.begin(), want.end(), got.begin())) << dimension << " " << lane;
      double centers = 0;
      for (const float x : center) centers += std::fabs(x);
      EXPECT_NEAR(want_sums.squared_norm, got_sums.squared_norm,
                  Tolerance(dimension, want_sums.squared_norm));
      EXPECT_NEAR(want_sums.magnitudes, got_sums.magnitudes,
                  Tolerance(dimension, want_sums.magnitudes));
      EXPECT_NEAR(want_sums.center_signed, got_sums.center_signed, Tolerance(dimension, centers));
    }
  });
}

TEST_P(CodeKernelsTest, HadamardIsTheSameBitForBitAndItsOwnInverse) {
  for (size_t n = 8; n <= 16384; n *= 2) {
    Unaligned<float> values(n, FloatOffset());
    Unaligned<float> want(n, FloatOffset());
    for (size_t i = 0; i < n; ++i) values[i] = want[i] = Normal();
    kScalarCodeKernels.hadamard(want.get(), n);
    kernels_->hadamard(values.get(), n);
    EXPECT_TRUE(std::equal(want.begin(), want.end(), values.begin())) << n;
    for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i % 31) - 15;
    kernels_->hadamard(values.get(), n);
    kernels_->hadamard(values.get(), n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ((static_cast<float>(i % 31) - 15) * static_cast<float>(n), values[i]) << n;
    }
  }
}

// All together: the estimate of Σ ±q_i over the signs of a residual.
TEST_P(CodeKernelsTest, TablesAndCodesGiveTheSignedSum) {
  ForEachDimension([&](size_t dimension) {
    std::vector<int8_t> row(dimension);
    std::vector<float> query(dimension), center(dimension);
    for (int8_t& x : row) x = Component();
    for (float& x : query) x = Normal();
    for (float& x : center) x = Normal();
    CodeKernels::Shape shape;
    kernels_->measure(query.data(), dimension, &shape);
    std::vector<uint8_t> entries(dimension * 4), codes(dimension * 4);
    const float step = shape.group_range_max / kTableMax;
    kernels_->fill_tables(query.data(), dimension, 1 / step, entries.data());
    CodeKernels::ResidualSums sums;
    kernels_->encode_residual(row.data(), 0.02F, center.data(), dimension, 21, codes.data(), &sums);
    double want = 0;
    for (size_t i = 0; i < dimension; ++i) {
      want += row[i] * double{0.02F} > center[i] ? query[i] : -query[i];
    }
    const std::vector<float> zeros(kCodeLanes, 0), ones(kCodeLanes, 1);
    std::vector<float> got(kCodeLanes);
    kernels_->estimate(codes.data(), {entries.data(), 2 * step, 2 * shape.negative_sum - shape.sum},
                       dimension, zeros.data(), ones.data(), 0, 0, got.data());
    // The rounding of an entry is uniform within half a step: six standard deviations.
    const double deviation = step / std::sqrt(12.0) * std::sqrt(static_cast<double>(dimension) / 4);
    EXPECT_NEAR(want, got[21], 2 * 6 * deviation) << dimension;
  });
}

// Instruction sets that this processor lacks cannot run here; their absence is printed.
INSTANTIATE_TEST_SUITE_P(Available, CodeKernelsTest, testing::ValuesIn(Available()),
                         [](const auto& p) { return p.param; });

TEST(ActiveCodeKernelsTest, FollowsTheChoiceOfKernels) {
  const std::vector<std::string> available = Available();
  std::string names;
  for (const std::string& name : available) names += " " + name;
  std::cout << "available code kernels:" << names << '\n';
  EXPECT_EQ("scalar", available.back());
  EXPECT_EQ(nullptr, AvailableCodeKernels(available.size()));
  // AVX-512 without VNNI has no table of its own here.
  const std::string wanted = ActiveKernels().name;
  const bool exists = std::count(available.begin(), available.end(), wanted) > 0;
  EXPECT_EQ(exists ? wanted : available.front(), ActiveCodeKernels().name);
}

}  // namespace
}  // namespace chroma::simd
