// Damaged segments give right answers or say that they are damaged; nothing else.
#include <string>
#include <vector>

#include "base/coding.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

// Small, with every type of column.
std::vector<OracleRow> SmallRows(uint64_t seed, uint32_t n) {
  RowGenerator generator(seed);
  std::vector<OracleRow> rows = generator.Rows(n, 2);
  for (int type = 1; type <= 9; ++type) {
    const auto value = generator.Value(static_cast<model::ValueType>(type));
    rows[0].metadata.Set("k" + std::to_string(type), value);
  }
  rows[0].document = "a document";
  rows[0].uri = "a uri";
  return rows;
}

bool IsDamageReport(const Status& status) {
  return status.code() == StatusCode::kDataLoss || status.code() == StatusCode::kFailedPrecondition;
}

// True when the damage was noticed by reading everything.
bool Survives(const Bytes& bytes, const std::vector<OracleRow>& rows, bool expect_verify_fails) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  if (!segment.ok()) {
    EXPECT_TRUE(IsDamageReport(segment.status())) << segment.status().ToString();
    return true;
  }
  const Status read = CompareWithRows(**segment, rows, 2);
  EXPECT_TRUE(read.ok() || IsDamageReport(read)) << read.ToString();
  if (expect_verify_fails) {
    const Status verified = (*segment)->VerifyAll(ctx);
    EXPECT_TRUE(IsDamageReport(verified)) << verified.ToString();
  }
  return !read.ok();
}

TEST(DamageTest, EveryFlippedBit) {
  const std::vector<OracleRow> rows = SmallRows(1, 3);
  Bytes bytes = WriteSegment(rows, 2);
  int noticed = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    const bool page_padding = at > 64 && at < 4096 && at % 64 != 0;
    if (page_padding) continue;
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      SCOPED_TRACE("byte " + std::to_string(at) + " bit " + std::to_string(bit));
      noticed += Survives(bytes, rows, bit == 0) ? 1 : 0;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(noticed, 5000);
}

TEST(DamageTest, EveryTruncation) {
  const std::vector<OracleRow> rows = SmallRows(2, 3);
  const Bytes bytes = WriteSegment(rows, 2);
  for (size_t size = 0; size < bytes.size(); ++size) {
    runtime::Context ctx;
    auto segment =
        SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes.substr(0, size)));
    ASSERT_FALSE(segment.ok()) << size;
    ASSERT_TRUE(IsDamageReport(segment.status())) << segment.status().ToString();
  }
}

// Sections with right checksums around wrong bytes: what a malicious writer can make.
TEST(DamageTest, HostileSections) {
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RowGenerator generator(seed);
    static const Bytes original = WriteSegment(SmallRows(3, 70), 2);
    runtime::Context ctx;
    auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("test", original),
                                                [](format::SectionType) { return true; });
    ASSERT_TRUE(sections.ok());
    MemoryBlobStore store;
    format::SectionWriter out(*store.Create(ctx, "test"));
    for (const format::SectionInfo& section : sections->sections()) {
      Bytes payload(sections->ReadRange(ctx, section, 0, section.length)->bytes);
      // Not the number of rows: a true claim of 2^32 rows is a loop of 2^32 steps in this test.
      const bool spared = section.type == format::SectionType::kSegmentInfo;
      if (!payload.empty() && !spared && generator.Chance(30)) {
        for (uint64_t i = generator.Below(3); i < 3; ++i) {
          const size_t at = generator.Chance(50)
                                ? generator.Below(payload.size())
                                : generator.Below(std::min<size_t>(payload.size(), 40));
          payload[at] =
              static_cast<char>(generator.Chance(50) ? generator.Below(256) : payload[at] ^ 1);
        }
        if (generator.Chance(10)) payload.resize(generator.Below(payload.size() + 1));
      }
      format::SectionOptions options;
      options.block_size = section.block_size;
      if (section.block_size == 0) {
        ASSERT_TRUE(out.Write(section.type, section.key, payload, options).ok());
        continue;
      }
      // So few rows are one block.
      ASSERT_TRUE(out.BeginBlocks(section.type, section.key, options).ok());
      ASSERT_TRUE(out.AppendBlock(payload).ok());
      ASSERT_TRUE(out.EndBlocks().ok());
    }
    ASSERT_TRUE(out.Finish(ctx).ok());
    auto segment =
        SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", store.Content("test")));
    if (!segment.ok()) continue;
    (void)(*segment)->VerifyAll(ctx);
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < (*segment)->rows(); ++row) {
      rows.push_back(row);
      (void)(*segment)->Id(row);
      (void)(*segment)->FindId("id-" + std::to_string(row));
      (void)(*segment)->Vectors(row);
      (void)(*segment)->InsertionOffset(row);
    }
    std::vector<std::optional<std::string>> texts;
    (void)(*segment)->ReadDocuments(rows, &texts);
    (void)(*segment)->ReadUris(rows, &texts);
    std::vector<model::Metadata> metadata;
    (void)(*segment)->ReadMetadata(rows, &metadata);
    for (int type = 1; type <= 9; ++type) {
      const auto value = generator.Value(static_cast<model::ValueType>(type));
      for (const auto op : {model::CompareOperator::kEqual, model::CompareOperator::kLess,
                            model::CompareOperator::kIn, model::CompareOperator::kArrayContains}) {
        for (int key = 1; key <= 9; ++key) {
          (void)(*segment)->Match(ctx, {"k" + std::to_string(key), op, value});
        }
      }
    }
  }
}

