#include "index/text/regex_query.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "index/text/regex.h"
#include "testing/seeded_random.h"

namespace chroma::index {
namespace {

using testing::SeededRandom;

std::string QueryOf(std::string_view pattern) {
  const auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << pattern << ": " << regex.status().ToString();
  if (!regex.ok()) return "";
  return (*regex)->query().ToString() + ((*regex)->query_is_exact() ? " exactly" : "");
}

TEST(RegexQueryTest, Examples) {
  EXPECT_EQ(QueryOf("river"), "river exactly");
  EXPECT_EQ(QueryOf("river|lake"), "(lake | river) exactly");
  EXPECT_EQ(QueryOf("rivers?"), "river exactly");
  EXPECT_EQ(QueryOf("gr[ae]y"), "(gray | grey) exactly");
  EXPECT_EQ(QueryOf("^river$"), "river");
  EXPECT_EQ(QueryOf("\\briver\\b"), "river");
  EXPECT_EQ(QueryOf("abc.*def"), "(abc & def)");
  EXPECT_EQ(QueryOf("(north|south)ern +wind"), "((northern  | southern ) &  wind)");
  EXPECT_EQ(QueryOf(".*"), "*");
  EXPECT_EQ(QueryOf("x*"), "*");
  EXPECT_EQ(QueryOf("[a-z]+"), "*");
  EXPECT_EQ(QueryOf("(abc){2}"), "abcabc exactly");
  EXPECT_EQ(QueryOf("(?i)ab1"), "(AB1 | Ab1 | aB1 | ab1) exactly");
  EXPECT_EQ(QueryOf("a|"), "*");
  EXPECT_EQ(QueryOf("日本[語人]"), "(日本人 | 日本語) exactly");
  EXPECT_EQ(QueryOf("\\d{4}-\\d{2}"), "*");
}

TEST(RegexQueryTest, ExpressionsOfManyStringsStayBounded) {
  std::string alternatives = "word0";
  for (int i = 1; i < 5000; ++i) alternatives += "|word" + std::to_string(i);
  for (const std::string& pattern :
       {alternatives, std::string("(?i)abcdefghijklmnopqrstuvwxyz"), std::string("[ab]{200}c"),
        std::string("(([ab]c){5}){5}"), std::string("((((a|b)c|d)e|f)g|h){10}")}) {
    const auto regex = Regex::Compile(pattern);
    ASSERT_TRUE(regex.ok()) << regex.status().ToString();
    EXPECT_LE((*regex)->query().Size(), 512u) << pattern;
  }
  EXPECT_FALSE((*Regex::Compile("(?i)copenhagen"))->query().IsAll());
}

std::string RandomPattern(SeededRandom& random, int depth) {
  static const std::string_view kAtoms[] = {"a",  "b",    "c",   "ab",    "ba",    "abc",  "é",
                                            "日", "日本", " ",   ".",     "[ab]",  "[^a]", "\\w",
                                            "^",  "$",    "\\b", "(?i)B", "[a-é]", "\\s",  "x"};
  if (depth == 0) return std::string(kAtoms[random.Below(std::size(kAtoms))]);
  const auto inner = [&] { return RandomPattern(random, depth - 1); };
  switch (random.Below(8)) {
    case 0:
      return "(?:" + inner() + "|" + inner() + ")";
    case 1:
      return "(" + inner() + ")*";
    case 2:
      return "(" + inner() + ")?";
    case 3:
      return "(" + inner() + ")+";
    case 4:
      return "(?:" + inner() + "){" + std::to_string(random.Below(3)) + ",3}";
    case 5:
      return "(?i:" + inner() + ")";
    default:
      return inner() + inner();
  }
}

std::string RandomText(SeededRandom& random) {
  static const std::string_view kPieces[] = {"a", "b",  "c",  "A", "B", "é",
                                             "É", "日", "本", " ", "x"};
  std::string text;
  for (uint32_t i = random.Below(10); i > 0; --i) text += kPieces[random.Below(std::size(kPieces))];
  return text;
}

// A text that matches satisfies the query; where the query is exact, no other does.
TEST(RegexQueryTest, NoMatchIsLeftOut) {
  int matches = 0;
  int useful = 0;
  int exact = 0;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    SeededRandom random(seed);
    const std::string pattern = RandomPattern(random, 1 + static_cast<int>(random.Below(4)));
    const auto compiled = Regex::Compile(pattern);
    if (!compiled.ok()) continue;
    const Regex& regex = **compiled;
    useful += regex.query().IsAll() ? 0 : 1;
    exact += regex.query_is_exact() ? 1 : 0;
    for (int i = 0; i < 30; ++i) {
      const std::string text = RandomText(random);
      const bool matched = regex.Matches(text);
      const bool satisfied = regex.query().IsSatisfiedBy(text);
      matches += matched && !regex.query().IsAll() ? 1 : 0;
      ASSERT_TRUE(!matched || satisfied) << "seed " << seed << ": " << pattern << " matches "
                                         << text << " but not " << regex.query().ToString();
      ASSERT_TRUE(!regex.query_is_exact() || matched || !satisfied)
          << "seed " << seed << ": " << pattern << " does not match " << text << " but "
          << regex.query().ToString() << " does";
    }
  }
  EXPECT_GT(matches, 1000);
  EXPECT_GT(useful, 500);
  EXPECT_GT(exact, 100);
}

}  // namespace
}  // namespace chroma::index
