#include "executor/sparse_search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "executor/search_fixture.h"

namespace chroma::executor {
namespace {

using model::SparseVector;

model::Metadata With(SparseVector vector) {
  return MetadataOf({{"s", std::move(vector)}});
}

class SparseSearchTest : public ::testing::Test {
 protected:
  std::vector<index::Candidate> Nearest(const SparseVector& query, size_t k) {
    std::vector<index::Candidate> found;
    const segment::Part& part = *snapshot_.parts[0].part;
    Bitmap allowed = Bitmap::Range(0, part.rows());
    allowed.Remove(5);
    EXPECT_TRUE(SearchSparse(ctx_, part, allowed, "s", query, k, &found).ok());
    return found;
  }

  runtime::Context ctx_;
  segment::Snapshot snapshot_ = SnapshotOf({With({{1, 2}, {1, 2}, {}}),
                                            With({{2}, {1}, {}}),
                                            With({{1}, {0.5f}, {}}),
                                            {},
                                            MetadataOf({{"s", std::string("text")}}),
                                            With({{2}, {9}, {}}),
                                            With({{2}, {-1}, {}}),
                                            With({{2}, {1}, {}})});
};

TEST_F(SparseSearchTest, NearestFirst) {
  EXPECT_EQ(Nearest({{2}, {1}, {}}, 10),
            (std::vector<index::Candidate>{{-1, 0}, {0, 1}, {0, 7}, {2, 6}}));
  EXPECT_EQ(Nearest({{2}, {1}, {}}, 2), (std::vector<index::Candidate>{{-1, 0}, {0, 1}}));
  EXPECT_EQ(Nearest({{1, 2}, {2, -1}, {}}, 10),
            (std::vector<index::Candidate>{{0, 2}, {0, 6}, {1, 0}, {2, 1}, {2, 7}}));
}

TEST_F(SparseSearchTest, SharingNoIndexIsNoCandidate) {
  EXPECT_TRUE(Nearest({{3}, {1}, {}}, 10).empty());
  EXPECT_TRUE(Nearest({}, 10).empty());
}

TEST_F(SparseSearchTest, RarityCountsEveryLiveRecord) {
  auto dead = std::make_shared<Bitmap>();
  dead->Add(7);
  snapshot_.parts[0].dead = dead;
  snapshot_.live = 7;
  const Result<SparseVector> scaled =
      ScaleByRarity(ctx_, snapshot_, "s", {{1, 2, 3}, {1, 2, 1}, {}});
  ASSERT_TRUE(scaled.ok());
  EXPECT_EQ(scaled->indices, (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_FLOAT_EQ(scaled->values[0], std::log(1 + (7 - 2 + 0.5f) / 2.5f));
  EXPECT_FLOAT_EQ(scaled->values[1], 2 * std::log(1 + (7 - 4 + 0.5f) / 4.5f));
  EXPECT_FLOAT_EQ(scaled->values[2], std::log(1 + 7.5f / 0.5f));
}

}  // namespace
}  // namespace chroma::executor
