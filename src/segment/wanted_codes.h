// Which entries of a dictionary a list of strings has.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/checksum.h"

namespace chroma::segment {

struct StringHash {
  size_t operator()(std::string_view value) const { return Hash64(value); }
};

// By code, 1 or 0. Looks up each of the list in the dictionary, or else each of the dictionary in
// the list, whichever takes fewer steps. Values is format::StringValuesReader with a dictionary.
template <typename Values>
std::vector<uint8_t> WantedCodes(const Values& values, const std::vector<std::string>& list) {
  const uint64_t entries = values.strings().count();
  std::vector<uint8_t> wanted(entries);
  const auto steps_of_one = static_cast<uint64_t>(std::bit_width(entries));
  if (list.size() * steps_of_one < entries) {
    for (const std::string& member : list) {
      if (const std::optional<uint64_t> code = values.FindCode(member)) wanted[*code] = 1;
    }
    return wanted;
  }
  const std::unordered_set<std::string_view, StringHash> members(list.begin(), list.end());
  for (uint64_t code = 0; code < entries; ++code) {
    wanted[code] = members.contains(values.strings()[code]) ? 1 : 0;
  }
  return wanted;
}

}  // namespace chroma::segment
