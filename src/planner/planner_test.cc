#include "planner/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "planner/describe.h"

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

std::string AnyOfPatterns(int n, const std::function<std::string(int)>& pattern) {
  std::string where = R"({"$or":[{"a":1})";
  for (int i = 0; i < n; ++i) where += R"(,{"#document":{"$regex":")" + pattern(i) + R"("}})";
  return where + "]}";
}

index::RegexSet Regexes(uint64_t size_max) {
  return index::RegexSet(index::Regex::Use::kMatch, size_max);
}

constexpr std::string_view kTooMany =
    "Invalid where clause: too many large regular expressions; send fewer or smaller ones";

TEST(PlanPredicate, EqualRegularExpressionsAreCompiledOnce) {
  const Predicate plan = Plan(AnyOfPatterns(9000, [](int) { return R"(\\d{20})"; }));
  const auto& children = std::get<AnyOf>(plan.node).children;
  ASSERT_EQ(children.size(), 9001u);
  const auto& first = std::get<DocumentMatches>(children[1].node).regex;
  EXPECT_TRUE(std::all_of(children.begin() + 1, children.end(), [&](const Predicate& child) {
    return std::get<DocumentMatches>(child.node).regex == first;
  }));
}

TEST(PlanPredicate, LargeRegularExpressionsAreRefusedTogether) {
  const auto large = [](int i) { return "a{300}x" + std::to_string(i); };
  index::RegexSet some = Regexes(10'000);
  EXPECT_TRUE(PlanPredicate({}, Where(AnyOfPatterns(10, large)), {}, &some).ok());
  index::RegexSet more = Regexes(10'000);
  const auto refused = PlanPredicate({}, Where(AnyOfPatterns(40, large)), {}, &more);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused.status().message(), kTooMany);
  const auto largest = [](int i) { return "a{150000}x" + std::to_string(i); };
  EXPECT_TRUE(PlanPredicate({}, Where(AnyOfPatterns(1, largest)), {}).ok());
  EXPECT_EQ(PlanPredicate({}, Where(AnyOfPatterns(4, largest)), {}).status().message(), kTooMany);
  const auto small = [](int i) { return "word" + std::to_string(i); };
  EXPECT_TRUE(PlanPredicate({}, Where(AnyOfPatterns(9000, small)), {}).ok());
}

TEST(PlanPredicate, ErrorsNameTheClauseTheyAreIn) {
  const auto patterns =
      *model::ParseWhereDocument(*ParseJson(R"({"$phrase": "-"})"), model::Dialect::kExtended);
  EXPECT_EQ(PlanPredicate({}, {}, patterns).status().message(),
            "Invalid where document clause: a phrase without words");
  EXPECT_EQ(PlanPredicate({}, patterns, {}).status().message(),
            "Invalid where clause: a phrase without words");
  const model::Filter broken{model::DocumentPredicate{model::DocumentOperator::kRegex, "("}};
  EXPECT_TRUE(PlanPredicate({}, {}, broken).status().message().starts_with("Regex syntax errror"));
}

TEST(PlanPredicate, TextOfMetadata) {
  const auto plan = [](std::string_view where) {
    return PlanPredicate({}, *model::ParseWhere(*ParseJson(where), model::Dialect::kExtended), {});
  };
  const auto any = plan(R"({"t": {"$contains_any": ["b", "a", "b"]}})");
  ASSERT_TRUE(any.ok());
  const auto& has = std::get<MetadataHasText>((**any).node);
  EXPECT_EQ(has.key, "t");
  EXPECT_EQ(has.pattern->needles(), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(ReadsText(**any));
  EXPECT_EQ(Describe(**any), R"({"t":{"$contains_any":["a","b"]}})");
  const auto without = plan(R"({"t": {"$not_prefix": "red ho"}})");
  const Predicate& prefix = *std::get<Not>((**without).node).child;
  EXPECT_EQ(Describe(prefix), R"({"t":{"$prefix":"red ho"}})");
  EXPECT_EQ(plan(R"({"t": {"$phrase": ", "}})").status().message(),
            "Invalid where clause: a phrase without words");
  std::string words;
  for (int i = 0; i < 1001; ++i) words += "a ";
  EXPECT_EQ(plan(R"({"t": {"$not_phrase": ")" + words + R"("}})").status().message(),
            "Invalid where clause: a phrase of more than 1000 words");
}

TEST(PlanSearch, TheRegularExpressionsOfARequestAreCountedTogether) {
  index::RegexSet regexes = Regexes(10'000);
  size_t planned = 0;
  Status refused;
  for (int i = 0; i < 100 && refused.ok(); ++i) {
    model::Search search;
    search.filter = Where(AnyOfPatterns(1, [&](int) { return "a{500}x" + std::to_string(i); }));
    refused = PlanSearch(search, model::DefaultSchema(2), &regexes).status();
    if (refused.ok()) ++planned;
  }
  EXPECT_EQ(refused.message(), kTooMany);
  EXPECT_GT(planned, 5u);
  EXPECT_LT(planned, 21u);
}

TEST(PlanPredicate, NothingMoreIsCompiledForARequestThatIsOver) {
  runtime::Context ctx;
  ctx.Cancel();
  index::RegexSet regexes = RegexesOf(ctx);
  const auto plan = PlanPredicate({}, Where(R"({"#document":{"$regex":"a+"}})"), {}, &regexes);
  EXPECT_EQ(plan.status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace chroma::planner
