#include "index/text/contains.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace chroma::index {
namespace {

using std::string_view_literals::operator""sv;

TEST(ContainsTest, IsAByteWiseSubstringSearch) {
  EXPECT_TRUE(Contains("hello world", "o w"));
  EXPECT_FALSE(Contains("hello world", "O W"));
  EXPECT_TRUE(Contains("100% sure_thing", "% sure_"));
  EXPECT_FALSE(Contains("100 sure", "%"));
  EXPECT_TRUE(Contains("日本語テキスト", "語"));
  EXPECT_TRUE(Contains("", ""));
  EXPECT_TRUE(Contains("a", ""));
  EXPECT_FALSE(Contains("", "a"));
  EXPECT_FALSE(Contains("ab", "abc"));
}

TEST(ContainsTest, NulIsAnOrdinaryByte) {
  EXPECT_FALSE(Contains("abc", "\0"sv));
  EXPECT_TRUE(Contains("a\0bc"sv, "\0b"sv));
  EXPECT_FALSE(Contains("a\0bc"sv, "\0c"sv));
}

TEST(ContainsTest, AgreesWithFind) {
  constexpr uint32_t kSeed = 5;
  std::mt19937 random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 40, ' '), needle(random() % 5, ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 2);
    for (char& c : needle) c = static_cast<char>('a' + random() % 2);
    ASSERT_EQ(text.find(needle) != std::string::npos, Contains(text, needle))
        << text << " / " << needle;
  }
}

}  // namespace
}  // namespace chroma::index
