#include "chroma/filter.h"

#include <gtest/gtest.h>

namespace chroma {
namespace {

TEST(FilterTest, ConditionsAreJson) {
  EXPECT_EQ((Where("year") >= 2000).ToJson(), R"({"year":{"$gte":2000}})");
  EXPECT_EQ((Where("a\"b") == 0.5).ToJson(), R"({"a\"b":{"$eq":0.5}})");
  EXPECT_EQ((Where("t") != "x\n").ToJson(), R"({"t":{"$ne":"x\n"}})");
  EXPECT_EQ((Where("b") == false).ToJson(), R"({"b":{"$eq":false}})");
  EXPECT_EQ(Where("n").In({1, 2}).ToJson(), R"({"n":{"$in":[1,2]}})");
  EXPECT_EQ(Where("n").In({1.5}).ToJson(), R"({"n":{"$in":[1.5]}})");
  EXPECT_EQ(Where("n").NotIn({true}).ToJson(), R"({"n":{"$nin":[true]}})");
  EXPECT_EQ(Where("n").In({"a", "b"}).ToJson(), R"({"n":{"$in":["a","b"]}})");
  EXPECT_EQ(Where("n").In(std::vector<std::string>{"a"}).ToJson(), R"({"n":{"$in":["a"]}})");
  EXPECT_EQ(Where("n").Contains(7).ToJson(), R"({"n":{"$contains":7}})");
  EXPECT_EQ(Document().Matches("a\\d").ToJson(), R"({"$regex":"a\\d"})");
  EXPECT_EQ(Where(kDocumentKey).NotMatches("a").ToJson(), R"({"#document":{"$not_regex":"a"}})");
}

TEST(FilterTest, ChainsAreOneList) {
  const Filter a = Where("a") == 1, b = Where("b") == 2, c = Where("c") == 3;
  EXPECT_EQ((a && b && c).ToJson(),
            R"({"$and":[{"a":{"$eq":1}},{"b":{"$eq":2}},{"c":{"$eq":3}}]})");
  EXPECT_EQ((a && (b && c)).ToJson(), (a && b && c).ToJson());
  EXPECT_EQ((a || (b && c)).ToJson(),
            R"({"$or":[{"a":{"$eq":1}},{"$and":[{"b":{"$eq":2}},{"c":{"$eq":3}}]}]})");
  EXPECT_EQ(((a || b) && c).ToJson(),
            R"({"$and":[{"$or":[{"a":{"$eq":1}},{"b":{"$eq":2}}]},{"c":{"$eq":3}}]})");
  EXPECT_EQ((Document().Contains("x") || Document().NotContains("y")).ToJson(),
            R"({"$or":[{"$contains":"x"},{"$not_contains":"y"}]})");
}

TEST(FilterTest, OneThatWasNeverSetSelectsAll) {
  const Filter a = Where("a") == 1;
  EXPECT_TRUE(Filter().empty());
  EXPECT_EQ((a && Filter()).ToJson(), a.ToJson());
  EXPECT_EQ((Filter() && a).ToJson(), a.ToJson());
  EXPECT_TRUE((a || Filter()).empty());
  EXPECT_TRUE((Filter() || a).empty());
}

TEST(FilterTest, JsonIsChecked) {
  EXPECT_EQ(Filter::FromJson(R"({"a":1})")->ToJson(), R"({"a":1})");
  EXPECT_EQ(Filter::FromJson("{").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Filter::FromJson(R"({"a":1},"limit":0)").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Filter::FromJson("{}").status().message(), "Invalid where clause");
  EXPECT_EQ(DocumentFilter::FromJson(R"({"a":1})").status().message(),
            "Invalid where document clause");
}

}  // namespace
}  // namespace chroma
