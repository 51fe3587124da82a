#include <gtest/gtest.h>

#include "base/json_value.h"
#include "model/filter.h"
#include "model/limits.h"

namespace chroma::model {
namespace {

Result<Filter> Where(std::string_view text) {
  auto json = ParseJson(text);
  EXPECT_TRUE(json.ok()) << text;
  if (!json.ok()) return json.status();
  return ParseWhere(*json);
}

Result<Filter> WhereDocument(std::string_view text) {
  auto json = ParseJson(text);
  EXPECT_TRUE(json.ok()) << text;
  if (!json.ok()) return json.status();
  return ParseWhereDocument(*json);
}

TEST(ParseWhere, RefusesBadClauses) {
  for (std::string_view text : {R"({})",
                                R"([])",
                                R"("x")",
                                R"(5)",
                                R"(null)",
                                R"({"i":1,"s":"abc"})",
                                R"({"i":{"$gt":0,"$lt":3}})",
                                R"({"i":{}})",
                                R"({"i":null})",
                                R"({"i":[1]})",
                                R"({"i":{"$eq":null}})",
                                R"({"i":{"$bogus":1}})",
                                R"({"i":{"eq":1}})",
                                R"({"i":{"$in":1}})",
                                R"({"i":{"$in":[]}})",
                                R"({"i":{"$in":[1,"1"]}})",
                                R"({"i":{"$in":[1,2.5]}})",
                                R"({"i":{"$in":[true,1]}})",
                                R"({"i":{"$in":[null]}})",
                                R"({"i":{"$nin":["a",null]}})",
                                R"({"i":{"$in":[9223372036854775808]}})",
                                R"({"i":{"$in":[1.5,9223372036854775808]}})",
                                R"({"s":{"$gt":"a"}})",
                                R"({"b":{"$gt":true}})",
                                R"({"i":{"$eq":[1]}})",
                                R"({"$and":{"i":1}})",
                                R"({"$or":null})",
                                R"({"$not":[{"i":1}]})",
                                R"({"$contains":"x"})",
                                R"({"s":{"$regex":"a"}})",
                                R"({"s":{"$not_regex":"a"}})",
                                R"({"ia":{"$contains":[1]}})",
                                R"({"ia":{"$contains":null}})",
                                R"({"#document":{"$contains":5}})",
                                R"({"#document":{"$regex":5}})",
                                R"({"i":9223372036854775808})",
                                R"({"$and":[{"i":1},{}]})",
                                R"({"$and":[1]})"}) {
    const auto filter = Where(text);
    ASSERT_FALSE(filter.ok()) << text;
    EXPECT_EQ(filter.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(filter.status().message(), "Invalid where clause") << text;
  }
}

TEST(ParseWhere, RoundTrips) {
  for (std::string_view text : {R"({"i":{"$eq":1}})",
                                R"({"i":{"$ne":"x"}})",
                                R"({"i":{"$gt":1.5}})",
                                R"({"i":{"$gte":1}})",
                                R"({"i":{"$lt":1}})",
                                R"({"i":{"$lte":1}})",
                                R"({"i":{"$in":[1,2]}})",
                                R"({"i":{"$nin":["a","b"]}})",
                                R"({"i":{"$in":[true,false]}})",
                                R"({"i":{"$in":[1.5,2.0]}})",
                                R"({"i":{"$contains":true}})",
                                R"({"i":{"$not_contains":2.0}})",
                                R"({"#document":{"$contains":""}})",
                                R"({"#document":{"$not_contains":"x"}})",
                                R"({"#document":{"$regex":"a+"}})",
                                R"({"#document":{"$not_regex":"a+"}})",
                                R"({"#document":{"$eq":"x"}})",
                                R"({"":{"$eq":1}})",
                                R"({"$and":[]})",
                                R"({"$or":[{"a":{"$eq":1}},{"$and":[{"#id":{"$eq":"x"}}]}]})"}) {
    const auto filter = Where(text);
    ASSERT_TRUE(filter.ok()) << text;
    EXPECT_EQ(ToJson(WhereToJson(*filter)), text);
  }
}

TEST(ParseWhere, TextOperatorsOfMetadataKeysAreExtensions) {
  for (std::string_view text :
       {R"({"t":{"$contains_any":["a",""]}})", R"({"t":{"$not_contains_any":["a"]}})",
        R"({"t":{"$phrase":"red hot"}})", R"({"t":{"$not_phrase":"red"}})",
        R"({"":{"$prefix":"inv"}})", R"({"t":{"$not_prefix":"inv"}})"}) {
    EXPECT_EQ(Where(text).status().message(), "Invalid where clause") << text;
    const auto filter = ParseWhere(*ParseJson(text), Dialect::kExtended);
    ASSERT_TRUE(filter.ok()) << text;
    EXPECT_TRUE(std::holds_alternative<TextPredicate>(filter->node)) << text;
    EXPECT_EQ(ToJson(WhereToJson(*filter)), text);
  }
  for (std::string_view text :
       {R"({"t":{"$contains_any":"a"}})", R"({"t":{"$contains_any":[]}})",
        R"({"t":{"$contains_any":["a",1]}})", R"({"t":{"$phrase":["a"]}})",
        R"({"t":{"$phrase":1}})", R"({"t":{"$prefix":null}})", R"({"t":{"$regex":"a"}})",
        R"({"t":{"$phrase":"a","$prefix":"b"}})", R"({"#id":{"$prefix":"a"}})",
        R"({"#embedding":{"$phrase":"a"}})", R"({"chroma:document":{"$phrase":"a"}})",
        R"({"chroma:uri":{"$contains_any":["a"]}})"}) {
    const auto filter = ParseWhere(*ParseJson(text), Dialect::kExtended);
    EXPECT_EQ(filter.status().message(), "Invalid where clause") << text;
  }
}

TEST(ParseWhere, EachTextOfAListIsACondition) {
  const auto of = [](size_t texts) {
    std::string json = R"({"$and":[{"a":1},{"t":{"$contains_any":["x")";
    for (size_t i = 1; i < texts; ++i) json += R"(,"x")";
    return ParseWhere(*ParseJson(json + "]}}]}"), Dialect::kExtended);
  };
  EXPECT_TRUE(of(kFilterLeavesMax - 1).ok());
  EXPECT_EQ(of(kFilterLeavesMax).status().message(),
            "Invalid where clause: more than 10000 conditions");
  EXPECT_EQ(of(100'000).status().code(), StatusCode::kInvalidArgument);
}

TEST(ParseWhere, WidensAndShortens) {
  EXPECT_EQ(ToJson(WhereToJson(*Where(R"({"i":5})"))), R"({"i":{"$eq":5}})");
  EXPECT_EQ(ToJson(WhereToJson(*Where(R"({"i":{"$in":[1.5,2]}})"))), R"({"i":{"$in":[1.5,2.0]}})");
  const auto document = Where(R"({"#document":{"$contains":"x"}})");
  EXPECT_TRUE(std::holds_alternative<DocumentPredicate>(document->node));
}

std::string Nested(int levels) {
  std::string text;
  for (int i = 1; i < levels; ++i) text += R"({"$and":[)";
  text += R"({"a":1})";
  for (int i = 1; i < levels; ++i) text += "]}";
  return text;
}

// ParseJson has a depth limit of its own, so deeper trees are built by hand.
JsonValue NestedValue(int levels) {
  JsonValue value = *ParseJson(R"({"a":1})");
  for (int i = 1; i < levels; ++i) {
    JsonArray children;
    children.push_back(std::move(value));
    JsonObject object;
    object.emplace_back("$and", JsonValue(std::move(children)));
    value = JsonValue(std::move(object));
  }
  return value;
}

TEST(ParseWhere, BoundsDepth) {
  EXPECT_TRUE(Where(Nested(62)).ok());
  EXPECT_TRUE(ParseWhere(NestedValue(kFilterDepthMax)).ok());
  const auto deep = ParseWhere(NestedValue(kFilterDepthMax + 1));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.status().message(), "Invalid where clause: nested deeper than 128 levels");
}

std::string Wide(size_t leaves, std::string_view leaf) {
  std::string text = R"({"$or":[)";
  for (size_t i = 0; i < leaves; ++i) {
    if (i != 0) text += ',';
    text += leaf;
  }
  return text + "]}";
}

TEST(ParseWhere, BoundsLeaves) {
  const auto wide = Where(Wide(kFilterLeavesMax, R"({"a":1})"));
  ASSERT_TRUE(wide.ok());
  size_t leaves = 0;
  ForEachLeaf(*wide, [&](const Filter&) { ++leaves; });
  EXPECT_EQ(leaves, kFilterLeavesMax);
  for (std::string_view leaf : {R"({"a":1})", R"({"$and":[]})"}) {
    const auto wider = Where(Wide(kFilterLeavesMax + 1, leaf));
    ASSERT_FALSE(wider.ok());
    EXPECT_EQ(wider.status().message(), "Invalid where clause: more than 10000 conditions");
  }
  const std::string half = Wide(kFilterLeavesMax / 2 + 1, R"({"a":1})");
  EXPECT_FALSE(Where(R"({"$and":[)" + half + "," + half + "]}").ok());
}

TEST(ParseWhere, BoundsLists) {
  const auto list = [](size_t n) {
    std::string text = R"({"a":{"$nin":[0)";
    for (size_t i = 1; i < n; ++i) text += ",1";
    return text + "]}}";
  };
  EXPECT_TRUE(Where(list(kFilterListMax)).ok());
  const auto longer = Where(list(kFilterListMax + 1));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.status().message(), "Invalid where clause: $nin list longer than 100000 values");
}

TEST(ParseWhereDocument, RefusesBadClauses) {
  for (std::string_view text :
       {R"({})", R"([])", R"("x")", R"({"$contains":5})", R"({"$contains":null})",
        R"({"$bogus":"x"})", R"({"$contains":"a","$not_contains":"b"})",
        R"({"$and":{"$contains":"x"}})", R"({"#document":{"$contains":"x"}})", R"({"a":1})",
        R"({"$or":[{}]})"}) {
    const auto filter = WhereDocument(text);
    ASSERT_FALSE(filter.ok()) << text;
    EXPECT_EQ(filter.status().message(), "Invalid where document clause") << text;
  }
  const auto wide = WhereDocument(Wide(kFilterLeavesMax + 1, R"({"$contains":""})"));
  EXPECT_EQ(wide.status().message(), "Invalid where document clause: more than 10000 conditions");
}

TEST(ParseWhereDocument, BuildsTheSameTreeAsWhere) {
  const auto filter = WhereDocument(R"({"$or":[{"$contains":"a"},{"$and":[{"$regex":"b"}]}]})");
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(ToJson(WhereToJson(*filter)),
            R"({"$or":[{"#document":{"$contains":"a"}},{"$and":[{"#document":{"$regex":"b"}}]}]})");
}

}  // namespace
}  // namespace chroma::model
