#include "base/json_number.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>

namespace chroma {
namespace {

// The powers of ten that are exact in f64.
constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kExactPowerMax = 22;
constexpr uint64_t kExactIntegerMax = uint64_t{1} << 53;
// The digits that always fit a uint64_t.
constexpr int kDigitsMax = 19;

constexpr JsonNumberFault kInvalidHere = {"invalid number", false};
constexpr JsonNumberFault kInvalidNext = {"invalid number", true};
constexpr JsonNumberFault kEof = {"EOF while parsing a value", false};
constexpr JsonNumberFault kOutOfRange = {"number out of range", false};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool DigitAt(const char* p, const char* end) {
  return p < end && IsDigit(*p);
}
bool ExponentAt(const char* p, const char* end) {
  return p < end && (*p == 'e' || *p == 'E');
}

// A decimal number as it is read: the digits' value (as far as they fit), and the power of ten.
struct Decimal {
  uint64_t digits = 0;
  int digit_count = 0;     // significant ones: no leading zeros
  int64_t exponent = 0;    // of the last digit, cut off ones included
  bool truncated = false;  // more significant digits than `digits` holds

  void Add(char c) {
    if (digit_count < kDigitsMax) {
      digits = digits * 10 + static_cast<uint64_t>(c - '0');
      digit_count += digits != 0 ? 1 : 0;
    } else {
      ++digit_count;
      ++exponent;
      truncated = true;
    }
  }
};

// The point and the digits after it.
JsonNumberFault ParseFraction(const char** at, const char* end, Decimal* decimal) {
  const char* p = *at + 1;
  const char* first = p;
  for (; DigitAt(p, end); ++p) {
    decimal->Add(*p);
    --decimal->exponent;
  }
  *at = p;
  if (p != first) return {};
  return p < end ? kInvalidNext : kEof;
}

JsonNumberFault ParseExponent(const char** at, const char* end, Decimal* decimal) {
  const char*& p = *at;
  ++p;
  bool positive = true;
  if (p < end && (*p == '+' || *p == '-')) positive = *p++ == '+';
  if (p >= end) return kEof;
  if (!IsDigit(*p)) {
    ++p;
    return kInvalidHere;
  }
  constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
  int64_t exponent = 0;
  for (; DigitAt(p, end); ++p) {
    exponent = exponent * 10 + (*p - '0');
    if (exponent <= kLimit) continue;
    if (decimal->digits != 0 && positive) {
      ++p;
      return kOutOfRange;
    }
    exponent = kLimit;  // the value is a zero whatever follows
  }
  decimal->exponent += positive ? exponent : -exponent;
  return {};
}

// The nearest f64; `text` is the unsigned number. False if that is infinite.
bool ToDouble(const Decimal& decimal, const char* text, const char* end, double* value) {
  if (decimal.digits == 0) {
    *value = 0;
    return true;
  }
  // W. D. Clinger, "How to Read Floating Point Numbers Accurately" (1990): with an exact integer
  // and an exact power of ten the one operation rounds correctly.
  if (!decimal.truncated && decimal.digits <= kExactIntegerMax &&
      decimal.exponent >= -kExactPowerMax && decimal.exponent <= kExactPowerMax) {
    const double digits = static_cast<double>(decimal.digits);
    *value = decimal.exponent < 0 ? digits / kExactPowers[-decimal.exponent]
                                  : digits * kExactPowers[decimal.exponent];
    return true;
  }
  const auto result = std::from_chars(text, end, *value);
  if (result.ec == std::errc()) return *value <= std::numeric_limits<double>::max();
  *value = 0;  // too small, or
  return decimal.exponent + decimal.digit_count <= 0;
}

// The run of digits that starts at p, at most eight of them, in one go (after D. Lemire, "Quickly
// parsing eight digits", 2022): counts them and shifts them to the end of the eight bytes, where
// the zeros before them are leading zeros. Little-endian.
struct DigitRun {
  int count;
  uint64_t value;
};
DigitRun ReadDigits(const char* p) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  bytes ^= 0x3030303030303030;  // digits become 0 to 9
  const uint64_t others = ((bytes + 0x7676767676767676) | bytes) & 0x8080808080808080;
  const int count = others == 0 ? 8 : std::countr_zero(others) / 8;
  if (count == 0) return {0, 0};
  bytes <<= 64 - 8 * count;
  bytes = bytes * 10 + (bytes >> 8);
  constexpr uint64_t kMask = 0x000000FF000000FF;
  constexpr uint64_t kHigh = 0x000F424000000064;  // 100 + (1000000 << 32)
  constexpr uint64_t kLow = 0x0000271000000001;   // 1 + (10000 << 32)
  return {count, (((bytes & kMask) * kHigh) + (((bytes >> 16) & kMask) * kLow)) >> 32};
}
constexpr uint64_t kPowers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

// "e-5" with at most two digits, at *at, into *exponent. False: not of that form.
bool SmallExponent(const char** at, const char* end, int* exponent) {
  const char* p = *at + 1;
  bool negative = false;
  if (p < end && (*p == '+' || *p == '-')) negative = *p++ == '-';
  if (!DigitAt(p, end)) return false;
  int value = *p++ - '0';
  if (DigitAt(p, end)) value = value * 10 + (*p++ - '0');
  if (DigitAt(p, end)) return false;
  *exponent += negative ? -value : value;
  *at = p;
  return true;
}

// digits * 10^exponent as f32 if the result is certain.
//
// For more digits than f64 holds, the product or quotient is within 3 units in the last place of
// the true f64. The f64 is then rounded to f32 by its low 29 bits: unless those are that near the
// half way point, the true f64 rounds to the same f32.
bool CertainF32(uint64_t digits, int exponent, float* value) {
  double real = static_cast<double>(digits);
  const bool exact = digits <= kExactIntegerMax;
  if (exponent < 0) {
    if (exponent < -2 * kExactPowerMax) return false;
    if (exponent < -kExactPowerMax) {
      real = real / kExactPowers[kExactPowerMax] / kExactPowers[-exponent - kExactPowerMax];
    } else {
      real /= kExactPowers[-exponent];
      if (exact) {
        *value = static_cast<float>(real);
        return true;
      }
    }
  } else {
    if (exponent > 18) return digits == 0 ? (*value = 0, true) : false;
    real *= kExactPowers[exponent];
  }
  if (digits == 0) {
    *value = 0;
    return true;
  }
  if (real < 1.2e-38) return false;  // f32 would be subnormal: other bits decide
  constexpr uint64_t kLowBits = (uint64_t{1} << 29) - 1;
  constexpr uint64_t kHalf = uint64_t{1} << 28;
  constexpr uint64_t kMargin = 8;
  const uint64_t low = std::bit_cast<uint64_t>(real) & kLowBits;
  if (low + kMargin >= kHalf && low <= kHalf + kMargin && !(exact && exponent >= 0)) return false;
  *value = static_cast<float>(real);
  return true;
}

// Shortest digits as to_chars gives them, "-d.ddde-07", laid out anew.
template <typename Float>
char* WriteFloat(char* out, Float value, int plain_min, int plain_max) {
  char raw[kJsonNumberBytesMax];
  const char* end = std::to_chars(raw, raw + sizeof raw, value, std::chars_format::scientific).ptr;
  const char* p = raw;
  if (*p == '-') *out++ = *p++;
  char digits[24];
  int count = 0;
  for (; *p != 'e'; ++p) {
    if (*p != '.') digits[count++] = *p;
  }
  const bool negative = p[1] == '-';
  int exponent = 0;
  for (p += 2; p < end; ++p) exponent = exponent * 10 + (*p - '0');
  if (negative) exponent = -exponent;

  const auto put = [&out, &digits](int from, int to) {
    if (to <= from) return;
    std::memcpy(out, digits + from, static_cast<size_t>(to - from));
    out += to - from;
  };
  const auto zeros = [&out](int n) {
    for (; n > 0; --n) *out++ = '0';
  };
  if (exponent < plain_min || exponent > plain_max) {
    *out++ = digits[0];
    if (count > 1) *out++ = '.';
    put(1, count);
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    return std::to_chars(out, out + 4, exponent < 0 ? -exponent : exponent).ptr;
  }
  if (exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    zeros(-exponent - 1);
    put(0, count);
    return out;
  }
  const int whole = exponent + 1;
  put(0, count < whole ? count : whole);
  zeros(whole - count);
  *out++ = '.';
  if (count > whole) {
    put(whole, count);
  } else {
    *out++ = '0';
  }
  return out;
}

// 10^n = significand * 2^(log2 - 63), exactly.
struct ScaledPower {
  uint64_t significand;
  int log2;
};
constexpr auto kScaledPowers = [] {
  std::array<ScaledPower, 16> powers{};
  uint64_t power = 1;
  for (ScaledPower& scaled : powers) {
    const int zeros = std::countl_zero(power);
    scaled = {power << zeros, 63 - zeros};
    power *= 10;
  }
  return powers;
}();

// The shortest digits that only this f32 is nearest to, and of those the nearest; the power of ten
// of the last digit. R. Giulietti, "The Schubfach way to render doubles" (2020), for values from
// 1e-5 to 1e7, where all powers of ten are exact.
struct ShortestDigits {
  uint32_t digits;
  int exponent;
};
ShortestDigits Shortest(uint32_t bits) {
  const uint32_t fraction = bits & 0x7FFFFF;
  const uint32_t c = fraction | 0x800000;  // the value is c * 2^q
  const int q = static_cast<int>(bits >> 23 & 0xFF) - 127 - 23;
  const uint32_t gap_is_narrower_below = fraction == 0 ? 1 : 0;
  // The largest power of ten that is not above the distance to the neighbours.
  const int k = (q * 1262611 - (gap_is_narrower_below != 0 ? 524031 : 0)) >> 22;
  const ScaledPower& power = kScaledPowers[static_cast<size_t>(-k)];
  const int shift = q + power.log2 + 1;
  // n * 2^q / 10^k, with the lowest bit set where it is no integer.
  const auto scale = [&power, shift](uint32_t n) {
    const auto product = static_cast<unsigned __int128>(power.significand) * (n << shift);
    const auto rest = static_cast<uint64_t>(product);
    return static_cast<uint32_t>(product >> 64) | (rest != 0 ? 1u : 0u);
  };
  // Four times the value and the ends of what is nearest to it, which an even c includes.
  const uint32_t value = scale(4 * c);
  const uint32_t lower = scale(4 * c - 2 + gap_is_narrower_below) + (c & 1);
  const uint32_t upper = scale(4 * c + 2) - (c & 1);

  const uint32_t tens = value / 40;
  const bool below = lower <= 40 * tens;
  const bool above = 40 * tens + 40 <= upper;
  if (below != above) return {tens + (above ? 1 : 0), k + 1};
  const uint32_t ones = value / 4;
  const bool one_below = lower <= 4 * ones;
  const bool one_above = 4 * ones + 4 <= upper;
  if (one_below != one_above) return {ones + (one_above ? 1 : 0), k};
  const uint32_t middle = 4 * ones + 2;
  const bool up = value > middle || (value == middle && (ones & 1) != 0);
  return {ones + (up ? 1 : 0), k};
}

// As many digits of `n` as end before `end`, over what is there.
void PutDigits(char* end, uint32_t n) {
  static constexpr auto kPairs = [] {
    std::array<char, 200> pairs{};
    for (size_t i = 0; i < 100; ++i) {
      pairs[2 * i] = static_cast<char>('0' + i / 10);
      pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return pairs;
  }();
  for (; n >= 10; n /= 100) {
    end -= 2;
    std::memcpy(end, kPairs.data() + 2 * size_t{n % 100}, 2);
  }
  if (n != 0) end[-1] = static_cast<char>('0' + n);
}

// Shortest digits of a value of an ordinary size, without to_chars' big arithmetic; null for
// others.
char* WriteOrdinaryF32(char* out, float value) {
  const float magnitude = value < 0 ? -value : value;
  if (!(magnitude >= 1e-5f && magnitude < 1e7f)) return nullptr;
  auto [digits, exponent] = Shortest(std::bit_cast<uint32_t>(magnitude));
  // Multiplying by the inverse of 5 divides what is divisible, and makes the rest large.
  for (;; ++exponent) {
    const uint32_t tenth = std::rotr(digits * 0xCCCCCCCDu, 1);
    if (tenth > UINT32_MAX / 10) break;
    digits = tenth;
  }
  if (value < 0) *out++ = '-';
  if (exponent >= 0) {
    out = std::to_chars(out, out + 10, digits * kPowers[exponent]).ptr;
    std::memcpy(out, ".0", 2);
    return out + 2;
  }
  const int decimals = -exponent;
  uint32_t whole = 0;
  if (magnitude >= 1) {
    const auto unit = static_cast<uint32_t>(kPowers[decimals]);
    whole = digits / unit;
    digits -= whole * unit;
    out = std::to_chars(out, out + 10, whole).ptr;
  } else {
    *out++ = '0';
  }
  *out++ = '.';
  std::memset(out, '0', 16);
  PutDigits(out + decimals, digits);
  return out + decimals;
}

}  // namespace

JsonNumberFault ParseJsonNumber(const char** at, const char* end, JsonNumber* number) {
  const char*& p = *at;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  const char* text = p;
  if (p >= end) return kEof;
  if (!IsDigit(*p)) {
    ++p;
    return kInvalidHere;
  }
  Decimal decimal;
  if (*p == '0') {
    if (DigitAt(++p, end)) return kInvalidNext;
  } else {
    for (; DigitAt(p, end); ++p) decimal.Add(*p);
  }
  const bool fraction = p < end && *p == '.';
  const bool exponent = ExponentAt(p, end);
  if (!fraction && !exponent) {
    uint64_t magnitude = 0;
    const bool fits = std::from_chars(text, p, magnitude).ec == std::errc();
    constexpr uint64_t kNegativeMax = uint64_t{1} << 63;
    if (fits && !negative) {
      *number = {JsonNumber::Kind::kUint, magnitude, 0, 0};
      return {};
    }
    if (fits && magnitude != 0 && magnitude <= kNegativeMax) {
      *number = {JsonNumber::Kind::kInt, 0, static_cast<int64_t>(-magnitude), 0};
      return {};
    }
  }
  if (fraction) {
    if (const auto fault = ParseFraction(at, end, &decimal); !fault.text.empty()) return fault;
  }
  if (ExponentAt(p, end)) {
    if (const auto fault = ParseExponent(at, end, &decimal); !fault.text.empty()) return fault;
  }
  double value = 0;
  if (!ToDouble(decimal, text, p, &value)) return kOutOfRange;
  *number = {JsonNumber::Kind::kDouble, 0, 0, negative ? -value : value};
  return {};
}

JsonNumberFault SkipJsonNumber(const char** at, const char* end) {
  const char*& p = *at;
  if (p < end && *p == '-') ++p;
  if (!DigitAt(p, end)) {
    if (p < end) ++p;
    return kInvalidHere;
  }
  if (*p == '0') {
    if (DigitAt(++p, end)) return kInvalidNext;
  } else {
    while (DigitAt(p, end)) ++p;
  }
  if (p < end && *p == '.') {
    if (!DigitAt(++p, end)) return kInvalidNext;
    while (DigitAt(p, end)) ++p;
  }
  if (!ExponentAt(p, end)) return {};
  ++p;
  if (p < end && (*p == '+' || *p == '-')) ++p;
  if (!DigitAt(p, end)) {
    if (p < end) ++p;
    return kInvalidHere;
  }
  while (DigitAt(p, end)) ++p;
  return {};
}

bool ParseF32Fast(const char** at, const char* end, float* value) {
  const char* p = *at;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  if (!DigitAt(p, end)) return false;
  uint64_t digits = static_cast<uint64_t>(*p++ - '0');
  const char* first = p;
  if (digits == 0) {
    if (DigitAt(p, end)) return false;
  } else {
    for (; DigitAt(p, end); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
  }
  auto length =
      p - first + 1;  // may count the zero of "0.1"; that only sends more to the slow path
  int exponent = 0;
  if (p < end && *p == '.') {
    const char* fraction = ++p;
    for (int run = 8; run == 8 && end - p >= 8; p += run) {
      const DigitRun digit_run = ReadDigits(p);
      run = digit_run.count;
      digits = digits * kPowers[run] + digit_run.value;
    }
    for (; DigitAt(p, end); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
    if (p == fraction) return false;
    length += p - fraction;
    exponent = static_cast<int>(fraction - p);
  }
  // A leading zero is no digit of the value.
  if (length - (*(first - 1) == '0' ? 1 : 0) > kDigitsMax) return false;
  if (ExponentAt(p, end) && !SmallExponent(&p, end, &exponent)) return false;
  float magnitude = 0;
  if (!CertainF32(digits, exponent, &magnitude)) return false;
  *value = negative ? -magnitude : magnitude;
  *at = p;
  return true;
}

// IEEE 754 conversion does all of it, but C++ leaves the overflow undefined.
float RoundToF32(double value) {
  // Half way between the largest f32 and the next power of two.
  constexpr double kOverflow = 3.4028235677973366e38;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (value >= kOverflow) return kInfinity;
  if (value <= -kOverflow) return -kInfinity;
  return static_cast<float>(value);
}

char* WriteJsonF64(char* out, double value) {
  return WriteFloat(out, value, -5, 15);
}

char* WriteJsonF32(char* out, float value) {
  if (char* end = WriteOrdinaryF32(out, value)) return end;
  return WriteFloat(out, value, -6, 12);
}

}  // namespace chroma
