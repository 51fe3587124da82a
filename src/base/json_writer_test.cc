#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

namespace chroma {
namespace {

template <typename Write>
std::string Written(Write write) {
  std::string text;
  JsonWriter out(&text);
  write(out);
  return text;
}
std::string F32(float value) {
  return Written([value](JsonWriter& out) { out.F32(value); });
}
std::string F64(double value) {
  return Written([value](JsonWriter& out) { out.F64(value); });
}

TEST(JsonWriter, F32AsTheContractShows) {
  const std::pair<float, const char*> kTable[] = {
      {0.1f, "0.1"},
      {1e-6f, "0.000001"},
      {1e-7f, "1e-7"},
      {1.5e-7f, "1.5e-7"},
      {123456789.0f, "123456790.0"},
      {1e12f, "1000000000000.0"},
      {1e13f, "1e+13"},
      {1e16f, "1e+16"},
      {3.4028235e38f, "3.4028235e+38"},
      {1.17549435e-38f, "1.1754944e-38"},
      {1e-45f, "1e-45"},
      {0.0f, "0.0"},
      {-0.0f, "-0.0"},
      {16777217.0f, "16777216.0"},
      {1e-5f, "0.00001"},
      {0.00001234f, "0.00001234"},
      {100000.0f, "100000.0"},
      {1234567890123.0f, "1234568000000.0"},
      {12345678901234567890.0f, "1.2345679e+19"},
      {-2.5f, "-2.5"},
      {1.0f, "1.0"},
      {2.0f, "2.0"},
      {0.5f, "0.5"},
      {0.99999994f, "0.99999994"},
      {8388608.0f, "8388608.0"},
      {9999999.0f, "9999999.0"},
      {std::numeric_limits<float>::infinity(), "null"},
      {-std::numeric_limits<float>::infinity(), "null"},
      {std::numeric_limits<float>::quiet_NaN(), "null"},
  };
  for (const auto& [value, text] : kTable) {
    EXPECT_EQ(F32(value), text);
    EXPECT_EQ(Written([v = value](JsonWriter& out) { out.F32Array(&v, 1); }),
              "[" + std::string(text) + "]");
  }
}

TEST(JsonWriter, F64AsTheContractShows) {
  const std::pair<double, const char*> kTable[] = {
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {1e-5, "0.00001"},
      {1e-6, "1e-6"},
      {5e-324, "5e-324"},
      {1.5e300, "1.5e+300"},
      {100000.0, "100000.0"},
      {12345678901234567890.0, "1.2345678901234567e+19"},
      {9223372036854775808.0, "9.223372036854776e+18"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {0.1, "0.1"},
      {-0.0, "-0.0"},
      {0.0, "0.0"},
      {-1234.5, "-1234.5"},
      {std::numeric_limits<double>::quiet_NaN(), "null"},
  };
  for (const auto& [value, text] : kTable) EXPECT_EQ(F64(value), text);
}

TEST(JsonWriter, EveryF32ReadsBackTheSameAndIsShortest) {
  constexpr uint32_t kSeed = 20240607;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int i = 0; i < 100000; ++i) {
    // Half of them any bits, half near the sizes of embeddings.
    float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (i % 2 == 0) value = static_cast<float>(random()) / 4.3e9f - 0.5f;
    if (!std::isfinite(value)) continue;
    const std::string text = F32(value);
    ASSERT_EQ(std::bit_cast<uint32_t>(std::strtof(text.c_str(), nullptr)),
              std::bit_cast<uint32_t>(value))
        << text;
    int digits = 0;
    for (const char c : text.substr(0, text.find('e'))) {
      digits += (c >= '1' && c <= '9') || (c == '0' && digits > 0) ? 1 : 0;
    }
    if (text.ends_with(".0")) {
      --digits;
      for (size_t j = text.size() - 2; j > 0 && text[j - 1] == '0'; --j) --digits;
    }
    if (digits < 2 || std::abs(value) >= 1e6f) continue;
    char shorter[64];
    std::snprintf(shorter, sizeof shorter, "%.*e", digits - 2, static_cast<double>(value));
    ASSERT_NE(std::strtof(shorter, nullptr), value) << text << " could be " << shorter;
  }
}

// Its digits without the zeros around them.
std::string SignificantDigits(std::string_view text) {
  std::string digits;
  for (const char c : text.substr(0, text.find('e'))) {
    if (c >= '0' && c <= '9' && (c != '0' || !digits.empty())) digits += c;
  }
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

TEST(JsonWriter, F32HasTheDigitsOfToChars) {
  constexpr uint32_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  std::vector<float> values;
  for (int e = -30; e < 30; ++e) values.push_back(std::ldexp(1.0f, e));
  for (int e = -7; e < 10; ++e) values.push_back(std::pow(10.0f, static_cast<float>(e)));
  const auto lowest = std::bit_cast<uint32_t>(1e-6f);
  const auto highest = std::bit_cast<uint32_t>(1e8f);
  for (int i = 0; i < 100000; ++i) {
    values.push_back(
        std::bit_cast<float>(lowest + static_cast<uint32_t>(random()) % (highest - lowest)));
  }
  for (const float middle : values) {
    for (const float value : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e9f)}) {
      char wanted[64];
      const char* end =
          std::to_chars(wanted, wanted + sizeof wanted, value, std::chars_format::scientific).ptr;
      ASSERT_EQ(SignificantDigits(F32(value)),
                SignificantDigits(std::string_view(wanted, static_cast<size_t>(end - wanted))));
    }
  }
}

TEST(JsonWriter, ArraysLongerThanAChunk) {
  std::vector<float> values(5000);
  std::string wanted = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i) * -1.1754944e-38f;
    if (i > 0) wanted += ',';
    wanted += F32(values[i]);
  }
  wanted += ']';
  EXPECT_EQ(Written([&](JsonWriter& out) { out.F32Array(values.data(), values.size()); }), wanted);
  EXPECT_EQ(Written([&](JsonWriter& out) { out.F32Array(nullptr, 0); }), "[]");
}

TEST(JsonWriter, Strings) {
  const std::string_view raw("a/\"\\\x01\x1f\x7f\u2028\u00e9 \b\f\n\r\t\0", 19);
  EXPECT_EQ(Written([raw](JsonWriter& out) { out.String(raw); }),
            "\"a/\\\"\\\\\\u0001\\u001f\x7f\u2028\u00e9 \\b\\f\\n\\r\\t\\u0000\"");
}

TEST(JsonWriter, PlacesCommas) {
  const std::string text = Written([](JsonWriter& out) {
    out.BeginObject();
    out.StringField("a", "x");
    out.Key("b");
    out.BeginArray();
    out.BeginArray();
    out.EndArray();
    out.Int(-5);
    out.Uint(18446744073709551615u);
    const float values[] = {1, 2};
    out.F32Array(values, 2);
    out.Null();
    out.Bool(true);
    out.Raw("{}");
    out.EndArray();
    out.Key("c");
    out.BeginObject();
    out.EndObject();
    out.EndObject();
  });
  EXPECT_EQ(text, R"({"a":"x","b":[[],-5,18446744073709551615,[1.0,2.0],null,true,{}],"c":{}})");
}

}  // namespace
}  // namespace chroma
