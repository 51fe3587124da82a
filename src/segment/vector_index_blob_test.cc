#include "segment/vector_index_blob.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "base/coding.h"
#include "format/section_writer.h"
#include "index/vector/flat_index.h"
#include "index/vector/graph_builder.h"
#include "testing/memory_blobs.h"

namespace chroma::segment {
namespace {

using index::Candidate;
using testing::MemoryBlob;
using testing::MemoryBlobStore;

constexpr uint64_t kSegment = 77;

// Random rows with a graph over them, as a blob.
class VectorIndexBlobTest : public ::testing::TestWithParam<model::Space> {
 protected:
  void Make(uint32_t n, uint32_t dimension) {
    std::mt19937_64 random(n);
    std::normal_distribution<float> normal;
    dimension_ = dimension;
    values_.resize(size_t{n} * dimension);
    for (float& value : values_) value = normal(random);
    std::vector<const float*> rows;
    for (uint32_t i = 0; i < n; ++i) rows.push_back(values_.data() + size_t{i} * dimension);
    const index::CodeSpace space = index::ChooseCodeSpace(GetParam(), dimension, 3, rows);
    const index::RowCoder coder(simd::ActiveCodeKernels(), space);
    const index::CodedRows coded(coder, rows, index::InOrder);
    index::GraphBuilder builder(coder, coded.view(), {}, index::InOrder, nullptr, nullptr);
    ASSERT_TRUE(builder.Build().ok());
    const auto written = WriteVectorIndex(
        ctx_, blobs_, "index", space,
        {coded.view(), index::Edges::Of(builder.neighbors().data()), builder.entry()},
        {.spread = spread_, .points = {{16, .9F}, {100, .98F}}}, kSegment);
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    bytes_ = blobs_.Content("index");
    EXPECT_EQ(written->size_bytes, bytes_.size());
  }
  Result<std::shared_ptr<const VectorIndexReader>> Open(const Bytes& bytes) {
    return VectorIndexReader::Open(ctx_, std::make_shared<MemoryBlob>("index", bytes), nullptr);
  }
  index::VectorSource Source() const {
    index::VectorSource source;
    source.rows = values_.data();
    source.stride = dimension_;
    source.dimension = dimension_;
    source.n = static_cast<uint32_t>(values_.size() / dimension_);
    return source;
  }
  Result<std::vector<Candidate>> Search(const index::VectorIndex& index, uint32_t query, size_t k,
                                        size_t effort) const {
    index::SearchRequest request;
    request.query = values_.data() + size_t{query} * dimension_;
    request.space = GetParam();
    request.k = k;
    request.tuning.effort = effort;
    std::vector<Candidate> found;
    CHROMA_TRY(index.Search(Source(), request, &found));
    return found;
  }
  // Damage is told, or answers are right: real rows at their exact distances.
  void ExpectHarmless(const Bytes& bytes) {
    const auto reader = Open(bytes);
    if (!reader.ok()) {
      const StatusCode code = reader.status().code();
      EXPECT_TRUE(code == StatusCode::kDataLoss || code == StatusCode::kFailedPrecondition)
          << reader.status().ToString();
      return;
    }
    for (const size_t effort : {1, 100}) {
      const auto found = Search((*reader)->index(), 0, 1, effort);
      if (!found.ok()) {
        EXPECT_EQ(found.status().code(), StatusCode::kDataLoss);
        EXPECT_TRUE((*reader)->damaged());
        continue;
      }
      for (const Candidate& candidate : *found) {
        EXPECT_EQ(candidate.distance,
                  index::Distance(GetParam(), values_.data(),
                                  values_.data() + size_t{candidate.row} * dimension_, dimension_));
      }
    }
    EXPECT_EQ((*reader)->VerifyAll(ctx_).code(), StatusCode::kDataLoss);
  }

