#include <gtest/gtest.h>

#include "model/validate.h"

namespace chroma::model {
namespace {

std::string Shape(std::string_view name) {
  return "Expected a name containing 3-512 characters from [a-zA-Z0-9._-], starting and ending "
         "with a character in [a-zA-Z0-9]. Got: " +
         std::string(name);
}

TEST(ValidateName, AcceptsGoodNames) {
  for (const std::string& name :
       {std::string("abc"), std::string("a-b_c.d"), std::string("256.1.1.1"), std::string("1.2.3"),
        std::string("00.1.2.3"), std::string("1.2.3.4.5"), std::string("1.2.3.04"),
        std::string("1234"), std::string(512, 'a'), std::string("topo+db1")}) {
    EXPECT_TRUE(ValidateName(name).ok()) << name;
  }
}

TEST(ValidateName, RefusesBadShapes) {
  for (const std::string& name :
       {std::string(""), std::string("ab"), std::string("a b c"), std::string("_abc"),
        std::string("abc-"), std::string("abc "), std::string("abc\n"), std::string("é1234"),
        std::string("a/b/c"), std::string(513, 'a'), std::string(".ab")}) {
    EXPECT_EQ(ValidateName(name).message(), Shape(name));
  }
}

TEST(ValidateName, RefusesDotsAddressesAndTopologies) {
  EXPECT_EQ(ValidateName("a..b").message(),
            "Expected a name that does not contains two consecutive periods (..). Got a..b");
  EXPECT_EQ(ValidateName("127.0.0.1").message(),
            "Expected a name that is not a valid ip address. Got 127.0.0.1");
  EXPECT_EQ(ValidateName("255.255.255.255").message(),
            "Expected a name that is not a valid ip address. Got 255.255.255.255");
  EXPECT_EQ(ValidateName("a+b").message(), Shape("a"));
  EXPECT_EQ(ValidateName("abc+b").message(), Shape("b"));
  EXPECT_EQ(ValidateName("aaa+bbb+ccc").message(),
            "Expected a name to contain at most one topology:  Got two `+` characters.");
  EXPECT_EQ(ValidateName(std::string(512, 'a') + "+").message(),
            "Expected a name containing 3-512 characters. Got: 513");
}

TEST(ValidateDatabaseNameLength, CountsBytes) {
  EXPECT_EQ(ValidateDatabaseNameLength("ab").message(),
            "database name must be at least 3 characters");
  EXPECT_TRUE(ValidateDatabaseNameLength("é1").ok());
}

TEST(ValidateTenantName, CountsCharacters) {
  EXPECT_TRUE(ValidateTenantName("t n/é").ok());
  EXPECT_TRUE(ValidateTenantName("日本語").ok());
  EXPECT_EQ(ValidateTenantName("ab").message(),
            R"(Validation error: name: Validation error: length [{"value": String("ab"), )"
            R"("min": Number(3)}])");
  EXPECT_EQ(ValidateTenantName("é\"").message(),
            R"(Validation error: name: Validation error: length [{"value": String("é\""), )"
            R"("min": Number(3)}])");
  EXPECT_NE(ValidateTenantName("\x01\n").message().find(R"(String("\u{1}\n"))"),
            std::string_view::npos);
}

}  // namespace
}  // namespace chroma::model
