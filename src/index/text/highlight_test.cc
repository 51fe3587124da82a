#include "index/text/highlight.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/text/unicode.h"

namespace chroma::index {
namespace {

std::vector<TextRange> Bytes(const std::vector<Highlight>& highlights) {
  std::vector<TextRange> ranges;
  for (const Highlight& one : highlights) ranges.push_back(one.bytes);
  return ranges;
}

std::vector<TextRange> FindRegex(std::string_view pattern, std::string_view text) {
  Highlighter highlighter;
  const Status added = highlighter.AddRegex(pattern);
  EXPECT_TRUE(added.ok()) << added.ToString();
  return Bytes(highlighter.Find(text, {}).matches);
}

TEST(HighlightTest, SubstringsFromLeftToRight) {
  Highlighter highlighter;
  highlighter.AddSubstring("aa");
  EXPECT_EQ(Bytes(highlighter.Find("aaaaa", {}).matches), (std::vector<TextRange>{{0, 2}, {2, 4}}));
  highlighter.AddSubstring("ab");
  EXPECT_EQ(Bytes(highlighter.Find("xaab aa", {}).matches),
            (std::vector<TextRange>{{1, 4}, {5, 7}}));
  highlighter.AddSubstring("");
  EXPECT_TRUE(highlighter.Find("bb", {}).matches.empty());
}

TEST(HighlightTest, ExpressionsMatchTheLongest) {
  using List = std::vector<TextRange>;
  EXPECT_EQ(FindRegex("a|ab", "xab ab"), (List{{1, 3}, {4, 6}}));
  EXPECT_EQ(FindRegex("b*", "abba b"), (List{{1, 3}, {5, 6}}));
  EXPECT_EQ(FindRegex("^a", "aa"), (List{{0, 1}}));
  EXPECT_EQ(FindRegex("red", "red redder"), (List{{0, 3}, {4, 7}}));
  EXPECT_EQ(FindRegex("x*", "yyy"), List());
  // RE2 does not know Unicode's word boundaries.
  EXPECT_EQ(FindRegex("\\bé\\w*", "été aé é"), (List{{0, 5}, {10, 12}}));
  EXPECT_EQ(FindRegex("\\b\\w+\\b", "naïve élan"), (List{{0, 6}, {7, 12}}));
}

TEST(HighlightTest, CharactersAndSnippets) {
  Highlighter highlighter;
  highlighter.AddSubstring("京");
  const std::string text = "éé東京éé 京";
  const Highlights found = highlighter.Find(text, {10, 2, 3});
  ASSERT_EQ(found.matches.size(), 2u);
  EXPECT_EQ(found.matches[0], (Highlight{{7, 10}, {3, 4}}));
  EXPECT_EQ(found.matches[1], (Highlight{{15, 18}, {7, 8}}));
  ASSERT_EQ(found.snippets.size(), 2u);
  EXPECT_EQ(text.substr(4, 8), "東京é");
  EXPECT_EQ(found.snippets[0], (Highlight{{4, 12}, {2, 5}}));
  EXPECT_EQ(found.snippets[1], (Highlight{{14, 18}, {6, 8}}));
  EXPECT_EQ(highlighter.Find(text, {1, 0, 3}).matches.size(), 1u);
}

// string_view::find would compare nearly the whole needle at every place: 10^10 steps.
TEST(HighlightTest, LongNeedlesTakeLinearTime) {
  const std::string text(400'000, 'a');
  const std::string needle = "b" + std::string(100'000, 'a');
  std::string inner = std::string(50'000, 'a') + "b" + std::string(50'000, 'a');
  Highlighter highlighter;
  for (const std::string& one : {needle, inner}) {
    highlighter.AddSubstring(one);
    ASSERT_TRUE(highlighter.AddRegex(one).ok());
  }
  const Highlights found = highlighter.Find(text, {});
  EXPECT_TRUE(found.matches.empty());
  EXPECT_FALSE(found.cut);
}

TEST(HighlightTest, WorkBeyondTheBoundIsCutAndSaidToBe) {
  const std::string text(10'000, 'a');
  Highlighter highlighter;
  highlighter.AddSubstring("aaaa");
  EXPECT_FALSE(highlighter.Find(text, {}, MatchWork(10'000)).cut);
  EXPECT_TRUE(highlighter.Find(text, {}, MatchWork(9'999)).cut);
  // Every match looks for a b in all of the rest.
  ASSERT_TRUE(highlighter.AddRegex("a(?:[^b]*b)?").ok());
  const Highlights found = highlighter.Find(text, {10'000, 1, 10}, MatchWork(1'000'000));
  EXPECT_TRUE(found.cut);
  EXPECT_EQ(found.matches.size(), 2500u) << "what was found is shown";
  EXPECT_FALSE(highlighter.Find(text, {10'000, 1, 10}).cut);
}

// Against merging pair by pair.
TEST(HighlightTest, ManyConditionsAreMerged) {
  std::mt19937 random(5);
  for (int i = 0; i < 20; ++i) {
    std::string text;
    for (int n = 0; n < 3000; ++n) text += static_cast<char>('a' + random() % 3);
    Highlighter highlighter;
    std::set<std::string> needles;
    for (int n = 0; n < 40; ++n) {
      needles.insert(text.substr(random() % text.size(), 1 + random() % 6));
    }
    std::vector<bool> joined(text.size());  // with the byte before
    std::vector<bool> covered(text.size());
    for (const std::string& needle : needles) {
      highlighter.AddSubstring(needle);
      for (size_t at = text.find(needle); at != text.npos;
           at = text.find(needle, at + needle.size())) {
        for (size_t j = at; j < at + needle.size(); ++j) {
          covered[j] = true;
          if (j > at) joined[j] = true;
        }
      }
    }
    std::vector<TextRange> expected;
    for (size_t j = 0; j < text.size(); ++j) {
      if (!covered[j]) continue;
      if (!joined[j]) expected.push_back({j, j});
      expected.back().end = j + 1;
    }
    ASSERT_EQ(Bytes(highlighter.Find(text, {10'000, 0, 0}).matches), expected) << "round " << i;
  }
}

// Snippets are apart, hold characters whole, are no wider than allowed, and begin so that a match
// is in them, as far as it fits.
TEST(HighlightTest, SnippetsOfRandomTexts) {
  std::mt19937 random(3);
  const std::vector<std::string> pieces = {"a", "b", "é", "東", " ", "😀"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (size_t n = random() % 40; n > 0; --n) text += pieces[random() % pieces.size()];
    Highlighter highlighter;
    highlighter.AddSubstring(pieces[random() % pieces.size()]);
    highlighter.AddSubstring("ab");
    const HighlightLimits limits{static_cast<uint32_t>(random() % 20),
                                 static_cast<uint32_t>(random() % 4),
                                 static_cast<uint32_t>(random() % 9)};
    const Highlights found = highlighter.Find(text, limits);
    EXPECT_LE(found.matches.size(), limits.matches_max);
    EXPECT_LE(found.snippets.size(), limits.snippets_max);
    size_t end = 0;
    for (const Highlight& snippet : found.snippets) {
      ASSERT_GE(snippet.bytes.begin, end);
      end = snippet.bytes.end;
      size_t characters = 0;
      size_t at = 0;
      for (; at < snippet.bytes.begin; ++characters) DecodeUtf8(text, &at);
      ASSERT_EQ(at, snippet.bytes.begin);
      ASSERT_EQ(characters, snippet.characters.begin);
      for (; at < snippet.bytes.end; ++characters) DecodeUtf8(text, &at);
      ASSERT_EQ(at, snippet.bytes.end);
      ASSERT_EQ(characters, snippet.characters.end);
      ASSERT_LE(snippet.characters.end - snippet.characters.begin, limits.snippet_characters);
      bool holds_match = false;
      for (const Highlight& match : found.matches) {
        holds_match |= match.bytes.begin >= snippet.bytes.begin && match.bytes.begin < end;
      }
      EXPECT_TRUE(holds_match) << text;
    }
  }
}

}  // namespace
}  // namespace chroma::index
