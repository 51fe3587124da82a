#include "base/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace chroma {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Bit by bit, straight from RFC 4648.
Bytes NaiveEncode(BytesView bytes) {
  Bytes text;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
    unsigned value = 0;
    for (size_t i = bit; i < bit + 6; ++i) {
      const bool set = i < bytes.size() * 8 && ((bytes[i / 8] >> (7 - i % 8)) & 1) != 0;
      value = value * 2 + (set ? 1 : 0);
    }
    text += kAlphabet[value];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Bytes RandomBytes(std::mt19937_64& random, size_t n) {
  Bytes bytes(n, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string ErrorOf(BytesView text) {
  const auto result = Base64Decode(text);
  if (result.ok()) return "decoded";
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  return std::string(result.status().message());
}

std::string Symbol(int symbol, size_t offset) {
  return "Invalid base64 string: Invalid symbol " + std::to_string(symbol) + ", offset " +
         std::to_string(offset) + ".";
}

TEST(Base64, EqualsTheNaiveEncoderAtEveryLength) {
  const unsigned seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (size_t n = 0; n < 300; ++n) {
    const Bytes bytes = RandomBytes(random, n);
    const Bytes text = Base64Encode(bytes);
    ASSERT_EQ(text, NaiveEncode(bytes)) << n;
    const auto decoded = Base64Decode(text);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    ASSERT_EQ(*decoded, bytes) << n;
  }
}

TEST(Base64, TextsOfTheContract) {
  EXPECT_EQ(ErrorOf("!!!"), Symbol('!', 0));
  EXPECT_EQ(ErrorOf("AAA"), "Invalid base64 string: Invalid padding");
  EXPECT_EQ(ErrorOf("AA"), "Invalid base64 string: Invalid padding");
  EXPECT_EQ(ErrorOf("AA="), "Invalid base64 string: Invalid padding");
  EXPECT_EQ(ErrorOf("A"), "Invalid base64 string: Invalid input length: 1");
  EXPECT_EQ(ErrorOf("AAAAA"), "Invalid base64 string: Invalid input length: 5");
  EXPECT_EQ(ErrorOf("AAAAAB=="), "Invalid base64 string: Invalid last symbol 66, offset 5.");
  EXPECT_EQ(ErrorOf("AAB="), "Invalid base64 string: Invalid last symbol 66, offset 2.");
  EXPECT_EQ(ErrorOf("AAAAAAAAAAAA\n"), Symbol('\n', 12));
  EXPECT_EQ(ErrorOf("AAAAAA-A"), Symbol('-', 6));
  EXPECT_EQ(ErrorOf(""), "decoded");
}

TEST(Base64, MisplacedPaddingIsASymbol) {
  EXPECT_EQ(ErrorOf("="), Symbol('=', 0));
  EXPECT_EQ(ErrorOf("A==="), Symbol('=', 1));
  EXPECT_EQ(ErrorOf("===="), Symbol('=', 0));
  EXPECT_EQ(ErrorOf("AAAA="), Symbol('=', 4));
  EXPECT_EQ(ErrorOf("AAAA===="), Symbol('=', 4));
  EXPECT_EQ(ErrorOf("AA==AAAA"), Symbol('=', 2));
  EXPECT_EQ(ErrorOf("AA=A"), Symbol('=', 2));
  EXPECT_EQ(ErrorOf("AAA=AAAA"), Symbol('=', 3));
}

// A stray last byte wins over an earlier one, except where the lengths make a whole group.
TEST(Base64, WhichOfTwoErrorsWins) {
  EXPECT_EQ(ErrorOf("!AAA\n"), Symbol('\n', 4));
  EXPECT_EQ(ErrorOf("!AAAA\n"), Symbol('!', 0));
  EXPECT_EQ(ErrorOf("A!A"), Symbol('!', 1));
}

TEST(Base64, EveryInvalidByteAtEveryOffset) {
  const Bytes text = Base64Encode(Bytes(75, '\x5a'));
  ASSERT_EQ(text.size(), 100u);
  for (int c = 0; c < 256; ++c) {
    if (c != 0 && std::string_view(kAlphabet).find(static_cast<char>(c)) != std::string::npos) {
      continue;
    }
    for (size_t at = 0; at < text.size(); ++at) {
      // One or two '=' at the end are padding, not damage.
      if (c == '=' && at >= text.size() - 2) continue;
      Bytes damaged = text;
      damaged[at] = static_cast<char>(c);
      ASSERT_EQ(ErrorOf(damaged), Symbol(c, at));
    }
  }
}

TEST(Base64, OnlyTheCanonicalTextDecodes) {
  const unsigned seed = 12;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  constexpr char kSymbols[] = "ABQgwxyz019+/=";
  for (int round = 0; round < 200'000; ++round) {
    Bytes text(random() % 9, '\0');
    for (char& c : text) c = kSymbols[random() % (sizeof(kSymbols) - 1)];
    const auto decoded = Base64Decode(text);
    if (!decoded.ok()) continue;
    ASSERT_EQ(NaiveEncode(*decoded), text);
  }
}

}  // namespace
}  // namespace chroma
