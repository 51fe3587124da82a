#include "segment/verify.h"

#include <gmock/gmock.h>

#include "format/section_reader.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using format::SectionType;
using ::testing::HasSubstr;

std::vector<OracleRow> SomeRows() {
  RowGenerator generator(7);
  std::vector<OracleRow> rows = generator.Rows(300, 40);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].document = "document " + std::to_string(i * 7919) + generator.Text();
    rows[i].uri = "uri-" + std::to_string(i);
  }
  return rows;
}

SegmentExamination Examine(const Bytes& bytes) {
  runtime::Context ctx;
  auto found = ExamineSegment(ctx, std::make_shared<MemoryBlob>("s", bytes));
  EXPECT_TRUE(found.ok()) << found.status().ToString();
  return found.ok() ? *std::move(found) : SegmentExamination();
}

Bytes Apply(Bytes bytes, const std::vector<store::Patch>& patches) {
  for (const store::Patch& patch : patches) {
    bytes.replace(patch.offset, patch.bytes.size(), patch.bytes);
  }
  return bytes;
}

format::SectionInfo FindSection(const Bytes& bytes, SectionType type) {
  runtime::Context ctx;
  auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes),
                                              [](SectionType) { return true; });
  const format::SectionInfo* info = sections.ok() ? sections->Find(type) : nullptr;
  EXPECT_NE(info, nullptr);
  return info == nullptr ? format::SectionInfo() : *info;
}

TEST(VerifyTest, AWholeSegment) {
  const SegmentExamination found = Examine(WriteSegment(SomeRows(), 40));
  EXPECT_TRUE(found.damages.empty()) << found.damages[0].what;
  EXPECT_TRUE(found.patches.empty());
  ASSERT_NE(found.readable, nullptr);
}

// Any one bit, wherever it is, but in blocks that are too long to try.
TEST(VerifyTest, EveryFlippedBitOfASmallSegmentComesBack) {
  RowGenerator generator(3);
  std::vector<OracleRow> rows = generator.Rows(3, 2);
  rows[0].document = "a document";
  rows[0].uri = "a uri";
  const Bytes whole = WriteSegment(rows, 2);
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at > 100 && at < 4090) continue;
    Bytes bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    SCOPED_TRACE(at);
    const SegmentExamination found = Examine(bytes);
    ASSERT_FALSE(found.damages.empty());
    for (const SegmentDamage& damage : found.damages) EXPECT_TRUE(damage.mended) << damage.what;
    ASSERT_EQ(Apply(bytes, found.patches), whole);
  }
}

TEST(VerifyTest, DerivedSectionsComeBackFromNothing) {
  const std::vector<OracleRow> rows = SomeRows();
  const Bytes whole = WriteSegment(rows, 40);
  for (const SectionType type :
       {SectionType::kIdIndex, SectionType::kVectorChecksums, SectionType::kDocumentIndex,
        SectionType::kUriIndex, SectionType::kSegmentInfo, SectionType::kTextTerms,
        SectionType::kTextPostings, SectionType::kTextGrams}) {
    SCOPED_TRACE(format::SectionTypeName(type));
    const format::SectionInfo section = FindSection(whole, type);
    Bytes bytes = whole;
    bytes.replace(section.offset, section.length, section.length, '\0');
    const SegmentExamination found = Examine(bytes);
    ASSERT_EQ(found.damages.size(), 1u);
    EXPECT_TRUE(found.damages[0].mended);
    ASSERT_EQ(Apply(bytes, found.patches), whole);
    // The ordinary reader does the same in memory.
    runtime::Context ctx;
    auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes));
    ASSERT_TRUE(segment.ok()) << segment.status().ToString();
    const Status read = CompareWithRows(**segment, rows, 40);
    EXPECT_TRUE(read.ok()) << read.ToString();
  }
}

TEST(VerifyTest, DamagedBlocksNameTheirRows) {
  const std::vector<OracleRow> rows = SomeRows();
  const Bytes whole = WriteSegment(rows, 40);
  for (const SectionType type : {SectionType::kVectors, SectionType::kDocuments}) {
    SCOPED_TRACE(format::SectionTypeName(type));
    const format::SectionInfo section = FindSection(whole, type);
    Bytes bytes = whole;
    for (uint64_t i = 0; i < 40; ++i) bytes[section.offset + section.length - 50 + i] ^= 0x5a;
    const SegmentExamination found = Examine(bytes);
    ASSERT_EQ(found.damages.size(), 1u);
    EXPECT_FALSE(found.damages[0].mended);
    EXPECT_THAT(found.damages[0].what, HasSubstr("to 299"));
    EXPECT_FALSE(found.damages[0].rows.Empty());
    EXPECT_TRUE(found.damaged_rows.Contains(299));
    EXPECT_FALSE(found.damaged_rows.Contains(0)) << "of another block";
    EXPECT_TRUE(found.ids_readable);
    ASSERT_NE(found.readable, nullptr);
    EXPECT_EQ(*found.readable->Id(299), rows[299].id);
  }
}

TEST(VerifyTest, ALostMetadataColumnLeavesTheRest) {
  std::vector<OracleRow> rows = SomeRows();
  for (OracleRow& row : rows) {
    row.metadata = model::Metadata();
    row.metadata.Set("kept", row.id);
    row.metadata.Set("lost", row.id + "-lost");
  }
  Bytes bytes = WriteSegment(rows, 40);
  const size_t at = bytes.find(rows[5].id + "-lost");
  ASSERT_NE(at, Bytes::npos);
  for (size_t i = at; i < at + 4; ++i) bytes[i] ^= 0x11;
  const SegmentExamination found = Examine(bytes);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damaged_keys, std::vector<std::string>{"lost"});
  EXPECT_TRUE(found.damaged_rows.Empty());
  ASSERT_NE(found.readable, nullptr);
  for (OracleRow& row : rows) {
    row.metadata = model::Metadata();
    row.metadata.Set("kept", row.id);
  }
  const Status read = CompareWithRows(*found.readable, rows, 40);
  EXPECT_TRUE(read.ok()) << read.ToString();
}

}  // namespace
}  // namespace chroma::segment
