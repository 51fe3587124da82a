#include "model/search.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace chroma::model {
namespace {

Knn Dense(std::vector<float> query) {
  Knn knn;
  knn.query = std::move(query);
  return knn;
}

Knn Sparse(SparseVector query, std::string key) {
  Knn knn;
  knn.query = std::move(query);
  knn.key = std::move(key);
  return knn;
}

Search Ranked(Rank rank) {
  Search search;
  search.rank = std::move(rank);
  return search;
}

Rank OneKnn() {
  Rank rank;
  rank.AddKnn(Dense({1}));
  return rank;
}

std::string Refusal(const Search& search) {
  const Status status = ValidateSearches({search});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(RankTest, AppendKeepsKnnsInOrder) {
  Rank left;
  left.AddKnn(Dense({1}));
  Rank right;
  right.AddKnn(Dense({2}));
  right.AddValue(3);
  right.AddOperator(RankOperator::kSum, 2);
  left.Append(right);
  left.AddOperator(RankOperator::kSubtract, 2);
  ASSERT_EQ(left.knns.size(), 2u);
  EXPECT_EQ(left.nodes[1].knn, 1u);
  EXPECT_EQ(left.knns[1], Dense({2}));
  EXPECT_TRUE(ValidateSearches({Ranked(left)}).ok());
}

TEST(SelectTest, KeysAreSortedAndUnique) {
  const Select select = Select::FromKeys({"b", "#score", "a", "b", "#id", "#document"});
  EXPECT_TRUE(select.document && select.score && !select.embedding && !select.metadata);
  EXPECT_TRUE(select.ShowsMetadata());
  EXPECT_EQ(select.Keys(), (std::vector<std::string>{"#document", "#score", "#id", "a", "b"}));
  EXPECT_EQ(Select::FromKeys({"#metadata", "#embedding"}).Keys(),
            (std::vector<std::string>{"#embedding", "#metadata"}));
}

TEST(ValidateSearchesTest, GroupBy) {
  const std::string prefix = "Validation error: searches[0].group_by: ";
  Search search = Ranked(OneKnn());
  search.group_by.keys = {"g"};
  EXPECT_EQ(Refusal(search),
            prefix + "group_by keys and aggregate must both be specified or both be omitted");
  search.group_by.aggregate = Aggregate{false, {}, 1};
  EXPECT_EQ(Refusal(search), prefix + "aggregate keys must not be empty");
  search.group_by.aggregate->keys = {"#score", "p"};
  search.group_by.aggregate->k = 0;
  EXPECT_EQ(Refusal(search), prefix + "aggregate k must be greater than 0");
  search.group_by.aggregate->k = 1;
  EXPECT_TRUE(ValidateSearches({search}).ok());
  search.group_by.aggregate->keys = {"p", "#metadata"};
  EXPECT_EQ(Refusal(search),
            prefix +
                "aggregate keys must be metadata fields or #score (cannot use #document, "
                "#embedding, or #metadata)");
  search.group_by.keys = {"g", "#score"};
  EXPECT_EQ(Refusal(search),
            prefix +
                "group_by keys must be metadata fields (cannot use #score, #document, #embedding, "
                "or #metadata)");
  search.group_by.keys.clear();
  EXPECT_EQ(Refusal(search),
            prefix + "group_by keys and aggregate must both be specified or both be omitted");
}

TEST(ValidateSearchesTest, GroupByNeedsARank) {
  Search search;
  search.group_by.keys = {"g"};
  search.group_by.aggregate = Aggregate{true, {"#score"}, 1};
  EXPECT_EQ(Refusal(search),
            "Validation error: searches[0].__all__: group_by requires rank expression to be "
            "specified");
}

TEST(ValidateSearchesTest, SparseQueriesAscend) {
  Rank rank;
  rank.AddKnn(Sparse({{2, 1}, {1, 1}, {}}, "s"));
  EXPECT_EQ(Refusal(Ranked(rank)),
            "Validation error: searches[0].rank: Invalid sparse vector in KNN query: Sparse vector "
            "indices must be sorted in strictly ascending order (no duplicates)");
  Rank unequal;
  unequal.AddKnn(Sparse({{1, 2}, {1}, {}}, "s"));
  EXPECT_NE(Refusal(Ranked(unequal)).find("must have the same length"), std::string::npos);
}

TEST(ValidateSearchesTest, EveryFailureIsNamed) {
  Search search;
  search.group_by.keys = {"g"};
  const Status status = ValidateSearches({Search(), search, search});
  EXPECT_EQ(status.message(),
            "Validation error: searches[1].group_by: group_by keys and aggregate must both be "
            "specified or both be omitted\nsearches[2].group_by: group_by keys and aggregate must "
            "both be specified or both be omitted");
}

TEST(ValidateSearchesTest, DeepAndWideRanksAreRefused) {
  Rank deep = OneKnn();
  for (uint32_t i = 1; i < kRankDepthMax; ++i) deep.AddOperator(RankOperator::kAbs, 1);
  EXPECT_TRUE(ValidateSearches({Ranked(deep)}).ok());
  for (int i = 0; i < 8'000; ++i) deep.AddOperator(RankOperator::kAbs, 1);
  EXPECT_EQ(Refusal(Ranked(deep)),
            "Validation error: searches[0].rank: nested deeper than 128 levels");
  Rank wide;
  for (size_t i = 0; i < kRankNodesMax; ++i) wide.AddValue(1);
  wide.AddOperator(RankOperator::kSum, kRankNodesMax);
  EXPECT_EQ(Refusal(Ranked(wide)),
            "Validation error: searches[0].rank: more than 10000 expressions");
  Rank knns;
  for (size_t i = 0; i <= kRankKnnsMax; ++i) knns.AddKnn(Dense({1}));
  knns.AddOperator(RankOperator::kSum, kRankKnnsMax + 1);
  EXPECT_EQ(Refusal(Ranked(knns)),
            "Validation error: searches[0].rank: more than 1000 $knn expressions");
}

TEST(ValidateSearchesTest, RanksOfTheWrongShapeAreOurFault) {
  Rank missing;
  missing.AddValue(1);
  missing.AddOperator(RankOperator::kSubtract, 2);
  EXPECT_EQ(ValidateSearches({Ranked(missing)}).code(), StatusCode::kInternal);
  Rank two;
  two.AddValue(1);
  two.AddValue(1);
  EXPECT_EQ(ValidateSearches({Ranked(two)}).code(), StatusCode::kInternal);
  EXPECT_EQ(ValidateSearches({Ranked(Rank())}).code(), StatusCode::kInternal);
}

TEST(ValidateSearchAgainstCollectionTest, IndexesAndDimensions) {
  Schema schema = DefaultSchema(1);
  Rank sparse;
  sparse.AddKnn(Sparse({{1}, {1}, {}}, "s"));
  EXPECT_EQ(ValidateSearchAgainstCollection(Ranked(sparse), schema, 2).message(),
            "Cannot filter using metadata key 's' with type 'SparseVector' because indexing is "
            "disabled");
  schema.keys["s"].sparse_vector_index.emplace().enabled = true;
  EXPECT_TRUE(ValidateSearchAgainstCollection(Ranked(sparse), schema, 2).ok());
  EXPECT_EQ(ValidateSearchAgainstCollection(Ranked(OneKnn()), schema, 2).message(),
            "Collection expecting embedding with dimension of 2, got 1");
  EXPECT_TRUE(ValidateSearchAgainstCollection(Ranked(OneKnn()), schema, std::nullopt).ok());
}

}  // namespace
}  // namespace chroma::model
