#include "executor/rank_eval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace chroma::executor {
namespace {

using planner::RankStep;
using Op = RankStep::Op;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class RankEvalTest : public ::testing::Test {
 protected:
  // Rows 0 … n-1 with distance 2 * row, those that `every` divides.
  static std::vector<Neighbor> Every(uint32_t every, uint32_t n) {
    std::vector<Neighbor> found;
    for (uint32_t row = 0; row < n; row += every) {
      found.push_back({2.0f * static_cast<float>(row), row, row % 3, row});
    }
    return found;
  }

  std::vector<Neighbor> Run(std::vector<RankStep> steps,
                            const std::vector<std::vector<Neighbor>>& found) {
    planner::SearchPlan plan;
    plan.rank = std::move(steps);
    plan.stack_depth = static_cast<uint32_t>(plan.rank.size());
    Result<std::vector<Neighbor>> rows = EvaluateRank(ctx_, plan, found);
    EXPECT_TRUE(rows.ok());
    KeepBest(UINT64_MAX, &*rows);
    return *std::move(rows);
  }

  static RankStep Knn(uint32_t knn, std::optional<float> default_score = std::nullopt,
                      bool positions = false) {
    return {Op::kKnn, knn, positions, default_score};
  }
  static RankStep Constant(float value) { return {Op::kConstant, 0, false, value}; }
  static RankStep Step(Op op) { return {op, 0, false, std::nullopt}; }

  static std::vector<float> Scores(const std::vector<Neighbor>& rows) {
    std::vector<float> scores;
    for (const Neighbor& row : rows) scores.push_back(row.distance);
    return scores;
  }

  runtime::Context ctx_;
};

TEST_F(RankEvalTest, OneKnn) {
  EXPECT_EQ(Scores(Run({Knn(0)}, {Every(2, 6)})), (std::vector<float>{0, 4, 8}));
  EXPECT_EQ(Scores(Run({Knn(0, 1.0f, true)}, {Every(2, 6)})), (std::vector<float>{0, 1, 2}));
}

TEST_F(RankEvalTest, SupportsAndDefaults) {
  const std::vector<std::vector<Neighbor>> found = {Every(2, 5000), Every(3, 5000)};
  const auto count = [&](std::optional<float> left, std::optional<float> right) {
    return Run({Knn(0, left), Knn(1, right), Step(Op::kAdd)}, found).size();
  };
  EXPECT_EQ(count(std::nullopt, std::nullopt), Every(6, 5000).size());
  EXPECT_EQ(count(1.0f, std::nullopt), found[1].size());
  EXPECT_EQ(count(std::nullopt, 1.0f), found[0].size());
  EXPECT_EQ(count(1.0f, 1.0f), found[0].size() + found[1].size() - Every(6, 5000).size());
  for (const Neighbor& row : Run({Knn(0, 100.0f), Knn(1), Step(Op::kSubtract)}, found)) {
    EXPECT_EQ(row.distance, row.row % 2 == 0 ? 0.0f : 100.0f - 2.0f * static_cast<float>(row.row));
  }
}

TEST_F(RankEvalTest, DefaultsAreComputedToo) {
  // (default 1) * 2 + (default 3) makes 5 outside of the first one's support.
  const auto rows =
      Run({Knn(0, 1.0f), Constant(2), Step(Op::kMultiply), Knn(1, 3.0f), Step(Op::kAdd)},
          {Every(4, 8), Every(6, 8)});
  EXPECT_EQ(Scores(rows), (std::vector<float>{0, 14, 19}));
}

TEST_F(RankEvalTest, ConstantsAloneScoreNothing) {
  EXPECT_TRUE(Run({Constant(1)}, {}).empty());
  EXPECT_TRUE(Run({Constant(1), Step(Op::kLog)}, {}).empty());
}

TEST_F(RankEvalTest, WhatIsNoNumberComesLast) {
  const auto rows = Run({Constant(0), Knn(0), Step(Op::kDivide)}, {Every(1, 3)});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].row, 0u);
  EXPECT_TRUE(std::isnan(rows[2].distance));
  EXPECT_FALSE(std::signbit(rows[2].distance));
  const auto logs = Run({Knn(0), Constant(3), Step(Op::kSubtract), Step(Op::kLog)}, {Every(1, 3)});
  EXPECT_EQ(logs[0].row, 2u);
  EXPECT_EQ(logs[1].row, 0u);  // equal scores in insertion order
  EXPECT_EQ(logs[2].row, 1u);
}

TEST_F(RankEvalTest, ExtremesIgnoreWhatIsNoNumber) {
  const std::vector<Neighbor> nan = {{kNan, 0, 0, 0}};
  EXPECT_EQ(Scores(Run({Knn(0), Constant(7), Step(Op::kMax)}, {nan})), std::vector<float>{7});
  EXPECT_EQ(Scores(Run({Constant(7), Knn(0), Step(Op::kMin)}, {nan})), std::vector<float>{7});
}

TEST_F(RankEvalTest, Functions) {
  const std::vector<Neighbor> one = {{-2, 0, 0, 0}};
  EXPECT_EQ(Scores(Run({Knn(0), Step(Op::kAbs)}, {one})), std::vector<float>{2});
  EXPECT_EQ(Scores(Run({Knn(0), Step(Op::kExp)}, {one})), std::vector<float>{std::exp(-2.0f)});
  EXPECT_EQ(Scores(Run({Knn(0), Step(Op::kAbs), Step(Op::kLog)}, {one})),
            std::vector<float>{std::log(2.0f)});
}

TEST_F(RankEvalTest, KeepBestKeepsTheFirst) {
  std::vector<Neighbor> rows;
  for (uint32_t i = 0; i < 100; ++i) rows.push_back({static_cast<float>(i * 37 % 10), i, 0, i});
  KeepBest(12, &rows);
  ASSERT_EQ(rows.size(), 12u);
  for (uint32_t i = 0; i < 12; ++i) {
    EXPECT_EQ(rows[i].distance, i < 10 ? 0.0f : 1.0f);
    if (i > 0 && i != 10) {
      EXPECT_LT(rows[i - 1].order, rows[i].order);
    }
  }
}

}  // namespace
}  // namespace chroma::executor
