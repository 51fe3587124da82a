#include "executor/facets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "executor/search_fixture.h"

namespace chroma::executor {
namespace {

TEST(FacetsTest, FacetsOfOneKeyAreCountedOnceAndShownEachInItsOrder) {
  std::vector<model::Metadata> metadatas;
  for (int64_t i = 0; i < 10; ++i) {
    metadatas.push_back(MetadataOf({{"k", i * i / 20}, {"s", std::string("x")}}));
  }
  const auto snapshot = SnapshotOf(std::move(metadatas));
  planner::FacetsPlan plan;
  plan.facets = {{"k", 2, false}, {"s", 5, false}, {"k", 3, true}, {"none", 1, false}};
  runtime::Context ctx;
  const auto result = CountFacets(ctx, snapshot, plan, nullptr);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->count, 10u);
  ASSERT_EQ(result->facets.size(), 4u);
  const std::vector<FacetValues>& facets = result->facets;
  EXPECT_EQ(facets[0].key, "k");
  EXPECT_EQ(facets[0].distinct, 5u);  // 0 five times, 1 twice, 2, 3 and 4
  ASSERT_EQ(facets[0].values.size(), 2u);
  EXPECT_EQ(facets[0].values[0].count, 5u);
  EXPECT_EQ(facets[1].key, "s");
  EXPECT_EQ(facets[1].records, 10u);
  ASSERT_EQ(facets[2].values.size(), 3u);
  EXPECT_EQ(std::get<int64_t>(facets[2].values[2].value), 2);
  EXPECT_EQ(facets[3].records, 0u);
}

// The counts of one key take some 320 kB.
TEST(FacetsTest, TheCountsOfOneKeyAtATimeAreReserved) {
  std::vector<model::Metadata> metadatas(2000);
  planner::FacetsPlan plan;
  for (int key = 0; key < 20; ++key) {
    plan.facets.push_back({"k" + std::to_string(key), 10, false});
    for (size_t i = 0; i < metadatas.size(); ++i) {
      metadatas[i].Set("k" + std::to_string(key), static_cast<int64_t>(i));
    }
  }
  const auto snapshot = SnapshotOf(std::move(metadatas));
  runtime::MemoryBudget budget(1'000'000);
  ASSERT_TRUE(budget.TryTake(400'000));  // somebody else
  {
    runtime::Context ctx(runtime::Clock::System(), runtime::Context::kNoDeadline, &budget);
    EXPECT_TRUE(CountFacets(ctx, snapshot, plan, nullptr).ok());
    EXPECT_GT(budget.taken_bytes(), 500'000u);
  }
  ASSERT_TRUE(budget.TryTake(500'000));
  runtime::Context ctx(runtime::Clock::System(), runtime::Context::kNoDeadline, &budget);
  EXPECT_EQ(CountFacets(ctx, snapshot, plan, nullptr).status().code(), StatusCode::kUnavailable);
}

std::vector<model::Metadata> Different(int64_t n) {
  std::vector<model::Metadata> metadatas;
  for (int64_t i = 0; i < n; ++i) metadatas.push_back(MetadataOf({{"k", i}}));
  return metadatas;
}

TEST(FacetsTest, AnswersTakeNoMoreThanWhatIsShown) {
  const auto snapshot = SnapshotOf(Different(2000));
  planner::FacetsPlan plan;
  plan.facets.assign(100, {"k", 10, false});
  runtime::Context ctx;
  const auto result = CountFacets(ctx, snapshot, plan, nullptr);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  for (const FacetValues& facet : result->facets) {
    EXPECT_EQ(facet.distinct, 2000u);
    EXPECT_LE(facet.values.capacity(), 10u);
  }
}

TEST(FacetsTest, AnswersThatAreTooLargeAreRefused) {
  const auto snapshot = SnapshotOf(Different(2000));
  planner::FacetsPlan plan;
  plan.facets.assign(100, {"k", 1000, false});
  plan.answer_bytes_max = 1'000'000;
  runtime::Context ctx;
  const Status refused = CountFacets(ctx, snapshot, plan, nullptr).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused.message(),
            "The answer would be larger than 1000000 bytes; lower the limits of its facets");
  plan.facets.resize(5);
  EXPECT_TRUE(CountFacets(ctx, snapshot, plan, nullptr).ok());
}

}  // namespace
}  // namespace chroma::executor
