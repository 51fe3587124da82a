#include "executor/group_by.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "executor/rank_eval.h"
#include "executor/search.h"
#include "executor/search_fixture.h"

namespace chroma::executor {
namespace {

using model::MetadataValue;

// Row i scores i.
std::vector<uint32_t> Kept(const segment::Snapshot& snapshot, const model::GroupBy& group_by) {
  runtime::Context ctx;
  std::vector<Neighbor> rows;
  for (uint32_t i = 0; i < snapshot.live; ++i) rows.push_back({static_cast<float>(i), i, 0, i});
  std::reverse(rows.begin(), rows.end());
  EXPECT_TRUE(KeepBestOfGroups(ctx, snapshot, group_by, &rows).ok());
  KeepBest(UINT64_MAX, &rows);
  std::vector<uint32_t> numbers;
  for (const Neighbor& row : rows) numbers.push_back(row.row);
  return numbers;
}

using Rows = std::vector<uint32_t>;

TEST(GroupByTest, KeepsTheBestByScore) {
  const auto snapshot = SnapshotOf({MetadataOf({{"g", std::string("x")}}),
                                    MetadataOf({{"g", std::string("x")}}),
                                    MetadataOf({{"g", std::string("y")}}),
                                    {},
                                    MetadataOf({{"g", std::string("x")}}),
                                    {}});
  EXPECT_EQ(Kept(snapshot, {{"g"}, model::Aggregate{false, {"#score"}, 1}}), (Rows{0, 2, 3}));
  EXPECT_EQ(Kept(snapshot, {{"g"}, model::Aggregate{false, {"#score"}, 2}}), (Rows{0, 1, 2, 3, 5}));
  EXPECT_EQ(Kept(snapshot, {{"g"}, model::Aggregate{true, {"#score"}, 1}}), (Rows{2, 4, 5}));
}

TEST(GroupByTest, AggregatesByFieldsOfAnyType) {
  const auto snapshot = SnapshotOf({MetadataOf({{"p", int64_t{2}}}),
                                    MetadataOf({{"p", 1.5}}),
                                    MetadataOf({{"p", std::string("z")}}),
                                    {},
                                    MetadataOf({{"p", true}})});
  const auto ordered = [&](bool largest, uint32_t k) {
    return Kept(snapshot, {{"g"}, model::Aggregate{largest, {"p"}, k}});
  };
  EXPECT_EQ(ordered(false, 1), (Rows{3}));  // a missing value is the smallest
  EXPECT_EQ(ordered(false, 3), (Rows{1, 3, 4}));
  EXPECT_EQ(ordered(true, 2), (Rows{0, 2}));
}

TEST(GroupByTest, SeveralKeysAndEqualOnes) {
  const auto snapshot =
      SnapshotOf({MetadataOf({{"g", int64_t{1}}, {"p", int64_t{1}}, {"q", int64_t{5}}}),
                  MetadataOf({{"g", 1.0}, {"p", 1.0}, {"q", int64_t{4}}}),
                  MetadataOf({{"g", int64_t{1}}, {"h", true}, {"p", int64_t{0}}}),
                  MetadataOf({{"g", int64_t{1}}, {"p", int64_t{1}}, {"q", int64_t{4}}})});
  EXPECT_EQ(Kept(snapshot, {{"g", "h"}, model::Aggregate{false, {"p", "q"}, 1}}), (Rows{1, 2}));
  EXPECT_EQ(Kept(snapshot, {{"g", "h"}, model::Aggregate{true, {"p", "q"}, 1}}), (Rows{0, 2}));
  EXPECT_EQ(Kept(snapshot, {{"g"}, model::Aggregate{true, {"p"}, 2}}), (Rows{0, 1}));
}

TEST(GroupByTest, KeysThatAreNamedAgainAreReadOnce) {
  std::vector<std::string> keys(1000, "g");
  keys.push_back("h");
  EXPECT_EQ(GroupKeysRead({{"g"}, model::Aggregate{false, {"#score"}, 1}}), 2u);
  EXPECT_EQ(GroupKeysRead({keys, model::Aggregate{false, {"#score", "h", "p", "p"}, 1}}), 4u);
  const auto snapshot =
      SnapshotOf({MetadataOf({{"g", std::vector<int64_t>{1, 2}}, {"h", int64_t{1}}}),
                  MetadataOf({{"g", std::vector<int64_t>{1, 2}}, {"h", 1.0}}),
                  MetadataOf({{"g", std::vector<int64_t>{1, 3}}, {"h", int64_t{1}}})});
  EXPECT_EQ(Kept(snapshot, {keys, model::Aggregate{true, {"h", "#score"}, 1}}), (Rows{1, 2}));
}

TEST(GroupByTest, CandidatesCountOnceForEachKey) {
  const auto snapshot = SnapshotOf(std::vector<model::Metadata>(50));
  planner::SearchBatchPlan batch;
  planner::SearchPlan& search = batch.searches.emplace_back();
  search.ranked = true;
  search.knns.resize(1);
  search.knns[0].query = std::vector<float>{0};
  search.knns[0].limit = 50;
  search.rank = {{planner::RankStep::Op::kKnn, 0, false, std::nullopt}};
  search.stack_depth = 1;
  search.limit = 5;
  search.group_by = {{"a", "b", "c"}, model::Aggregate{false, {"#score"}, 50}};
  batch.rows_max = 50 + 4 * 50 + 5;
  runtime::Context ctx;
  runtime::ThreadPool pool(runtime::Scheduler::System(), "test", 1, 10);
  const auto found = RunSearches(ctx, pool, snapshot, batch);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ((*found)[0].rows.size(), 5u);
  batch.rows_max -= 1;
  EXPECT_EQ(RunSearches(ctx, pool, snapshot, batch).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace chroma::executor
