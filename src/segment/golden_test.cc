// Segments and manifests of every format version that was released stay readable: testdata/ keeps
// one of each. CHROMA_WRITE_GOLDEN=1 in the environment writes those of the current version anew,
// which is right only before it is released.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "format/manifest.h"
#include "format/section_reader.h"
#include "runtime/file_system.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

// Fixed: never change, or the files no longer match.
std::vector<OracleRow> GoldenRows() {
  std::vector<OracleRow> rows(40);
  for (size_t i = 0; i < rows.size(); ++i) {
    OracleRow& row = rows[i];
    const auto n = static_cast<int64_t>(i);
    row.id = "id" + std::to_string(i);
    row.insertion_offset = 100 + i * (i % 3 + 1) + i / 2;
    row.vector = {static_cast<float>(i), -0.5f, static_cast<float>(i) / 3};
    if (i % 2 == 0) row.document = "Dokument № " + std::to_string(i);
    if (i % 5 == 0) row.uri = i == 0 ? "" : "file:///" + std::to_string(i);
    row.metadata.Set("bool", i % 3 == 0);
    row.metadata.Set("int", n * n * n - 1000);
    row.metadata.Set("color", std::string(i % 4 < 2 ? "red" : "grün"));
    if (i == 7) row.metadata.Set("int", 0.1);
    if (i % 4 == 0) row.metadata.Set("float", static_cast<double>(i) / 4);
    if (i % 4 == 1) row.metadata.Set("name", "unique " + std::to_string(i));
    if (i == 3) row.metadata.Set("sparse", model::SparseVector{{1, 70000}, {0.5f, 2}, {"a", "b"}});
    if (i % 9 == 0) row.metadata.Set("flags", model::BoolArray{{1, 0, 1}});
    if (i % 9 == 1) row.metadata.Set("ints", std::vector<int64_t>{n, -n, INT64_MAX});
    if (i % 9 == 2) row.metadata.Set("floats", std::vector<double>{1e100, 0.5});
    if (i % 9 == 3) row.metadata.Set("tags", std::vector<std::string>{"x", "", "y"});
  }
  for (size_t i = 1; i < rows.size(); ++i) {
    rows[i].insertion_offset = std::max(rows[i].insertion_offset, rows[i - 1].insertion_offset + 1);
  }
  return rows;
}

format::Manifest GoldenManifest() {
  format::Manifest manifest;
  for (uint8_t i = 0; i < 16; ++i) manifest.collection.bytes[i] = i;
  manifest.version = 12;
  manifest.log_offset = uint64_t{1} << 40;
  manifest.dimension = 384;
  manifest.operations = 123456;
  manifest.segments.resize(2);
  manifest.segments[0].blob = "segments/a";
  manifest.segments[0].rows = 1000;
  manifest.segments[0].size_bytes = 99999;
  manifest.segments[0].deleted = Bitmap::Range(10, 20);
  manifest.segments[1].blob = "segments/b";
  manifest.segments[1].rows = 1;
  return manifest;
}

// The file, written first when that was asked for.
Bytes GoldenFile(const std::string& name, const Bytes& current) {
  runtime::FileSystem& files = runtime::FileSystem::System();
  const std::string path = runtime::JoinPath(CHROMA_TESTDATA, name);
  if (std::getenv("CHROMA_WRITE_GOLDEN") != nullptr) {
    EXPECT_TRUE(files.CreateDirectory(CHROMA_TESTDATA).ok());
    auto file = files.Open(path, runtime::OpenMode::kCreate);
    EXPECT_TRUE(file.ok() && (*file)->Truncate(0).ok() && (*file)->WriteAt(0, current).ok());
  }
  auto mapped = files.Map(path);
  EXPECT_TRUE(mapped.ok()) << mapped.status().ToString();
  return mapped.ok() ? Bytes((*mapped)->bytes()) : Bytes();
}

Bytes OldGoldenFile(const std::string& name) {
  auto mapped = runtime::FileSystem::System().Map(runtime::JoinPath(CHROMA_TESTDATA, name));
  EXPECT_TRUE(mapped.ok()) << mapped.status().ToString();
  return mapped.ok() ? Bytes((*mapped)->bytes()) : Bytes();
}

