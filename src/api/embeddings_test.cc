#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chroma/types.h"

namespace chroma {
namespace {

using ::testing::ElementsAre;

TEST(EmbeddingsTest, HoldsRows) {
  Embeddings embeddings = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(embeddings.rows(), 2u);
  EXPECT_EQ(embeddings.dimension(), 3u);
  EXPECT_TRUE(embeddings.uniform());
  EXPECT_THAT(embeddings.row(1), ElementsAre(4, 5, 6));
  embeddings.Append(std::vector<float>{7, 8, 9});
  EXPECT_EQ(embeddings.rows(), 3u);
  EXPECT_EQ(embeddings.values().size(), 9u);
  EXPECT_EQ(embeddings.Release().size(), 9u);
  EXPECT_TRUE(embeddings.empty());
}

TEST(EmbeddingsTest, TakesOverOrShowsNumbers) {
  std::vector<float> numbers = {1, 2, 3, 4};
  const Embeddings view = Embeddings::View(numbers, 2);
  EXPECT_EQ(view.values().data(), numbers.data());
  Embeddings longer = view;
  longer.Append(std::vector<float>{5, 6});
  EXPECT_EQ(view.rows(), 2u);
  EXPECT_EQ(longer.rows(), 3u);
  EXPECT_THAT(longer.row(0), ElementsAre(1, 2));
  const float* address = numbers.data();
  const Embeddings owner(std::move(numbers), 2);
  EXPECT_EQ(owner.values().data(), address);
}

TEST(EmbeddingsTest, CopiesOwnTheirNumbers) {
  Embeddings original = {{1, 2}};
  const Embeddings copy = original;
  original.Append(std::vector<float>{3, 4});
  EXPECT_NE(copy.values().data(), original.values().data());
  EXPECT_THAT(copy.row(0), ElementsAre(1, 2));
}

TEST(EmbeddingsTest, RemembersRowsOfDifferentLengths) {
  const Embeddings ragged(std::vector<std::vector<float>>{{1, 2}, {}, {3}});
  EXPECT_FALSE(ragged.uniform());
  EXPECT_EQ(ragged.rows(), 3u);
  EXPECT_EQ(ragged.row_length(1), 0u);
  EXPECT_THAT(ragged.row(2), ElementsAre(3));
  const Embeddings cut(std::vector<float>{1, 2, 3, 4, 5}, 2);
  EXPECT_EQ(cut.rows(), 3u);
  EXPECT_EQ(cut.row_length(2), 1u);
  EXPECT_THAT(cut.row(2), ElementsAre(5));
  const Embeddings no_numbers = {{}};
  EXPECT_EQ(no_numbers.rows(), 1u);
  EXPECT_EQ(no_numbers.row_length(0), 0u);
}

TEST(EmbeddingsTest, DimensionZeroIsOneRow) {
  const Embeddings one(std::vector<float>{1, 2, 3}, 0);
  EXPECT_EQ(one.rows(), 1u);
  EXPECT_EQ(one.dimension(), 3u);
  EXPECT_EQ(Embeddings(std::vector<float>(), 0).rows(), 0u);
  EXPECT_EQ(Embeddings(std::vector<float>{1}, 4).dimension(), 1u);
}

}  // namespace
}  // namespace chroma
