#include "executor/filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "planner/planner.h"
#include "runtime/env.h"
#include "runtime/thread_pool.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "testing/memory_blobs.h"
#include "testing/oracle.h"
#include "testing/seeded_random.h"

namespace chroma::executor {
namespace {

using testing::SeededRandom;

std::string RandomText(SeededRandom& random) {
  static const std::string_view kPieces[] = {"river", "rivers", "north", "South", " ",    " ",
                                             ", ",    "-",      "日本",  "語",    "🙂", "é",
                                             "École", "100%",   "a",     "b",     "ab"};
  std::string text;
  for (uint32_t i = random.Below(9); i > 0; --i) text += kPieces[random.Below(std::size(kPieces))];
  return text;
}

// One segment, and the oracle of what is in it: row i is record i.
class FilterTest : public ::testing::Test {
 protected:
  void Fill(uint64_t seed, uint32_t rows) {
    SeededRandom random(seed);
    const std::string name = "segment" + std::to_string(seed);
    auto writer = *segment::SegmentWriter::Create(ctx_, blobs_, name, 1);
    model::RecordBatch batch;
    batch.operation = model::Operation::kAdd;
    for (uint32_t row = 0; row < rows; ++row) {
      batch.ids.push_back("id" + std::to_string(row));
      batch.documents.push_back(random.Below(8) == 0 ? std::nullopt
                                                     : std::optional(RandomText(random)));
      batch.uris.push_back(std::nullopt);
      batch.metadatas.emplace_back(model::Metadata());
      batch.metadatas.back()->Set("n", static_cast<int64_t>(random.Below(20)));
      batch.metadatas.back()->Set(
          "t", RandomText(random) + RandomText(random) + " and so on, page " + std::to_string(row));
      batch.vectors.values.push_back(0);
    }
    batch.vectors.dimension = 1;
    batch.has_vector.assign(rows, 1);
    for (uint32_t row = 0; row < rows; ++row) {
      segment::RowView view{batch.ids[row],        row + 1, &batch.vectors.values[row], {}, {},
                            &*batch.metadatas[row]};
      if (batch.documents[row]) view.document = *batch.documents[row];
      ASSERT_TRUE(writer->Add(view).ok());
    }
    ASSERT_TRUE(writer->Finish(ctx_).ok());
    part_ = *segment::SegmentReader::Open(ctx_, *blobs_.Open(ctx_, name));
    oracle_.emplace(model::Space::kL2);
    oracle_->Apply(batch);
  }

  void Check(const model::Filter& where) {
    const auto predicate = planner::PlanPredicate(std::nullopt, where, std::nullopt);
    ASSERT_TRUE(predicate.ok()) << predicate.status().ToString();
    const segment::SnapshotPart part{part_, std::make_shared<const Bitmap>()};
    const auto rows = SelectRows(ctx_, &**predicate, part);
    ASSERT_TRUE(rows.ok()) << rows.status().ToString();
    std::vector<uint32_t> expected;
    for (const testing::OracleRecord* record : oracle_->Select(nullptr, &where, nullptr)) {
      expected.push_back(static_cast<uint32_t>(std::stoul(record->id.substr(2))));
    }
    const size_t first = expected.size() / 2;
    auto some = SelectRows(ctx_, &**predicate, part, {first, nullptr});
    ASSERT_TRUE(some.ok()) << some.status().ToString();
    std::vector<uint32_t> begin = some->ToVector();
    ASSERT_GE(begin.size(), first);
    begin.resize(first);
    EXPECT_EQ(begin, std::vector<uint32_t>(expected.begin(), expected.begin() + first))
        << ToJson(model::WhereToJson(where));
    EXPECT_EQ(rows->ToVector(), expected) << ToJson(model::WhereToJson(where));
  }

