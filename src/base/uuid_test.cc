#include "base/uuid.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace chroma {
namespace {

constexpr char kText[] = "0189abcd-ef01-7345-8678-9abcdef01234";

TEST(Uuid, ParsesEveryForm) {
  const auto id = Uuid::Parse(kText);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->bytes[0], 0x01);
  EXPECT_EQ(id->bytes[15], 0x34);
  EXPECT_EQ(id->ToString(), kText);
  for (const char* form :
       {"0189abcdef01734586789abcdef01234", "{0189abcd-ef01-7345-8678-9abcdef01234}",
        "urn:uuid:0189abcd-ef01-7345-8678-9abcdef01234", "0189ABCD-EF01-7345-8678-9ABCDEF01234",
        "{0189ABCD-ef01-7345-8678-9abcdeF01234}"}) {
    EXPECT_EQ(Uuid::Parse(form), id) << form;
  }
  EXPECT_EQ(Uuid::Parse("00000000-0000-0000-0000-000000000000"), Uuid{});
}

TEST(Uuid, RejectsTheRest) {
  for (const char* text :
       {"", "x", "0189abcd-ef01-7345-8678-9abcdef0123", "0189abcd-ef01-7345-8678-9abcdef012345",
        "0189abcd-ef01-7345-8678-9abcdef0123g", "0189abcd_ef01-7345-8678-9abcdef01234",
        "0189abcde-f01-7345-8678-9abcdef01234", "(0189abcd-ef01-7345-8678-9abcdef01234)",
        "{0189abcd-ef01-7345-8678-9abcdef01234", "urn:uuid:0189abcdef01734586789abcdef01234",
        "urn:guid:0189abcd-ef01-7345-8678-9abcdef01234", "0189abcdef01734586789abcdef0123-",
        " 0189abcd-ef01-7345-8678-9abcdef01234"}) {
    EXPECT_FALSE(Uuid::Parse(text).has_value()) << text;
  }
}

// No single wrong character may pass, and no prefix.
TEST(Uuid, RejectsEveryDamage) {
  for (size_t i = 0; i < sizeof(kText) - 1; ++i) {
    std::string damaged = kText;
    damaged[i] = damaged[i] == '-' ? '0' : '-';
    EXPECT_FALSE(Uuid::Parse(damaged).has_value()) << damaged;
    EXPECT_FALSE(Uuid::Parse(std::string_view(kText).substr(0, i)).has_value()) << i;
  }
}

TEST(Uuid, FromRandomIsVersion4AndRoundTrips) {
  std::mt19937_64 random(20);
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = Uuid::FromRandom(random(), random());
    const std::string text = id.ToString();
    EXPECT_EQ(text[14], '4') << text;
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
    EXPECT_EQ(Uuid::Parse(text), id);
  }
}

TEST(Uuid, OrderIsThatOfTheText) {
  std::mt19937_64 random(21);
  for (int i = 0; i < 1000; ++i) {
    const Uuid a = Uuid::FromRandom(random(), random());
    const Uuid b = Uuid::FromRandom(random(), random());
    EXPECT_EQ(a < b, a.ToString() < b.ToString());
    EXPECT_NE(UuidHash()(a), UuidHash()(b));
    EXPECT_EQ(UuidHash()(a), UuidHash()(Uuid(a)));
  }
}

}  // namespace
}  // namespace chroma
