// The little of TOML 1.0 that a credentials file is written in: tables of strings. Other values are
// passed over as text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/status.h"

namespace chroma::cli {

struct TomlEntry {
  std::string key;
  std::string raw;   // the value as it was written
  std::string text;  // of a string
  bool is_string = false;
};

struct TomlTable {
  std::string name;
  std::vector<TomlEntry> entries;
};

// kInvalidArgument "line N: …" for what is no TOML, or more of it than this: values over several
// lines, dotted keys, entries before the first table.
Result<std::vector<TomlTable>> ParseToml(std::string_view text);

// A key, in quotes where it needs them, and a string as a value.
std::string TomlKey(std::string_view key);
std::string TomlString(std::string_view value);

}  // namespace chroma::cli
