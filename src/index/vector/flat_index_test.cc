#include "index/vector/flat_index.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace chroma::index {
namespace {

using model::Space;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Space kSpaces[] = {Space::kL2, Space::kCosine, Space::kInnerProduct};

// Distances in double, straight from rest-api.md §10.
double Oracle(Space space, const float* a, const float* b, size_t dimension) {
  double l2 = 0, dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < dimension; ++i) {
    const double x = a[i], y = b[i];
    l2 += (x - y) * (x - y);
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  switch (space) {
    case Space::kL2:
      return l2;
    case Space::kInnerProduct:
      return 1 - dot;
    case Space::kCosine:
      return aa == 0 || bb == 0 ? 1 : 1 - dot / std::sqrt(aa) / std::sqrt(bb);
  }
  return 0;
}

std::vector<Candidate> Search(const VectorSource& source, const SearchRequest& request) {
  std::vector<Candidate> out;
  EXPECT_TRUE(FlatIndex().Search(source, request, &out).ok());
  return out;
}

std::vector<uint32_t> Rows(const std::vector<Candidate>& found) {
  std::vector<uint32_t> rows;
  for (const Candidate& candidate : found) rows.push_back(candidate.row);
  return rows;
}

struct Matrix {
  Matrix(uint32_t n, uint32_t dimension, uint32_t seed) : floats(size_t{n} * dimension) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& x : floats) x = normal(random);
    source.rows = floats.data();
    source.stride = source.dimension = dimension;
    source.n = n;
  }
  const float* Row(uint32_t row) const { return source.rows + row * source.stride; }

  std::vector<float> floats;
  VectorSource source;
};

// Every allowed row, by the distances that one-row calls give, sorted and cut.
std::vector<Candidate> Reference(const Matrix& m, const SearchRequest& request) {
  std::vector<Candidate> all;
  for (uint32_t row = 0; row < m.source.n; ++row) {
    if (request.allowed != nullptr && !request.allowed->Contains(row)) continue;
    if (m.source.row_pointers != nullptr && m.source.row_pointers[row] == nullptr) continue;
    const auto distance =
        static_cast<float>(Oracle(request.space, request.query, m.Row(row), m.source.dimension));
    if (distance <= request.bound) all.push_back({distance, row});
  }
  std::sort(all.begin(), all.end());
  if (all.size() > request.k) all.resize(request.k);
  return all;
}

// Same distances; same rows unless float32 cannot tell their distances apart.
void ExpectSame(const std::vector<Candidate>& want, const std::vector<Candidate>& got) {
  ASSERT_EQ(want.size(), got.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(want[i].distance, got[i].distance, 2e-5 * (1 + std::fabs(want[i].distance)));
    if (i > 0) {
      EXPECT_TRUE(got[i - 1] < got[i]);
    }
  }
}

TEST(FlatIndexTest, AgreesWithTheOracleOnRandomRequests) {
  constexpr uint32_t kSeed = 77;
  std::mt19937 random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int round = 0; round < 60; ++round) {
    const uint32_t n = random() % 3000, dimension = random() % 40;
    Matrix m(n, dimension, random());
    std::vector<const float*> pointers;
    if (round % 3 == 0) {
      for (uint32_t row = 0; row < n; ++row) {
        pointers.push_back(random() % 10 == 0 ? nullptr : m.Row(row));
      }
      m.source.row_pointers = pointers.data();
    }
    Bitmap allowed;
    const uint32_t run = 1 + random() % 40;
    for (uint32_t row = random() % 50; row < n + 100; row += random() % (2 * run + 1) + 1) {
      const uint32_t length = random() % run + 1;
      allowed.AddRange(row, row + length);
      row += length;
    }
    std::vector<float> query(dimension);
    for (float& x : query) x = static_cast<float>(random() % 2000) / 1000 - 1;
    for (Space space : kSpaces) {
      SearchRequest request;
      request.query = query.data();
      request.space = space;
      request.k = random() % 50;
      if (round % 2 == 0) request.allowed = &allowed;
      ExpectSame(Reference(m, request), Search(m.source, request));
      if (HasFailure()) return;
    }
  }
}

TEST(FlatIndexTest, GivenNormsChangeNothing) {
  Matrix m(500, 33, 3);
  std::fill_n(m.floats.begin() + 33 * 7, 33, 0.0F);
  SearchRequest request;
  request.query = m.Row(3);
  request.space = Space::kCosine;
  request.k = 500;
  const std::vector<Candidate> computed = Search(m.source, request);
  std::vector<float> norms;
  for (uint32_t row = 0; row < 500; ++row) norms.push_back(InverseNorm(m.Row(row), 33));
  m.source.inverse_norms = norms.data();
  ExpectSame(computed, Search(m.source, request));
  EXPECT_EQ(3U, computed.front().row);
  EXPECT_NEAR(0.0, computed.front().distance, 1e-6);
}

TEST(FlatIndexTest, TiesGoToTheLowerRow) {
  Matrix m(2000, 4, 1);
  std::fill(m.floats.begin(), m.floats.end(), 1.0F);
  SearchRequest request;
  request.query = m.Row(0);
  request.k = 3;
  EXPECT_EQ((std::vector<uint32_t>{0, 1, 2}), Rows(Search(m.source, request)));
  request.bound = 0;  // rows at the bound still enter
  EXPECT_EQ((std::vector<uint32_t>{0, 1, 2}), Rows(Search(m.source, request)));
  request.bound = -1;
  EXPECT_TRUE(Search(m.source, request).empty());
}

