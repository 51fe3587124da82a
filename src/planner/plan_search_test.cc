#include <gtest/gtest.h>

#include <limits>

#include "planner/planner.h"

namespace chroma::planner {
namespace {

using model::Rank;
using model::RankOperator;
using Op = RankStep::Op;

model::Knn Dense(float at) {
  model::Knn knn;
  knn.query = std::vector<float>{at};
  return knn;
}

SearchPlan Plan(Rank rank, const model::Schema& schema = model::DefaultSchema(1)) {
  model::Search search;
  search.rank = std::move(rank);
  Result<SearchPlan> plan = PlanSearch(search, schema);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return *std::move(plan);
}

std::vector<Op> Ops(const SearchPlan& plan) {
  std::vector<Op> ops;
  for (const RankStep& step : plan.rank) ops.push_back(step.op);
  return ops;
}

TEST(PlanSearch, FoldsBecomeBinarySteps) {
  Rank rank;
  rank.AddKnn(Dense(1));
  rank.AddValue(2);
  rank.AddKnn(Dense(3));
  rank.AddOperator(RankOperator::kMax, 2);
  rank.AddOperator(RankOperator::kMultiply, 2);
  const SearchPlan plan = Plan(rank);
  EXPECT_EQ(Ops(plan),
            (std::vector<Op>{Op::kConstant, Op::kKnn, Op::kMultiply, Op::kConstant, Op::kConstant,
                             Op::kMax, Op::kKnn, Op::kMax, Op::kMultiply}));
  EXPECT_EQ(plan.rank[0].default_score, 1.0f);
  EXPECT_EQ(plan.rank[3].default_score, -std::numeric_limits<float>::max());
  EXPECT_EQ(plan.rank[6].knn, 1u);
  EXPECT_EQ(plan.stack_depth, 3u);
}

TEST(PlanSearch, EmptyFoldsAreTheirConstant) {
  Rank rank;
  rank.AddOperator(RankOperator::kSum, 0);
  rank.AddOperator(RankOperator::kMin, 0);
  rank.AddOperator(RankOperator::kDivide, 2);
  const SearchPlan plan = Plan(rank);
  EXPECT_EQ(Ops(plan), (std::vector<Op>{Op::kConstant, Op::kConstant, Op::kDivide}));
  EXPECT_EQ(plan.rank[0].default_score, 0.0f);
  EXPECT_EQ(plan.rank[1].default_score, std::numeric_limits<float>::max());
  EXPECT_TRUE(plan.ranked);
}

TEST(PlanSearch, EqualKnnsRunOnce) {
  Rank rank;
  for (int i = 0; i < 2; ++i) {
    model::Knn knn = Dense(1);
    knn.return_rank = i == 1;
    knn.default_score = static_cast<float>(i);
    rank.AddKnn(knn);
  }
  rank.AddOperator(RankOperator::kSubtract, 2);
  const SearchPlan plan = Plan(rank);
  EXPECT_EQ(plan.knns.size(), 1u);
  EXPECT_FALSE(plan.rank[0].positions);
  EXPECT_TRUE(plan.rank[1].positions);
  EXPECT_EQ(plan.rank[1].default_score, 1.0f);
}

TEST(PlanSearch, SparseKnnsKnowTheirKeyAndScaling) {
  model::Schema schema = model::DefaultSchema(1);
  schema.keys["s"].sparse_vector_index.emplace().config.bm25 = true;
  schema.keys["t"].sparse_vector_index.emplace();
  Rank rank;
  for (const char* key : {"s", "t"}) {
    model::Knn knn;
    knn.query = model::SparseVector{{1}, {1}, {}};
    knn.key = key;
    rank.AddKnn(knn);
  }
  rank.AddOperator(RankOperator::kSum, 2);
  const SearchPlan plan = Plan(rank, schema);
  ASSERT_EQ(plan.knns.size(), 2u);
  EXPECT_TRUE(plan.knns[0].bm25);
  EXPECT_FALSE(plan.knns[1].bm25);
  EXPECT_EQ(plan.knns[1].key, "t");
  schema.defaults.sparse_vector_index->config.bm25 = true;
  EXPECT_TRUE(Plan(rank, schema).knns[1].bm25);
}

TEST(PlanSearch, WithoutRank) {
  model::Search search;
  search.offset = 3;
  search.limit = 4;
  const Result<SearchPlan> plan = PlanSearch(search, model::DefaultSchema(1));
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->ranked);
  EXPECT_FALSE(plan->predicate.has_value());
  EXPECT_EQ(plan->offset, 3u);
  EXPECT_EQ(plan->limit, 4u);
}

}  // namespace
}  // namespace chroma::planner
