#include "executor/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "executor/clause_order.h"
#include "executor/filter.h"
#include "planner/describe.h"
#include "planner/planner.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "testing/memory_blobs.h"

namespace chroma::executor {
namespace {

constexpr uint32_t kRows = 20'000;

// Numbers of several distributions, a key that half of the rows have, one that depends on
// another, and documents of words with Zipf's frequencies; some of it sorted, some scattered.
class EstimateTest : public ::testing::Test {
 protected:
  EstimateTest() {
    auto writer = *segment::SegmentWriter::Create(ctx_, blobs_, "segment", 0);
    uint64_t state = 1;
    const auto next = [&] {
      return (state = state * 6364136223846793005 + 1442695040888963407) >> 33;
    };
    for (uint32_t row = 0; row < kRows; ++row) {
      model::Metadata metadata;
      const auto uniform = static_cast<int64_t>(next() % 100);
      metadata.Set("uniform", uniform);
      metadata.Set("twin", uniform % 10);
      metadata.Set("skewed", std::exp(static_cast<double>(next() % 1000) / 100));
      metadata.Set("sorted", int64_t{row / 100});
      metadata.Set("kind", std::string(next() % 5 == 0 ? "rare" : "common"));
      if (row % 2 == 0) metadata.Set("half", true);
      std::string document;
      for (int i = 0; i < 6; ++i) {
        const double u = static_cast<double>(1 + next() % 100'000) / 100'000;
        document += "w" + std::to_string(static_cast<int>(1 / u)) + " ";
      }
      const std::string id = std::to_string(row);
      segment::RowView view;
      view.id = id;
      view.insertion_offset = row;
      view.document = document;
      view.metadata = &metadata;
      EXPECT_TRUE(writer->Add(view).ok());
    }
    EXPECT_TRUE(writer->Finish(ctx_).ok());
    part_ = *segment::SegmentReader::Open(ctx_, *blobs_.Open(ctx_, "segment"));
  }

  // The estimate and the truth, as shares of the rows.
  std::pair<double, double> Shares(std::string_view where) {
    const auto predicate =
        *planner::PlanPredicate(std::nullopt, *model::ParseWhere(*ParseJson(where)), std::nullopt);
    const auto estimate = Estimator(*part_).Share(ctx_, *predicate);
    EXPECT_TRUE(estimate.ok()) << estimate.status().ToString();
    const auto rows = Evaluate(ctx_, *predicate, *part_, Bitmap::Range(0, kRows));
    return {*estimate, static_cast<double>(rows->Count()) / kRows};
  }

  runtime::Context ctx_;
  testing::MemoryBlobStore blobs_;
  std::shared_ptr<const segment::Part> part_;
};

TEST_F(EstimateTest, MetadataIsEstimatedWithinTheSamplingError) {
  for (const char* where :
       {R"({"uniform": {"$lt": 60}})", R"({"uniform": 7})", R"({"uniform": {"$ne": 7}})",
        R"({"uniform": {"$in": [1, 2, 3, 50]}})", R"({"skewed": {"$gt": 100}})",
        R"({"skewed": {"$lte": 2.5}})", R"({"sorted": {"$gte": 150}})", R"({"sorted": {"$lt": 3}})",
        R"({"kind": "rare"})", R"({"kind": {"$nin": ["rare"]}})", R"({"half": true})",
        R"({"half": {"$ne": true}})", R"({"nothing": 1})", R"({"$and": []})",
        R"({"$and": [{"uniform": {"$lt": 50}}, {"kind": "common"}]})",
        R"({"$or": [{"uniform": {"$lt": 50}}, {"half": true}]})",
        // Which independence would take for 5 %.
        R"({"$and": [{"uniform": {"$in": [3, 13, 23, 33, 43, 53]}}, {"twin": 3}]})",
        R"({"$and": [{"uniform": {"$lt": 50}}, {"uniform": {"$gte": 50}}]})"}) {
    const auto [estimate, truth] = Shares(where);
    EXPECT_NEAR(estimate, truth, .045) << where;
  }
}

TEST_F(EstimateTest, WordsAreCounted) {
  for (const char* where :
       {R"({"#document": {"$contains": "w1"}})", R"({"#document": {"$contains": "w2"}})",
        R"({"#document": {"$contains": "w17"}})", R"({"#document": {"$contains": "nothing"}})",
        R"({"#document": {"$not_contains": "w2"}})", R"({"#document": {"$regex": "w31|w32"}})"}) {
    const auto [estimate, truth] = Shares(where);
    // A row may have several of the words that contain the needle.
    EXPECT_GE(estimate + (std::string_view(where).find("not_") == std::string_view::npos ? 0 : 1),
              truth - 1e-9)
        << where;
    EXPECT_LT(std::abs(estimate - truth), .1 + truth) << where;
  }
}

TEST_F(EstimateTest, TextAndMetadataTogether) {
  const auto [estimate, truth] =
      Shares(R"({"$and": [{"#document": {"$contains": "w4 "}}, {"uniform": {"$lt": 30}}]})");
  EXPECT_NEAR(estimate, truth, .05);
}

TEST_F(EstimateTest, ClausesThatReadFewDocumentsRunFirst) {
  const auto predicate = *planner::PlanPredicate(
      std::nullopt,
      *model::ParseWhere(*ParseJson(
          R"({"$and": [{"$or": [{"#document": {"$regex": "[0-9]{3}"}}, {"uniform": 1}]},
                       {"#document": {"$contains": "w9 w"}}, {"kind": "rare"}]})")),
      std::nullopt);
  const auto& all = std::get<planner::AllOf>(predicate->node);
  const auto ordered = InOrderOfCost(ctx_, all, *part_);
  ASSERT_TRUE(ordered.ok()) << ordered.status().ToString();
  std::vector<std::string> clauses;
  for (const planner::Predicate* clause : *ordered) clauses.push_back(planner::Describe(*clause));
  EXPECT_EQ(clauses, (std::vector<std::string>{R"({"kind":{"$eq":"rare"}})",
                                               R"({"#document":{"$contains":"w9 w"}})", "$or"}));
}

TEST_F(EstimateTest, TracesTellWhatWasExpectedAndWhatCame) {
  const auto predicate = *planner::PlanPredicate(
      std::nullopt,
      *model::ParseWhere(*ParseJson(
          R"({"$and": [{"uniform": {"$lt": 60}}, {"$or": [{"kind": "rare"}, {"half": true}]}]})")),
      std::nullopt);
  Trace trace(runtime::Clock::System());
  const auto found =
      Evaluate(ctx_, *predicate, *part_, Bitmap::Range(0, kRows), {kAllRows, nullptr, &trace});
  ASSERT_TRUE(found.ok());
  const std::vector<Step> steps = trace.Take();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].what, "$and");
  EXPECT_EQ(steps[0].rows_in, kRows);
  EXPECT_EQ(steps[0].rows_out, found->Count());
  ASSERT_EQ(steps[0].steps.size(), 2u);
  EXPECT_EQ(steps[0].steps[0].how, "column of integers");
  EXPECT_EQ(steps[0].steps[1].steps.size(), 2u);
  for (const Step* step : {&steps[0], &steps[0].steps[0], &steps[0].steps[1]}) {
    ASSERT_TRUE(step->estimate.has_value());
    EXPECT_NEAR(*step->estimate, static_cast<double>(step->rows_out), .06 * kRows) << step->what;
    EXPECT_GE(step->ns, 0);
  }
  EXPECT_LE(steps[0].steps[0].ns + steps[0].steps[1].ns, steps[0].ns);
}

}  // namespace
}  // namespace chroma::executor
