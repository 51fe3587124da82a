#include "store/patched_blob.h"

#include <gtest/gtest.h>

#include "testing/memory_blobs.h"

namespace chroma::store {
namespace {

TEST(PatchedBlobTest, ReadsPatchesAndWhatIsBetween) {
  runtime::Context ctx;
  const auto blob = PatchBlob(std::make_shared<testing::MemoryBlob>("b", "0123456789"),
                              {{2, "ab"}, {8, "xyz"}, {3, "B"}});
  EXPECT_EQ(blob->size_bytes(), 11u);
  const Bytes expected = "01aB4567xyz";
  for (size_t begin = 0; begin <= expected.size(); ++begin) {
    for (size_t n = 0; begin + n <= expected.size(); ++n) {
      const auto slice = blob->Read(ctx, begin, n);
      ASSERT_TRUE(slice.ok());
      EXPECT_EQ(slice->bytes, BytesView(expected).substr(begin, n));
    }
  }
  EXPECT_EQ(blob->Read(ctx, 3, 9).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(blob->Read(ctx, UINT64_MAX, 1).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace chroma::store