  runtime::Context ctx_;
  testing::MemoryBlobStore blobs_;
  std::shared_ptr<const segment::Part> part_;
  std::optional<testing::Oracle> oracle_;
};

model::Filter Document(model::DocumentOperator op, std::string pattern) {
  return {model::DocumentPredicate{op, std::move(pattern)}};
}

model::Filter RandomFilter(SeededRandom& random, int depth) {
  static const std::string_view kRegexes[] = {"river",     "riv(er|al)s?\\b.*(north|South)",
                                              "(?i)NORTH", "^a",
                                              "b$",        "日本|🙂",
                                              "[ab]{2}",   "r.ver",
                                              "\\bÉcole",  "100%",
                                              "é|à",       "x*",
                                              "zzz",       "s[, -]+n"};
  if (depth > 0 && random.Below(2) == 0) {
    model::LogicalFilter logical;
    logical.op = static_cast<model::LogicalOperator>(random.Below(2));
    for (uint32_t i = 1 + random.Below(3); i > 0; --i) {
      logical.children.push_back(RandomFilter(random, depth - 1));
    }
    return {std::move(logical)};
  }
  const bool negative = random.Below(3) == 0;
  switch (random.Below(4)) {
    case 0: {
      model::MetadataPredicate predicate{"n", model::CompareOperator::kLess,
                                         static_cast<int64_t>(random.Below(22))};
      return {std::move(predicate)};
    }
    case 1:
      return Document(
          negative ? model::DocumentOperator::kNotRegex : model::DocumentOperator::kRegex,
          std::string(kRegexes[random.Below(std::size(kRegexes))]));
    default: {
      const std::string text = RandomText(random);
      const auto op =
          negative ? model::DocumentOperator::kNotContains : model::DocumentOperator::kContains;
      return Document(op, text.substr(0, 1 + random.Below(10)));
    }
  }
}

TEST_F(FilterTest, AgreesWithTheOracle) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fill(seed, 1 + static_cast<uint32_t>(seed * 90));
    SeededRandom random(seed * 1000);
    for (int i = 0; i < 120 && !HasFailure(); ++i) Check(RandomFilter(random, 2));
  }
}

TEST_F(FilterTest, ManyDocumentsAreReadSideBySide) {
  Fill(9, 40'000);
  runtime::Env env;
  runtime::ThreadPool pool(*env.scheduler, "search", 3, 16);
  for (const char* pattern : {"x*", "riv.r", "[0-9]{3}", "b$"}) {
    const model::Filter filter = Document(model::DocumentOperator::kRegex, pattern);
    const auto predicate = planner::PlanPredicate(std::nullopt, filter, std::nullopt);
    const Bitmap all = Bitmap::Range(0, part_->rows());
    const auto alone = Evaluate(ctx_, **predicate, *part_, all);
    const auto together = Evaluate(ctx_, **predicate, *part_, all, {kAllRows, &pool});
    ASSERT_TRUE(alone.ok() && together.ok());
    EXPECT_EQ(*alone, *together) << pattern;
  }
  ctx_.Cancel();
  const auto predicate = planner::PlanPredicate(
      std::nullopt, Document(model::DocumentOperator::kRegex, "x*"), std::nullopt);
  EXPECT_EQ(Evaluate(ctx_, **predicate, *part_, Bitmap::Range(0, part_->rows()), {kAllRows, &pool})
                .status()
                .code(),
            StatusCode::kCancelled);
}

// With a limit the first rows are those of the whole answer, however they are found.
TEST_F(FilterTest, LimitsReadNoMoreThanTheyNeed) {
  Fill(12, 30'000);
  const Bitmap all = Bitmap::Range(0, part_->rows());
  for (const char* needle : {"a", "s, ", "ri", "river", "no such text", " ", "of"}) {
    const auto predicate = planner::PlanPredicate(
        std::nullopt, Document(model::DocumentOperator::kContains, needle), std::nullopt);
    const auto whole = Evaluate(ctx_, **predicate, *part_, all);
    ASSERT_TRUE(whole.ok());
    const std::vector<uint32_t> rows = whole->ToVector();
    for (const uint64_t limit : {1, 10, 100, 3000}) {
      const auto some = Evaluate(ctx_, **predicate, *part_, all, {limit, nullptr});
      ASSERT_TRUE(some.ok());
      const std::vector<uint32_t> found = some->ToVector();
      const size_t n = std::min<size_t>(limit, rows.size());
      ASSERT_GE(found.size(), n) << needle;
      EXPECT_TRUE(
          std::equal(found.begin(), found.begin() + static_cast<ptrdiff_t>(n), rows.begin()))
          << needle << " " << limit;
    }
  }
}

TEST_F(FilterTest, WholeDocuments) {
  Fill(3, 500);
  model::MetadataPredicate predicate;
  predicate.key = std::string(model::kDocumentMetadataKey);
  predicate.op = model::CompareOperator::kIn;
  std::vector<std::string> wanted = {"no such document", ""};
  std::vector<std::optional<std::string>> documents;
  const std::vector<uint32_t> rows = {5, 77, 300};
  ASSERT_TRUE(part_->ReadDocuments(rows, &documents).ok());
  for (const auto& document : documents) wanted.push_back(document.value_or("none"));
  predicate.operand = wanted;
  const auto plan = planner::PlanPredicate(std::nullopt, model::Filter{predicate}, std::nullopt);
  const auto found = Evaluate(ctx_, **plan, *part_, Bitmap::Range(0, part_->rows()));
  ASSERT_TRUE(found.ok());
  const auto expected = part_->MatchDocuments(ctx_, nullptr, [&](std::string_view text) {
    return std::find(wanted.begin(), wanted.end(), text) != wanted.end();
  });
  EXPECT_EQ(*found, *expected);
  EXPECT_GE(found->Count(), 1u);
}

TEST_F(FilterTest, ManyShortDocumentsAreNotLookedUp) {
  Fill(4, 500);
  model::MetadataPredicate predicate;
  predicate.key = std::string(model::kDocumentMetadataKey);
  predicate.op = model::CompareOperator::kIn;
  const auto how = [&](std::vector<std::string> wanted) {
    predicate.operand = wanted;
    const auto plan = planner::PlanPredicate(std::nullopt, model::Filter{predicate}, std::nullopt);
    Trace trace(runtime::Clock::System());
    const auto found = Evaluate(ctx_, **plan, *part_, Bitmap::Range(0, part_->rows()),
                                {kAllRows, nullptr, &trace});
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    const auto expected = part_->MatchDocuments(ctx_, nullptr, [&](std::string_view text) {
      return std::find(wanted.begin(), wanted.end(), text) != wanted.end();
    });
    EXPECT_EQ(*found, *expected);
    return trace.Take().at(0).how;
  };
  std::vector<std::string> many = {"river", "a"};
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) many.push_back({a, b});
  }
  EXPECT_TRUE(how({"river", "b", "no such document"}).starts_with("text index"));
  EXPECT_EQ(how(many), "no text index, 500 documents to read");
}

