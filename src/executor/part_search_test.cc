#include "executor/part_search.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "index/vector/graph_builder.h"
#include "log/record_codec.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "segment/tail.h"
#include "testing/memory_blobs.h"

namespace chroma::executor {
namespace {

using index::Candidate;
using segment::SnapshotPart;

constexpr uint32_t kDimension = 16;
constexpr uint32_t kRows = 6000;
constexpr uint32_t kIndexed = 1000;  // the first ones

// More rows that no index holds than are compared one by one, in a segment and in a tail.
class PartSearchTest : public ::testing::Test {
 protected:
  PartSearchTest() {
    std::normal_distribution<float> normal;
    for (uint32_t i = 0; i < kRows; ++i) {
      rows_.emplace_back(kDimension);
      for (float& value : rows_.back()) value = normal(random_);
    }
  }

  static std::string Id(uint32_t i) { return "id" + std::to_string(i); }
  SnapshotPart Segment() {
    auto writer = *segment::SegmentWriter::Create(ctx_, blobs_, "segment", kDimension);
    for (uint32_t i = 0; i < kRows; ++i) {
      const std::string id = Id(i);
      EXPECT_TRUE(writer->Add({id, i + 1, rows_[i].data(), {}, {}, nullptr}).ok());
    }
    EXPECT_TRUE(writer->Finish(ctx_).ok());
    return {*segment::SegmentReader::Open(ctx_, *blobs_.Open(ctx_, "segment")), Dead()};
  }
  SnapshotPart Tail() {
    segment::Tail tail({});
    for (uint32_t i = 0; i < kRows; ++i) {
      model::RecordBatch batch;
      batch.operation = model::Operation::kAdd;
      batch.ids = {Id(i)};
      batch.vectors = {kDimension, rows_[i]};
      EXPECT_TRUE(
          tail.Apply({i + 1, 1, std::make_shared<const Bytes>(log::EncodeBatch(batch))}).ok());
    }
    SnapshotPart part = tail.Parts().back();
    part.dead = Dead();
    return part;
  }
  // Every tenth.
  static std::shared_ptr<const Bitmap> Dead() {
    auto dead = std::make_shared<Bitmap>();
    for (uint32_t i = 0; i < kRows; i += 10) dead->Add(i);
    return dead;
  }
  // A graph over the first rows.
  std::shared_ptr<const segment::PartIndexes> Index() {
    std::vector<const float*> rows;
    for (uint32_t i = 0; i < kIndexed; ++i) rows.push_back(rows_[i].data());
    const index::CodeSpace space = index::ChooseCodeSpace(model::Space::kL2, kDimension, 1, rows);
    const index::RowCoder coder(simd::ActiveCodeKernels(), space);
    const index::CodedRows coded(coder, rows, index::InOrder);
    index::GraphBuilder builder(coder, coded.view(), {}, index::InOrder, nullptr, nullptr);
    EXPECT_TRUE(builder.Build().ok());
    EXPECT_TRUE(segment::WriteVectorIndex(
                    ctx_, blobs_, "index", space,
                    {coded.view(), index::Edges::Of(builder.neighbors().data()), builder.entry()},
                    {}, 1)
                    .ok());
    auto indexes = std::make_shared<segment::PartIndexes>();
    indexes->list.push_back(
        {*segment::VectorIndexReader::Open(ctx_, *blobs_.Open(ctx_, "index"), nullptr), nullptr});
    indexes->unindexed = Bitmap::Range(kIndexed, kRows);
    return indexes;
  }

  // Of the live rows, every row, or every second.
  static Bitmap Allowed(bool all) {
    Bitmap allowed;
    for (uint32_t i = 0; i < kRows; ++i) {
      if (i % 10 != 0 && (all || i % 2 == 1)) allowed.Add(i);
    }
    return allowed;
  }
  // How much of what a search that compares every row finds.
  double Recall(const SnapshotPart& part) {
    std::normal_distribution<float> normal;
    size_t hits = 0;
    size_t wanted = 0;
    for (int i = 0; i < 60; ++i) {
      const Bitmap allowed = Allowed(i % 2 == 0);
      std::vector<float> query(kDimension);
      for (float& value : query) value = normal(random_);
      const std::vector<Candidate> exact = Nearest(part, allowed, query, true);
      std::set<uint32_t> rows;
      for (const Candidate& one : exact) rows.insert(one.row);
      wanted += exact.size();
      for (const Candidate& one : Nearest(part, allowed, query, false)) {
        hits += rows.erase(one.row);
        EXPECT_TRUE(allowed.Contains(one.row));
      }
    }
    return static_cast<double>(hits) / static_cast<double>(wanted);
  }
  static std::vector<Candidate> Nearest(const SnapshotPart& part, const Bitmap& allowed,
                                        const std::vector<float>& query, bool exact) {
    const auto search = PartSearch::Prepare(part, allowed, model::Space::kL2, exact);
    EXPECT_TRUE(search.ok());
    index::SearchRequest request;
    request.query = query.data();
    request.k = 10;
    std::vector<Candidate> found;
    EXPECT_TRUE(search->Search(request, &found).ok());
    // Of an index and of other rows.
    std::sort(found.begin(), found.end());
    EXPECT_GE(found.size(), request.k);
    found.resize(std::min(found.size(), request.k));
    return found;
  }

  runtime::Context ctx_;
  testing::MemoryBlobStore blobs_;
  std::mt19937 random_{1};
  std::vector<std::vector<float>> rows_;
};

TEST_F(PartSearchTest, ASegmentWithoutAnIndex) {
  EXPECT_GE(Recall(Segment()), .99);
}

TEST_F(PartSearchTest, ASegmentWithAnIndexOverSomeOfItsRows) {
  SnapshotPart part = Segment();
  part.indexes = Index();
  EXPECT_GE(Recall(part), .98);
}

TEST_F(PartSearchTest, ATail) {
  EXPECT_GE(Recall(Tail()), .99);
}

TEST_F(PartSearchTest, WithCodesMadeBefore) {
  const SnapshotPart part = Segment();
  ASSERT_TRUE(segment::MakeSigns(ctx_, {&part, 1}, model::Space::kL2).ok());
  EXPECT_LT(segment::RowsWithoutSigns(part, model::Space::kL2), 32U);
  EXPECT_GE(Recall(part), .99);
}

}  // namespace
}  // namespace chroma::executor
