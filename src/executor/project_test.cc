#include "executor/project.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "log/record_codec.h"
#include "segment/tail.h"

namespace chroma::executor {
namespace {

constexpr int kRecords = 3000;

// Record i: "id<i>" with the document "doc <i>".
segment::Snapshot ManyRecords() {
  model::RecordBatch batch;
  batch.operation = model::Operation::kAdd;
  batch.vectors = {1, std::vector<float>(kRecords, 1)};
  for (int i = 0; i < kRecords; ++i) {
    batch.ids.push_back("id" + std::to_string(i));
    batch.documents.emplace_back("doc " + std::to_string(i));
  }
  segment::Tail tail({});
  EXPECT_TRUE(
      tail.Apply({1, kRecords, std::make_shared<const Bytes>(log::EncodeBatch(batch))}).ok());
  segment::Snapshot snapshot;
  snapshot.parts = tail.Parts();
  snapshot.dimension = 1;
  return snapshot;
}

std::vector<std::vector<RowRef>> LastFirst() {
  std::vector<RowRef> rows;
  for (uint32_t row = kRecords; row-- > 0;) rows.push_back({0, row});
  return {rows};
}

TEST(Project, KeepsTheOrderAndTellsWhatIsThere) {
  std::vector<size_t> noted;
  const auto note = [&](std::span<const Records> records, std::span<const Place> places) {
    for (const Place& place : places) {
      EXPECT_EQ(records[place.list].ids[place.at], "id" + std::to_string(kRecords - 1 - place.at));
      noted.push_back(place.at);
    }
    EXPECT_LE(places.size(), 1024U);
    return Status::Ok();
  };
  const auto records = Project(ManyRecords(), LastFirst(), model::kIncludeDocuments, note, nullptr);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 1U);
  std::sort(noted.begin(), noted.end());
  ASSERT_EQ(noted.size(), size_t{kRecords});
  for (size_t i = 0; i < noted.size(); ++i) {
    EXPECT_EQ(noted[i], i);
    EXPECT_EQ(records->front().documents[i], "doc " + std::to_string(kRecords - 1 - i));
  }
}

TEST(Project, EndsWhereItIsTold) {
  int calls = 0;
  size_t read = 0;
  const auto note = [&](std::span<const Records> records, std::span<const Place>) {
    for (const auto& document : records.front().documents) read += document ? 1 : 0;
    return ++calls == 1 ? Status::Unavailable("enough") : Status::Ok();
  };
  const auto records = Project(ManyRecords(), LastFirst(), model::kIncludeDocuments, note, nullptr);
  EXPECT_EQ(records.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(read, 1024U);
}

// As the results of many queries: some rows in several lists, others in none.
TEST(Project, ReadsManyListsOnSeveralThreads) {
  std::vector<std::vector<RowRef>> lists(500);
  for (uint32_t list = 0; list < lists.size(); ++list) {
    for (uint32_t at = 0; at < list % 20; ++at) {
      lists[list].push_back({0, (list * 7919 + at * 104729) % (kRecords / 2)});
    }
  }
  runtime::ThreadPool pool(runtime::Scheduler::System(), "test", 3, 100);
  size_t noted = 0;
  const auto count = [&](std::span<const Records>, std::span<const Place> places) {
    noted += places.size();
    return Status::Ok();
  };
  const model::IncludeSet include = model::kIncludeDocuments | model::kIncludeEmbeddings;
  const segment::Snapshot snapshot = ManyRecords();
  const auto records = Project(snapshot, lists, include, count, &pool);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), lists.size());
  size_t rows = 0;
  for (size_t list = 0; list < lists.size(); ++list) {
    const Records& one = (*records)[list];
    ASSERT_EQ(one.ids.size(), lists[list].size());
    EXPECT_EQ(one.embeddings.values, std::vector<float>(lists[list].size(), 1));
    for (size_t at = 0; at < lists[list].size(); ++at) {
      EXPECT_EQ(one.documents[at], "doc " + std::to_string(lists[list][at].row));
    }
    rows += lists[list].size();
  }
  EXPECT_EQ(noted, rows);

  size_t calls = 0;
  const auto fail = [&](std::span<const Records>, std::span<const Place>) {
    return ++calls == 2 ? Status::Unavailable("enough") : Status::Ok();
  };
  EXPECT_EQ(Project(snapshot, lists, include, fail, &pool).status().code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(calls, 2U);
}

}  // namespace
}  // namespace chroma::executor
