#include "base/json_string.h"

#include <gtest/gtest.h>

namespace chroma {
namespace {

TEST(JsonString, RepairsWhatIsNotUtf8) {
  EXPECT_EQ(RepairUtf8(""), "");
  EXPECT_EQ(RepairUtf8("Grüße 🌍"), "Grüße 🌍");
  EXPECT_EQ(RepairUtf8("be\xff"
                       "fore"),
            "be\uFFFDfore");
  // Half a character at the end, and one that is cut by the next.
  EXPECT_EQ(RepairUtf8("\xF0\x9F\x8C"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(RepairUtf8("\xF0\x9Fü"), "\uFFFD\uFFFDü");
}

TEST(JsonString, ValidatesUtf8AsUnicodeDefinesIt) {
  for (const std::string_view valid :
       {"", "plain ascii that is longer than eight", "\u00e9", "\u6f22\u5b57", "\U0001F600",
        "\uD7FF", "\uE000", "\U0010FFFF", "12345678\u00e9"}) {
    EXPECT_TRUE(IsValidUtf8(valid)) << valid;
  }
  for (const std::string_view invalid :
       {"\xff", "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "12345678\xc3"}) {
    EXPECT_FALSE(IsValidUtf8(invalid)) << invalid.size();
  }
}

TEST(JsonString, WritesWhatItReads) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t special = 0; special <= length; ++special) {
      std::string text(length, 'x');
      if (special < length) text[special] = "\"\\\n\x01\x7f"[special % 5];
      std::string json;
      AppendJsonString(&json, text);
      const char* at = json.data() + 1;
      std::string scratch;
      std::string_view value;
      ASSERT_EQ(ReadJsonString(&at, json.data() + json.size(), &scratch, &value), "");
      EXPECT_EQ(value, text);
      EXPECT_EQ(at, json.data() + json.size());
      at = json.data() + 1;
      EXPECT_EQ(SkipJsonString(&at, json.data() + json.size()), "");
      EXPECT_EQ(at, json.data() + json.size());
    }
  }
}

}  // namespace
}  // namespace chroma
