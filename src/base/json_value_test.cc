#include "base/json_value.h"

#include <gtest/gtest.h>

namespace chroma {
namespace {

TEST(JsonValue, KeepsTheKindsOfNumbers) {
  const auto parsed = ParseJson("[1,-1,9223372036854775807,9223372036854775808,1.0,-0,1e2]");
  ASSERT_TRUE(parsed.ok());
  const JsonArray& array = *parsed->AsArray();
  EXPECT_EQ(*array[0].AsInt(), 1);
  EXPECT_EQ(*array[1].AsInt(), -1);
  EXPECT_EQ(*array[2].AsInt(), INT64_MAX);
  EXPECT_EQ(*array[3].AsUint(), 9223372036854775808u);
  EXPECT_EQ(*array[4].AsDouble(), 1.0);
  EXPECT_EQ(*array[5].AsDouble(), 0.0);
  EXPECT_EQ(ToJson(*parsed), "[1,-1,9223372036854775807,9223372036854775808,1.0,-0.0,100.0]");
}

TEST(JsonValue, FindsMembersAndKeepsTheLastOfARepeatedKey) {
  const auto parsed = ParseJson(R"({"b":1,"a":{"z":null,"y":[true]},"b":2,"c":"x","b":3})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed->Find("b")->AsInt(), 3);
  EXPECT_EQ(*parsed->Find("c")->AsString(), "x");
  EXPECT_TRUE(parsed->Find("a")->Find("z")->IsNull());
  EXPECT_EQ(parsed->Find("none"), nullptr);
  EXPECT_EQ(parsed->Find("c")->Find("x"), nullptr);
  EXPECT_EQ(ToJson(*parsed), R"({"b":3,"a":{"z":null,"y":[true]},"c":"x"})");
  EXPECT_EQ(ToJson(*parsed, true), R"({"a":{"y":[true],"z":null},"b":3,"c":"x"})");
}

TEST(JsonValue, ComparesDeeply) {
  EXPECT_EQ(*ParseJson(R"({"a":[1,"x"]})"), *ParseJson(R"( { "a" : [ 1 , "\u0078" ] } )"));
  EXPECT_NE(*ParseJson("1"), *ParseJson("1.0"));
}

TEST(JsonValue, ReportsWhereTheTextIsWrong) {
  const auto parsed = ParseJson("{\"a\":[1,\n2,]}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(parsed.status().message(), "a: trailing comma at line 2 column 3");
  EXPECT_FALSE(ParseJson("").ok());
  EXPECT_FALSE(ParseJson("{} x").ok());
}

}  // namespace
}  // namespace chroma
