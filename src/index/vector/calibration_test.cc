#include "index/vector/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <span>

#include "index/vector/flat_index.h"
#include "index/vector/graph_index.h"
#include "index/vector/test_support.h"

namespace chroma::index {
namespace {

TEST(Calibration, TakesTheLeastEffortThatIsEnough) {
  const Calibration calibration = {.points = {{16, .9F}, {32, .95F}, {64, .99F}}};
  EXPECT_EQ(EffortFor(calibration, .5F), 16U);
  EXPECT_EQ(EffortFor(calibration, .9F), 16U);
  EXPECT_EQ(EffortFor(calibration, .925F), 23U);  // between: 16 * 2^.5
  EXPECT_EQ(EffortFor(calibration, .95F), 32U);
  EXPECT_EQ(EffortFor(calibration, .99F), 64U);
  EXPECT_EQ(EffortFor({.points = {{16, .9F}, {32, 1}}}, .95F), 32U);
  EXPECT_GT(EffortFor(calibration, .995F), 64U);
  EXPECT_EQ(EffortFor({}, .98F), 0U);
}

TEST(Calibration, MixesByRows) {
  const std::vector<CalibrationPoint> old = {{16, .9F}, {32, .96F}};
  const std::vector<CalibrationPoint> fresh = {{16, .5F}, {32, .8F}};
  const std::vector<CalibrationPoint> mixed = Mix(old, 300, fresh, 100);
  ASSERT_EQ(mixed.size(), 2U);
  EXPECT_FLOAT_EQ(mixed[0].recall, .8F);
  EXPECT_FLOAT_EQ(mixed[1].recall, .92F);
  EXPECT_EQ(mixed[1].effort, 32U);
  EXPECT_FLOAT_EQ(Mix(old, 300, {}, 0)[0].recall, .9F);
  EXPECT_FLOAT_EQ(Mix({}, 0, fresh, 100)[0].recall, .5F);
  EXPECT_FLOAT_EQ(Mix({{8, 1}}, 300, fresh, 100)[0].recall, .5F);
}

TEST(Calibration, DrawsAFewOfTheRows) {
  std::vector<uint32_t> rows(1000);
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = 2 * i + 1;
  const std::vector<uint32_t> sample = DrawSample(rows);
  EXPECT_EQ(sample.size(), 100U);
  EXPECT_TRUE(std::includes(rows.begin(), rows.end(), sample.begin(), sample.end()));
  EXPECT_EQ(DrawSample(std::span(rows).first(100)).size(), 10U);
  EXPECT_TRUE(DrawSample(std::span(rows).first(99)).empty());
  EXPECT_TRUE(DrawSample({}).empty());
}

// Rows in some of the dimensions, a graph over them without a sample, and what was measured by it.
class CalibratedGraph {
 public:
  static constexpr uint32_t kDimension = 64;
  static constexpr uint32_t kFilled = 20;

  CalibratedGraph(model::Space space, uint32_t n, const std::function<Status()>& check)
      : space_(space), values_(Draw(n)) {
    for (uint32_t row = 0; row < n; ++row) pointers_.push_back(&values_[size_t{row} * kDimension]);
    coder_.emplace(simd::ActiveCodeKernels(), ChooseCodeSpace(space_, kDimension, 1, pointers_));
    codes_.emplace(*coder_, pointers_, InOrder);
    builder_.emplace(*coder_, codes_->view(), GraphOptions{}, InOrder, nullptr, nullptr);
    const std::vector<uint32_t> sample = DrawSample(builder_->NewRows());
    EXPECT_TRUE(builder_->Build(sample).ok());
    calibration_ = Calibrate(*coder_, builder_->graph(), Source(), sample, InOrder, check);
    EXPECT_TRUE(builder_->Build().ok());
  }

  const Result<Calibration>& calibration() const { return calibration_; }