TEST(FlatIndexTest, ReturnsEveryRowWhenThereAreFewerThanK) {
  Matrix m(5, 3, 1);
  SearchRequest request;
  request.query = m.Row(0);
  request.k = 100;
  EXPECT_EQ(5U, Search(m.source, request).size());
  Bitmap allowed = Bitmap::Range(3, 4000000000U);
  request.allowed = &allowed;
  EXPECT_EQ(2U, Search(m.source, request).size());
  allowed = Bitmap();
  EXPECT_TRUE(Search(m.source, request).empty());
  request.allowed = nullptr;
  request.k = 0;
  EXPECT_TRUE(Search(m.source, request).empty());
}

TEST(FlatIndexTest, NanIsFarthestAndStillReturned) {
  Matrix m(4, 2, 1);
  m.floats = {kInfinity, 0, 1, 1, NAN, 0, 2, 2};
  m.source.rows = m.floats.data();
  const float query[] = {kInfinity, 1};
  SearchRequest request;
  request.query = query;
  request.k = 4;
  for (Space space : kSpaces) {
    request.space = space;
    const std::vector<Candidate> found = Search(m.source, request);
    ASSERT_EQ(4U, found.size());
    for (const Candidate& candidate : found) EXPECT_FALSE(std::isnan(candidate.distance));
    EXPECT_EQ(kInfinity, found.back().distance);
  }
}

TEST(FlatIndexTest, ZeroVectorsAreAtCosineDistanceOne) {
  Matrix m(3, 2, 1);
  m.floats = {0, 0, 3, 4, -1, 0};
  m.source.rows = m.floats.data();
  const float zero[] = {0, 0};
  SearchRequest request;
  request.query = zero;
  request.space = Space::kCosine;
  request.k = 3;
  for (const Candidate& candidate : Search(m.source, request)) EXPECT_EQ(1.0F, candidate.distance);
  const float query[] = {1, 0};
  request.query = query;
  const std::vector<Candidate> found = Search(m.source, request);
  EXPECT_EQ((std::vector<uint32_t>{1, 0, 2}), Rows(found));
  EXPECT_FLOAT_EQ(0.4F, found[0].distance);
  EXPECT_EQ(1.0F, found[1].distance);
  EXPECT_EQ(2.0F, found[2].distance);
}

// Cosine does not depend on length, so squares that overflow or vanish must not show.
TEST(FlatIndexTest, CosineOfVeryLongAndVeryShortVectors) {
  Matrix m(3, 2, 1);
  m.floats = {3e30F, 4e30F, 3e-30F, 4e-30F, -3e-40F, -4e-40F};
  m.source.rows = m.floats.data();
  for (float scale : {1e-25F, 1.0F, 1e25F}) {
    const float query[] = {3 * scale, 4 * scale};
    SearchRequest request;
    request.query = query;
    request.space = Space::kCosine;
    request.k = 3;
    const std::vector<Candidate> found = Search(m.source, request);
    ASSERT_EQ(3U, found.size());
    EXPECT_NEAR(0.0F, found[0].distance, 1e-5) << scale;
    EXPECT_NEAR(0.0F, found[1].distance, 1e-5) << scale;
    EXPECT_NEAR(2.0F, found[2].distance, 1e-4) << scale;
    EXPECT_EQ(2U, found[2].row);
  }
}

TEST(FlatIndexTest, ChecksEveryFewThousandRowsAndStops) {
  Matrix m(20000, 2, 1);
  int calls = 0;
  SearchRequest request;
  request.query = m.Row(0);
  request.k = 1;
  request.check = [&] { return ++calls == 3 ? Status::Cancelled("stopped") : Status::Ok(); };
  std::vector<Candidate> out;
  EXPECT_EQ(StatusCode::kCancelled, FlatIndex().Search(m.source, request, &out).code());
  EXPECT_EQ(3, calls);
  EXPECT_TRUE(out.empty());
  Bitmap every_second;
  for (uint32_t row = 0; row < 20000; row += 2) every_second.Add(row);
  request.allowed = &every_second;
  calls = 0;
  request.check = [&] {
    ++calls;
    return Status::Ok();
  };
  EXPECT_TRUE(FlatIndex().Search(m.source, request, &out).ok());
  EXPECT_EQ(2, calls);
}

TEST(FlatIndexTest, AppendsToWhatIsThere) {
  Matrix m(2, 2, 1);
  SearchRequest request;
  request.query = m.Row(0);
  request.k = 2;
  std::vector<Candidate> out = {{-9, 9}};
  ASSERT_TRUE(FlatIndex().Search(m.source, request, &out).ok());
  EXPECT_EQ((std::vector<uint32_t>{9, 0, 1}), Rows(out));
}

TEST(DistancesTest, AgreeWithTheScanAndSkipNullRows) {
  Matrix m(1500, 17, 9);
  std::vector<const float*> pointers;
  for (uint32_t row = 0; row < 1500; ++row) {
    pointers.push_back(row % 7 == 3 ? nullptr : m.Row(row));
  }
  for (Space space : kSpaces) {
    std::vector<float> distances(1500);
    Distances(space, m.Row(1), pointers.data(), 1500, 17, distances.data());
    for (uint32_t row = 0; row < 1500; ++row) {
      if (pointers[row] == nullptr) {
        EXPECT_EQ(kInfinity, distances[row]);
      } else {
        EXPECT_NEAR(Oracle(space, m.Row(1), m.Row(row), 17), distances[row], 1e-4);
        EXPECT_NEAR(Distance(space, m.Row(1), m.Row(row), 17), distances[row], 1e-4);
      }
    }
  }
}

}  // namespace
}  // namespace chroma::index
