#include "chroma/search.h"

#include <gtest/gtest.h>

namespace chroma {
namespace {

Rank Near(float at) {
  return Knn({.query = {at}});
}

std::string Json(float at) {
  return Near(at).ToJson();
}

TEST(RankTest, Knn) {
  EXPECT_EQ(
      Knn({.query = {1, 2.5f}, .limit = 3, .default_score = 7.0f, .return_rank = true}).ToJson(),
      R"({"$knn":{"query":[1.0,2.5],"key":"#embedding","limit":3,"default":7.0,)"
      R"("return_rank":true}})");
  EXPECT_EQ(SparseKnn({.key = "s", .query = {{1, 7}, {1, 0.5f}, {}}}).ToJson(),
            R"({"$knn":{"query":{"#type":"sparse_vector","indices":[1,7],"values":[1.0,0.5]},)"
            R"("key":"s","limit":16,"return_rank":false}})");
}

TEST(RankTest, ChainsAreLists) {
  EXPECT_EQ((Near(1) + Near(2) + 3).ToJson(),
            R"({"$sum":[)" + Json(1) + "," + Json(2) + R"(,{"$val":3.0}]})");
  EXPECT_EQ((2 * Near(1) * 3).ToJson(),
            R"({"$mul":[{"$val":2.0},)" + Json(1) + R"(,{"$val":3.0}]})");
  EXPECT_EQ(Max(Max(Near(1), 0), 2).ToJson(),
            R"({"$max":[)" + Json(1) + R"(,{"$val":0.0},{"$val":2.0}]})");
  Rank sum = Near(0);
  for (int i = 0; i < 5'000; ++i) sum = std::move(sum) + 1;
  EXPECT_TRUE(Rank::FromJson(sum.ToJson()).ok());
}

TEST(RankTest, OtherOperators) {
  EXPECT_EQ((Near(1) - 2).ToJson(), R"({"$sub":{"left":)" + Json(1) + R"(,"right":{"$val":2.0}}})");
  EXPECT_EQ((2 / Near(1)).ToJson(), R"({"$div":{"left":{"$val":2.0},"right":)" + Json(1) + "}}");
  EXPECT_EQ((-Near(1)).ToJson(), R"({"$mul":[{"$val":-1.0},)" + Json(1) + "]}");
  EXPECT_EQ(Exp(Log(Abs(Near(1)))).ToJson(), R"({"$exp":{"$log":{"$abs":)" + Json(1) + "}}}");
  EXPECT_EQ(Min(1, Near(1)).ToJson(), R"({"$min":[{"$val":1.0},)" + Json(1) + "]}");
}

TEST(RankTest, CopiesAreValues) {
  const Rank one = Near(1);
  const Rank two = one + 1;
  EXPECT_EQ(one.ToJson(), Json(1));
  EXPECT_NE(two.ToJson(), one.ToJson());
  EXPECT_EQ((one + one).ToJson(), R"({"$sum":[)" + Json(1) + "," + Json(1) + "]}");
}

TEST(RankTest, NoneLeavesTheOther) {
  EXPECT_TRUE(Rank().empty());
  EXPECT_EQ(Rank().ToJson(), "");
  EXPECT_EQ((Rank() + Near(1)).ToJson(), Json(1));
  EXPECT_EQ((Near(1) / Rank()).ToJson(), Json(1));
  EXPECT_TRUE((-Rank()).empty());
}

TEST(RankTest, FromJson) {
  const Rank rank = 0.5 * Near(1) - Log(Near(2));
  const Result<Rank> again = Rank::FromJson(rank.ToJson());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ToJson(), rank.ToJson());
  for (const char* bad : {"", "5", "{}", R"({"$rrf":[]})", R"({"$val":1} x)"}) {
    EXPECT_EQ(Rank::FromJson(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(RankTest, Rrf) {
  const Result<Rank> fused = Rrf({Near(1), Near(2)}, {.weights = {1, 3}, .normalize = true});
  ASSERT_TRUE(fused.ok());
  const auto term = [](const char* weight, float at) {
    return R"({"$div":{"left":{"$val":)" + std::string(weight) +
           R"(},"right":{"$sum":[{"$val":60.0},)" + Json(at) + "]}}}";
  };
  EXPECT_EQ(fused->ToJson(), R"({"$mul":[{"$val":-1.0},{"$sum":[)" + term("0.25", 1) + "," +
                                 term("0.75", 2) + "]}]}");
  EXPECT_FALSE(Rrf({}).ok());
  EXPECT_FALSE(Rrf({Near(1)}, {.weights = {1, 2}}).ok());
  EXPECT_FALSE(Rrf({Near(1)}, {.weights = {-1}}).ok());
  EXPECT_FALSE(Rrf({Near(1)}, {.weights = {0}, .normalize = true}).ok());
  EXPECT_FALSE(Rrf({Near(1)}, {.k = 0}).ok());
  EXPECT_FALSE(Rrf({Near(1), Rank()}).ok());
}

}  // namespace
}  // namespace chroma
