#include "index/vector/sign_codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "index/vector/flat_index.h"

namespace chroma::index {
namespace {

using model::Space;

constexpr uint32_t kDimension = 96;
constexpr uint32_t kRows = 2 * SignCodes::kRowsMin;

// Rows in clusters, each of them with or without a vector.
class Rows final : public RowReader {
 public:
  explicit Rows(uint32_t n, uint32_t seed = 1) : random_(seed) {
    for (int i = 0; i < 30; ++i) centers_.push_back(Gaussian(1));
    for (uint32_t i = 0; i < n; ++i) rows_.push_back(Random());
  }
  std::vector<float> Gaussian(float deviation) {
    std::vector<float> row(kDimension);
    for (float& value : row) value = deviation * normal_(random_);
    return row;
  }
  std::vector<float> Random() {
    std::vector<float> row = centers_[random_() % centers_.size()];
    const std::vector<float> noise = Gaussian(.7F);
    for (uint32_t i = 0; i < kDimension; ++i) row[i] += noise[i];
    return row;
  }
  Result<const float*> Row(uint32_t row) const override {
    if (row == damaged) return Status::DataLoss("this row");
    return rows_[row].empty() ? nullptr : rows_[row].data();
  }
  std::vector<std::vector<float>>& rows() { return rows_; }
  VectorSource Source(uint32_t n) const {
    VectorSource source;
    source.reader = this;
    source.n = n;
    source.dimension = kDimension;
    return source;
  }
  std::vector<Candidate> Exact(SearchRequest request, uint32_t n) const {
    std::vector<const float*> pointers;
    for (uint32_t row = 0; row < n; ++row) {
      pointers.push_back(rows_[row].empty() ? nullptr : rows_[row].data());
    }
    VectorSource source;
    source.row_pointers = pointers.data();
    source.n = n;
    source.dimension = kDimension;
    std::vector<Candidate> found;
    EXPECT_TRUE(FlatIndex().Search(source, request, &found).ok());
    return found;
  }

  uint32_t damaged = UINT32_MAX;

 private:
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centers_;
  std::vector<std::vector<float>> rows_;
};

SearchRequest Request(Space space, const std::vector<float>& query, size_t k = 10) {
  SearchRequest request;
  request.space = space;
  request.query = query.data();
  request.k = k;
  return request;
}

std::vector<Candidate> Found(SignCodes& signs, const Rows& rows, const SearchRequest& request,
                             uint32_t n) {
  std::vector<Candidate> found;
  EXPECT_TRUE(signs.Search(rows.Source(n), request, &found).ok());
  return found;
}

class SignCodesTest : public testing::TestWithParam<Space> {
 protected:
  // Of the nearest rows, the share that is found; what is found is exact.
  double Recall(SignCodes& signs, Rows& rows, uint32_t n, const Bitmap* allowed = nullptr,
                size_t k = 10) {
    size_t hits = 0;
    size_t all = 0;
    for (int i = 0; i < 60; ++i) {
      const std::vector<float> query = rows.Random();
      SearchRequest request = Request(GetParam(), query, k);
      request.allowed = allowed;
      const std::vector<Candidate> exact = rows.Exact(request, n);
      const std::vector<Candidate> found = Found(signs, rows, request, n);
      EXPECT_EQ(found.size(), exact.size());
      EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
      for (const Candidate& one : found) {
        EXPECT_TRUE(allowed == nullptr || allowed->Contains(one.row));
        hits += std::find(exact.begin(), exact.end(), one) != exact.end() ? 1 : 0;
      }
      all += exact.size();
    }
    return static_cast<double>(hits) / static_cast<double>(all);
  }
};

TEST_P(SignCodesTest, FindsTheNearest) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  EXPECT_GE(Recall(signs, rows, kRows), .995);
  EXPECT_GE(Recall(signs, rows, kRows, nullptr, 200), .995);
  EXPECT_EQ(Recall(signs, rows, kRows, nullptr, kRows), 1);
  EXPECT_EQ(Recall(signs, rows, kRows, nullptr, kRows + 5), 1);
}

TEST_P(SignCodesTest, GrowsWithTheSearches) {
  Rows rows(kRows + 17);
  SignCodes signs(GetParam(), kDimension);
  // Until it has codes of all, and with fewer rows than it has codes of.
  for (const uint32_t n : {100U, SignCodes::kRowsMin, kRows + 17, kRows - 45, kRows + 17}) {
    EXPECT_GE(Recall(signs, rows, n), .995) << n;
  }
}

TEST_P(SignCodesTest, KeepsToTheFilter) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  Bitmap most = Bitmap::Range(0, kRows + 1000);
  Bitmap few;
  for (uint32_t row = 0; row < kRows; ++row) {
    if (row % 5 == 2) most.Remove(row);
    if (row % 500 == 2) few.Add(row);
  }
  EXPECT_GE(Recall(signs, rows, kRows, &most), .995);
  EXPECT_EQ(Recall(signs, rows, kRows, &few), 1);
  EXPECT_EQ(Recall(signs, rows, kRows, &few, 100), 1);
}

TEST_P(SignCodesTest, KeepsWithinTheBound) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  const std::vector<float> query = rows.Random();
  SearchRequest request = Request(GetParam(), query, 50);
  const std::vector<Candidate> all = rows.Exact(request, kRows);
  request.bound = all[7].distance;
  EXPECT_EQ(Found(signs, rows, request, kRows), rows.Exact(request, kRows));
}

