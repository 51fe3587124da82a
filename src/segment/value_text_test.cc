#include "segment/value_text.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/coding.h"
#include "format/section_reader.h"
#include "segment/key_values.h"
#include "segment/segment_reader.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using index::TextPattern;
using ::testing::HasSubstr;

constexpr uint32_t kRows = 4000;
const char* const kWords[] = {"red",  "hot",    "red-hot", "École", "100%", "a",
                              "日本", "東京都", "🚀",       "blue",  "Blue", "investigation"};

std::string Title(RowGenerator& generator) {
  std::string title;
  for (size_t i = 2 + generator.Below(5); i > 0; --i) {
    title += kWords[generator.Below(12)];
    title += generator.Chance(80) ? " " : ", ";
  }
  return title;
}

// "title" nearly all different; "topic" of few values, but long enough for an index; "tags" arrays
// of either; "mixed" of several types; in "bytes" not everything is UTF-8.
std::vector<OracleRow> SomeRows() {
  RowGenerator generator(7);
  std::vector<OracleRow> rows;
  for (uint32_t i = 0; i < kRows; ++i) {
    OracleRow row;
    row.id = "id" + std::to_string(i);
    row.insertion_offset = i;
    row.vector = {1};
    const std::string title = Title(generator) + "number " + std::to_string(i);
    std::string topic;
    RowGenerator of_topic(1 + i % 900);
    while (topic.size() < 90) topic += Title(of_topic);
    if (generator.Chance(90)) row.metadata.Set("title", title);
    row.metadata.Set("topic", topic);
    if (i % 2 == 0) row.metadata.Set("tags", std::vector<std::string>{topic, title, title});
    if (i % 3 == 0) row.metadata.Set("mixed", int64_t{i});
    if (i % 3 == 1) row.metadata.Set("mixed", title);
    if (i % 3 == 2) row.metadata.Set("mixed", std::vector<std::string>{title});
    row.metadata.Set("bytes", i % 50 == 0 ? title + "\xff\xe6" : title);
    rows.push_back(std::move(row));
  }
  return rows;
}

const char* const kKeys[] = {"title", "topic", "tags", "mixed", "bytes", "none"};

model::Schema WithoutIndexes() {
  model::Schema schema = model::DefaultSchema(1);
  schema.defaults.string_inverted_index->enabled = false;
  return schema;
}

TextPattern Phrase(std::string_view text, bool prefix = false) {
  return TextPattern::Of(*index::Phrase::Parse(text, prefix));
}

std::vector<TextPattern> Patterns() {
  std::vector<TextPattern> patterns;
  for (const char* text :
       {"",     "e",         "re",      "red",     "red hot", "d hot, r", "ed-h",  " ",
        ", ",   "number 17", "r 39",    "no such", "日",      "日本",     "京都 ", "🚀",
        "🚀 bl", "investig",  "École 1", "%",       "\xff",    "\xe6\x97", "7"}) {
    patterns.push_back(TextPattern::AnyOf({text}));
  }
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back("number " + std::to_string(i * 49));
  patterns.push_back(TextPattern::AnyOf(many));
  patterns.push_back(TextPattern::AnyOf({"no such", "🚀 🚀 🚀", "number 12"}));
  patterns.push_back(TextPattern::AnyOf({std::string(1000, 'x'), "number 3999"}));
  for (const char* text :
       {"red", "red hot", "hot red", "日本 blue", "京", "number 17", "no such"}) {
    patterns.push_back(Phrase(text));
    patterns.push_back(Phrase(text, true));
  }
  patterns.push_back(Phrase("blue inv", true));
  return patterns;
}

std::shared_ptr<const SegmentReader> Open(const Bytes& bytes) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_TRUE(segment.ok());
  return *segment;
}

// Returns what was done under "title" for the last of the patterns.
std::string ExpectAllFound(const Bytes& bytes, const std::vector<OracleRow>& rows) {
  runtime::Context ctx;
  const auto segment = Open(bytes);
  std::string how_title;
  for (const TextPattern& pattern : Patterns()) {
    for (const char* key : kKeys) {
      SCOPED_TRACE(std::string(key) + ": " + pattern.query().ToString());
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < rows.size(); ++i) {
        const model::MetadataValue* value = rows[i].metadata.Find(key);
        if (value != nullptr && HasText(*value, pattern)) expected.push_back(i);
      }
      std::string how;
      const Result<Bitmap> found = segment->MatchText(ctx, key, pattern, &how);
      EXPECT_TRUE(found.ok()) << found.status().ToString();
      if (!found.ok() || found->ToVector() != expected) {
        ADD_FAILURE() << how << ": " << (found.ok() ? found->Count() : 0) << " of "
                      << expected.size();
        return how;
      }
      const auto estimate = segment->EstimateMatchText(ctx, key, pattern);
      EXPECT_TRUE(estimate.ok() && **estimate >= 0 && **estimate <= kRows);
      if (key == std::string_view("title")) how_title = how;
    }
  }
  return how_title;
}

