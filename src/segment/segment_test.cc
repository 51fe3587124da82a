// Writer to reader against rows in memory.
#include <algorithm>
#include <string>
#include <vector>

#include "runtime/thread_pool.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

std::shared_ptr<const SegmentReader> Open(const Bytes& bytes) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  return segment.ok() ? *segment : nullptr;
}

TEST(SegmentTest, GivesBackRandomRows) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RowGenerator generator(seed);
    const uint32_t sizes[] = {0, 1, 2, 63, 64, 65, 500, 2000};
    const auto n = sizes[seed % 8];
    const auto dimension = static_cast<uint32_t>(generator.Below(4) * 3);
    const std::vector<OracleRow> rows = generator.Rows(n, dimension);
    const auto segment = Open(WriteSegment(rows, dimension));
    ASSERT_NE(segment, nullptr);
    ASSERT_TRUE(segment->InInsertionOrder());
    const Status status = CompareWithRows(*segment, rows, dimension);
    ASSERT_TRUE(status.ok()) << status.ToString();
    runtime::Context ctx;
    const Status verified = segment->VerifyAll(ctx);
    ASSERT_TRUE(verified.ok()) << verified.ToString();
    if (HasFailure()) return;
  }
}

TEST(SegmentTest, GivesBackManyRows) {
  RowGenerator generator(7);
  const std::vector<OracleRow> rows = generator.Rows(70'000, 8);
  const auto segment = Open(WriteSegment(rows, 8));
  ASSERT_NE(segment, nullptr);
  const Status status = CompareWithRows(*segment, rows, 8);
  ASSERT_TRUE(status.ok()) << status.ToString();
}

TEST(SegmentTest, ReadsSomeRows) {
  RowGenerator generator(11);
  const std::vector<OracleRow> rows = generator.Rows(5000, 4);
  const auto segment = Open(WriteSegment(rows, 4));
  ASSERT_NE(segment, nullptr);
  std::vector<uint32_t> some;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    if (generator.Chance(3)) some.push_back(row);
  }
  std::vector<std::optional<std::string>> documents;
  std::vector<model::Metadata> metadata;
  ASSERT_TRUE(segment->ReadDocuments(some, &documents).ok());
  ASSERT_TRUE(segment->ReadMetadata(some, &metadata).ok());
  for (size_t i = 0; i < some.size(); ++i) {
    ASSERT_EQ(documents[i], rows[some[i]].document);
    ASSERT_EQ(metadata[i], rows[some[i]].metadata);
  }
  const std::vector<uint32_t> outside = {5000};
  EXPECT_EQ(segment->ReadMetadata(outside, &metadata).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(segment->Vectors(5000).status().code(), StatusCode::kOutOfRange);
}

TEST(SegmentTest, VectorsComeInOneRunOnceVerified) {
  RowGenerator generator(3);
  std::vector<OracleRow> rows = generator.Rows(3000, 256);  // three megabytes: twelve blocks
  const auto segment = Open(WriteSegment(rows, 256));
  ASSERT_NE(segment, nullptr);
  auto last = segment->Vectors(2999);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->rows, 1u);
  auto first = segment->Vectors(0);
  ASSERT_TRUE(first.ok());
  EXPECT_LT(first->rows, 3000u);
  for (uint32_t row = 0; row < 3000;) {
    auto run = segment->Vectors(row);
    ASSERT_TRUE(run.ok());
    row += run->rows;
  }
  EXPECT_EQ(segment->Vectors(0)->rows, 3000u);
  EXPECT_EQ(segment->Vectors(100)->rows, 2900u);
}

TEST(SegmentTest, CopiesSingleVectors) {
  RowGenerator generator(4);
  std::vector<OracleRow> rows = generator.Rows(3000, 256);
  const Bytes bytes = WriteSegment(rows, 256);
  const auto mapped = Open(bytes);
  const auto copied = Open(bytes);
  std::vector<float> vector(256);
  for (uint32_t row = 0; row < 3000; row += 7) {
    ASSERT_TRUE(copied->CopyVector(row, vector.data()).ok());
    const auto run = mapped->Vectors(row);
    ASSERT_TRUE(run.ok());
    ASSERT_TRUE(std::equal(vector.begin(), vector.end(), run->values)) << row;
  }
  EXPECT_EQ(copied->CopyVector(3000, vector.data()).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(copied->Vectors(0)->rows, 3000u) << "what was copied is verified";
}

TEST(SegmentTest, FindsTheLastRowOfAnId) {
  RowGenerator generator(5);
  std::vector<OracleRow> rows = generator.Rows(100, 2);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].id = "id" + std::to_string(i % 10);
  const auto segment = Open(WriteSegment(rows, 2));
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(*segment->FindId("id" + std::to_string(i)), std::optional<uint32_t>(90 + i));
  }
}

