// Indexes that are switched off are not written; switched on, the segment gets them.
#include "segment/missing_indexes.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "format/section_reader.h"
#include "segment/segment_reader.h"
#include "segment/test_support.h"
#include "segment/value_order.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kDimension = 3;

// Texts, sparse vectors, and strings that are all different, under keys of their own.
std::vector<OracleRow> SomeRows(uint64_t seed, uint32_t n) {
  RowGenerator generator(seed);
  std::vector<OracleRow> rows = generator.Rows(n, kDimension);
  for (uint32_t row = 0; row < n; ++row) {
    if (generator.Chance(70)) rows[row].document = "the river " + std::to_string(row);
    // Long enough for a text index, too, where the rows are some thousands.
    rows[row].metadata.Set("name", "a name which has the number " + std::to_string(row));
    rows[row].metadata.Set("names", std::vector<std::string>{"x" + std::to_string(row)});
    model::SparseVector vector;
    vector.indices = {1, 5 + static_cast<uint32_t>(generator.Below(4))};
    vector.values = {1.5F, static_cast<float>(row)};
    if (generator.Chance(80)) rows[row].metadata.Set("sparse", vector);
  }
  return rows;
}

// Everything on, or what `off` says not.
model::Schema SchemaWithout(const std::vector<std::string>& off) {
  model::Schema schema = model::DefaultSchema(1);
  const auto on = [&](const std::string& what) {
    return std::find(off.begin(), off.end(), what) == off.end();
  };
  schema.keys["#document"].fts_index->enabled = on("#document");
  model::ValueTypes& sparse = schema.keys["sparse"];
  sparse.has_sparse_vector = true;
  sparse.sparse_vector_index.emplace().enabled = on("sparse");
  for (const char* key : {"name", "names"}) {
    model::ValueTypes& types = schema.keys[key];
    types.has_string = true;
    types.string_inverted_index.emplace().enabled = on(key);
  }
  return schema;
}

using Sections = std::map<std::pair<SectionType, std::string>, uint64_t>;
Sections SectionsOf(const Bytes& bytes) {
  runtime::Context ctx;
  const auto reader = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                                  [](SectionType) { return true; });
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  Sections sections;
  for (const auto& section : reader->sections()) {
    sections[{section.type, section.key}] = section.checksum;
  }
  return sections;
}

std::shared_ptr<const SegmentReader> Open(const Bytes& bytes) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  return *segment;
}

Result<Bytes> WithIndexes(const Bytes& bytes, const std::vector<MissingIndex>& missing,
                          const std::vector<std::string>& indexes = {}) {
  runtime::Context ctx;
  MemoryBlobStore store;
  CHROMA_ASSIGN(const SegmentSummary summary,
                WriteWithIndexes(ctx, store, "new", std::make_shared<MemoryBlob>("s", bytes),
                                 missing, indexes));
  EXPECT_EQ(summary.size_bytes, store.Content("new").size());
  EXPECT_EQ(summary.checksum, Open(store.Content("new"))->checksum());
  return store.Content("new");
}

TEST(MissingIndexesTest, NothingIsMissingWhereAllWasOn) {
  const auto segment = Open(WriteSegment(SomeRows(1, 200), kDimension));
  EXPECT_THAT(*segment->Missing(SchemaWithout({})), IsEmpty());
  EXPECT_FALSE(MissesIndexes(*segment, SchemaWithout({})));
}