  // What is found of ten neighbours of queries that are like the rows.
  double Recall(uint32_t effort) {
    constexpr size_t kQueries = 300;
    constexpr size_t kNeighbors = 10;
    const GraphIndex index(coder_->kernels(), coder_->space(), builder_->graph(), nullptr,
                           {.spread = calibration_->spread, .points = {}});
    const std::vector<float> queries = Draw(kQueries);
    size_t found = 0;
    for (size_t i = 0; i < kQueries; ++i) {
      SearchRequest request;
      request.space = space_;
      request.query = &queries[i * kDimension];
      request.k = kNeighbors;
      request.tuning.effort = effort;
      std::vector<Candidate> nearest;
      std::vector<Candidate> walked;
      EXPECT_TRUE(FlatIndex().Search(Source(), request, &nearest).ok());
      EXPECT_TRUE(index.Search(Source(), request, &walked).ok());
      for (const Candidate& one : walked) {
        found += std::any_of(nearest.begin(), nearest.end(),
                             [&](const Candidate& other) { return other.row == one.row; });
      }
    }
    return static_cast<double>(found) / (kQueries * kNeighbors);
  }

 private:
  // Of different lengths.
  std::vector<float> Draw(size_t n) {
    std::normal_distribution<float> normal;
    std::vector<float> values(n * kDimension);
    for (size_t row = 0; row < n; ++row) {
      const float length = std::exp(.3F * normal(random_));
      for (size_t d = 0; d < kFilled; ++d) values[row * kDimension + d] = length * normal(random_);
    }
    return values;
  }
  VectorSource Source() const {
    VectorSource source;
    source.row_pointers = pointers_.data();
    source.n = static_cast<uint32_t>(pointers_.size());
    source.dimension = kDimension;
    return source;
  }

  std::mt19937 random_{1};
  const model::Space space_;
  const std::vector<float> values_;
  std::vector<const float*> pointers_;
  std::optional<RowCoder> coder_;
  std::optional<CodedRows> codes_;
  std::optional<GraphBuilder> builder_;
  Result<Calibration> calibration_ = Calibration();
};

TEST(Calibration, SaysWhatOtherQueriesFind) {
  for (const auto space : {model::Space::kL2, model::Space::kCosine, model::Space::kInnerProduct}) {
    CalibratedGraph graph(space, 4000, nullptr);
    ASSERT_TRUE(graph.calibration().ok());
    const Calibration& calibration = *graph.calibration();
    ASSERT_FALSE(calibration.points.empty());
    EXPECT_LT(calibration.points.front().recall, .97F);
    EXPECT_GT(calibration.points.back().recall, .99F);
    for (const CalibrationPoint& point : calibration.points) {
      EXPECT_NEAR(graph.Recall(point.effort), point.recall, .015 + .1 * (1 - point.recall))
          << static_cast<int>(space) << " " << point.effort;
    }
    for (const float target : {.95F, .98F}) {
      const uint32_t effort = EffortFor(calibration, target);
      EXPECT_GE(graph.Recall(effort), target - .02) << static_cast<int>(space);
      EXPECT_LE(graph.Recall(effort * 2 / 3), target + .01) << static_cast<int>(space);
    }
  }
}

// Recalls that a search asks for by SearchTuning, over a calibration that is made up.
class EffortsWithinRecalls : public testing::Test {
 protected:
  static constexpr uint32_t kDimension = 32;
  static constexpr uint32_t kRows = 5000;

  std::vector<float> Found(const SearchTuning& tuning, size_t k) const {
    std::vector<float> distances;
    for (uint32_t query = 0; query < 40; ++query) {
      SearchRequest request;
      request.query = rows_.Row(query * 100);
      request.k = k;
      request.tuning = tuning;
      std::vector<Candidate> found;
      EXPECT_TRUE(index_.Search(rows_.source(), request, &found).ok());
      for (const Candidate& one : found) distances.push_back(one.distance);
    }
    return distances;
  }
  std::vector<float> By(size_t effort, size_t k = 10) const { return Found({.effort = effort}, k); }

 private:
  static std::vector<float> Draw() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(size_t{kRows} * kDimension);
    for (float& value : values) value = normal(random);
    return values;
  }

