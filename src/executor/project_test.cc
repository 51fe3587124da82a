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

std::vector<RowRef> LastFirst() {
  std::vector<RowRef> rows;
  for (uint32_t row = kRecords; row-- > 0;) rows.push_back({0, row});
  return rows;
}

TEST(Project, KeepsTheOrderAndTellsWhatIsThere) {
  std::vector<size_t> noted;
  const auto note = [&](const Records& records, std::span<const size_t> places) {
    for (const size_t place : places) {
      EXPECT_EQ(records.ids[place], "id" + std::to_string(kRecords - 1 - place));
      noted.push_back(place);
    }
    EXPECT_LE(places.size(), 1024U);
    return Status::Ok();
  };
  const Result<Records> records =
      Project(ManyRecords(), LastFirst(), model::kIncludeDocuments, note);
  ASSERT_TRUE(records.ok());
  std::sort(noted.begin(), noted.end());
  ASSERT_EQ(noted.size(), size_t{kRecords});
  for (size_t i = 0; i < noted.size(); ++i) {
    EXPECT_EQ(noted[i], i);
    EXPECT_EQ(records->documents[i], "doc " + std::to_string(kRecords - 1 - i));
  }
}

TEST(Project, EndsWhereItIsTold) {
  int calls = 0;
  size_t read = 0;
  const auto note = [&](const Records& records, std::span<const size_t>) {
    for (const auto& document : records.documents) read += document ? 1 : 0;
    return ++calls == 1 ? Status::Unavailable("enough") : Status::Ok();
  };
  EXPECT_EQ(Project(ManyRecords(), LastFirst(), model::kIncludeDocuments, note).status().code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(read, 1024U);
}

}  // namespace
}  // namespace chroma::executor
