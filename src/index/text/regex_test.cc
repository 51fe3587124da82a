#include "index/text/regex.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/text/regex_ast.h"
#include "index/text/regex_hir.h"
#include "index/text/regex_nfa.h"
#include "index/text/unicode.h"

namespace chroma::index {
namespace {

using std::string_view_literals::operator""sv;

struct Case {
  std::string_view pattern;
  std::string_view error;
  std::vector<std::string_view> matching;
  std::vector<std::string_view> other;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
#include "index/text/testdata/regex_cases.inc"
  };
  return cases;
}

bool Matches(std::string_view pattern, std::string_view text) {
  Result<std::unique_ptr<Regex>> compiled = Regex::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << compiled.status().ToString();
  return compiled.ok() && (*compiled)->Matches(text);
}

std::string ErrorOf(std::string_view pattern) {
  Result<std::unique_ptr<Regex>> compiled = Regex::Compile(pattern);
  if (compiled.ok()) return "";
  EXPECT_EQ(StatusCode::kInvalidArgument, compiled.status().code());
  return std::string(compiled.status().message());
}

TEST(RegexTest, AnswersAsRustDoes) {
  ASSERT_GT(Cases().size(), 300U);
  for (const Case& one : Cases()) {
    ASSERT_EQ(one.error, ErrorOf(one.pattern)) << one.pattern;
    if (!one.error.empty()) continue;
    for (std::string_view text : one.matching) {
      EXPECT_TRUE(Matches(one.pattern, text)) << one.pattern << " on " << text;
    }
    for (std::string_view text : one.other) {
      EXPECT_FALSE(Matches(one.pattern, text)) << one.pattern << " on " << text;
    }
  }
}

// The same cases through the automaton alone, which otherwise runs only where RE2 cannot decide.
TEST(NfaTest, AnswersAsRustDoes) {
  for (const Case& one : Cases()) {
    if (!one.error.empty()) continue;
    std::vector<uint32_t> chars;
    for (size_t offset = 0; offset < one.pattern.size();) {
      chars.push_back(DecodeUtf8(one.pattern, &offset));
    }
    regex::Tree tree;
    regex::Hir hir;
    ASSERT_FALSE(regex::Parse(chars, &tree).has_value());
    ASSERT_FALSE(regex::Translate(tree, &hir).has_value());
    regex::Nfa nfa;
    ASSERT_TRUE(nfa.Build(hir, 1 << 20));
    for (std::string_view text : one.matching) {
      EXPECT_TRUE(nfa.Matches(text)) << one.pattern << " on " << text;
    }
    for (std::string_view text : one.other) {
      EXPECT_FALSE(nfa.Matches(text)) << one.pattern << " on " << text;
    }
  }
}

TEST(RegexTest, ErrorsCarryTheCaretDiagram) {
  EXPECT_EQ(
      "Regex syntax errror: regex parse error:\n    a(?=b)\n     ^^^\n"
      "error: look-around, including look-ahead and look-behind, is not supported",
      ErrorOf("a(?=b)"));
  EXPECT_EQ(
      "Regex syntax errror: regex parse error:\n    [\n    ^\nerror: unclosed character class",
      ErrorOf("["));
  EXPECT_EQ("Byte pattern is not allowed", ErrorOf("(?-u)\\w"));
}

TEST(RegexTest, UnicodeWordBoundaries) {
  EXPECT_TRUE(Matches("\\bcole\\b", "la cole"));
  EXPECT_FALSE(Matches("\\bcole\\b", "école"));
  EXPECT_TRUE(Matches("\\bécole\\b", "l'école."));
  EXPECT_FALSE(Matches("\\b日\\b", "日本"));
  EXPECT_TRUE(Matches("\\b日本\\b", "a 日本 b"));
  EXPECT_TRUE(Matches("(?-u:\\b)cole", "école"));
}

TEST(RegexTest, LargePatternsCompileOrAreRefused) {
  EXPECT_TRUE(Matches("^a{100000}$", std::string(100000, 'a')));
  EXPECT_FALSE(Matches("^a{100000}$", std::string(99999, 'a')));
  EXPECT_TRUE(Matches("^(?:[a-c]{100}){30}$", std::string(3000, 'b')));
  EXPECT_TRUE(Matches("^(?:a{0,30}){0,50}$", std::string(1500, 'a')));
  EXPECT_FALSE(Matches("^(?:a{0,30}){0,50}$", std::string(1501, 'a')));
  const std::string too_large = "Compiled regex exceeds size limit of 10485760 bytes.";
  for (const char* pattern : {"(a{1000}){1000}", "((a{1000}){1000}){1000}", "\\w{2000}",
                              "a{4294967295}", "\\b(é{1000}){1000}"}) {
    EXPECT_EQ("Regex syntax errror: " + too_large, ErrorOf(pattern));
  }
  EXPECT_EQ("Regex syntax errror: " + too_large, ErrorOf(std::string(600000, 'a')));
  EXPECT_NE("", ErrorOf(std::string(400000, '(')));
  EXPECT_NE("", ErrorOf(std::string(400000, '[')));
  EXPECT_NE("", ErrorOf("a" + std::string(400000, '*')));
}

TEST(RegexTest, LinearTimeOnHostilePatterns) {
  const std::string text(20000, 'a');
  EXPECT_FALSE(Matches("(?:a*)*b", text));
  EXPECT_FALSE(Matches("(?:a|a)*\\b{start}é", text));
  EXPECT_FALSE(Matches("(?:a?){100}b", text));
}

// Each repetition of a repetition once doubled what was compiled; the 17th was refused.
TEST(RegexTest, RepetitionsOfRepetitionsTakeNoMore) {
  for (const std::string once : {"a", "\\w", "(?:a|\\b{start}é)"}) {
    const std::string pattern = "^" + once + std::string(200, '+') + "$";
    EXPECT_TRUE(Matches(pattern, "aaaaa")) << pattern;
    EXPECT_FALSE(Matches(pattern, "aa-aa")) << pattern;
    EXPECT_FALSE(Matches(pattern, "")) << pattern;
  }
  std::string twice = "a";
  for (int i = 0; i < 8; ++i) twice = "(?:" + twice + "){2,}";
  for (const std::string suffix : {"$", "\\b{end}$"}) {
    EXPECT_TRUE(Matches("^" + twice + suffix, std::string(256, 'a')));
    EXPECT_TRUE(Matches("^" + twice + suffix, std::string(300, 'a')));
    EXPECT_FALSE(Matches("^" + twice + suffix, std::string(255, 'a')));
  }
}

// RE2 compiles them in quadratic time: what it is not asked for, the automaton decides.
TEST(RegexTest, WideBoundsTakeNoLongToCompile) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string text : {"e", "é"}) {
    const std::string pattern = "^" + text + "{5,55555}ke?$";
    std::string long_text;
    for (int i = 0; i < 300; ++i) long_text += text;
    EXPECT_TRUE(Matches(pattern, long_text + "k"));
    EXPECT_FALSE(Matches(pattern, long_text));
    EXPECT_FALSE(Matches(pattern, text + text + "k"));
  }
  EXPECT_TRUE(Matches("^(?:a{0,4}b?){0,5000}$", std::string(400, 'a')));
  EXPECT_TRUE(Matches("^(?:a{0,9000}b?){0,2}$", std::string(200, 'a') + 'b'));
  EXPECT_FALSE(Matches("^(?:a{0,9000}b?){0,2}$", "abbb"));
  std::string optional;
  for (int i = 0; i < 16000; ++i) optional += "a?";
  EXPECT_EQ("Regex syntax errror: Compiled regex exceeds size limit of 10485760 bytes.",
            ErrorOf(optional));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(RegexTest, ManyMatchesByTheAutomatonAreBounded) {
  std::string text;
  for (int i = 0; i < 16000; ++i) text += "e ";
  const auto compiled = Regex::Compile("e{1,55555}", Regex::Use::kFind);
  ASSERT_TRUE(compiled.ok());
  MatchWork work;
  std::vector<TextRange> found;
  const auto start = std::chrono::steady_clock::now();
  (*compiled)->FindAll(text, &work, &found);
  EXPECT_FALSE(found.empty());
  EXPECT_TRUE(work.exceeded());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(RegexTest, ExpressionsThatTakeLongToCompileUseUpTheBudget) {
  RegexBudget budget(1'000'000);
  size_t compiled = 0;
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string pattern = std::string(1, c) + "{0,8000}x";
    compiled += Regex::Compile(pattern, Regex::Use::kMatch, &budget).ok() ? 1 : 0;
  }
  EXPECT_GE(compiled, 5U);
  EXPECT_LE(compiled, 20U);
  // RE2 is not asked to count to so many.
  RegexBudget other(1'000'000);
  EXPECT_TRUE(Regex::Compile("e{5,55555}k", Regex::Use::kMatch, &other).ok());
}

TEST(RegexTest, SurvivesTextThatIsNotUtf8) {
  for (const char* pattern : {".", "\\bé", "[^a]+$", "\\b{start}\\w", "(?R)$"}) {
    (void)Matches(pattern, "a\xC3"sv);
    (void)Matches(pattern, "\xFF\xFE \xED\xA0\x80 \xF4\x90\x80\x80 \xC0\x80"sv);
    (void)Matches(pattern, "\xE6\x97"sv);
  }
  (void)Regex::Compile("\xFF(\xC3"sv);
}

}  // namespace
}  // namespace chroma::index
