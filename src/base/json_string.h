// The strings of JSON: decoding and skipping as serde_json does, and encoding.
#pragma once

#include <string>
#include <string_view>

namespace chroma {

// Reads a string; `*at` is after its opening quote. On success `*at` is after the closing quote
// and *value is the decoded text: a part of the input when there are no escapes, else of
// *scratch. Returns the fault's text, or nothing; `*at` then is where the fault is counted.
std::string_view ReadJsonString(const char** at, const char* end, std::string* scratch,
                                std::string_view* value);

// The same for a string nobody reads: neither UTF-8 nor surrogates are checked.
std::string_view SkipJsonString(const char** at, const char* end);

// Appends `value` in quotes. Everything that JSON does not force to be escaped stays raw.
void AppendJsonString(std::string* out, std::string_view value);

bool IsValidUtf8(std::string_view text);

// `text` with U+FFFD in place of each byte that is not UTF-8.
std::string RepairUtf8(std::string_view text);

}  // namespace chroma
