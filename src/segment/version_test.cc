#include "segment/version.h"

#include <gtest/gtest.h>

#include "segment/segment_writer.h"
#include "testing/memory_blobs.h"

namespace chroma::segment {
namespace {

using index::MovedRows;
using testing::MemoryBlobStore;

constexpr uint32_t kDimension = 2;
constexpr float kValues[8] = {1, 2, 3, 4, 5, 6, 7, 8};

// A segment that says what has become of the rows of indexes, and indexes without edges.
class PlaceIndexTest : public ::testing::Test {
 protected:
  using Moved = std::vector<std::pair<std::string, std::vector<uint32_t>>>;

  void WriteSegment(const Moved& moved) {
    auto writer = SegmentWriter::Create(ctx_, blobs_, "segment", kDimension);
    ASSERT_TRUE(writer.ok());
    for (uint32_t i = 0; i < 4; ++i) {
      const std::string id = std::to_string(i);
      ASSERT_TRUE((*writer)->Add({id, i + 1, kValues + size_t{i} * kDimension, {}, {}}).ok());
    }
    for (const auto& [index, rows] : moved) {
      ASSERT_TRUE((*writer)->AddMovedRows(index, rows).ok());
    }
    const auto written = (*writer)->Finish(ctx_);
    ASSERT_TRUE(written.ok());
    named_ = {written->blob, written->rows, written->size_bytes, {}, written->checksum};
    auto opened = SegmentReader::Open(ctx_, *blobs_.Open(ctx_, "segment"));
    ASSERT_TRUE(opened.ok());
    segment_ = *opened;
    unindexed_ = Bitmap::Range(0, 4);
  }

  Result<PartIndex> Place(const std::string& name, uint32_t rows, uint64_t of_segment = 7) {
    std::vector<const float*> pointers;
    for (uint32_t i = 0; i < rows; ++i) pointers.push_back(kValues + size_t{i} * kDimension);
    const index::CodeSpace space =
        index::ChooseCodeSpace(model::Space::kL2, kDimension, /*seed=*/1, pointers);
    const index::RowCoder coder(simd::ActiveCodeKernels(), space);
    const index::CodedRows coded(coder, pointers, index::InOrder);
    const std::vector<uint32_t> edges(size_t{rows} * index::kDegree, index::kNoRow);
    const auto written =
        WriteVectorIndex(ctx_, blobs_, name, space,
                         {coded.view(), index::Edges::Of(edges.data()), 0}, {}, of_segment);
    EXPECT_TRUE(written.ok());
    auto reader = VectorIndexReader::Open(ctx_, *blobs_.Open(ctx_, name), nullptr);
    EXPECT_TRUE(reader.ok());
    return PlaceIndex(*reader, {name, written->size_bytes, written->checksum}, named_, *segment_,
                      &unindexed_);
  }
  StatusCode CodeOf(const Result<PartIndex>& result) { return result.status().code(); }

  runtime::Context ctx_;
  MemoryBlobStore blobs_;
  format::ManifestSegment named_;
  std::shared_ptr<const SegmentReader> segment_;
  Bitmap unindexed_;
};

TEST_F(PlaceIndexTest, RowsThatHaveMoved) {
  WriteSegment({{"a", {1, MovedRows::kGone}}, {"b", {3, 0}}});
  const auto a = Place("a", 2);
  ASSERT_TRUE(a.ok()) << a.status().ToString();
  EXPECT_EQ(a->gone, 1U);
  EXPECT_EQ(unindexed_.ToVector(), (std::vector<uint32_t>{0, 2, 3}));
  ASSERT_TRUE(Place("b", 2).ok());
  EXPECT_EQ(unindexed_.ToVector(), (std::vector<uint32_t>{2}));
  EXPECT_EQ(CodeOf(Place("c", 2)), StatusCode::kNotFound);
}

TEST_F(PlaceIndexTest, RowsOfTheSegmentItself) {
  WriteSegment({});
  EXPECT_EQ(CodeOf(Place("a", 3, named_.checksum)), StatusCode::kDataLoss);
  ASSERT_TRUE(Place("b", 4, named_.checksum).ok());
  EXPECT_TRUE(unindexed_.Empty());
  EXPECT_EQ(CodeOf(Place("c", 4, named_.checksum)), StatusCode::kDataLoss);
}

// A search would return it twice.
TEST_F(PlaceIndexTest, ARowThatIsThereTwiceIsDamage) {
  WriteSegment({{"a", {2, 2}}, {"b", {1, 2}}, {"c", {2, 3}}, {"d", {}}});
  EXPECT_EQ(CodeOf(Place("a", 2)), StatusCode::kDataLoss);
  EXPECT_EQ(unindexed_.Count(), 4U);
  ASSERT_TRUE(Place("b", 2).ok());
  EXPECT_EQ(CodeOf(Place("c", 2)), StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(Place("d", 4)), StatusCode::kDataLoss);
  EXPECT_EQ(unindexed_.Count(), 2U);
}

}  // namespace
}  // namespace chroma::segment
