#include <gtest/gtest.h>

#include "gateway/decode.h"
#include "model/limits.h"

namespace chroma::gateway {
namespace {

using model::RankOperator;

std::vector<model::Search> Decode(const std::string& text) {
  JsonReader reader(text);
  engine::SearchRequest request = DecodeSearch(reader);
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return std::move(request.searches);
}

// The error of a rank: "400 …" for syntax, "422 …" for a shape.
std::string RankError(const std::string& rank) {
  const std::string text = R"({"searches":[{"rank":)" + rank + "}]}";
  JsonReader reader(text);
  DecodeSearch(reader);
  if (reader.ok()) return "none";
  return (reader.error().kind == JsonError::Kind::kSyntax ? "400 " : "422 ") +
         reader.error().message;
}

TEST(DecodeSearchTest, Defaults) {
  EXPECT_TRUE(Decode(R"({"searches":[]})").empty());
  for (const char* search : {"{}", R"({"filter":null,"rank":null,"group_by":{},"limit":{},
       "select":{},"unknown":[[[]]]})",
                             R"({"filter":{},"limit":{"limit":null,"offset":0}})"}) {
    const auto searches = Decode(R"({"searches":[)" + std::string(search) + "]}");
    ASSERT_EQ(searches.size(), 1u);
    EXPECT_FALSE(searches[0].filter || searches[0].rank || searches[0].limit);
    EXPECT_EQ(searches[0].offset, 0u);
    EXPECT_TRUE(searches[0].select.Keys().empty());
  }
}

TEST(DecodeSearchTest, WholeSearch) {
  const auto searches = Decode(R"({"searches":[{"filter":{"#id":{"$in":["a"]}},
      "rank":{"$knn":{"query":[1,2.5]}},
      "group_by":{"keys":["g","h"],"aggregate":{"$max_k":{"keys":["#score"],"k":3}}},
      "limit":{"offset":1,"limit":2},"select":{"keys":["t","#score"]}}],
      "read_level":"index_only"})");
  ASSERT_EQ(searches.size(), 1u);
  const model::Search& search = searches[0];
  EXPECT_TRUE(search.filter.has_value());
  EXPECT_EQ(search.rank->knns[0].query, (decltype(model::Knn::query)(std::vector<float>{1, 2.5f})));
  EXPECT_EQ(search.rank->knns[0].limit, 16u);
  EXPECT_EQ(search.rank->knns[0].key, "#embedding");
  EXPECT_EQ(search.group_by.keys, (std::vector<std::string>{"g", "h"}));
  EXPECT_TRUE(search.group_by.aggregate->largest);
  EXPECT_EQ(search.group_by.aggregate->k, 3u);
  EXPECT_EQ(search.offset, 1u);
  EXPECT_EQ(search.limit, 2u);
  EXPECT_EQ(search.select.Keys(), (std::vector<std::string>{"#score", "t"}));
}

TEST(DecodeSearchTest, RankIsPostfix) {
  // The right operand may come first; the left one is still evaluated first.
  const auto searches = Decode(R"({"searches":[{"rank":{"$sub":{
      "right":{"$knn":{"query":{"indices":[1],"values":[2],"#type":"sparse_vector"},"key":"s",
                       "limit":5,"default":1.5,"return_rank":true}},
      "left":{"$sum":[{"$val":1},{"$log":{"$knn":{"query":[]}}},{"$mul":[]}]}}}}]})");
  const model::Rank& rank = *searches[0].rank;
  std::vector<RankOperator> ops;
  std::vector<uint32_t> operands;
  for (const model::RankNode& node : rank.nodes) {
    ops.push_back(node.op);
    operands.push_back(node.operands);
  }
  using enum RankOperator;
  EXPECT_EQ(ops, (std::vector<RankOperator>{kValue, kKnn, kLog, kMultiply, kSum, kKnn, kSubtract}));
  EXPECT_EQ(operands, (std::vector<uint32_t>{0, 0, 1, 0, 3, 0, 2}));
  ASSERT_EQ(rank.knns.size(), 2u);
  EXPECT_EQ(rank.nodes[5].knn, 1u);
  EXPECT_EQ(*rank.knns[1].sparse(), (model::SparseVector{{1}, {2}, {}}));
  EXPECT_EQ(rank.knns[1].default_score, 1.5f);
  EXPECT_TRUE(rank.knns[1].return_rank);
}