std::vector<format::SectionInfo> Indexes(const Bytes& bytes) {
  runtime::Context ctx;
  const auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                                    [](SectionType) { return true; });
  std::vector<format::SectionInfo> found;
  for (const format::SectionInfo& section : sections->sections()) {
    if (section.type == SectionType::kValueText) found.push_back(section);
  }
  return found;
}

TEST(ValueTextTest, FindsWhatLookingAtEachFinds) {
  const std::vector<OracleRow> rows = SomeRows();
  const Bytes bytes = WriteSegment(rows, 1);
  const auto indexes = Indexes(bytes);
  EXPECT_EQ(indexes.size(), 6U);  // "mixed" has two
  for (const format::SectionInfo& index : indexes) EXPECT_GT(index.length, 0U);
  EXPECT_THAT(ExpectAllFound(bytes, rows), HasSubstr("text index of"));
  runtime::Context ctx;
  EXPECT_TRUE(Open(bytes)->VerifyAll(ctx).ok());
}

TEST(ValueTextTest, SegmentsWithoutOneAnswer) {
  const std::vector<OracleRow> rows = SomeRows();
  const model::Schema off = WithoutIndexes();
  const Bytes bytes = WriteSegment(rows, 1, &off);
  EXPECT_TRUE(Indexes(bytes).empty());
  EXPECT_THAT(ExpectAllFound(bytes, rows), HasSubstr("values, searched"));
}

TEST(ValueTextTest, DamageCostsTimeOnly) {
  const std::vector<OracleRow> rows = SomeRows();
  const Bytes whole = WriteSegment(rows, 1);
  Bytes bytes = whole;
  for (const format::SectionInfo& index : Indexes(whole)) {
    bytes[index.offset + index.length / 2] ^= 4;
  }
  EXPECT_THAT(ExpectAllFound(bytes, rows), HasSubstr("values, searched"));
  runtime::Context ctx;
  EXPECT_EQ(Open(bytes)->VerifyAll(ctx).code(), StatusCode::kDataLoss);
}

TEST(ValueTextTest, FewBytesHaveNone) {
  std::vector<OracleRow> rows = SomeRows();
  rows.resize(150);
  EXPECT_TRUE(Indexes(WriteSegment(rows, 1)).empty());
}

// Of strings that have no words in common an index would be about as large as they are.
TEST(ValueTextTest, WhatIndexesDoNotPayForHasAnEmptyOne) {
  std::vector<OracleRow> rows = SomeRows();
  uint64_t state = 1;
  for (OracleRow& row : rows) {
    row.metadata = model::Metadata();
    std::string key;
    for (int i = 0; i < 24; ++i) {
      state = state * 6364136223846793005 + 1442695040888963407;
      key += "0123456789abcdef"[state >> 60];
    }
    row.metadata.Set("title", key);
  }
  const Bytes bytes = WriteSegment(rows, 1);
  ASSERT_EQ(Indexes(bytes).size(), 1U);
  EXPECT_EQ(Indexes(bytes)[0].length, 0U);
  EXPECT_THAT(ExpectAllFound(bytes, rows), HasSubstr("values, searched"));
  EXPECT_TRUE(Open(bytes)->Missing(model::DefaultSchema(1))->empty());
}

TEST(ValueTextTest, EndsWithTheRequest) {
  const std::vector<OracleRow> rows = SomeRows();
  const model::Schema off = WithoutIndexes();
  for (const Bytes& bytes : {WriteSegment(rows, 1), WriteSegment(rows, 1, &off)}) {
    runtime::Context ctx;
    const auto segment = Open(bytes);
    ctx.Cancel();
    const auto found = segment->MatchText(ctx, "title", TextPattern::AnyOf({"e"}), nullptr);
    EXPECT_EQ(found.status().code(), StatusCode::kCancelled);
  }
}

TEST(ValueTextTest, OpenRefusesWhatDoesNotFit) {
  Bytes section;
  EXPECT_EQ(OpenValueText(section, 0).status().code(), StatusCode::kDataLoss);
  PutFixed(section, UINT64_MAX);
  PutFixed(section, uint64_t{2});
  EXPECT_EQ(OpenValueText(section, 0).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(OpenValueText(section + "abc", UINT64_MAX).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace chroma::segment
