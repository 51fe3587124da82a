#include "planner/planner.h"

#include <gtest/gtest.h>

namespace chroma::planner {
namespace {

std::optional<model::Filter> Where(std::string_view json) {
  Result<JsonValue> value = ParseJson(json);
  EXPECT_TRUE(value.ok());
  Result<model::Filter> filter = model::ParseWhere(*value);
  EXPECT_TRUE(filter.ok()) << filter.status().ToString();
  return *std::move(filter);
}

Predicate Plan(std::string_view where) {
  Result<std::optional<Predicate>> plan = PlanPredicate(std::nullopt, Where(where), std::nullopt);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return *std::move(*plan);
}

TEST(PlanPredicate, NothingAskedIsNoPredicate) {
  auto plan = PlanPredicate(std::nullopt, std::nullopt, std::nullopt);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->has_value());
}

TEST(PlanPredicate, NegativeOperatorsBecomeComplements) {
  for (const char* where :
       {R"({"a":{"$ne":1}})", R"({"a":{"$nin":[1,2]}})", R"({"a":{"$not_contains":1}})",
        R"({"#document":{"$not_regex":"x"}})", R"({"#document":{"$not_contains":"x"}})"}) {
    EXPECT_TRUE(std::holds_alternative<Not>(Plan(where).node)) << where;
  }
}

TEST(PlanPredicate, ReservedKeysReachTheirColumns) {
  EXPECT_TRUE(std::holds_alternative<IdIn>(Plan(R"({"#id":"a"})").node));
  EXPECT_TRUE(std::holds_alternative<IdIn>(Plan(R"({"#id":{"$in":["a","b"]}})").node));
  EXPECT_TRUE(std::holds_alternative<UriIn>(Plan(R"({"chroma:uri":"u"})").node));
  EXPECT_TRUE(std::holds_alternative<DocumentIn>(Plan(R"({"chroma:document":"d"})").node));
  EXPECT_TRUE(std::holds_alternative<HasMetadata>(Plan(R"({"#id":5})").node));
}

TEST(PlanPredicate, TextIsReadLast) {
  const Predicate plan = Plan(
      R"({"$and":[{"#document":{"$regex":"x"}},{"$or":[{"#document":{"$contains":"y"}}]},{"a":1}]})");
  const auto& children = std::get<AllOf>(plan.node).children;
  ASSERT_EQ(children.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<HasMetadata>(children[0].node));
  EXPECT_TRUE(std::holds_alternative<DocumentMatches>(children[1].node));
  EXPECT_TRUE(std::holds_alternative<AnyOf>(children[2].node));
}

TEST(PlanPredicate, IdsAreSortedAndUnique) {
  auto plan = PlanPredicate(std::vector<std::string>{"b", "a", "b"}, std::nullopt, std::nullopt);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(std::get<IdIn>((*plan)->node).ids, (std::vector<std::string>{"a", "b"}));
}

TEST(PlanPredicate, BadRegexIsRefused) {
  auto plan = PlanPredicate(std::nullopt, Where(R"({"#document":{"$regex":"["}})"), std::nullopt);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(plan.status().message().find("unclosed character class"), std::string_view::npos);
}

}  // namespace
}  // namespace chroma::planner
