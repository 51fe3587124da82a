#include "executor/scan.h"

#include <gtest/gtest.h>

#include "executor/filter.h"
#include "log/record_codec.h"
#include "planner/planner.h"
#include "runtime/env.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "segment/tail.h"
#include "testing/memory_blobs.h"

namespace chroma::executor {
namespace {

using Strings = std::vector<std::string>;

// A segment with the even records and a tail with the odd ones, and the two that were updated.
// Record i is inserted at offset i + 1, has the vector (i), and {"n": i}; a third of them have
// the document "doc i".
class ScanTest : public ::testing::Test {
 protected:
  static constexpr int kRecords = 20;

  ScanTest() {
    auto writer = *segment::SegmentWriter::Create(ctx_, blobs_, "even", 1);
    for (int i = 0; i < kRecords; i += 2) {
      const auto vector = static_cast<float>(i);
      const std::string id = Id(i), document = "doc " + std::to_string(i);
      const model::Metadata metadata = Number(i);
      segment::RowView row{id, static_cast<uint64_t>(i) + 1, &vector, {}, {}, &metadata};
      if (i % 3 == 0) row.document = document;
      EXPECT_TRUE(writer->Add(row).ok());
    }
    EXPECT_TRUE(writer->Finish(ctx_).ok());
    auto even = *segment::SegmentReader::Open(ctx_, *blobs_.Open(ctx_, "even"));
    segment::Tail tail({{even, std::make_shared<Bitmap>()}});
    for (int i = 1; i < kRecords; i += 2) Write(tail, model::Operation::kAdd, i);
    for (int i : {4, 8}) Write(tail, model::Operation::kUpsert, i);
    snapshot_.parts = tail.Parts();
    snapshot_.dimension = 1;
    for (const auto& part : snapshot_.parts) snapshot_.live += part.live();
  }

  static std::string Id(int i) { return "id" + std::to_string(i); }
  static model::Metadata Number(int i) {
    model::Metadata metadata;
    metadata.Set("n", int64_t{i});
    return metadata;
  }
  static void Write(segment::Tail& tail, model::Operation operation, int i) {
    model::RecordBatch batch;
    batch.operation = operation;
    batch.ids = {Id(i)};
    batch.vectors = {1, {static_cast<float>(i)}};
    batch.documents = {i % 3 == 0 ? std::optional("doc " + std::to_string(i)) : std::nullopt};
    batch.metadatas = {Number(i)};
    const Status applied = tail.Apply(
        {static_cast<uint64_t>(i) + 1, 1, std::make_shared<const Bytes>(log::EncodeBatch(batch))});
    EXPECT_TRUE(applied.ok()) << applied.ToString();
  }

  std::optional<planner::Predicate> Plan(std::string_view where) {
    return *planner::PlanPredicate(std::nullopt, *model::ParseWhere(*ParseJson(where)),
                                   std::nullopt);
  }
  Strings Ids(const std::vector<RowRef>& rows) {
    Strings ids;
    for (const RowRef& ref : rows) {
      ids.emplace_back(*snapshot_.parts[ref.part].part->Id(ref.row));
    }
    return ids;
  }
  Strings InOrder(const planner::Predicate* predicate, uint32_t offset,
                  std::optional<uint32_t> limit) {
    auto rows = SelectInOrder(ctx_, snapshot_, predicate, offset, limit);
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    return Ids(*rows);
  }
  Strings Matching(std::string_view where) {
    const auto predicate = Plan(where);
    return InOrder(&*predicate, 0, std::nullopt);
  }
  static Strings Expected(const std::function<bool(int)>& wanted) {
    Strings ids;
    for (int i = 0; i < kRecords; ++i) {
      if (wanted(i)) ids.push_back(Id(i));
    }
    return ids;
  }

