#include "gateway/url.h"

#include <gtest/gtest.h>

#include <string>

namespace chroma::gateway {
namespace {

std::string PageError(std::string_view query) {
  const Result<catalog::Page> page = DecodePage(query);
  if (page.ok()) return "no error";
  EXPECT_EQ(page.status().code(), StatusCode::kInvalidArgument);
  constexpr std::string_view kPrefix = "Failed to deserialize query string: ";
  EXPECT_TRUE(page.status().message().starts_with(kPrefix));
  return std::string(page.status().message().substr(kPrefix.size()));
}

TEST(SplitPathTest, Segments) {
  using Segments = std::vector<std::string_view>;
  EXPECT_EQ(SplitPath("/a/b%2Fc/d"), (Segments{"a", "b%2Fc", "d"}));
  EXPECT_EQ(SplitPath(""), Segments{});
  for (const char* path : {"/", "a", "a/b", "/a/", "/a//b", "//", "//a"}) {
    EXPECT_EQ(SplitPath(path), std::nullopt) << path;
  }
}

TEST(DecodeSegmentTest, Percent) {
  const std::pair<const char*, std::string> cases[] = {
      {"plain", "plain"},
      {"a%2Fb", "a/b"},
      {"%c3%A4", "\xc3\xa4"},
      {"a+b", "a+b"},
      {"%00", std::string(1, '\0')},
      {"%", "%"},
      {"%4", "%4"},
      {"%zz", "%zz"},
      {"%%41", "%A"},
      {"%2541", "%41"},
      {"", ""},
      {"\xc3\xa4", "\xc3\xa4"},
  };
  for (const auto& [segment, text] : cases) {
    const Result<std::string> decoded = DecodeSegment(segment, "name");
    ASSERT_TRUE(decoded.ok()) << segment;
    EXPECT_EQ(*decoded, text) << segment;
  }
}

TEST(DecodeSegmentTest, BrokenUtf8NamesTheParameter) {
  for (const char* segment : {"%ff", "%c3", "a%80", "%ed%a0%80", "%c0%af", "\xff"}) {
    const Result<std::string> decoded = DecodeSegment(segment, "tenant_name");
    ASSERT_FALSE(decoded.ok()) << segment;
    EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(decoded.status().message(), "Invalid URL: Invalid UTF-8 in `tenant_name`");
  }
}

TEST(DecodePageTest, Values) {
  const struct {
    const char* query;
    std::optional<uint32_t> limit;
    uint32_t offset;
  } cases[] = {
      {"", std::nullopt, 0},
      {"limit=5", 5, 0},
      {"offset=7&limit=0", 0, 7},
      {"limit=4294967295", 4'294'967'295, 0},
      {"limit=007", 7, 0},
      {"li%6Dit=%35", 5, 0},
      {"other=x&other=y&limit=1&", 1, 0},
      {"&&limit=2", 2, 0},
      {"Limit=3", std::nullopt, 0},
  };
  for (const auto& c : cases) {
    const Result<catalog::Page> page = DecodePage(c.query);
    ASSERT_TRUE(page.ok()) << c.query << ": " << page.status().ToString();
    EXPECT_EQ(page->limit, c.limit) << c.query;
    EXPECT_EQ(page->offset, c.offset) << c.query;
  }
}

TEST(DecodePageTest, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"limit=-1", "limit: invalid digit found in string"},
      {"limit=abc", "limit: invalid digit found in string"},
      {"limit=1.5", "limit: invalid digit found in string"},
      {"limit=+1", "limit: invalid digit found in string"},
      {"limit=1%20", "limit: invalid digit found in string"},
      {"limit=0x1", "limit: invalid digit found in string"},
      {"limit=", "limit: cannot parse integer from empty string"},
      {"limit", "limit: cannot parse integer from empty string"},
      {"offset=4294967296", "offset: number too large to fit in target type"},
      {"offset=99999999999999999999", "offset: number too large to fit in target type"},
      {"limit=1&limit=1", "duplicate field `limit`"},
      {"offset=1&limit=x&offset=2", "duplicate field `offset`"},
  };
  for (const auto& [query, error] : cases) EXPECT_EQ(PageError(query), error) << query;
}

TEST(CheckReadLevelTest, Levels) {
  for (const char* query : {"", "read_level=index_and_wal", "read_level=index_only",
                            "read_level=index_and_bounded_wal", "x=1"}) {
    EXPECT_TRUE(CheckReadLevel(query).ok()) << query;
  }
  const Status wrong = CheckReadLevel("read_level=all");
  EXPECT_EQ(wrong.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(wrong.message(),
            "Failed to deserialize query string: read_level: unknown variant `all`, expected one "
            "of `index_and_wal`, `index_only`, `index_and_bounded_wal`");
  EXPECT_FALSE(CheckReadLevel("read_level=index_only&read_level=index_only").ok());
}

TEST(CheckReadLevelTest, WhatItRepeatsIsUtf8) {
  const Status wrong = CheckReadLevel("read_level=a%ff%C3%A9%e2%82");
  EXPECT_NE(wrong.message().find("`a\uFFFD\u00e9\uFFFD\uFFFD`"), std::string_view::npos)
      << wrong.message();
}

}  // namespace
}  // namespace chroma::gateway