TEST(DecodeSearchTest, RankErrors) {
  EXPECT_EQ(RankError("5"), "400 searches[0].rank: expected value at line 1 column 22");
  EXPECT_EQ(RankError("{}"), "400 searches[0].rank: expected value at line 1 column 23");
  EXPECT_EQ(RankError(R"({"$rrf":{}})"),
            "422 searches[0].rank: unknown variant `$rrf`, expected one of `$abs`, `$div`, `$exp`, "
            "`$knn`, `$log`, `$max`, `$min`, `$mul`, `$sub`, `$sum`, `$val` at line 1 column 28");
  EXPECT_EQ(RankError(R"({"$sum":[{"$val":"x"}]})"),
            "422 searches[0].rank.$sum[0].$val: invalid type: string \"x\", expected f32 at line 1 "
            "column 41");
  EXPECT_EQ(RankError(R"({"$val":1,"$val":2})"),
            "400 searches[0].rank: expected value at line 1 column 30");
  EXPECT_EQ(RankError(R"({"$div":{"left":{"$val":1}}})"),
            "422 searches[0].rank.$div: missing field `right` at line 1 column 48");
  EXPECT_EQ(RankError(R"({"$knn":{"query":true}})"),
            "422 searches[0].rank.$knn.query: data did not match any variant of untagged enum "
            "QueryVector at line 1 column 43");
  EXPECT_EQ(RankError(R"({"$knn":{"query":[1],"limit":-1}})"),
            "422 searches[0].rank.$knn.limit: invalid value: integer `-1`, expected u32 at line 1 "
            "column 52");
  EXPECT_EQ(RankError(R"({"$knn":{"query":[1],"limit":4294967296}})").substr(0, 3), "422");
  EXPECT_EQ(RankError(R"({"$knn":{"query":[1,"x"]}})").substr(0, 3), "422");
  EXPECT_EQ(RankError(R"({"$knn":{"query":{"indices":[1]}}})").substr(0, 3), "422");
}

TEST(DecodeSearchTest, DeepAndWideRanksAreRefused) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += R"({"$abs":)";
  EXPECT_NE(RankError(deep).find("recursion limit exceeded"), std::string::npos);
  std::string wide = R"({"$sum":[{"$val":1})";
  for (size_t i = 0; i < model::kRankNodesMax; ++i) wide += R"(,{"$val":1})";
  EXPECT_NE(RankError(wide + "]}").find("more than 10000 rank expressions"), std::string::npos);
  std::string many = R"({"searches":[{})";
  for (size_t i = 0; i < model::kSearchesMax; ++i) many += ",{}";
  many += "]}";
  JsonReader reader(many);
  DecodeSearch(reader);
  EXPECT_NE(reader.error().message.find("more than 1000 searches"), std::string::npos);
}

TEST(DecodeSearchTest, OtherErrors) {
  const auto error = [](const std::string& search) {
    const std::string text = R"({"searches":[)" + search + "]}";
    JsonReader reader(text);
    DecodeSearch(reader);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.error().kind, JsonError::Kind::kShape);
    return reader.error().message;
  };
  EXPECT_EQ(error(R"({"limit":5})"),
            "searches[0].limit: invalid type: integer `5`, expected struct Limit at line 1 column "
            "23");
  EXPECT_EQ(error(R"({"limit":{"limit":-1}})").substr(0, 24), "searches[0].limit.limit:");
  EXPECT_EQ(error(R"({"select":["a"]})").substr(0, 37), "searches[0].select: invalid type: seq");
  EXPECT_NE(error(R"({"group_by":{"keys":["g"],"aggregate":{"$avg":{"keys":["p"],"k":1}}}})")
                .find("unknown variant `$avg`, expected `$min_k` or `$max_k`"),
            std::string::npos);
  EXPECT_NE(error(R"({"group_by":{"keys":["g"],"aggregate":{"$min_k":{"keys":["p"]}}}})")
                .find("missing field `k`"),
            std::string::npos);
}

}  // namespace
}  // namespace chroma::gateway