// The segment that the bytes are, with these rows in it.
std::shared_ptr<const SegmentReader> OpenWhole(const Bytes& bytes,
                                               const std::vector<OracleRow>& rows) {
  runtime::Context ctx;
  auto segment = SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", bytes));
  EXPECT_TRUE(segment.ok()) << segment.status().ToString();
  if (!segment.ok()) return nullptr;
  EXPECT_TRUE((*segment)->VerifyAll(ctx).ok());
  const Status status = CompareWithRows(**segment, rows, 3);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return *segment;
}

// Without indexes of texts and metadata.
TEST(GoldenTest, SegmentVersion1) {
  const std::vector<OracleRow> rows = GoldenRows();
  const Bytes bytes = OldGoldenFile("segment_v1.bin");
  EXPECT_LT(bytes.size(), 20'000u);
  (void)OpenWhole(bytes, rows);
}

Bytes Payload(const Bytes& segment, format::SectionType type) {
  runtime::Context ctx;
  const auto sections = format::SectionReader::Open(
      ctx, std::make_shared<MemoryBlob>("test", segment), [](format::SectionType) { return true; });
  const format::SectionInfo* section = sections.ok() ? sections->Find(type) : nullptr;
  EXPECT_NE(section, nullptr);
  return section == nullptr ? Bytes() : Bytes(sections->Read(ctx, *section)->bytes);
}

// With a text index. Its bytes are a function of the documents: a repair relies on that.
TEST(GoldenTest, SegmentVersion1WithTextIndex) {
  const std::vector<OracleRow> rows = GoldenRows();
  const Bytes written = WriteSegment(rows, 3);
  const Bytes bytes = GoldenFile("segment_v1_text.bin", written);
  for (const auto type : {format::SectionType::kTextTerms, format::SectionType::kTextPostings,
                          format::SectionType::kTextGrams}) {
    EXPECT_EQ(Payload(bytes, type), Payload(written, type)) << format::SectionTypeName(type);
  }
  const auto segment = OpenWhole(bytes, rows);
  ASSERT_NE(segment, nullptr);
  const auto found = segment->FindText(index::TextQuery::Substring("Dok"));
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ((*found)->certain.Count(), 20u);
}

// A manifest of an earlier version, read as what it says.
void ExpectOldManifest(const std::string& name, const format::Manifest& expected) {
  auto bytes = runtime::FileSystem::System().Map(runtime::JoinPath(CHROMA_TESTDATA, name));
  ASSERT_TRUE(bytes.ok());
  auto manifest = format::DecodeManifest((*bytes)->bytes(), "golden");
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(format::EncodeManifest(*manifest), format::EncodeManifest(expected));
}

// Without the checksums of segments.
TEST(GoldenTest, ManifestVersion1) {
  ExpectOldManifest("manifest_v1.bin", GoldenManifest());
}

// Without vector indexes.
TEST(GoldenTest, ManifestVersion2) {
  format::Manifest expected = GoldenManifest();
  expected.segments[0].checksum = 0x0123456789abcdef;
  ExpectOldManifest("manifest_v2.bin", expected);
}

// Without requests and carried updates.
TEST(GoldenTest, ManifestVersion3) {
  format::Manifest expected = GoldenManifest();
  expected.segments[0].checksum = 0x0123456789abcdef;
  expected.segments[0].indexes = {{"indexes/a", 77777, 42}, {"indexes/b", 1, UINT64_MAX}};
  ExpectOldManifest("manifest_v3.bin", expected);
}

TEST(GoldenTest, ManifestVersion4) {
  format::Manifest expected = GoldenManifest();
  expected.segments[0].checksum = 0x0123456789abcdef;
  expected.segments[0].indexes = {{"indexes/a", 77777, 42}, {"indexes/b", 1, UINT64_MAX}};
  expected.requests = {{0xfedcba9876543210, 7, 1}, {42, UINT32_MAX, INT64_MAX}};
  expected.requests_since_ns = 1'234'567'890;
  expected.carried = "updates";
  const Bytes bytes = GoldenFile("manifest_v4.bin", format::EncodeManifest(expected));
  auto manifest = format::DecodeManifest(bytes, "golden");
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  // Its bytes are a function of its content.
  EXPECT_EQ(format::EncodeManifest(*manifest), bytes);
  EXPECT_EQ(format::EncodeManifest(expected), bytes);
}

}  // namespace
}  // namespace chroma::segment