// Texts that are given after the rows make the same bytes.
TEST(SegmentTest, TextsMayComeAfterTheRows) {
  for (const double with_text : {0.0, 0.00002, 0.5, 1.0}) {
    SCOPED_TRACE(with_text);
    RowGenerator generator(9);
    std::vector<OracleRow> rows = generator.Rows(40'000, 2);
    for (OracleRow& row : rows) {
      row.metadata = {};
      row.document.reset();
      row.uri.reset();
      const auto some = static_cast<uint64_t>(with_text * 100'000);
      if (generator.Below(100'000) < some) row.document = "document of " + row.id;
      if (generator.Below(100'000) < some) row.uri = "uri of " + row.id;
    }
    rows.back().document = with_text > 0 ? std::optional<std::string>("last") : std::nullopt;
    runtime::Context ctx;
    MemoryBlobStore store;
    auto writer = *SegmentWriter::Create(ctx, store, "test", 2);
    for (const OracleRow& row : rows) {
      RowView view;
      view.id = row.id;
      view.insertion_offset = row.insertion_offset;
      view.vector = row.vector.data();
      ASSERT_TRUE(writer->Add(view).ok());
    }
    for (const OracleRow& row : rows) ASSERT_TRUE(writer->AddDocument(row.document).ok());
    for (const OracleRow& row : rows) ASSERT_TRUE(writer->AddUri(row.uri).ok());
    ASSERT_TRUE(writer->Finish(ctx).ok());
    EXPECT_EQ(store.Content("test"), WriteSegment(rows, 2));
  }
}

TEST(SegmentTest, TextsOfAllRowsAreAskedFor) {
  runtime::Context ctx;
  MemoryBlobStore store;
  RowView row;
  row.id = "a";
  auto writer = *SegmentWriter::Create(ctx, store, "test", 0);
  ASSERT_TRUE(writer->Add(row).ok());
  row.id = "b";
  row.insertion_offset = 1;
  ASSERT_TRUE(writer->Add(row).ok());
  ASSERT_TRUE(writer->AddDocument("one").ok());
  row.insertion_offset = 2;
  EXPECT_EQ(writer->Add(row).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(writer->Finish(ctx).status().code(), StatusCode::kInvalidArgument);
  writer = *SegmentWriter::Create(ctx, store, "test", 0);
  row.document = "one";
  ASSERT_TRUE(writer->Add(row).ok());
  EXPECT_EQ(writer->AddDocument("one").code(), StatusCode::kInvalidArgument);
}

TEST(SegmentTest, WriterRefusesRowsOutOfOrder) {
  runtime::Context ctx;
  MemoryBlobStore store;
  auto writer = SegmentWriter::Create(ctx, store, "test", 0);
  RowView row;
  row.id = "a";
  row.insertion_offset = 5;
  ASSERT_TRUE((*writer)->Add(row).ok());
  EXPECT_EQ((*writer)->Add(row).code(), StatusCode::kInvalidArgument);
  writer->reset();
  EXPECT_TRUE(store.List(ctx, "")->empty());
}

TEST(SegmentTest, MatchesDocuments) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RowGenerator generator(seed);
    const std::vector<OracleRow> rows = generator.Rows(4000, 0);
    const auto segment = Open(WriteSegment(rows, 0));
    runtime::Context ctx;
    Bitmap candidates;
    for (uint32_t row = 0; row < rows.size(); ++row) {
      if (generator.Chance(seed % 2 == 0 ? 1 : 60)) candidates.Add(row);
    }
    candidates.Add(1'000'000);
    const auto test = [](std::string_view text) { return text.find('a') != text.npos; };
    Bitmap among;
    Bitmap all;
    Bitmap uris;
    Bitmap uris_among;
    for (uint32_t row = 0; row < rows.size(); ++row) {
      if (rows[row].uri && test(*rows[row].uri)) {
        uris.Add(row);
        if (candidates.Contains(row)) uris_among.Add(row);
      }
      if (!rows[row].document || !test(*rows[row].document)) continue;
      all.Add(row);
      if (candidates.Contains(row)) among.Add(row);
    }
    EXPECT_TRUE(*segment->MatchDocuments(ctx, nullptr, test) == all);
    EXPECT_TRUE(*segment->MatchDocuments(ctx, &candidates, test) == among);
    EXPECT_TRUE(*segment->MatchUris(ctx, nullptr, test) == uris);
    EXPECT_TRUE(*segment->MatchUris(ctx, &candidates, test) == uris_among);
    const Bitmap none;
    EXPECT_TRUE(segment->MatchDocuments(ctx, &none, test)->Empty());
  }
}

// Columns are loaded and blocks verified by whoever comes first.
TEST(SegmentTest, ManyTasksMayReadAtOnce) {
  RowGenerator generator(9);
  const std::vector<OracleRow> rows = generator.Rows(1500, 64);
  const Bytes bytes = WriteSegment(rows, 64);
  runtime::ThreadPool pool(runtime::Scheduler::System(), "readers", 4, 16);
  for (int round = 0; round < 5; ++round) {
    const auto segment = Open(bytes);
    ASSERT_NE(segment, nullptr);
    std::vector<Status> results(4, Status::Internal("did not run"));
    pool.ParallelFor(4, [&](size_t task) { results[task] = CompareWithRows(*segment, rows, 64); });
    for (const Status& result : results) EXPECT_TRUE(result.ok()) << result.ToString();
  }
}

TEST(SegmentTest, CancelledScansStop) {
  RowGenerator generator(1);
  const auto segment = Open(WriteSegment(generator.Rows(1000, 0), 0));
  runtime::Context ctx;
  ctx.Cancel();
  const auto match =
      segment->Match(ctx, {"ключ", model::CompareOperator::kEqual, std::string("a")});
  EXPECT_EQ(match.status().code(), StatusCode::kCancelled);
}

TEST(SegmentTest, KnowsWhatIsLoaded) {
  RowGenerator generator(6);
  const std::vector<OracleRow> rows = generator.Rows(100, 2);
  const auto segment = Open(WriteSegment(rows, 2));
  const std::vector<uint32_t> some = {1, 2};
  EXPECT_FALSE(segment->IsLoaded(0));
  ASSERT_TRUE(segment->Id(1).ok());
  EXPECT_FALSE(segment->IsLoaded(0));
  ASSERT_TRUE(segment->InsertionOffset(1).ok());
  EXPECT_TRUE(segment->IsLoaded(0));
  EXPECT_FALSE(segment->IdsAreLoaded());
  ASSERT_TRUE(segment->FindId(rows[1].id).ok());
  EXPECT_TRUE(segment->IdsAreLoaded());

  EXPECT_FALSE(segment->IsLoaded(model::kIncludeEmbeddings));
  ASSERT_TRUE(segment->Vectors(1).ok());
  EXPECT_TRUE(segment->IsLoaded(model::kIncludeEmbeddings));

  std::vector<std::optional<std::string>> texts;
  EXPECT_FALSE(segment->IsLoaded(model::kIncludeDocuments));
  ASSERT_TRUE(segment->ReadDocuments(some, &texts).ok());
  EXPECT_TRUE(segment->IsLoaded(model::kIncludeDocuments));
  EXPECT_FALSE(segment->IsLoaded(model::kIncludeUris));
  std::vector<model::Metadata> metadata;
  ASSERT_TRUE(segment->ReadMetadata(some, &metadata).ok());
  EXPECT_FALSE(segment->IsLoaded(model::kIncludeMetadatas));  // uris show in it
  ASSERT_TRUE(segment->ReadUris(some, &texts).ok());
  EXPECT_TRUE(segment->IsLoaded(model::kIncludeUris));
  EXPECT_TRUE(segment->IsLoaded(model::kIncludeMetadatas));
}

}  // namespace
}  // namespace chroma::segment