TEST_P(SignCodesTest, LeavesOutRowsWithoutVectorsAndComparesStrangeOnes) {
  Rows rows(kRows);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (uint32_t row = 0; row < kRows; row += 7) rows.rows()[row].clear();
  for (uint32_t row = 1; row < kRows; row += 70) rows.rows()[row].assign(kDimension, 0);
  for (uint32_t row = 2; row < kRows; row += 700) rows.rows()[row].assign(kDimension, nan);
  for (uint32_t row = 3; row < kRows; row += 70) {
    for (float& value : rows.rows()[row]) value *= 100;
  }
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  EXPECT_GE(Recall(signs, rows, kRows), .995);
  for (const float value : {0.0F, nan, 1e30F}) {
    const std::vector<float> query(kDimension, value);
    const SearchRequest request = Request(GetParam(), query);
    EXPECT_EQ(Found(signs, rows, request, kRows).size(), request.k) << value;
  }
}

TEST_P(SignCodesTest, OfRowsThatAreAllAlikeFindsThatMany) {
  Rows rows(1);
  const std::vector<float> row = rows.rows()[0];
  rows.rows().assign(kRows, row);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  EXPECT_EQ(Found(signs, rows, Request(GetParam(), row), kRows).size(), 10);
}

// As placeholders are, before there are embeddings.
TEST_P(SignCodesTest, FindsZeroRowsAndWhatComesAfterThem) {
  Rows rows(kRows);
  for (uint32_t row = 0; row < kRows / 2; ++row) rows.rows()[row].assign(kDimension, 0);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows / 2), kRows / 2).ok());
  const std::vector<float> query = rows.Random();
  const SearchRequest request = Request(GetParam(), query);
  EXPECT_EQ(Found(signs, rows, request, kRows / 2).size(), 10);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  EXPECT_EQ(Found(signs, rows, request, kRows), rows.Exact(request, kRows));
}

TEST_P(SignCodesTest, FailsWhereADamagedRowMayBeAnswered) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), 1024).ok());
  rows.damaged = 1024 + 40;
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  const std::vector<float> query = rows.Random();
  SearchRequest request = Request(GetParam(), query);
  std::vector<Candidate> found;
  EXPECT_EQ(signs.Search(rows.Source(kRows), request, &found).code(), StatusCode::kDataLoss);
  Bitmap others = Bitmap::Range(0, kRows);
  others.Remove(rows.damaged);
  request.allowed = &others;
  EXPECT_TRUE(signs.Search(rows.Source(kRows), request, &found).ok());
  rows.damaged = UINT32_MAX;
  EXPECT_GE(Recall(signs, rows, kRows), .995);
}

TEST_P(SignCodesTest, AnswersWhileOthersExtendIt) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  std::vector<float> query = rows.Random();
  const SearchRequest request = Request(GetParam(), query);
  const std::vector<Candidate> exact = rows.Exact(request, kRows);
  std::vector<std::thread> threads;
  std::vector<size_t> hits(3);
  for (size_t& hit : hits) {
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        for (const Candidate& one : Found(signs, rows, request, kRows)) {
          hit += std::find(exact.begin(), exact.end(), one) != exact.end() ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const size_t hit : hits) EXPECT_GE(hit, 290);
}

TEST_P(SignCodesTest, ComesBackWithAllRowsWhateverTheirSize) {
  Rows rows(kRows);
  for (uint32_t row = 0; row < kRows; row += 50) rows.rows()[row][1] = 3e18F;
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  const std::vector<float> query = rows.Random();
  EXPECT_EQ(Found(signs, rows, Request(GetParam(), query, kRows), kRows).size(), kRows);
}

TEST_P(SignCodesTest, FindsWhatIsNearAmongRowsThatLieClose) {
  Rows rows(kRows);
  for (std::vector<float>& row : rows.rows()) {
    for (float& value : row) value = 100 + .1F * value;
  }
  SignCodes signs(GetParam(), kDimension);
  ASSERT_TRUE(signs.Extend(rows.Source(kRows), kRows).ok());
  double found = 0;
  for (uint32_t row = 0; row < 2000; row += 100) {
    const SearchRequest request = Request(GetParam(), rows.rows()[row]);
    const float farthest = rows.Exact(request, kRows).back().distance;
    for (const Candidate& one : Found(signs, rows, request, kRows)) {
      found += one.distance <= farthest ? 1 : 0;
    }
  }
  EXPECT_GE(found / 200, .99);
}

TEST_P(SignCodesTest, EndsWhenTheCheckFails) {
  Rows rows(kRows);
  SignCodes signs(GetParam(), kDimension);
  const std::vector<float> query = rows.Random();
  SearchRequest request = Request(GetParam(), query);
  request.check = [] { return Status::Cancelled("enough"); };
  std::vector<Candidate> found;
  EXPECT_EQ(signs.Search(rows.Source(kRows), request, &found).code(), StatusCode::kCancelled);
  EXPECT_TRUE(found.empty());
}

INSTANTIATE_TEST_SUITE_P(Spaces, SignCodesTest,
                         testing::Values(Space::kL2, Space::kCosine, Space::kInnerProduct));

}  // namespace
}  // namespace chroma::index