  const BuiltRows rows_{Draw(), kDimension};
  const GraphIndex index_{
      rows_.coder().kernels(),
      rows_.coder().space(),
      rows_.graph(),
      nullptr,
      {.spread = .1F, .points = {{12, .5F}, {20, .9F}, {28, .95F}, {60, .99F}}}};
};

TEST_F(EffortsWithinRecalls, AsMuchAsIsEnoughAndNoMore) {
  ASSERT_NE(By(20), By(28)) << "efforts that differ find the same";
  ASSERT_NE(By(28), By(40));
  ASSERT_NE(By(40), By(60));
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .95F}, 10), By(28));
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .5F}, 10), By(20)) << "half of it at least";
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .99F}, 10), By(40)) << "no more";
  EXPECT_EQ(Found({.effort = 40, .least_recall = .99F}, 10), By(60));
  EXPECT_EQ(Found({.effort = 40, .least_recall = .9F}, 10), By(40)) << "no less";
  EXPECT_EQ(Found({.effort = 20, .least_recall = .95F, .enough_recall = .99F}, 10), By(28));
  // Of more results than calibration counts nothing is known.
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .95F}, 11), By(40, 11));
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .95F}, 5), By(28, 5));
  EXPECT_EQ(Found({.effort = 40, .enough_recall = .95F, .results = 10}, 11), By(28, 11))
      << "as for ten, by who asks for one more";
}

TEST(Calibration, EndsWhereItIsGivenUp) {
  const CalibratedGraph graph(model::Space::kL2, 1000, [] { return Status::Cancelled("enough"); });
  EXPECT_EQ(graph.calibration().status().code(), StatusCode::kCancelled);
}

// In d dimensions that are filled evenly, m rows take the m-th root of d times the room of one.
TEST(Calibration, SpreadTellsTheDimensionsThatRowsFill) {
  constexpr uint32_t kDimension = 64;
  for (const uint32_t filled : {4U, 6U, 8U}) {
    std::mt19937 random(filled);
    std::uniform_real_distribution<float> uniform;
    std::vector<float> values(size_t{6000} * kDimension);
    for (size_t row = 0; row < 6000; ++row) {
      for (size_t d = 0; d < filled; ++d) values[row * kDimension + d] = uniform(random);
    }
    const BuiltRows built(std::move(values), kDimension);
    const auto spread = MeasureSpread(built.coder(), built.graph(), built.source());
    ASSERT_TRUE(spread.ok());
    EXPECT_NEAR(*spread * static_cast<float>(filled) / 2, 1, .25) << filled;
  }
}

TEST(Calibration, EqualRowsHaveNoSpread) {
  const BuiltRows built(std::vector<float>(size_t{3000} * 64, .5F), 64);
  const auto spread = MeasureSpread(built.coder(), built.graph(), built.source());
  ASSERT_TRUE(spread.ok());
  EXPECT_EQ(*spread, 0);
}

// What is among copies says how far codes err, not how distances grow.
TEST(Calibration, CopiesDoNotChangeTheSpread) {
  constexpr uint32_t kDimension = 64;
  constexpr size_t kRows = 6000;
  const auto spread_with = [](size_t copied) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> uniform;
    std::vector<float> values(kRows * kDimension);
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t d = 0; d < 8; ++d) values[row * kDimension + d] = uniform(random);
    }
    for (size_t row = 0; row < copied; ++row) {
      std::copy_n(values.begin() + static_cast<ptrdiff_t>(row / 20 * 20 * kDimension), kDimension,
                  values.begin() + static_cast<ptrdiff_t>(row * kDimension));
    }
    const BuiltRows built(std::move(values), kDimension);
    return *MeasureSpread(built.coder(), built.graph(), built.source());
  };
  const float alone = spread_with(0);
  EXPECT_NEAR(spread_with(kRows / 4) / alone, 1, .2);
  EXPECT_NEAR(spread_with(kRows * 9 / 10) / alone, 1, .5);
}

}  // namespace
}  // namespace chroma::index