TEST(DamageTest, IdsAreFoundWithoutTheirIndex) {
  const std::vector<OracleRow> rows = SmallRows(4, 50);
  Bytes bytes = WriteSegment(rows, 2);
  runtime::Context ctx;
  auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes),
                                              [](format::SectionType) { return true; });
  ASSERT_TRUE(sections.ok());
  const format::SectionInfo* index = sections->Find(format::SectionType::kIdIndex);
  ASSERT_NE(index, nullptr);
  bytes[index->offset + 8] = static_cast<char>(bytes[index->offset + 8] ^ 1);
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  ASSERT_TRUE(segment.ok());
  const Status read = CompareWithRows(**segment, rows, 2);
  EXPECT_TRUE(read.ok()) << read.ToString();
  const Status verified = (*segment)->VerifyAll(ctx);
  EXPECT_EQ(verified.code(), StatusCode::kDataLoss);
  EXPECT_NE(verified.message().find("id index"), std::string_view::npos);
}

// Which records cannot be read any more; the others can.
TEST(DamageTest, DamageNamesTheRecords) {
  std::vector<OracleRow> rows;
  for (int i = 0; i < 300; ++i) {
    OracleRow row;
    row.id = "record-" + std::to_string(i);
    row.insertion_offset = static_cast<uint64_t>(i);
    row.vector.assign(500, static_cast<float>(i));
    row.document = "the document of " + row.id + std::string(100, static_cast<char>('a' + i % 26));
    rows.push_back(row);
  }
  Bytes bytes = WriteSegment(rows, 500);
  runtime::Context ctx;
  auto sections = format::SectionReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes),
                                              [](format::SectionType) { return true; });
  ASSERT_TRUE(sections.ok());
  for (const auto type : {format::SectionType::kVectors, format::SectionType::kDocuments}) {
    const format::SectionInfo* section = sections->Find(type);
    bytes[section->offset + section->length - 9] ^= 4;
  }
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  ASSERT_TRUE(segment.ok());
  const Status vectors = (*segment)->Vectors(299).status();
  EXPECT_EQ(vectors.code(), StatusCode::kDataLoss);
  EXPECT_NE(vectors.message().find("to \"record-299\" ("), std::string_view::npos)
      << vectors.ToString();
  EXPECT_TRUE((*segment)->Vectors(0).ok());
  std::vector<float> vector((*segment)->dimension());
  EXPECT_EQ((*segment)->CopyVector(299, vector.data()).message(), vectors.message());
  std::vector<std::optional<std::string>> documents;
  const uint32_t last[] = {2, 299};
  const Status texts = (*segment)->ReadDocuments(last, &documents);
  EXPECT_EQ(texts.code(), StatusCode::kDataLoss);
  EXPECT_NE(texts.message().find("to \"record-299\" ("), std::string_view::npos)
      << texts.ToString();
  const uint32_t first[] = {0, 1, 2};
  documents.clear();
  ASSERT_TRUE((*segment)->ReadDocuments(first, &documents).ok());
  EXPECT_EQ(documents[2], rows[2].document);
}

TEST(DamageTest, UnknownSections) {
  for (const bool required : {false, true}) {
    runtime::Context ctx;
    MemoryBlobStore store;
    format::SectionWriter out(*store.Create(ctx, "test"));
    format::SectionOptions options;
    options.required = required;
    ASSERT_TRUE(out.Write(static_cast<format::SectionType>(1000), "k", "payload", options).ok());
    Bytes info;
    PutFixed(info, uint32_t{0});
    PutFixed(info, uint32_t{4});
    ASSERT_TRUE(out.Write(format::SectionType::kSegmentInfo, {}, info).ok());
    ASSERT_TRUE(out.Finish(ctx).ok());
    auto segment =
        SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", store.Content("test")));
    EXPECT_EQ(segment.status().code(),
              required ? StatusCode::kFailedPrecondition : StatusCode::kOk);
    if (segment.ok()) {
      EXPECT_TRUE((*segment)->VerifyAll(ctx).ok());
    }
  }
}

}  // namespace
}  // namespace chroma::segment