TEST_F(FilterTest, TextsOfMetadata) {
  Fill(6, 12'000);
  const auto how = [&](model::TextPredicate predicate, uint32_t rows) {
    const model::Filter where{std::move(predicate)};
    Check(where);
    const auto plan = planner::PlanPredicate(std::nullopt, where, std::nullopt);
    Trace trace(runtime::Clock::System());
    EXPECT_TRUE(
        Evaluate(ctx_, **plan, *part_, Bitmap::Range(0, rows), {kAllRows, nullptr, &trace}).ok());
    return trace.Take().at(0).how;
  };
  using enum model::TextOperator;
  const std::string by_index = "column of strings with their order: text index of 12000 values, ";
  EXPECT_TRUE(how({"t", kContainsAny, {"riv", "North"}}, 12'000).starts_with(by_index));
  EXPECT_EQ(how({"t", kContainsAny, {"r"}}, 12'000),
            "column of strings with their order: 12000 values, searched");
  EXPECT_EQ(how({"t", kPrefix, {"page 11"}}, 12'000), by_index + "1111 to read");
  EXPECT_EQ(how({"t", kPhrase, {"日本"}}, 10),
            "column of strings with their order, 10 rows to read");
  EXPECT_EQ(how({"t", kContainsAny, {""}}, 12'000),
            "column of strings with their order: all 12000 values");
  EXPECT_EQ(how({"n", kContainsAny, {"1"}}, 12'000),
            "column of integers: no record has a string under the key");
}

TEST_F(FilterTest, LookingTextsUpEndsWithTheRequest) {
  Fill(5, 500);
  int asked = 0;
  const auto found = part_->FindText(index::TextQuery::Substring("a"), [&]() -> Status {
    ++asked;
    return Status::Cancelled("gone");
  });
  EXPECT_EQ(found.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(
      part_
          ->EstimateText(index::TextQuery::Substring("a"), [] { return Status::Cancelled("gone"); })
          .status()
          .code(),
      StatusCode::kCancelled);
}

}  // namespace
}  // namespace chroma::executor
