// A 128-bit identifier of a collection or a database.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace chroma {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;

  // Accepts hyphenated, 32 hex digits, "{…}" and "urn:uuid:…", in any case and of any version.
  static std::optional<Uuid> Parse(std::string_view text);
  // A version 4 UUID made of the given random bits.
  static Uuid FromRandom(uint64_t high, uint64_t low);
  // Hyphenated lower case.
  std::string ToString() const;
};

struct UuidHash {
  size_t operator()(const Uuid& id) const;
};

}  // namespace chroma