  runtime::Context ctx_;
  runtime::Env env_;
  runtime::ThreadPool pool_{*env_.scheduler, "search", 2, 16};
  testing::MemoryBlobStore blobs_;
  segment::Snapshot snapshot_;
};

TEST_F(ScanTest, PartsAreMergedInInsertionOrder) {
  EXPECT_EQ(snapshot_.live, static_cast<uint64_t>(kRecords));
  EXPECT_EQ(InOrder(nullptr, 0, std::nullopt), Expected([](int) { return true; }));
  for (uint32_t offset = 0; offset <= kRecords + 1; ++offset) {
    for (uint32_t limit : {0u, 1u, 3u, 20u, UINT32_MAX}) {
      EXPECT_EQ(InOrder(nullptr, offset, limit), Expected([&](int i) {
                  return i >= static_cast<int>(offset) && static_cast<uint32_t>(i) - offset < limit;
                }))
          << offset << " " << limit;
    }
  }
  EXPECT_EQ(InOrder(nullptr, UINT32_MAX, UINT32_MAX), Strings());
}

TEST_F(ScanTest, NegativePredicatesAreComplements) {
  EXPECT_EQ(Matching(R"({"n":{"$ne":4}})"), Expected([](int i) { return i != 4; }));
  EXPECT_EQ(Matching(R"({"m":{"$ne":4}})"), Expected([](int) { return true; }));
  EXPECT_EQ(Matching(R"({"#document":{"$not_contains":"doc"}})"),
            Expected([](int i) { return i % 3 != 0; }));
  EXPECT_EQ(Matching(R"({"n":{"$nin":[1,2,3]}})"), Expected([](int i) { return i < 1 || i > 3; }));
}

TEST_F(ScanTest, LogicalNodesCombine) {
  EXPECT_EQ(Matching(R"({"$and":[{"#document":{"$contains":"doc"}},{"n":{"$gte":6}}]})"),
            Expected([](int i) { return i % 3 == 0 && i >= 6; }));
  EXPECT_EQ(Matching(R"({"$or":[{"#document":{"$regex":"doc 1[0-9]"}},{"n":{"$lt":2}},
                               {"n":{"$lt":3}}]})"),
            Expected([](int i) { return (i % 3 == 0 && i >= 10) || i < 3; }));
  EXPECT_EQ(Matching(R"({"$and":[{"$or":[{"n":1},{"n":8}]},{"n":{"$ne":1}}]})"),
            Expected([](int i) { return i == 8; }));
  EXPECT_EQ(Matching(R"({"#id":{"$in":["id8","id3","none","id4"]}})"),
            Expected([](int i) { return i == 3 || i == 4 || i == 8; }));
}

TEST_F(ScanTest, CountsWhatMatches) {
  EXPECT_EQ(*CountRows(ctx_, snapshot_, nullptr), static_cast<uint64_t>(kRecords));
  const auto predicate = Plan(R"({"n":{"$lt":5}})");
  EXPECT_EQ(*CountRows(ctx_, snapshot_, &*predicate), 5u);
}

TEST_F(ScanTest, NearestOfEveryPart) {
  planner::QueryPlan plan;
  plan.queries = {1, {7.6F, 0.2F, 30.0F}};
  plan.n_results = 3;
  auto found = SelectNearest(ctx_, pool_, snapshot_, plan);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(Ids((*found)[0].rows), (Strings{"id8", "id7", "id9"}));
  EXPECT_EQ(Ids((*found)[1].rows), (Strings{"id0", "id1", "id2"}));
  EXPECT_EQ(Ids((*found)[2].rows), (Strings{"id19", "id18", "id17"}));
  EXPECT_FLOAT_EQ((*found)[2].distances[1], 144.0F);
}

TEST_F(ScanTest, AskingForMoreThanThereIsGivesAll) {
  planner::QueryPlan plan;
  plan.queries = {1, {-1}};
  plan.n_results = UINT32_MAX;
  plan.predicate = Plan(R"({"n":{"$gte":4}})");
  auto found = SelectNearest(ctx_, pool_, snapshot_, plan);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(Ids((*found)[0].rows), Expected([](int i) { return i >= 4; }));
}

// However few rows there are: every query vector may be one of many.
TEST_F(ScanTest, ACancelledSearchEndsBeforeTheNextQueryVector) {
  planner::QueryPlan plan;
  plan.queries = {1, {7, 3, 5}};
  plan.n_results = 2;
  ctx_.Cancel();
  EXPECT_EQ(SelectNearest(ctx_, pool_, snapshot_, plan).status().code(), StatusCode::kCancelled);
}

TEST_F(ScanTest, ACancelledRequestEnds) {
  ctx_.Cancel();
  const auto predicate = Plan(R"({"n":4})");
  EXPECT_EQ(SelectInOrder(ctx_, snapshot_, &*predicate, 0, {}).status().code(),
            StatusCode::kCancelled);
}

}  // namespace
}  // namespace chroma::executor
