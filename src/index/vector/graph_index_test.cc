#include "index/vector/graph_index.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "index/vector/flat_index.h"
#include "index/vector/graph_builder.h"
#include "index/vector/test_support.h"

namespace chroma::index {
namespace {

using model::Space;

constexpr uint32_t kDimension = 48;

void Backwards(size_t n, const std::function<void(size_t)>& job) {
  while (n-- > 0) job(n);
}

enum class Layout : uint8_t { kPacked, kCodes };
// Rows in clusters, in a space of few dimensions within that of the rows, as embeddings are, or in
// many dense crowds, one crowd after the other.
enum class Shape : uint8_t { kClusters, kFlat, kCrowds };

float SquaredDistance(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (uint32_t d = 0; d < kDimension; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

// Rows with a graph over them.
class Collection {
 public:
  Collection(Space space, uint32_t n, uint64_t seed, Layout layout = Layout::kPacked,
             Shape shape = Shape::kClusters)
      : space_(space), layout_(layout), shape_(shape), random_(seed) {
    const size_t centers = shape == Shape::kCrowds ? 200 : 20;
    for (size_t c = 0; c < centers; ++c) centers_.push_back(Gaussian());
    for (uint32_t i = 0; i < n; ++i) {
      rows_.push_back(shape == Shape::kCrowds ? Around(centers_[i * centers / n]) : Random());
    }
  }

  std::vector<float> Random() {
    if (shape_ == Shape::kFlat) return Flat();
    return Around(centers_[random_() % centers_.size()]);
  }
  std::vector<std::vector<float>>& rows() { return rows_; }
  uint32_t n() const { return static_cast<uint32_t>(rows_.size()); }

  void Build(const ParallelFor& parallel_for = InOrder, const GraphOptions& options = {}) {
    Encode();
    GraphBuilder builder(*coder_, View(), options, parallel_for, nullptr, memory());
    ASSERT_TRUE(builder.Build().ok());
    Take(builder);
  }
  // Drops the rows that `gone` says, appends `added` new ones, and extends the graph.
  void Replace(const std::function<bool(uint32_t)>& gone, uint32_t added) {
    const std::unique_ptr<CodedRows> old_codes = std::move(codes_);
    const std::vector<uint32_t> old_neighbors = neighbors_;
    const Graph old{old_codes->view(), Edges::Of(old_neighbors.data()), entry_};
    std::vector<uint32_t> new_rows;
    std::vector<std::vector<float>> kept;
    for (uint32_t row = 0; row < n(); ++row) {
      new_rows.push_back(gone(row) ? kNoRow : static_cast<uint32_t>(kept.size()));
      if (!gone(row)) kept.push_back(rows_[row]);
    }
    for (uint32_t i = 0; i < added; ++i) kept.push_back(Random());
    rows_ = kept;
    Encode();
    GraphBuilder builder(*coder_, View(), {}, InOrder, nullptr, memory());
    ASSERT_TRUE(builder.Begin(old, new_rows).ok());
    ASSERT_TRUE(builder.Build().ok());
    Take(builder);
  }

  std::vector<uint32_t>& neighbors() { return neighbors_; }
  std::vector<Candidate> Nearest(const std::vector<float>& query, size_t k,
                                 const Bitmap* allowed = nullptr, size_t effort = 0) {
    const GraphIndex index(simd::ActiveCodeKernels(), coder_->space(), View(neighbors_), memory(),
                           Measured());
    return Ask(index, query, k, allowed, effort);
  }
  std::vector<Candidate> Exact(const std::vector<float>& query, size_t k,
                               const Bitmap* allowed = nullptr) {
    return Ask(FlatIndex(), query, k, allowed, 0);
  }
  // Of the k nearest of 50 random queries, the share that is found.
  // `checks`: how often these call SearchRequest::check.
  double Recall(size_t k, const Bitmap* allowed = nullptr, size_t* checks = nullptr,
                size_t effort = 0) {
    return RecallOf(
        k, [allowed](const std::vector<float>&) { return allowed; }, checks, effort);
  }
  // From now on Recall asks for so many times its queries.
  void ScaleQueries(float scale) { query_scale_ = scale; }
  void ScaleRows(float scale) {
    for (auto& row : rows_) {
      for (float& value : row) value *= scale;
    }
  }
  std::vector<float> Mean() const {
    std::vector<float> mean(kDimension);
    for (const auto& row : rows_) {
      for (uint32_t d = 0; d < kDimension; ++d) mean[d] += row[d] / static_cast<float>(n());
    }
    return mean;
  }
  // A vector that is so far from `center`, about.
  std::vector<float> Near(std::vector<float> center, float distance) {
    const float each = distance / std::sqrt(static_cast<float>(kDimension));
    for (float& value : center) value += each * normal_(random_);
    return center;
  }
  // The same among rows of which the nearest `blocked` of each query are left out.
  double RecallBeyond(size_t k, size_t blocked) {
    Bitmap others;
    const auto others_of = [&](const std::vector<float>& query) {
      others = Bitmap::Range(0, n());
      for (const Candidate& near : Exact(query, blocked)) others.Remove(near.row);
      return &others;
    };
    return RecallOf(k, others_of);
  }

 private:
  std::vector<float> Around(const std::vector<float>& center) {
    const float spread = shape_ == Shape::kCrowds ? .3F : .7F;
    std::vector<float> row = center;
    for (float& value : row) value += spread * normal_(random_);
    return row;
  }
  // `allowed_of`: what a query may find.
  double RecallOf(size_t k,
                  const std::function<const Bitmap*(const std::vector<float>&)>& allowed_of,
                  size_t* checks = nullptr, size_t effort = 0) {
    const GraphIndex index(simd::ActiveCodeKernels(), coder_->space(), View(neighbors_), memory(),
                           Measured());
    EXPECT_TRUE(index.MakeNodes({}).ok());  // which searches do not, and walk over codes
    size_t hits = 0;
    size_t all = 0;
    for (int i = 0; i < 50; ++i) {
      std::vector<float> query = Random();
      for (float& value : query) value *= query_scale_;
      const Bitmap* const allowed = allowed_of(query);
      const std::vector<Candidate> exact = Exact(query, k, allowed);
      const std::vector<Candidate> found = Ask(index, query, k, allowed, effort, checks);
      EXPECT_EQ(found.size(), exact.size());
      std::set<uint32_t> rows;
      for (const Candidate& candidate : found) {
        rows.insert(candidate.row);
        EXPECT_TRUE(allowed == nullptr || allowed->Contains(candidate.row));
      }
      EXPECT_EQ(rows.size(), found.size()) << "a row came twice";
      for (const Candidate& candidate : exact) hits += rows.count(candidate.row);
      all += exact.size();
    }
    return all == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(all);
  }

  std::shared_ptr<NodeMemory> memory() {
    return layout_ == Layout::kPacked ? std::make_shared<NodeMemory>(UINT64_MAX) : nullptr;
  }
  std::vector<float> Gaussian() {
    std::vector<float> row(kDimension);
    for (float& value : row) value = normal_(random_);
    return row;
  }
  std::vector<float> Flat() {
    constexpr size_t kFlatDimension = 20;
    std::vector<float> row(kDimension);
    for (size_t i = 0; i < kFlatDimension; ++i) {
      const float along = normal_(random_);
      for (size_t j = 0; j < row.size(); ++j)
        row[j] += along * centers_[i][j] / static_cast<float>(1 + i);
    }
    return row;
  }
  Graph View(const std::vector<uint32_t>& neighbors) const {
    return {View(), Edges::Of(neighbors.data()), entry_};
  }
  Calibration Measured() const {
    std::vector<const float*> pointers;
    const auto spread = MeasureSpread(*coder_, View(neighbors_), Source(&pointers));
    EXPECT_TRUE(spread.ok());
    return {.spread = *spread, .points = {}};
  }
  RowCodes View() const { return codes_->view(); }
  void Encode() {
    std::vector<const float*> pointers;
    for (const auto& row : rows_) pointers.push_back(row.data());
    // An extended graph keeps its code space.
    if (coder_ == nullptr) {
      coder_ = std::make_unique<RowCoder>(simd::ActiveCodeKernels(),
                                          ChooseCodeSpace(space_, kDimension, 7, pointers));
    }
    codes_ = std::make_unique<CodedRows>(*coder_, pointers, InOrder);
  }
  VectorSource Source(std::vector<const float*>* pointers) const {
    for (const auto& row : rows_) pointers->push_back(row.data());
    VectorSource source;
    source.row_pointers = pointers->data();
    source.n = n();
    source.dimension = kDimension;
    return source;
  }
  void Take(const GraphBuilder& builder) {
    neighbors_ = builder.neighbors();
    entry_ = builder.entry();
  }
  std::vector<Candidate> Ask(const VectorIndex& index, const std::vector<float>& query, size_t k,
                             const Bitmap* allowed, size_t effort, size_t* checks = nullptr) {
    std::vector<const float*> pointers;
    const VectorSource source = Source(&pointers);
    SearchRequest request;
    request.query = query.data();
    request.space = space_;
    request.k = k;
    request.allowed = allowed;
    request.tuning.effort = effort;
    request.check = [checks] {
      if (checks != nullptr) ++*checks;
      return Status::Ok();
    };
    std::vector<Candidate> found;
    EXPECT_TRUE(index.Search(source, request, &found).ok());
    return found;
  }

  const Space space_;
  const Layout layout_;
  const Shape shape_;
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centers_;
  std::vector<std::vector<float>> rows_;
  std::unique_ptr<RowCoder> coder_;
  std::unique_ptr<CodedRows> codes_;
  float query_scale_ = 1;
  std::vector<uint32_t> neighbors_;
  uint32_t entry_ = kNoRow;
};

class GraphIndexTest : public ::testing::TestWithParam<std::tuple<Space, Layout>> {
 protected:
  static Space space() { return std::get<Space>(GetParam()); }
  static Layout layout() { return std::get<Layout>(GetParam()); }
};

TEST_P(GraphIndexTest, FindsTheNearest) {
  Collection collection(space(), 4000, 1, layout());
  collection.Build();
  EXPECT_GE(collection.Recall(10), .97);
  EXPECT_GE(collection.Recall(100), .97);
}

// So many rows that walks answer, not scans, which would look at all of them.
TEST(GraphIndex, WalksFindAsManyAsAreAskedFor) {
  for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
    Collection collection(Space::kL2, 15'000, 15, layout, Shape::kFlat);
    collection.Build(InOrder, {/*effort=*/100, /*slack=*/1, /*passes=*/1});
    for (const size_t k : {size_t{10}, size_t{50}, size_t{100}, size_t{200}}) {
      size_t checks = 0;
      EXPECT_GE(collection.Recall(k, nullptr, &checks), .98) << k;
      EXPECT_LE(checks, 100U) << k;  // a scan calls it 58 times for each of 50 queries
    }
  }
}

// As rows that are sorted by what they are about, or that drift in time.
TEST(GraphIndex, FindsCrowdsThatCameOneAfterTheOther) {
  for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
    Collection collection(Space::kL2, 24'000, 16, layout, Shape::kCrowds);
    collection.Build();
    EXPECT_GE(collection.Recall(10, nullptr, nullptr, /*effort=*/24), .965);
  }
}

TEST_P(GraphIndexTest, DistancesAreThoseOfTheExactScan) {
  Collection collection(space(), 2000, 2, layout());
  collection.Build();
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = collection.Random();
    const std::vector<Candidate> exact = collection.Exact(query, collection.n());
    for (const Candidate& found : collection.Nearest(query, 10)) {
      const auto same = std::find_if(exact.begin(), exact.end(),
                                     [&](const Candidate& one) { return one.row == found.row; });
      ASSERT_NE(same, exact.end());
      // Kernels sum rows that are walked together in another order.
      EXPECT_NEAR(found.distance, same->distance, 1e-5F * (1 + std::abs(same->distance)));
    }
  }
}

TEST_P(GraphIndexTest, FiltersAtEverySelectivity) {
  Collection collection(space(), 4000, 3, layout());
  collection.Build();
  std::mt19937_64 random(4);
  for (const double share : {.0005, .01, .1, .3, .7, .999}) {
    Bitmap allowed;
    for (uint32_t row = 0; row < collection.n(); ++row) {
      if (std::uniform_real_distribution<>()(random) < share) allowed.Add(row);
    }
    EXPECT_GE(collection.Recall(10, &allowed), .95) << share;
  }
  const Bitmap none;
  EXPECT_TRUE(collection.Nearest(collection.Random(), 10, &none).empty());
}

TEST_P(GraphIndexTest, AnswersFiltersThatAreFarFromTheQuery) {
  Collection collection(space(), 4000, 5, layout());
  collection.Build();
  // Few enough to be scanned at once, and so many that a walk is tried, and gives up.
  for (const size_t far : {600, 600, 600, 600, 2500, 2500, 2500, 2500}) {
    const std::vector<float> query = collection.Random();
    const std::vector<Candidate> order = collection.Exact(query, collection.n());
    Bitmap farthest;
    for (size_t j = order.size() - far; j < order.size(); ++j) farthest.Add(order[j].row);
    const std::vector<Candidate> exact = collection.Exact(query, 10, &farthest);
    const std::vector<Candidate> found = collection.Nearest(query, 10, &farthest);
    ASSERT_EQ(found.size(), exact.size());
    size_t hits = 0;
    for (const Candidate& one : exact) {
      hits += static_cast<size_t>(std::count(found.begin(), found.end(), one));
    }
    EXPECT_GE(hits, 9U);
  }
}

// Nearly all rows pass, but what is near the query does not: a walk ends there.
TEST(GraphIndex, FindsWhatIsBehindRowsThatDoNotPass) {
  for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
    Collection collection(Space::kL2, 15'000, 16, layout, Shape::kFlat);
    collection.Build();
    for (const size_t blocked : {3, 15, 30, 60, 100, 200, 1000}) {
      EXPECT_GE(collection.RecallBeyond(10, blocked), .95) << blocked;
    }
  }
}

// Where walks begin: a walk that asks for no more rows than are there must not end there.
TEST(GraphIndex, FindsWhatIsBehindACrowdInTheMiddle) {
  for (const uint32_t crowd : {20U, 1000U}) {
    for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
      Collection collection(Space::kL2, 10'000, 18, layout, Shape::kCrowds);
      const std::vector<float> middle = collection.Mean();
      for (uint32_t i = 0; i < crowd; ++i) collection.rows()[i] = collection.Near(middle, .01F);
      collection.Build();
      Bitmap half;
      for (uint32_t row = 0; row < collection.n(); row += 2) half.Add(row);
      for (const uint32_t k : {1U, 20U}) {
        EXPECT_GE(collection.Recall(k), .95) << k << " beyond " << crowd;
        EXPECT_GE(collection.Recall(k, &half), .95) << k << " beyond " << crowd;
      }
    }
  }
}

// Nearer to each other than their high bits tell.
TEST(GraphIndex, TellsRowsThatAreNearlyTheSameApart) {
  constexpr uint32_t kAlike = 300;
  Collection collection(Space::kL2, 15'000, 19, Layout::kCodes, Shape::kFlat);
  std::vector<std::vector<float>>& rows = collection.rows();
  for (uint32_t row = 0; row < 6000; ++row) {
    if (row % kAlike != 0) rows[row] = collection.Near(rows[row / kAlike * kAlike], .3F);
  }
  collection.Build();
  size_t hits = 0;
  for (uint32_t row = 0; row < 6000; row += kAlike) {
    const std::vector<float> query = collection.Near(rows[row], .3F);
    const std::vector<Candidate> exact = collection.Exact(query, 10);
    for (const Candidate& one : collection.Nearest(query, 10)) {
      hits += static_cast<size_t>(std::count(exact.begin(), exact.end(), one));
    }
  }
  EXPECT_GE(hits, 6000 / kAlike * 10 * .96);
}

// As many results as candidates leave no room for what high bits err by.
TEST(GraphIndex, FindsAsManyAsTheEffort) {
  for (const Shape shape : {Shape::kFlat, Shape::kCrowds}) {
    Collection collection(Space::kL2, 15'000, 22, Layout::kCodes, shape);
    collection.Build();
    Bitmap half;
    for (uint32_t row = 0; row < collection.n(); row += 2) half.Add(row);
    EXPECT_GE(collection.Recall(100), .97);
    EXPECT_GE(collection.Recall(100, &half), .97);
  }
}

TEST(GraphIndex, InnerProductsDoNotDependOnTheLengthOfTheQuery) {
  for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
    Collection collection(Space::kInnerProduct, 15'000, 20, layout, Shape::kFlat);
    collection.Build();
    for (const float scale : {1e-4F, .01F, 1.0F, 100.0F}) {
      collection.ScaleQueries(scale);
      EXPECT_GE(collection.Recall(10), .97) << scale;
    }
  }
}

// Whose squares are beyond floats where they are multiplied.
TEST(GraphIndex, LargeComponentsTakeNoLonger) {
  Collection collection(Space::kL2, 15'000, 21, Layout::kCodes, Shape::kFlat);
  collection.ScaleRows(1e11F);
  collection.ScaleQueries(1e11F);
  collection.Build();
  Bitmap most;
  for (uint32_t row = 0; row < collection.n(); ++row) {
    if (row % 10 < 7) most.Add(row);
  }
  size_t checks = 0;
  EXPECT_GE(collection.Recall(10, &most, &checks), .95);
  EXPECT_LE(checks, 300U);  // a scan calls it 41 times for each of 50 queries
}

// The error of codes is larger than what distances differ by: what seems nearest of many is what
// has the largest error.
TEST(GraphIndex, AScanFindsTheNearestOfACrowd) {
  constexpr uint32_t kRows = 4000;
  Collection collection(Space::kL2, kRows, 17, Layout::kCodes);
  const std::vector<float> center = collection.rows()[0];
  for (uint32_t row = 0; row < kRows; ++row) {
    std::vector<float>& values = collection.rows()[row];
    values = collection.Random();
    const float squared = SquaredDistance(values, center);
    const float radius = 1 + 1e-6F * static_cast<float>(row);
    for (uint32_t d = 0; d < kDimension; ++d) {
      values[d] = center[d] + radius * (values[d] - center[d]) / std::sqrt(squared);
    }
  }
  collection.Build();
  for (uint32_t first = 0; first < kRows; first += 500) {
    const Bitmap some = Bitmap::Range(first, first + 500);
    const std::vector<Candidate> exact = collection.Exact(center, 10, &some);
    const std::vector<Candidate> found = collection.Nearest(center, 10, &some);
    ASSERT_EQ(found.size(), exact.size());
    EXPECT_NEAR(found.back().distance, exact.back().distance, 1e-6) << first;
  }
}

// What lies in the middle of all rows has codes that hardly err; what is a little nearer has codes
// that err by more than that.
TEST(GraphIndex, AScanFindsWhatIsALittleNearerThanTheMiddle) {
  constexpr uint32_t kMiddle = 30, kNearer = 5, kRows = 3000;
  Collection collection(Space::kL2, kRows, 18, Layout::kCodes, Shape::kFlat);
  const std::vector<float> query = collection.Random();
  // At a share of the squared distance of the middle.
  const auto away = [&](float share) {
    const std::vector<float> middle = collection.Mean();
    const std::vector<float> apart = collection.Near(std::vector<float>(kDimension), 1);
    const float scale = std::sqrt(share * SquaredDistance(query, middle) /
                                  SquaredDistance(apart, std::vector<float>(kDimension)));
    std::vector<float> row = query;
    for (uint32_t d = 0; d < kDimension; ++d) row[d] += scale * apart[d];
    return row;
  };
  std::vector<std::vector<float>>& rows = collection.rows();
  for (uint32_t row = kMiddle + kNearer; row < kRows / 2; ++row) rows[row] = away(2);
  const std::vector<float> middle = collection.Mean();
  std::fill_n(rows.begin(), kMiddle, middle);
  for (uint32_t row = kMiddle; row < kMiddle + kNearer; ++row) rows[row] = away(.99F);
  collection.Build();
  const Bitmap half = Bitmap::Range(0, kRows / 2);
  std::vector<Candidate> found = collection.Nearest(query, 10, &half);
  found.resize(kNearer);  // those of the middle are all as far
  EXPECT_EQ(found, collection.Exact(query, kNearer, &half));
}

TEST_P(GraphIndexTest, StaysGoodWhileEveryRowIsReplacedFiveTimes) {
  Collection collection(space(), 2000, 6, layout());
  collection.Build();
  const double fresh = collection.Recall(10);
  for (uint32_t round = 0; round < 20; ++round) {
    collection.Replace([&](uint32_t row) { return row < 500; }, 500);
  }
  EXPECT_GE(collection.Recall(10), fresh - .01);
}

// What lies under a walk has nothing to do with the space.
INSTANTIATE_TEST_SUITE_P(SpacesAndLayouts, GraphIndexTest,
                         ::testing::Values(std::tuple(Space::kL2, Layout::kPacked),
                                           std::tuple(Space::kCosine, Layout::kPacked),
                                           std::tuple(Space::kInnerProduct, Layout::kPacked),
                                           std::tuple(Space::kL2, Layout::kCodes)));

TEST(GraphIndex, TheGraphDoesNotDependOnTheOrderOfWork) {
  for (const Layout layout : {Layout::kPacked, Layout::kCodes}) {
    Collection one(Space::kL2, 1500, 8, layout);
    Collection other(Space::kL2, 1500, 8, layout);
    one.Build(InOrder);
    other.Build(Backwards);
    EXPECT_EQ(one.neighbors(), other.neighbors());
  }
}

TEST(GraphIndex, EqualRows) {
  Collection collection(Space::kL2, 3000, 9);
  for (uint32_t row = 0; row < 2000; ++row) collection.rows()[row] = collection.rows()[0];
  collection.Build();
  EXPECT_GE(collection.Recall(10), .95);
  const std::vector<Candidate> found = collection.Nearest(collection.rows()[0], 50);
  ASSERT_EQ(found.size(), 50U);
  EXPECT_EQ(found.back().distance, 0.0F);
}

TEST(GraphIndex, RowsAndQueriesThatHaveNoCode) {
  Collection collection(Space::kCosine, 1000, 10);
  const std::vector<float> zero(kDimension, 0.0F);
  collection.rows()[3] = zero;
  collection.rows()[4].assign(kDimension, 3e38F);
  collection.Build();
  EXPECT_EQ(collection.Nearest(collection.Random(), 1000).size(), 1000U);
  const std::vector<Candidate> exact = collection.Exact(zero, 10);
  EXPECT_EQ(collection.Nearest(zero, 10), exact);
}

TEST(GraphIndex, MoreThanThereAre) {
  Collection collection(Space::kL2, 700, 11);
  collection.Build();
  const std::vector<float> query = collection.Random();
  EXPECT_EQ(collection.Nearest(query, 5000), collection.Exact(query, 5000));
  EXPECT_TRUE(collection.Nearest(query, 0).empty());
}

TEST(GraphIndex, FewRows) {
  for (const uint32_t n : {1U, 2U, 3U, 31U, 40U}) {
    Collection collection(Space::kL2, n, 12);
    collection.Build();
    const std::vector<float> query = collection.Random();
    EXPECT_EQ(collection.Nearest(query, n), collection.Exact(query, n));
  }
}

TEST(GraphIndex, DamagedEdgesLeadNowhereElse) {
  Collection collection(Space::kL2, 1000, 13);
  collection.Build();
  std::mt19937_64 random(14);
  for (uint32_t& edge : collection.neighbors()) {
    if (random() % 4 == 0) edge = static_cast<uint32_t>(random());
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(collection.Nearest(collection.Random(), 10).size(), 10U);
  }
}

}  // namespace
}  // namespace chroma::index