  runtime::Context ctx_;
  MemoryBlobStore blobs_;
  uint32_t dimension_ = 0;
  std::vector<float> values_;
  Bytes bytes_;
  float spread_ = .125F;
};

TEST_P(VectorIndexBlobTest, FindsWhatWasWritten) {
  Make(2500, 20);
  const auto reader = Open(bytes_);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->rows(), 2500U);
  EXPECT_EQ((*reader)->segment_checksum(), kSegment);
  EXPECT_EQ((*reader)->space().space, GetParam());
  EXPECT_EQ((*reader)->index().calibration().spread, .125F);
  ASSERT_EQ((*reader)->index().calibration().points.size(), 2U);
  EXPECT_EQ((*reader)->index().calibration().points[1].recall, .98F);
  size_t hits = 0;
  for (uint32_t query = 0; query < 50; ++query) {
    const auto found = Search((*reader)->index(), query, 10, 0);
    const auto exact = Search(index::FlatIndex(), query, 10, 0);
    ASSERT_TRUE(found.ok() && exact.ok());
    ASSERT_EQ(found->size(), 10U);
    for (const Candidate& one : *found) hits += one.distance <= exact->back().distance ? 1 : 0;
  }
  EXPECT_GE(hits, 475U);
  EXPECT_TRUE((*reader)->VerifyAll(ctx_).ok());
  EXPECT_FALSE((*reader)->damaged());
}

TEST_P(VectorIndexBlobTest, EveryFlippedBitIsHarmless) {
  Make(40, 3);
  for (size_t at = 0; at < bytes_.size(); ++at) {
    // The zeros in front of page-aligned sections, but for some.
    if (bytes_[at] == 0 && at % 61 != 0) continue;
    SCOPED_TRACE("byte " + std::to_string(at));
    Bytes damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    ExpectHarmless(damaged);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(VectorIndexBlobTest, EveryLengthIsHarmless) {
  Make(40, 3);
  for (size_t size = 0; size < bytes_.size(); size += 13) {
    SCOPED_TRACE("length " + std::to_string(size));
    ExpectHarmless(bytes_.substr(0, size));
    ASSERT_FALSE(HasFailure());
  }
}

// Blocks beside it are verified with a block that a search comes to.
TEST_P(VectorIndexBlobTest, DamageBesideABlockIsMetOnlyThere) {
  Make(2500, 20);
  const auto whole = Open(bytes_);
  ASSERT_TRUE(whole.ok()) << whole.status().ToString();
  const index::RowCodes& rows = (*whole)->graph().rows;
  const auto bytes_of = [](const uint8_t* at, uint32_t n) {
    return BytesView(reinterpret_cast<const char*>(at), n);
  };
  for (const BytesView row :
       {bytes_of(rows.High(1000), rows.high_bytes()), bytes_of(rows.Low(1000), rows.low_bytes())}) {
    Bytes damaged = bytes_;
    damaged[bytes_.find(row)] ^= 1;
    const auto reader = Open(damaged);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    EXPECT_TRUE((*reader)->graph().CheckCode(1200));
    EXPECT_TRUE((*reader)->graph().CheckCode(800));
    EXPECT_FALSE((*reader)->damaged());
    EXPECT_FALSE((*reader)->graph().CheckCode(1000));
    EXPECT_TRUE((*reader)->damaged());
    EXPECT_TRUE((*reader)->graph().CheckCode(1200));
  }
}

// They have other sections: what is missing is not damage.
TEST_P(VectorIndexBlobTest, SaysWhichProgramWroteAnotherLayout) {
  const auto open = [this](uint32_t layout) {
    auto blob = blobs_.Create(ctx_, "other");
    EXPECT_TRUE(blob.ok());
    format::SectionWriter out(*std::move(blob));
    Bytes info;
    PutFixed(info, layout);
    EXPECT_TRUE(out.Write(format::SectionType::kGraphInfo, {}, info).ok());
    EXPECT_TRUE(out.Finish(ctx_).ok());
    const Bytes bytes = blobs_.Content("other");
    EXPECT_TRUE(blobs_.Delete(ctx_, "other").ok());
    return Open(bytes).status();
  };
  const Status earlier = open(3);
  EXPECT_EQ(earlier.code(), StatusCode::kUnimplemented);
  EXPECT_NE(earlier.message().find("has layout 3, which an earlier program wrote"),
            std::string::npos)
      << earlier.message();
  const Status later = open(1000);
  EXPECT_EQ(later.code(), StatusCode::kFailedPrecondition);
}

// A spread beyond all that is measured would let walks go on and on.
TEST_P(VectorIndexBlobTest, WhatIsNoSpreadIsRefused) {
  for (const float spread : {-.1F, 1.1F, 100.0F, std::numeric_limits<float>::infinity(),
                             std::numeric_limits<float>::quiet_NaN()}) {
    spread_ = spread;
    Make(40, 3);
    EXPECT_EQ(Open(bytes_).status().code(), StatusCode::kDataLoss) << spread;
    ASSERT_TRUE(blobs_.Delete(ctx_, "index").ok());
  }
}

INSTANTIATE_TEST_SUITE_P(Spaces, VectorIndexBlobTest,
                         ::testing::Values(model::Space::kL2, model::Space::kCosine,
                                           model::Space::kInnerProduct));

}  // namespace
}  // namespace chroma::segment
