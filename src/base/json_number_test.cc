#include "base/json_number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace chroma {
namespace {

JsonNumber Parse(const std::string& text, std::string_view* fault = nullptr) {
  const char* at = text.data();
  JsonNumber number;
  const JsonNumberFault found = ParseJsonNumber(&at, text.data() + text.size(), &number);
  if (fault != nullptr) *fault = found.text;
  if (fault == nullptr) {
    EXPECT_EQ(found.text, "") << text;
    EXPECT_EQ(at, text.data() + text.size()) << text;
  }
  return number;
}

TEST(JsonNumber, Kinds) {
  EXPECT_EQ(Parse("18446744073709551615").magnitude, 18446744073709551615u);
  EXPECT_EQ(Parse("-9223372036854775808").negative, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Parse("18446744073709551616").kind, JsonNumber::Kind::kDouble);
  EXPECT_EQ(Parse("18446744073709551616").real, 18446744073709551616.0);
  EXPECT_EQ(Parse("-9223372036854775809").real, -9223372036854775808.0);
  EXPECT_EQ(Parse("-0").kind, JsonNumber::Kind::kDouble);
  EXPECT_TRUE(std::signbit(Parse("-0").real));
  EXPECT_EQ(Parse("1.0").kind, JsonNumber::Kind::kDouble);
  EXPECT_EQ(Parse("0e999999999999").real, 0.0);
  EXPECT_EQ(Parse("1e-999999999999").real, 0.0);
  EXPECT_EQ(Parse("5e-324").real, 5e-324);
  EXPECT_EQ(Parse("1e-400").real, 0.0);
  EXPECT_EQ(Parse("0." + std::string(400, '0') + "1e401").real, 1.0);
  EXPECT_EQ(Parse("1" + std::string(300, '0') + "e-300").real, 1.0);
}

TEST(JsonNumber, OutOfRange) {
  for (const char* text : {"1e309", "1e400", "-1.8e308", "1e99999999999", "0.001e999"}) {
    std::string_view fault;
    Parse(text, &fault);
    EXPECT_EQ(fault, "number out of range") << text;
  }
  std::string_view fault;
  Parse(std::string(310, '9'), &fault);
  EXPECT_EQ(fault, "number out of range");
}

// The fast f32 path must give what rounding twice from the text gives, at f32's half way points
// too, or decline.
TEST(JsonNumber, FastF32EqualsTheGeneralWay) {
  constexpr uint32_t kSeed = 77;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  size_t taken = 0;
  constexpr size_t kRounds = 100000;
  for (size_t i = 0; i < kRounds; ++i) {
    const uint32_t bits = random() % 0x7F000000;
    const double low = std::bit_cast<float>(bits);
    const double high = std::bit_cast<float>(bits + 1);
    char raw[64];
    switch (i % 4) {
      case 0:
        std::snprintf(raw, sizeof raw, "%.*g", 15 + static_cast<int>(i / 4 % 6), (low + high) / 2);
        break;
      case 1:
        std::snprintf(raw, sizeof raw, "%.17g", low);
        break;
      case 2:
        std::snprintf(raw, sizeof raw, "%.*f", 1 + static_cast<int>(i / 4 % 18),
                      (static_cast<double>(random()) - 2e9) / 1e10);
        break;
      default:
        std::snprintf(raw, sizeof raw, "%d.%ue%d", static_cast<int>(random() % 100),
                      static_cast<unsigned>(random()), static_cast<int>(random() % 60) - 40);
    }
    std::string text(raw);
    const JsonNumber number = Parse(text);
    float wanted = RoundToF32(number.real);
    if (number.kind == JsonNumber::Kind::kUint) wanted = static_cast<float>(number.magnitude);
    if (number.kind == JsonNumber::Kind::kInt) wanted = static_cast<float>(number.negative);
    ASSERT_EQ(number.kind == JsonNumber::Kind::kDouble ? number.real : wanted,
              number.kind == JsonNumber::Kind::kDouble ? std::strtod(raw, nullptr) : wanted);
    text += ",1        ";
    const char* at = text.data();
    float value = 0;
    if (!ParseF32Fast(&at, text.data() + text.size(), &value)) {
      ASSERT_EQ(at, text.data());
      continue;
    }
    ++taken;
    ASSERT_EQ(*at, ',') << text;
    ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(wanted)) << text;
  }
  EXPECT_GT(taken, kRounds / 3);
}

TEST(JsonNumber, RoundsToF32AtTheEdges) {
  constexpr float kMax = std::numeric_limits<float>::max();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RoundToF32(3.4028235677973362e38), kMax);
  EXPECT_EQ(RoundToF32(3.4028235677973366e38), kInfinity);
  EXPECT_EQ(RoundToF32(-1e300), -kInfinity);
  EXPECT_EQ(RoundToF32(1e-50), 0.0f);
}

}  // namespace
}  // namespace chroma
