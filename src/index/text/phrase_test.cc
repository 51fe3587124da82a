#include "index/text/phrase.h"

#include <gtest/gtest.h>

#include <random>

#include "index/text/text_index.h"

namespace chroma::index {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  WordCutter cutter(text);
  for (TextRange word; cutter.Next(&word);) {
    words.emplace_back(text.substr(word.begin, word.end - word.begin));
  }
  return words;
}

TEST(WordCutterTest, CutsRunsAndSingleIdeographs) {
  using List = std::vector<std::string>;
  EXPECT_EQ(Words(""), List());
  EXPECT_EQ(Words(" ,.\n"), List());
  EXPECT_EQ(Words("red-hot chili, 4x"), (List{"red", "hot", "chili", "4x"}));
  EXPECT_EQ(Words("École, naïve"), (List{"École", "naïve"}));
  EXPECT_EQ(Words("in東京都2020"), (List{"in", "東", "京", "都", "2020"}));
}

Phrase Parse(std::string_view text, bool prefix = false) {
  Result<Phrase> phrase = Phrase::Parse(text, prefix);
  EXPECT_TRUE(phrase.ok()) << phrase.status().ToString();
  return *std::move(phrase);
}

TEST(PhraseTest, MatchesWordsInARow) {
  EXPECT_TRUE(Parse("quick brown").Matches("the quick, brown fox"));
  EXPECT_FALSE(Parse("quick brown").Matches("the quick red brown fox"));
  EXPECT_FALSE(Parse("quick brown").Matches("the quick brownish fox"));
  EXPECT_FALSE(Parse("quick brown").Matches("Quick brown"));
  EXPECT_TRUE(Parse("quick bro", true).Matches("the quick brownish fox"));
  EXPECT_FALSE(Parse("qui bro", true).Matches("the quick brownish fox"));
  EXPECT_TRUE(Parse("a a b").Matches("a a a b"));
  EXPECT_TRUE(Parse("東京").Matches("in 東 京"));
}

TEST(PhraseTest, FindsFromTheFirstWordToTheLast) {
  std::vector<TextRange> found;
  Parse("a b").FindAll("a, b a b", &found);
  EXPECT_EQ(found, (std::vector<TextRange>{{0, 4}, {5, 8}}));
  found.clear();
  Parse("b", true).FindAll("abc bcd b", &found);
  EXPECT_EQ(found, (std::vector<TextRange>{{4, 5}, {8, 9}}));
  found.clear();
  Parse("a a").FindAll("a a a a a", &found);
  EXPECT_EQ(found, (std::vector<TextRange>{{0, 3}, {4, 7}}));
}

TEST(PhraseTest, NeedsWords) {
  EXPECT_EQ(Phrase::Parse("", false).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Phrase::Parse(" - ", true).status().code(), StatusCode::kInvalidArgument);
  std::string many;
  for (size_t i = 0; i <= Phrase::kWordsMax; ++i) many += "w ";
  EXPECT_EQ(Phrase::Parse(many, false).status().code(), StatusCode::kInvalidArgument);
}

bool MatchesNaively(const Phrase& phrase, std::string_view text) {
  const std::vector<std::string> wanted = Words(phrase.text());
  const std::vector<std::string> words = Words(text);
  for (size_t at = 0; at + wanted.size() <= words.size(); ++at) {
    bool all = true;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const bool prefix = phrase.ends_with_prefix() && i + 1 == wanted.size();
      all &= prefix ? words[at + i].starts_with(wanted[i]) : words[at + i] == wanted[i];
    }
    if (all) return true;
  }
  return false;
}

// Random phrases over random texts: the matcher, and what the index says of each text.
TEST(PhraseTest, IndexAndMatcherAgreeWithNaiveSearch) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return random() % n; };
  const std::string long_word(40, 'w');
  const std::vector<std::string> pieces = {"a",  "b",  "ab", "ba", long_word, "wx",
                                           "東", "京", "é",  "x1", "w",       "wwww"};
  const std::vector<std::string> gaps = {" ", ", ", "", "-"};
  const auto text = [&](size_t words_max) {
    std::string made;
    for (size_t i = 1 + below(words_max); i > 0; --i) {
      made += pieces[below(pieces.size())] + gaps[below(gaps.size())];
    }
    return made;
  };
  constexpr uint32_t kRows = 300;
  std::vector<std::string> texts;
  TextIndexBuilder builder;
  for (uint32_t row = 0; row < kRows; ++row) {
    texts.push_back(text(12));
    builder.Add(row, texts.back());
  }
  const TextIndexPayloads payloads = builder.Finish(kRows);
  const auto index =
      TextIndexReader::Open(payloads.terms, payloads.postings, payloads.grams, kRows);
  ASSERT_TRUE(index.ok());
  for (int i = 0; i < 600; ++i) {
    const Phrase phrase = Parse(text(3), below(2) == 0);
    const Result<TextRows> rows = index->Find(phrase.query());
    ASSERT_TRUE(rows.ok());
    for (uint32_t row = 0; row < kRows; ++row) {
      const bool matches = MatchesNaively(phrase, texts[row]);
      ASSERT_EQ(phrase.Matches(texts[row]), matches) << phrase.text() << " in " << texts[row];
      const bool certain = rows->certain.Contains(row);
      const bool possible = rows->possible.Contains(row);
      ASSERT_TRUE(!matches || certain || possible) << phrase.text() << " in " << texts[row];
      if (certain && phrase.query_is_exact()) {
        ASSERT_TRUE(matches) << phrase.text() << " in " << texts[row];
      }
      ASSERT_TRUE(!matches || phrase.query().IsSatisfiedBy(texts[row]));
    }
  }
}

}  // namespace
}  // namespace chroma::index
