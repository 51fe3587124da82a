// The numbers of JSON: serde_json's grammar and conversions on the way in, the wire contract's
// forms on the way out (rest-api.md §3.1, §4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chroma {

// One number as the three kinds that serde_json hands to a decoder.
struct JsonNumber {
  enum class Kind : uint8_t {
    kUint,    // no sign, no fraction, no exponent, fits uint64_t
    kInt,     // "-" and an integer from INT64_MIN to -1
    kDouble,  // the rest, "-0" included
  };
  Kind kind = Kind::kUint;
  uint64_t magnitude = 0;  // kUint: the value
  int64_t negative = 0;    // kInt: the value
  double real = 0;         // kDouble: the value, correctly rounded
};

// Why a number is none. `at_next` tells whether the fault is the byte at the returned place or
// lies before it.
struct JsonNumberFault {
  std::string_view text;  // empty: no fault
  bool at_next = false;
};

// Parses the number that starts at `*at` ('-' or a digit) and advances `*at` to where serde_json
// would stand, also after a fault.
JsonNumberFault ParseJsonNumber(const char** at, const char* end, JsonNumber* number);

// Checks the grammar only, as serde_json does for values nobody reads: no range, no EOF text.
JsonNumberFault SkipJsonNumber(const char** at, const char* end);

// The common decimal forms straight to f32: true only if the result is certain to equal
// ParseJsonNumber's value rounded to f32, with `*at` then after the number. False for everything
// else, malformed input included, with `*at` unchanged.
bool ParseF32Fast(const char** at, const char* end, float* value);

// The nearest f32, ties to even; beyond f32's range an infinity.
float RoundToF32(double value);

// The longest text WriteJsonF64 or WriteJsonF32 produces, plus room for their work.
inline constexpr size_t kJsonNumberBytesMax = 40;

// Writes a finite value's shortest round-trip digits at `out` (kJsonNumberBytesMax bytes of room)
// and returns the end. Plain notation, always with a decimal point, where the contract's table
// says so; else d.ddde±x.
char* WriteJsonF64(char* out, double value);
char* WriteJsonF32(char* out, float value);

}  // namespace chroma
