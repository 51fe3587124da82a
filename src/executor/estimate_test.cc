#include "executor/estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "executor/clause_order.h"
#include "executor/filter.h"
#include "executor/search_fixture.h"
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
      metadata.Set("name", "name " + std::to_string(row));
      metadata.Set("tags", std::vector<std::string>{row % 250 == 0 ? "seldom" : "often", "all"});
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

  static model::Filter FilterOf(std::string_view where) {
    return *model::ParseWhere(*ParseJson(where), model::Dialect::kExtended);
  }

  // The estimate and the truth, as shares of the rows.
  std::pair<double, double> Shares(std::string_view where) {
    const auto predicate = *planner::PlanPredicate(std::nullopt, FilterOf(where), std::nullopt);
    const auto estimate = Estimator(*part_).Share(ctx_, *predicate);
    EXPECT_TRUE(estimate.ok()) << estimate.status().ToString();
    const auto rows = Evaluate(ctx_, *predicate, *part_, Bitmap::Range(0, kRows));
    return {*estimate, static_cast<double>(rows->Count()) / kRows};
  }

  // The children of a conjunction or disjunction in the order in which they run.
  std::vector<std::string> Order(std::string_view where) { return Order(where, *part_, kRows); }
  std::vector<std::string> Order(std::string_view where, const segment::Part& part,
                                 uint64_t candidates) {
    const auto predicate = *planner::PlanPredicate(std::nullopt, FilterOf(where), std::nullopt);
    const auto* all = std::get_if<planner::AllOf>(&predicate->node);
    const auto ordered =
        all != nullptr
            ? InOrderOfCost(ctx_, *all, part, candidates)
            : InOrderOfCost(ctx_, std::get<planner::AnyOf>(predicate->node), part, candidates);
    EXPECT_TRUE(ordered.ok()) << ordered.status().ToString();
    std::vector<std::string> clauses;
    for (const planner::Predicate* clause : *ordered) clauses.push_back(planner::Describe(*clause));
    return clauses;
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

TEST_F(EstimateTest, TextWithinMetadataIsEstimated) {
  // By the text index of the values, whose terms are counted, and by a sample.
  for (const char* where :
       {R"({"name": {"$phrase": "19"}})", R"({"name": {"$contains_any": ["123"]}})",
        R"({"name": {"$prefix": "name 1999"}})",
        R"({"name": {"$not_contains_any": ["777", "name 3"]}})",
        R"({"name": {"$contains_any": ["7"]}})", R"({"name": {"$contains_any": [""]}})",
        R"({"kind": {"$contains_any": ["are"]}})", R"({"kind": {"$not_phrase": "common"}})",
        R"({"tags": {"$prefix": "of"}})", R"({"nothing": {"$phrase": "of"}})",
        R"({"half": {"$phrase": "of"}})",
        R"({"$and": [{"name": {"$contains_any": ["7"]}}, {"uniform": {"$lt": 50}}]})"}) {
    const auto [estimate, truth] = Shares(where);
    EXPECT_NEAR(estimate, truth, .05) << where;
  }
  const std::string few = R"({"name":{"$phrase":"name 19"}})";
  EXPECT_EQ(Order(R"({"$and": [{"uniform": {"$lt": 60}}, )" + few + "]}")[0], few);
}

TEST_F(EstimateTest, TextAndMetadataTogether) {
  const auto [estimate, truth] =
      Shares(R"({"$and": [{"#document": {"$contains": "w4 "}}, {"uniform": {"$lt": 30}}]})");
  EXPECT_NEAR(estimate, truth, .05);
}

TEST_F(EstimateTest, ClausesThatReadFewDocumentsRunFirst) {
  EXPECT_EQ(Order(R"({"$and": [{"$or": [{"#document": {"$regex": "[0-9]{3}"}}, {"uniform": 1}]},
                               {"#document": {"$contains": "w9 w"}}, {"kind": "rare"}]})"),
            (std::vector<std::string>{R"({"kind":{"$eq":"rare"}})",
                                      R"({"#document":{"$contains":"w9 w"}})", "$or"}));
}

// What is looked for in all terms is not counted for choosing an order: it may match any row.
TEST_F(EstimateTest, WhatIsLookedForInAllTermsRunsAfterWhatIsNot) {
  const std::string in_all = R"({"#document":{"$contains":"w1"}})";
  const std::string found = R"({"#document":{"$contains":"w17 "}})";
  const std::string every = R"({"#document":{"$regex":"[0-9]{3} "}})";
  std::vector<std::string> given{every, found, in_all};
  do {
    const std::string all = "{\"$and\": [" + given[0] + ", " + given[1] + ", " + given[2] + "]}";
    EXPECT_EQ(Order(all), (std::vector<std::string>{found, in_all, every}));
  } while (std::next_permutation(given.begin(), given.end()));
  EXPECT_EQ(Order(R"({"$and": [)" + every + R"(, {"#document": {"$not_contains": "w1"}}, )" +
                  found + "]}"),
            (std::vector<std::string>{found, "not", every}));
}

const std::string kUniform7 = R"({"uniform":{"$eq":7}})";
const std::string kBelow60 = R"({"uniform":{"$lt":60}})";
const std::string kRare = R"({"kind":{"$eq":"rare"}})";
const std::string kName = R"({"name":{"$eq":"name 9"}})";
const std::string kSeldom = R"({"tags":{"$contains":"seldom"}})";
const std::string kAll = R"({"tags":{"$contains":"all"}})";

std::string Join(std::string_view op, const std::vector<std::string>& clauses) {
  std::string all;
  for (const std::string& clause : clauses) all += (all.empty() ? "" : ", ") + clause;
  return "{\"" + std::string(op) + "\": [" + all + "]}";
}

TEST_F(EstimateTest, WhatLeavesLittleRunsFirst) {
  const std::vector<std::string> by_share{kUniform7, kRare, kBelow60};
  std::vector<std::string> given = by_share;
  std::sort(given.begin(), given.end());
  do {
    EXPECT_EQ(Order(Join("$and", given)), by_share);
  } while (std::next_permutation(given.begin(), given.end()));
  // A look-up by the order of values is cheaper than any column.
  EXPECT_EQ(Order(Join("$and", {kAll, kBelow60, kName}))[0], kName);
  // A dear clause before a cheap one, where it leaves next to nothing; but not where the cheap one
  // leaves little, if more.
  EXPECT_EQ(Order(Join("$and", {kBelow60, kSeldom})),
            (std::vector<std::string>{kSeldom, kBelow60}));
  const std::string sorted = R"({"sorted":{"$eq":5}})";
  EXPECT_EQ(Order(Join("$and", {kSeldom, sorted})), (std::vector<std::string>{sorted, kSeldom}));
  // What is negated leaves the rest.
  EXPECT_EQ(Order(Join("$and", {R"({"uniform": {"$ne": 7}})", R"({"uniform": {"$gte": 3}})",
                                R"({"sorted": {"$nin": [1, 2]}})", kRare}))[0],
            kRare);
  // Of many clauses, too.
  std::vector<std::string> many(20, kBelow60);
  many.push_back(kUniform7);
  many.push_back(kRare);
  const std::vector<std::string> ordered = Order(Join("$and", many));
  EXPECT_EQ(ordered[0], kUniform7);
  EXPECT_EQ(ordered[1], kRare);
}

TEST_F(EstimateTest, OrderStaysWhereItDoesNotMatterOrNothingIsKnown) {
  const std::string given = Join("$and", {kBelow60, kUniform7});
  EXPECT_EQ(Order(given), (std::vector<std::string>{kUniform7, kBelow60}));
  const std::vector<std::string> as_given{kBelow60, kUniform7};
  EXPECT_EQ(Order(given, *part_, 10), as_given);
  EXPECT_EQ(Order(Join("$and", {R"({"name": {"$ne": "name 9"}})", kBelow60, kUniform7}))[0],
            kUniform7);
  // Look-ups run first as they are.
  EXPECT_EQ(Order(Join("$and", {kBelow60, kUniform7, kName, R"({"#id": {"$in": ["5", "7"]}})"})),
            (std::vector<std::string>{kName, R"({"#id":{"$in":["5","7"]}})", kBelow60, kUniform7}));
  const auto tail = SnapshotOf(std::vector<model::Metadata>(500));
  EXPECT_EQ(Order(given, *tail.parts[0].part, 500), as_given);
}

TEST_F(EstimateTest, OfADisjunctionWhatMatchesMostRunsFirst) {
  EXPECT_EQ(Order(Join("$or", {kUniform7, kName, kRare, kAll}))[0], kAll);
  const auto predicate = *planner::PlanPredicate(
      std::nullopt, *model::ParseWhere(*ParseJson(Join("$or", {kSeldom, kRare, kBelow60}))),
      std::nullopt);
  const Bitmap rows = Bitmap::Range(0, kRows);
  const auto whole = Evaluate(ctx_, *predicate, *part_, rows)->ToVector();
  for (const uint64_t limit : {0U, 1U, 10U, 5000U}) {
    Trace trace(runtime::Clock::System());
    const auto some = Evaluate(ctx_, *predicate, *part_, rows, {limit, nullptr, &trace});
    ASSERT_TRUE(some.ok());
    std::vector<uint32_t> first = some->ToVector();
    ASSERT_GE(first.size(), limit);
    first.resize(limit);
    EXPECT_EQ(first,
              std::vector<uint32_t>(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(limit)));
    const std::vector<Step> steps = trace.Take();
    EXPECT_EQ(steps[0].steps[0].what, kBelow60);
    // The others see no more than the rows before the last that is wanted.
    for (size_t i = 1; i < steps[0].steps.size(); ++i) {
      EXPECT_LE(steps[0].steps[i].rows_in, limit) << limit;
    }
  }
}

// One leaf is counted, where the column has few values; a conjunction may go together or not.
TEST_F(EstimateTest, LeavesAreExactAndConjunctionsNearlySo) {
  for (const char* where :
       {R"({"uniform": {"$lt": 60}})", R"({"uniform": {"$ne": 7}})", R"({"uniform": 7})",
        R"({"sorted": {"$lt": 3}})", R"({"kind": {"$nin": ["rare"]}})", R"({"half": true})",
        R"({"half": {"$ne": true}})", R"({"nothing": 1})", R"({"nothing": {"$ne": 1}})",
        R"({"tags": {"$contains": "seldom"}})",
        R"({"name": {"$in": ["name 1", "name 2", "?"]}})"}) {
    const auto [estimate, truth] = Shares(where);
    EXPECT_NEAR(estimate, truth, 1e-9) << where;
  }
  double off = 0;
  double off_if_independent = 0;
  for (const char* where :
       {// Independent.
        R"({"$and": [{"uniform": {"$lt": 50}}, {"kind": "common"}]})",
        R"({"$and": [{"uniform": 7}, {"kind": "rare"}]})",
        R"({"$and": [{"tags": {"$contains": "seldom"}}, {"uniform": {"$lt": 60}}]})",
        R"({"$or": [{"uniform": {"$lt": 50}}, {"half": true}]})",
        // Not independent: that would be .006, .25, .002 and .049.
        R"({"$and": [{"uniform": {"$in": [3, 13, 23, 33, 43, 53]}}, {"twin": 3}]})",
        R"({"$and": [{"uniform": {"$lt": 50}}, {"uniform": {"$gte": 50}}]})",
        R"({"$and": [{"tags": {"$contains": "seldom"}}, {"half": true}]})",
        R"({"$and": [{"sorted": {"$lt": 10}}, {"sorted": {"$gte": 5}}]})"}) {
    const auto [estimate, truth] = Shares(where);
    EXPECT_NEAR(estimate, truth, .03) << where;
    const auto predicate =
        *planner::PlanPredicate(std::nullopt, *model::ParseWhere(*ParseJson(where)), std::nullopt);
    off += std::abs(estimate - truth);
    off_if_independent += std::abs(**Estimator(*part_).KnownShare(ctx_, *predicate) - truth);
  }
  EXPECT_LT(off, .25 * off_if_independent) << "looking at a sample is worth it";
}

// What a clause is expected to leave is of the rows that come to it.
TEST_F(EstimateTest, StepsAreEstimatedOfTheirCandidates) {
  for (const char* where :
       {R"({"$and": [{"uniform": {"$lt": 50}}, {"uniform": {"$gte": 50}}]})",
        R"({"$and": [{"uniform": {"$in": [3, 13, 23, 33, 43, 53]}}, {"twin": 3}]})",
        R"({"$and": [{"uniform": {"$lt": 50}}, {"kind": "rare"}, {"skewed": {"$gt": 100}}]})",
        R"({"$or": [{"uniform": {"$lt": 50}}, {"uniform": {"$gte": 40}}]})"}) {
    const auto predicate =
        *planner::PlanPredicate(std::nullopt, *model::ParseWhere(*ParseJson(where)), std::nullopt);
    Trace trace(runtime::Clock::System());
    ASSERT_TRUE(
        Evaluate(ctx_, *predicate, *part_, Bitmap::Range(0, kRows), {kAllRows, nullptr, &trace})
            .ok());
    const std::vector<Step> steps = trace.Take();
    const auto near = [&](const Step& step) {
      EXPECT_NEAR(*step.estimate, static_cast<double>(step.rows_out),
                  .045 * static_cast<double>(step.rows_in))
          << where << ": " << step.what;
    };
    near(steps[0]);
    for (const Step& step : steps[0].steps) near(step);
  }
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