TEST(MissingIndexesTest, WhatIsOffIsNotWritten) {
  const std::vector<OracleRow> rows = SomeRows(2, 300);
  const model::Schema on = SchemaWithout({});
  const Sections all = SectionsOf(WriteSegment(rows, kDimension, &on));
  const std::map<std::string, Sections::key_type> index_of = {
      {"#document", {SectionType::kTextTerms, ""}},
      {"sparse", {SectionType::kSparsePostings, "sparse"}},
      {"name", {SectionType::kValueOrder, ValueIndexKey("name", model::ValueType::kString)}},
      {"names",
       {SectionType::kValueOrder, ValueIndexKey("names", model::ValueType::kStringArray)}}};
  for (const auto& [what, section] : index_of) {
    SCOPED_TRACE(what);
    ASSERT_TRUE(all.contains(section));
    const model::Schema without = SchemaWithout({what});
    const Bytes bytes = WriteSegment(rows, kDimension, &without);
    EXPECT_FALSE(SectionsOf(bytes).contains(section));
    EXPECT_EQ(SectionsOf(bytes).size(), all.size() - (what == "#document" ? 3 : 1));
    const auto segment = Open(bytes);
    EXPECT_TRUE(CompareWithRows(*segment, rows, kDimension).ok());
    EXPECT_THAT(*segment->Missing(without), IsEmpty());
    const auto missing = segment->Missing(SchemaWithout({}));
    ASSERT_EQ(missing->size(), 1U);
    EXPECT_EQ(missing->front().type, section.first);
    EXPECT_EQ(missing->front().key, section.second);
  }
}

TEST(MissingIndexesTest, AddsWhatIsMissing) {
  const model::Schema all_on = SchemaWithout({});
  const model::Schema all_off = SchemaWithout({"#document", "sparse", "name", "names"});
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<OracleRow> rows = SomeRows(seed, seed == 8 ? 3000 : 10 << seed);
    const Bytes bytes = WriteSegment(rows, kDimension, &all_off);
    const auto missing = Open(bytes)->Missing(all_on);
    ASSERT_TRUE(missing.ok());
    const Result<Bytes> added = WithIndexes(bytes, *missing);
    ASSERT_TRUE(added.ok()) << added.status().ToString();
    // As if they had been on from the beginning.
    EXPECT_EQ(SectionsOf(*added), SectionsOf(WriteSegment(rows, kDimension, &all_on)));
    const auto segment = Open(*added);
    runtime::Context ctx;
    EXPECT_TRUE(segment->VerifyAll(ctx).ok());
    EXPECT_TRUE(CompareWithRows(*segment, rows, kDimension).ok());
    EXPECT_THAT(*segment->Missing(all_on), IsEmpty());
    if (HasFailure()) return;
  }
}

TEST(MissingIndexesTest, DocumentsWithoutWordsGetAnIndex) {
  std::vector<OracleRow> rows = SomeRows(3, 5);
  for (OracleRow& row : rows) row.document = "";
  const model::Schema off = SchemaWithout({"#document"});
  const Bytes bytes = WriteSegment(rows, kDimension, &off);
  const auto missing = Open(bytes)->Missing(SchemaWithout({}));
  ASSERT_EQ(missing->size(), 1U);
  const Result<Bytes> added = WithIndexes(bytes, *missing);
  ASSERT_TRUE(added.ok()) << added.status().ToString();
  EXPECT_THAT(*Open(*added)->Missing(SchemaWithout({})), IsEmpty());
}

TEST(MissingIndexesTest, RowsOfVectorIndexesStayWhereTheyWere) {
  const std::vector<OracleRow> rows = SomeRows(4, 10);
  const Result<Bytes> once = WithIndexes(WriteSegment(rows, kDimension), {}, {"index"});
  ASSERT_TRUE(once.ok());
  const auto segment = Open(*once);
  EXPECT_EQ(segment->MovedRows("index", 10)->size(), 0U);
  EXPECT_EQ(segment->MovedRows("index", 9).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(segment->MovedRows("other", 10).status().code(), StatusCode::kNotFound);
  const Result<Bytes> twice = WithIndexes(*once, {}, {"index"});
  EXPECT_EQ(*twice, *once);
}

TEST(MissingIndexesTest, DamageIsNotCopied) {
  const std::vector<OracleRow> rows = SomeRows(5, 200);
  const Bytes bytes = WriteSegment(rows, kDimension);
  runtime::Context ctx;
  const auto reader = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                                  [](SectionType) { return true; });
  for (const auto& section : reader->sections()) {
    if (section.length == 0) continue;
    SCOPED_TRACE(format::Describe(section));
    Bytes damaged = bytes;
    damaged[section.offset + section.length / 2] ^= 1;
    const Status status = WithIndexes(damaged, {}).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("damaged"));
  }
}

}  // namespace
}  // namespace chroma::segment
