#include "segment/text_sections.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using index::TextQuery;
using ::testing::HasSubstr;

std::vector<OracleRow> SomeRows() {
  std::vector<OracleRow> rows;
  for (uint32_t i = 0; i < 400; ++i) {
    OracleRow row;
    row.id = "id" + std::to_string(i);
    row.insertion_offset = i;
    row.vector = {1};
    if (i % 3 != 1) row.document = (i % 5 == 0 ? "the river " : "a lake ") + std::to_string(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

format::SectionInfo Section(const Bytes& bytes, SectionType type) {
  runtime::Context ctx;
  const auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                                    [](SectionType) { return true; });
  return *sections->Find(type);
}

std::shared_ptr<const SegmentReader> Open(const Bytes& bytes) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  return *segment;
}

TEST(TextSectionsTest, FindsRows) {
  const auto segment = Open(WriteSegment(SomeRows(), 1));
  const auto found = segment->FindText(TextQuery::Substring("river"));
  ASSERT_TRUE(found.ok() && *found);
  const auto scanned = segment->MatchDocuments(
      *std::make_unique<runtime::Context>(), nullptr,
      [](std::string_view text) { return text.find("river") != std::string_view::npos; });
  EXPECT_EQ((*found)->certain, *scanned);
  EXPECT_TRUE((*found)->possible.Empty());
  EXPECT_EQ(*segment->EstimateText(TextQuery::Substring("river")), scanned->Count());
  EXPECT_EQ(*segment->EstimateText(TextQuery::All()), std::nullopt);
  runtime::Context ctx;
  EXPECT_TRUE(segment->VerifyAll(ctx).ok());
}

TEST(TextSectionsTest, NoDocumentsNoIndex) {
  std::vector<OracleRow> rows = SomeRows();
  for (OracleRow& row : rows) row.document.reset();
  const auto found = Open(WriteSegment(rows, 1))->FindText(TextQuery::Substring("river"));
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(*found);
}

// Damage is no error, and no wrong answer: the documents are looked at instead.
TEST(TextSectionsTest, ADamagedIndexIsDoneWithout) {
  const Bytes whole = WriteSegment(SomeRows(), 1);
  for (const SectionType type :
       {SectionType::kTextTerms, SectionType::kTextPostings, SectionType::kTextGrams}) {
    SCOPED_TRACE(format::SectionTypeName(type));
    Bytes bytes = whole;
    bytes[Section(whole, type).offset + 5] ^= 1;
    const auto segment = Open(bytes);
    for (int i = 0; i < 2; ++i) {
      const auto found = segment->FindText(TextQuery::Substring("river"));
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      EXPECT_FALSE(*found);
    }
    runtime::Context ctx;
    const Status verified = segment->VerifyAll(ctx);
    EXPECT_EQ(verified.code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(verified.message()), HasSubstr(format::SectionTypeName(type)));
  }
}

}  // namespace
}  // namespace chroma::segment
