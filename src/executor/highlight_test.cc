#include "executor/highlight.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "executor/search_fixture.h"
#include "planner/planner.h"

namespace chroma::executor {
namespace {

constexpr uint32_t kRecords = 2500;

// Every record has a document of 100 characters, of which the expression matches each one.
class HighlightTest : public ::testing::Test {
 protected:
  HighlightTest() : tail_({}) {
    model::RecordBatch batch;
    batch.vectors = {1, std::vector<float>(kRecords)};
    for (uint32_t i = 0; i < kRecords; ++i) {
      batch.ids.push_back("id" + std::to_string(i));
      batch.documents.emplace_back(std::string(100, 'a'));
      rows_.push_back({0, i});
    }
    EXPECT_TRUE(
        tail_.Apply({0, kRecords, std::make_shared<const Bytes>(log::EncodeBatch(batch))}).ok());
    snapshot_.parts = tail_.Parts();
    snapshot_.live = kRecords;
    const model::Filter each{model::DocumentPredicate{model::DocumentOperator::kRegex, "a"}};
    predicate_ = *planner::PlanPredicate(std::nullopt, each, std::nullopt);
  }

  auto Run(runtime::Context& ctx, const HighlightLimits& limits) {
    return HighlightRows(ctx, snapshot_, &*predicate_, limits, rows_);
  }

  segment::Tail tail_;
  segment::Snapshot snapshot_;
  std::vector<RowRef> rows_;
  std::optional<planner::Predicate> predicate_;
};

TEST_F(HighlightTest, EveryRowGetsItsOwn) {
  runtime::Context ctx;
  const auto highlights = Run(ctx, {{.matches_max = 3, .snippets_max = 1}});
  ASSERT_TRUE(highlights.ok()) << highlights.status().ToString();
  ASSERT_EQ(highlights->size(), kRecords);
  for (const auto& one : *highlights) {
    ASSERT_TRUE(one.has_value());
    EXPECT_EQ(one->places.matches.size(), 3u);
    EXPECT_EQ(one->snippets.size(), 1u);
  }
}

TEST_F(HighlightTest, WhatIsTooLargeIsRefused) {
  runtime::Context ctx;
  const HighlightLimits limits{{.matches_max = 10'000}, 1'000'000};
  const Status refused = Run(ctx, limits).status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused.message(),
            "The answer would be larger than 1000000 bytes; lower limit, or the matches and "
            "snippets of highlight");
  rows_.resize(50);
  EXPECT_TRUE(Run(ctx, limits).ok());
}

// They are some 30 MB.
TEST_F(HighlightTest, MemoryIsReservedBeforeAllAreFound) {
  runtime::MemoryBudget budget(10'000'000);
  ASSERT_TRUE(budget.TryTake(1));  // somebody else
  runtime::Context ctx(runtime::Clock::System(), runtime::Context::kNoDeadline, &budget);
  EXPECT_EQ(Run(ctx, {{.matches_max = 10'000}}).status().code(), StatusCode::kUnavailable);
  EXPECT_GT(budget.taken_bytes(), 9'000'000u);
}

}  // namespace
}  // namespace chroma::executor
