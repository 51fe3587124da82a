// Postings against a search that compares every row.
#include "index/sparse/postings.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <map>
#include <random>
#include <string>

#include "index/sparse/codebook.h"
#include "index/sparse/postings_builder.h"

namespace chroma::index {
namespace {

using model::SparseVector;

using Rows = std::map<uint32_t, SparseVector>;

struct Built {
  Rows rows;
  uint32_t n = 0;
  Bytes bytes;
};

Built Build(Rows rows, uint32_t n) {
  std::vector<uint32_t> present;
  std::vector<uint64_t> ends{0};
  std::vector<uint64_t> dimensions;
  std::vector<float> weights;
  for (const auto& [row, vector] : rows) {
    present.push_back(row);
    dimensions.insert(dimensions.end(), vector.indices.begin(), vector.indices.end());
    weights.insert(weights.end(), vector.values.begin(), vector.values.end());
    ends.push_back(dimensions.size());
  }
  Built built{std::move(rows), n, {}};
  EXPECT_TRUE(EncodePostings({present, ends, dimensions, weights}, n, built.bytes).ok());
  return built;
}

SparsePostings::ExactDot Exact(const Built& built, const SparseVector& query,
                               int* asked = nullptr) {
  return [&built, &query, asked](uint32_t row) -> Result<std::optional<double>> {
    if (asked != nullptr) ++*asked;
    const auto at = built.rows.find(row);
    if (at == built.rows.end()) return Status::Internal("row " + std::to_string(row));
    return SparseDot(query, at->second);
  };
}

std::vector<Candidate> Naive(const Built& built, const SparseRequest& request) {
  std::vector<Candidate> all;
  for (const auto& [row, vector] : built.rows) {
    if (request.allowed != nullptr && !request.allowed->Contains(row)) continue;
    if (request.dead != nullptr && request.dead->Contains(row)) continue;
    const std::optional<double> dot = SparseDot(request.query, vector);
    if (dot && SparseDistance(*dot) <= request.bound) all.push_back({SparseDistance(*dot), row});
  }
  std::sort(all.begin(), all.end());
  if (all.size() > request.k) all.resize(request.k);
  return all;
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  double Unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  enum class Weights { kPositive, kFew, kSigned, kHuge, kTiny, kAnyBits, kFormula, kCount };

  float Weight(Weights kind) {
    switch (kind) {
      case Weights::kFew:
        return 0.25F * static_cast<float>(Below(9)) - (Chance(10) ? 1.0F : 0.0F);
      case Weights::kSigned:
        return static_cast<float>(Unit() - 0.5);
      case Weights::kHuge:
        return static_cast<float>((Unit() - 0.3) * (Chance(5) ? 3e38 : 1.0));
      case Weights::kTiny:
        return static_cast<float>((Unit() - 0.3) * (Chance(50) ? 1e-44 : 1e-20));
      case Weights::kFormula: {  // as BM25 has them, of some more values than there are codes
        const double frequency = Chance(90) ? 1 : 1 + static_cast<double>(Below(6));
        const auto length = static_cast<double>(Below(1 + Below(150)));
        return static_cast<float>(2.2 * frequency / (frequency + 0.3 + 0.0035 * length));
      }
      case Weights::kAnyBits:
        return std::bit_cast<float>(static_cast<uint32_t>(random_()));
      default:
        return static_cast<float>(-std::log(Unit() + 1e-9));
    }
  }

  // Dimensions of very different frequency, as words have.
  SparseVector Vector(Weights kind, uint32_t dimensions, size_t elements) {
    std::map<uint32_t, float> vector;
    for (size_t i = 0; i < elements; ++i) {
      const double u = Unit();
      const auto rank = static_cast<uint32_t>(u * u * u * dimensions);
      vector[rank * 2'654'435'761U] = Weight(kind);
    }
    SparseVector out;
    for (const auto& [dimension, weight] : vector) {
      out.indices.push_back(dimension);
      out.values.push_back(weight);
    }
    return out;
  }

  Built Random(Weights kind, uint32_t n, uint32_t dimensions) {
    Rows rows;
    const int density = Chance(50) ? 100 : 30;
    for (uint32_t row = 0; row < n; ++row) {
      if (Chance(density)) rows[row] = Vector(kind, dimensions, Below(12));
    }
    return Build(std::move(rows), n);
  }

  // Rows in runs and alone.
  Bitmap Some(uint32_t n, int percent) {
    Bitmap rows;
    for (uint32_t row = 0; row < n; ++row) {
      if (Chance(percent)) rows.Add(row);
    }
    if (n > 10 && Chance(30)) rows.AddRange(n / 3, n / 2);
    return rows;
  }

 private:
  std::mt19937_64 random_;
};

void CompareSearches(Generator& generator, const Built& built, Generator::Weights kind,
                     uint32_t dimensions) {
  const auto opened = SparsePostings::Open(built.bytes, built.n);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ASSERT_TRUE(opened->Verify({}).ok()) << opened->Verify({}).ToString();
  for (int i = 0; i < 12; ++i) {
    SparseVector query = generator.Vector(kind, dimensions, 1 + generator.Below(8));
    for (float& value : query.values) value = std::isfinite(value) ? value : 1.0F;
    const Bitmap allowed = generator.Some(built.n, generator.Chance(50) ? 2 : 60);
    const Bitmap dead = generator.Some(built.n, 10);
    SparseRequest request;
    request.query = query;
    request.k = std::vector<size_t>{1, 3, 10, 100, 5000}[generator.Below(5)];
    if (generator.Chance(50)) request.allowed = &allowed;
    if (generator.Chance(50)) request.dead = &dead;
    const std::vector<Candidate> all = Naive(built, request);
    if (!all.empty() && generator.Chance(30)) {
      request.bound = all[generator.Below(all.size())].distance;
    }
    std::vector<Candidate> found;
    const Status status = opened->Search(request, Exact(built, query), &found);
    ASSERT_TRUE(status.ok()) << status.ToString();
    const std::vector<Candidate> expected = Naive(built, request);
    ASSERT_EQ(found.size(), expected.size())
        << "query " << i << ": k " << request.k << ", bound " << request.bound
        << ", expected first " << expected[0].distance << " row " << expected[0].row << " of "
        << built.n;
    for (size_t at = 0; at < found.size(); ++at) {
      ASSERT_EQ(found[at], expected[at])
          << "query " << i << " place " << at << ": row " << found[at].row << " at "
          << found[at].distance << ", not " << expected[at].row << " at " << expected[at].distance;
    }
  }
}

TEST(SparsePostingsTest, FindsWhatComparingEveryRowFinds) {
  for (uint64_t seed = 1; seed <= 70; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    const auto kind =
        static_cast<Generator::Weights>(seed % static_cast<uint64_t>(Generator::Weights::kCount));
    const uint32_t n = std::vector<uint32_t>{1, 63, 700, 2049, 9000}[generator.Below(5)];
    const uint32_t dimensions = generator.Chance(50) ? 40 : 3000;
    const Built built = generator.Random(kind, n, dimensions);
    CompareSearches(generator, built, kind, dimensions);
    if (HasFatalFailure()) return;
  }
}

TEST(SparsePostingsTest, CountsRows) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    const Built built = generator.Random(
        seed % 2 == 0 ? Generator::Weights::kAnyBits : Generator::Weights::kFew, 5000, 300);
    const auto opened = SparsePostings::Open(built.bytes, built.n);
    ASSERT_TRUE(opened.ok());
    const Bitmap dead = generator.Some(built.n, std::vector<int>{0, 1, 70}[seed % 3]);
    std::map<uint32_t, std::pair<uint64_t, uint64_t>> expected;
    for (const auto& [row, vector] : built.rows) {
      for (const uint32_t dimension : vector.indices) {
        ++expected[dimension].first;
        expected[dimension].second += dead.Contains(row) ? 1 : 0;
      }
    }
    EXPECT_EQ(opened->dimensions(), expected.size());
    for (const auto& [dimension, counts] : expected) {
      ASSERT_EQ(*opened->Count(dimension), counts.first);
      uint64_t among = 7;
      ASSERT_TRUE(opened->CountAmong({&dimension, 1}, dead, {&among, 1}).ok());
      ASSERT_EQ(among, counts.second) << dimension;
    }
    std::vector<uint32_t> all{1};
    for (const auto& [dimension, counts] : expected) all.push_back(dimension);
    std::vector<uint64_t> among(all.size(), 7);
    ASSERT_TRUE(opened->CountAmong(all, dead, among).ok());
    EXPECT_EQ(*opened->Count(1), 0U);
    EXPECT_EQ(among[0], 0U);
    for (size_t i = 1; i < all.size(); ++i) ASSERT_EQ(among[i], expected[all[i]].second);
  }
}

// `n` dimensions, with the weight 1 each.
SparseVector Ones(uint32_t n) {
  SparseVector query;
  for (uint32_t dimension = 0; dimension < n; ++dimension) query.indices.push_back(dimension);
  query.values.assign(n, 1.0F);
  return query;
}

TEST(SparsePostingsTest, OnlyDimensionsThatRowsHaveCount) {
  constexpr uint32_t kDimensions = 20'000;
  static_assert(kDimensions > SparsePostings::kSharedMax);
  Rows rows;
  for (uint32_t dimension = 0; dimension < kDimensions; ++dimension) {
    SparseVector& vector = rows[dimension % 100];
    vector.indices.push_back(dimension);
    vector.values.push_back(static_cast<float>(dimension % 7));
  }
  rows[100] = {{5'000'000}, {2.0F}, {}};
  const Built built = Build(std::move(rows), 101);
  const auto opened = SparsePostings::Open(built.bytes, built.n);
  ASSERT_TRUE(opened.ok());
  const SparseVector most = Ones(SparsePostings::kSharedMax);
  const SparseVector many = Ones(kDimensions);
  SparseVector missing = Ones(300'000);  // above all but one of those that are there
  for (uint32_t& dimension : missing.indices) dimension += 4'900'000;
  SparseRequest request;
  request.k = 5;
  for (const SparseVector* query : {&most, static_cast<const SparseVector*>(&missing)}) {
    request.query = *query;
    std::vector<Candidate> found;
    const Status status = opened->Search(request, Exact(built, *query), &found);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(found, Naive(built, request));
    EXPECT_FALSE(found.empty());
  }
  request.query = many;
  std::vector<Candidate> found;
  EXPECT_EQ(opened->Search(request, Exact(built, many), &found).code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(found.empty());
}

TEST(SparsePostingsTest, OfNoRows) {
  for (const uint32_t n : {0U, 5U}) {
    const Built built = Build({}, n);
    const auto opened = SparsePostings::Open(built.bytes, n);
    ASSERT_TRUE(opened.ok());
    const SparseVector query{{1}, {1.0F}, {}};
    SparseRequest request;
    request.query = query;
    request.k = 3;
    std::vector<Candidate> found;
    EXPECT_TRUE(opened->Search(request, Exact(built, query), &found).ok());
    EXPECT_TRUE(found.empty());
    EXPECT_TRUE(opened->Verify({}).ok());
  }
}

// Codes of few different weights are the weights, so that nobody has to be asked for them.
TEST(SparsePostingsTest, KeepsFewWeightsExactly) {
  Generator generator(7);
  Rows rows = generator.Random(Generator::Weights::kFew, 5000, 100).rows;
  for (auto& [row, vector] : rows) {  // as BM25 has them: no sum ends amid two floats
    for (float& value : vector.values) value = 2.2F * value / (value + 1.37F);
  }
  const Built built = Build(std::move(rows), 5000);
  const auto opened = SparsePostings::Open(built.bytes, built.n);
  ASSERT_TRUE(opened.ok());
  const SparseVector query{{0, 2'654'435'761U}, {0.1F, 0.7F}, {}};
  int asked = 0;
  SparseRequest request;
  request.query = query;
  request.k = 50;
  std::vector<Candidate> found;
  ASSERT_TRUE(opened->Search(request, Exact(built, query, &asked), &found).ok());
  EXPECT_EQ(found, Naive(built, request));
  EXPECT_EQ(found.size(), 50U);
  EXPECT_EQ(asked, 0);
}

TEST(SparsePostingsTest, AsksForFewRowsOtherwise) {
  Generator generator(8);
  const Built built = generator.Random(Generator::Weights::kPositive, 20'000, 1000);
  const auto opened = SparsePostings::Open(built.bytes, built.n);
  ASSERT_TRUE(opened.ok());
  int asked = 0;
  for (int i = 0; i < 20; ++i) {
    const SparseVector query = generator.Vector(Generator::Weights::kPositive, 1000, 4);
    SparseRequest request;
    request.query = query;
    request.k = 10;
    std::vector<Candidate> found;
    const Status status = opened->Search(request, Exact(built, query, &asked), &found);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(found, Naive(built, request));
  }
  EXPECT_LT(asked, 20 * 100);
}

TEST(SparsePostingsTest, StopsWhenTold) {
  Generator generator(9);
  const Built built = generator.Random(Generator::Weights::kFew, 9000, 100);
  const auto opened = SparsePostings::Open(built.bytes, built.n);
  ASSERT_TRUE(opened.ok());
  const SparseVector query{{0}, {1.0F}, {}};
  SparseRequest request;
  request.query = query;
  request.k = 3;
  request.check = [] { return Status(StatusCode::kCancelled, "enough"); };
  std::vector<Candidate> found;
  EXPECT_EQ(opened->Search(request, Exact(built, query), &found).code(), StatusCode::kCancelled);
  EXPECT_TRUE(found.empty());
}

// Bytes that passed a checksum and are wrong all the same: an error or some answer, never a crash.
TEST(SparsePostingsTest, SurvivesAnyBytes) {
  Generator generator(10);
  Built built = generator.Random(Generator::Weights::kPositive, 3000, 60);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes = built.bytes;
    for (uint64_t i = generator.Below(3); i < 3; ++i) {
      const size_t end = generator.Chance(50) ? bytes.size() : std::min<size_t>(bytes.size(), 4000);
      bytes[generator.Below(end)] = static_cast<char>(generator.Below(256));
    }
    if (generator.Chance(5)) bytes.resize(generator.Below(bytes.size()));
    const auto opened = SparsePostings::Open(bytes, built.n);
    if (!opened.ok()) {
      ASSERT_EQ(opened.status().code(), StatusCode::kDataLoss);
      ++refused;
      continue;
    }
    refused += opened->Verify({}).ok() ? 0 : 1;
    const SparseVector query = generator.Vector(Generator::Weights::kSigned, 60, 5);
    SparseRequest request;
    request.query = query;
    request.k = 10;
    std::vector<Candidate> found;
    const auto exact = [](uint32_t) -> Result<std::optional<double>> { return {1.0}; };
    const Status status = opened->Search(request, exact, &found);
    ASSERT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss) << status.ToString();
    ASSERT_LE(found.size(), request.k);
    for (const Candidate& candidate : found) ASSERT_LT(candidate.row, built.n);
    std::vector<uint64_t> counts(query.indices.size());
    for (const uint32_t rows : {99U, 999U}) {
      (void)opened->CountAmong(query.indices, Bitmap::Range(0, rows), counts);
    }
  }
  EXPECT_GT(refused, 500);
}

// More values than codes: those that are frequent stay exact.
TEST(CodebookTest, JoinsRareValues) {
  std::vector<float> weights;
  for (int value = 0; value < 1000; ++value) {
    const int times = value % 10 == 0 ? 100 : 1;
    weights.insert(weights.end(), static_cast<size_t>(times), static_cast<float>(value));
  }
  const Codebook book = Codebook::Make(weights);
  EXPECT_EQ(book.ranges().size(), kCodesMax);
  for (int value = 0; value < 1000; value += 10) {
    const auto weight = static_cast<float>(value);
    const CodeRange range = book.ranges()[book.Code(weight)];
    EXPECT_EQ(range.low, weight);
    EXPECT_EQ(range.high, weight);
  }
}

TEST(CodebookTest, BoundsEveryWeight) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    std::vector<float> weights(1 + generator.Below(20'000));
    for (float& weight : weights) {
      weight = generator.Weight(static_cast<Generator::Weights>(
          seed % static_cast<uint64_t>(Generator::Weights::kCount)));
    }
    const Codebook book = Codebook::Make(weights);
    ASSERT_LE(book.ranges().size(), kCodesMax);
    for (const float weight : weights) {
      if (!std::isfinite(weight)) continue;
      const CodeRange range = book.ranges()[book.Code(weight)];
      ASSERT_LE(range.low, weight);
      ASSERT_GE(range.high, weight);
    }
  }
}

TEST(SparseQueryTest, ScalesByFrequency) {
  EXPECT_DOUBLE_EQ(InverseDocumentFrequency(0, 0), std::log(2.0));
  EXPECT_DOUBLE_EQ(InverseDocumentFrequency(10, 2), std::log(1 + 8.5 / 2.5));
  EXPECT_NEAR(InverseDocumentFrequency(10, 99), std::log(1 + 0.5 / 10.5), 1e-15);
}

TEST(SparseQueryTest, ChecksQueries) {
  EXPECT_TRUE(CheckSparseQuery(SparseVector{{1, 2}, {1, 2}, {}}).ok());
  EXPECT_FALSE(CheckSparseQuery(SparseVector{{2, 2}, {1, 2}, {}}).ok());
  EXPECT_FALSE(CheckSparseQuery(SparseVector{{1, 2}, {1}, {}}).ok());
  EXPECT_FALSE(IsFinite(SparseVector{{1}, {INFINITY}, {}}));
}

}  // namespace
}  // namespace chroma::index
