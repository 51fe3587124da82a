#include "executor/explain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "executor/search_fixture.h"
#include "planner/planner.h"
#include "segment/vector_index_blob.h"
#include "testing/memory_blobs.h"

namespace chroma::executor {
namespace {

class ExplainTest : public ::testing::Test {
 protected:
  Result<Explanation> Run(const segment::Snapshot& snapshot, const planner::ExplainPlan& plan) {
    return Explain(ctx_, pool_, runtime::Clock::System(), snapshot, plan);
  }

  static planner::ListPlan ListOf(const std::string& where) {
    planner::ListPlan list;
    list.get.predicate =
        *planner::PlanPredicate(std::nullopt, *model::ParseWhere(*ParseJson(where)), std::nullopt);
    return list;
  }

  runtime::MemoryBudget budget_{1 << 20};
  runtime::Context ctx_{runtime::Clock::System(), runtime::Context::kNoDeadline, &budget_};
  runtime::ThreadPool pool_{runtime::Scheduler::System(), "test", 1, 10};
};

TEST_F(ExplainTest, ValuesAreCutAndRecordsAreExplainedOnce) {
  const std::string text(100'000, 'x');
  const auto snapshot = SnapshotOf(
      {MetadataOf({{"s", text}, {"a", std::vector<int64_t>(10'000, 7)}, {"n", int64_t{5}}})});
  std::string where = R"({"$and": [{"n": 5}, {"a": {"$contains": 7}}, {"none": {"$ne": 1}})";
  for (int i = 0; i < 50; ++i) where += R"(, {"s": {"$ne": "y"}})";
  const auto explanation = Run(snapshot, {ListOf(where + "]}"), {"id0", "nobody", "id0", "id0"}});
  ASSERT_TRUE(explanation.ok()) << explanation.status().ToString();
  ASSERT_EQ(explanation->verdicts.size(), 2u);
  EXPECT_EQ(explanation->verdicts[0].id, "id0");
  EXPECT_EQ(explanation->verdicts[1].id, "nobody");
  EXPECT_FALSE(explanation->verdicts[1].exists);
  const std::vector<Verdict>& clauses = explanation->verdicts[0].filter->clauses;
  ASSERT_EQ(clauses.size(), 53u);
  EXPECT_EQ(clauses[0].value, "5");
  EXPECT_EQ(clauses[1].value.substr(0, 6), "\"[7,7,");
  EXPECT_EQ(clauses[2].clauses[0].value, "null");
  for (const Verdict& clause : clauses) {
    const Verdict& leaf = clause.clauses.empty() ? clause : clause.clauses[0];
    EXPECT_LT(leaf.value.size(), 200u);
    EXPECT_TRUE(ParseJson(leaf.value).ok()) << leaf.value;
  }
}

TEST_F(ExplainTest, VerdictsAreReservedOfTheMemoryForAnswers) {
  std::string where = R"({"$and": [{"n": 5})";
  for (int i = 0; i < 5000; ++i) where += R"(, {"n": {"$gt": 1}})";
  const planner::ExplainPlan plan{ListOf(where + "]}"), {"id0", "id1"}};
  const auto snapshot =
      SnapshotOf({MetadataOf({{"n", int64_t{5}}}), MetadataOf({{"n", int64_t{6}}})});
  ASSERT_TRUE(budget_.TryTake(1));  // somebody else
  const auto explanation = Run(snapshot, plan);
  EXPECT_EQ(explanation.status().code(), StatusCode::kUnavailable);
  budget_.GiveBack(1);
}

TEST_F(ExplainTest, ASearchThatMayRunMayBeExplained) {
  const auto snapshot = SnapshotOf(std::vector<model::Metadata>(50));
  planner::SearchBatchPlan batch;
  planner::SearchPlan& search = batch.searches.emplace_back();
  search.ranked = true;
  search.knns.resize(2);
  search.knns[0].query = std::vector<float>{0};
  search.knns[0].limit = 4;
  search.knns[1].query = std::vector<float>{49};
  search.knns[1].limit = 5;
  search.rank = {{planner::RankStep::Op::kKnn, 0, false, std::nullopt},
                 {planner::RankStep::Op::kKnn, 1, false, 3000.0f},
                 {planner::RankStep::Op::kAdd, 0, false, std::nullopt}};
  search.stack_depth = 2;
  search.limit = 2;
  batch.rows_max = 20;  // less than there are records
  const auto explanation = Run(snapshot, {batch, {"id3", "id1", "id49"}});
  ASSERT_TRUE(explanation.ok()) << explanation.status().ToString();
  const std::vector<RecordVerdict>& verdicts = explanation->verdicts;
  ASSERT_EQ(verdicts.size(), 3u);
  const std::vector<Step>& steps = explanation->steps;
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[1].what, "$knn of #embedding, limit 4");
  EXPECT_EQ(steps[1].rows_in, 50u);
  EXPECT_EQ(steps[2].rows_in, 50u);
  EXPECT_EQ(steps[3].what, "rank");
  EXPECT_EQ(steps[3].rows_in, 9u);
  EXPECT_EQ(verdicts[0].place, 3u);
  EXPECT_FALSE(verdicts[0].returned);
  EXPECT_EQ(verdicts[0].score, 3009.0f);
  EXPECT_EQ(verdicts[0].knns[0].place, 3u);
  EXPECT_EQ(verdicts[0].knns[1].place, 46u);
  EXPECT_EQ(verdicts[0].knns[1].distance, 46.0f * 46.0f);
  EXPECT_FALSE(verdicts[0].knns[1].within_limit);
  EXPECT_TRUE(verdicts[1].returned);
  EXPECT_EQ(verdicts[1].place, 1u);
  EXPECT_FALSE(verdicts[2].place);
  EXPECT_EQ(verdicts[2].knns[1].place, 0u);
  EXPECT_TRUE(verdicts[2].knns[1].within_limit);
}

// An index over rows of one number each, by which a walk that begins at row 0 comes to even rows
// only. `n` rows, so many that walks are tried.
std::shared_ptr<const segment::PartIndexes> IndexOfEvenRows(runtime::Context& ctx, uint32_t n) {
  std::vector<float> values(n);
  std::vector<const float*> rows;
  for (uint32_t row = 0; row < n; ++row) {
    values[row] = static_cast<float>(row);
    rows.push_back(&values[row]);
  }
  const index::CodeSpace space = index::ChooseCodeSpace(model::Space::kL2, 1, /*seed=*/1, rows);
  const index::RowCoder coder(simd::ActiveCodeKernels(), space);
  const index::CodedRows coded(coder, rows, index::InOrder);
  std::vector<uint32_t> edges(size_t{n} * index::kDegree, index::kNoRow);
  for (uint32_t row = 0; row < n; ++row) {
    for (uint32_t i = 0; i < 4 && row % 2 == 0 && row + 2 * i + 2 < n; ++i) {
      edges[size_t{row} * index::kDegree + i] = row + 2 * i + 2;
    }
  }
  testing::MemoryBlobStore blobs;
  const index::Graph graph{coded.view(), index::Edges::Of(edges.data()), 0};
  EXPECT_TRUE(segment::WriteVectorIndex(ctx, blobs, "index", space, graph, {}, 1).ok());
  auto indexes = std::make_shared<segment::PartIndexes>();
  segment::PartIndex& index = indexes->list.emplace_back();
  index.reader = *segment::VectorIndexReader::Open(ctx, *blobs.Open(ctx, "index"), nullptr);
  return indexes;
}

TEST_F(ExplainTest, ASearchSaysWhatItsVectorIndexMissed) {
  constexpr uint32_t kRows = 8000;
  segment::Snapshot snapshot = SnapshotOf(std::vector<model::Metadata>(kRows));
  snapshot.parts[0].indexes = IndexOfEvenRows(ctx_, kRows);
  planner::SearchBatchPlan batch;
  planner::SearchPlan& search = batch.searches.emplace_back();
  search.ranked = true;
  search.knns.resize(1);
  search.knns[0].query = std::vector<float>{0};
  search.knns[0].limit = 10;
  search.rank = {{planner::RankStep::Op::kKnn, 0, false, std::nullopt}};
  search.stack_depth = 1;
  search.limit = 5;
  batch.rows_max = 1'000'000;
  const auto explanation = Run(snapshot, {batch, {"id0", "id1", "id10", "id11"}});
  ASSERT_TRUE(explanation.ok()) << explanation.status().ToString();
  const std::vector<RecordVerdict>& verdicts = explanation->verdicts;
  EXPECT_TRUE(verdicts[0].returned);
  EXPECT_FALSE(verdicts[0].knns[0].missed);
  EXPECT_FALSE(verdicts[1].returned);
  EXPECT_EQ(verdicts[1].knns[0].place, 1U);
  EXPECT_TRUE(verdicts[1].knns[0].missed);
  EXPECT_NE(verdicts[1].reason.find("the vector index did not find it"), std::string::npos)
      << verdicts[1].reason;
  EXPECT_FALSE(verdicts[2].knns[0].missed) << "beyond the limit, by exact distances";
  EXPECT_FALSE(verdicts[3].knns[0].missed);
  EXPECT_EQ(verdicts[3].reason.find("vector index"), std::string::npos) << verdicts[3].reason;
  search.knns[0].limit = 2;  // just reaches it
  const auto last = Run(snapshot, {batch, {"id1"}});
  ASSERT_TRUE(last.ok());
  EXPECT_TRUE(last->verdicts[0].knns[0].missed);
}

TEST_F(ExplainTest, AQuerySaysWhatItsVectorIndexMissed) {
  constexpr uint32_t kRows = 8000;
  segment::Snapshot snapshot = SnapshotOf(std::vector<model::Metadata>(kRows));
  snapshot.parts[0].indexes = IndexOfEvenRows(ctx_, kRows);
  planner::QueryPlan query;
  query.queries = {1, {0}};
  query.n_results = 2;
  const auto explanation = Run(snapshot, {query, {"id1", "id2", "id3"}});
  ASSERT_TRUE(explanation.ok()) << explanation.status().ToString();
  EXPECT_EQ(explanation->verdicts[0].reason,
            "it is among the nearest, but the vector index did not find it");
  EXPECT_TRUE(explanation->verdicts[1].returned);
  EXPECT_NE(explanation->verdicts[2].reason.find("beyond n_results"), std::string::npos);
}

}  // namespace
}  // namespace chroma::executor
