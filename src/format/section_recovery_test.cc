#include "format/section_recovery.h"

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/coding.h"
#include "format/section_writer.h"
#include "testing/memory_blobs.h"

namespace chroma::format {
namespace {

using testing::MemoryBlob;
using testing::MemoryBlobStore;

bool Any(SectionType) {
  return true;
}

Bytes Container() {
  runtime::Context ctx;
  MemoryBlobStore store;
  SectionWriter out(*store.Create(ctx, "s"));
  SectionOptions pages;
  pages.alignment = kPageAlignment;
  pages.block_size = 16;
  EXPECT_TRUE(out.BeginBlocks(SectionType::kVectors, {}, pages).ok());
  const auto checksum = out.AppendBlock("0123456789abcdef");
  EXPECT_TRUE(out.EndBlocks().ok());
  Bytes table;
  PutFixed(table, uint32_t{2});
  PutFixed(table, uint32_t{2});
  PutFixed(table, uint64_t{2});
  PutFixed(table, *checksum);
  EXPECT_TRUE(out.Write(SectionType::kVectorChecksums, {}, table).ok());
  EXPECT_TRUE(out.Write(MetadataSection(2), "a key", "payload").ok());
  SectionOptions optional;
  optional.required = false;
  EXPECT_TRUE(out.Write(static_cast<SectionType>(99), {}, "", optional).ok());
  EXPECT_TRUE(out.Finish(ctx).ok());
  return store.Content("s");
}

// Every four bytes of the end.
TEST(SectionRecoveryTest, TheEndComesBackExactly) {
  runtime::Context ctx;
  const Bytes whole = Container();
  const auto sections = SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", whole), Any);
  ASSERT_TRUE(sections.ok());
  const size_t end = sections->footer_offset();
  for (size_t at = end; at + 4 <= whole.size(); ++at) {
    Bytes bytes = whole;
    for (size_t i = at; i < at + 4; ++i) bytes[i] ^= 0x55;
    const auto patch = RecoverEnd(ctx, MemoryBlob("s", bytes));
    ASSERT_TRUE(patch.ok()) << at;
    EXPECT_EQ(bytes.replace(patch->offset, patch->bytes.size(), patch->bytes), whole);
  }
}

TEST(SectionRecoveryTest, ACutContainerIsNotTakenForAWholeOne) {
  runtime::Context ctx;
  const Bytes whole = Container();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(RecoverEnd(ctx, MemoryBlob("s", whole.substr(0, size))).ok()) << size;
  }
  EXPECT_FALSE(RecoverEnd(ctx, MemoryBlob("s", whole + Bytes(8, '\0'))).ok());
}

TEST(SectionRecoveryTest, FramingComesBackExactly) {
  runtime::Context ctx;
  const Bytes whole = Container();
  const auto sections = SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", whole), Any);
  ASSERT_TRUE(sections.ok());
  std::vector<bool> payload(whole.size(), false);
  for (const SectionInfo& section : sections->sections()) {
    std::fill_n(payload.begin() + static_cast<ptrdiff_t>(section.offset), section.length, true);
  }
  for (size_t at = 0; at < sections->footer_offset(); ++at) {
    if (payload[at] || (at > 100 && at < 4000)) continue;
    Bytes bytes = whole;
    bytes[at] ^= 0x10;
    const auto damaged = SectionReader::Open(ctx, std::make_shared<MemoryBlob>("s", bytes), Any);
    ASSERT_TRUE(damaged.ok());
    const auto patches = RecoverFraming(ctx, *damaged);
    ASSERT_TRUE(patches.ok());
    EXPECT_EQ(patches->size(), 1u);
    for (const store::Patch& patch : *patches) {
      bytes.replace(patch.offset, patch.bytes.size(), patch.bytes);
    }
    ASSERT_EQ(bytes, whole) << at;
  }
}

}  // namespace
}  // namespace chroma::format
