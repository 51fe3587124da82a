#include <algorithm>
#include <string>

#include "model/debug_text.h"
#include "model/limits.h"
#include "model/validate.h"

namespace chroma::model {

namespace {

constexpr size_t kTenantCharactersMin = 3;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

Status Invalid(std::string_view text, std::string_view name) {
  return Status::InvalidArgument(std::string(text).append(name));
}

// A decimal octet of an IPv4 address: no leading zeros.
bool IsOctet(std::string_view text) {
  if (text.empty() || text.size() > 3 || !std::all_of(text.begin(), text.end(), IsDigit)) {
    return false;
  }
  if (text.size() > 1 && text[0] == '0') return false;
  int value = 0;
  for (char c : text) value = value * 10 + (c - '0');
  return value <= 255;
}

// IPv6 addresses have a colon, which the name rule excludes anyway.
bool IsIpAddress(std::string_view name) {
  for (int i = 0; i < 3; ++i) {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos || !IsOctet(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return IsOctet(name);
}

bool HasNameShape(std::string_view name) {
  if (name.size() < kNameBytesMin || name.size() > kNameBytesMax) return false;
  if (!IsAlphanumeric(name.front()) || !IsAlphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Status ValidatePlainName(std::string_view name) {
  if (!HasNameShape(name)) {
    return Invalid(
        "Expected a name containing 3-512 characters from [a-zA-Z0-9._-], starting and ending "
        "with a character in [a-zA-Z0-9]. Got: ",
        name);
  }
  if (name.find("..") != std::string_view::npos) {
    return Invalid("Expected a name that does not contains two consecutive periods (..). Got ",
                   name);
  }
  if (IsIpAddress(name)) {
    return Invalid("Expected a name that is not a valid ip address. Got ", name);
  }
  return Status::Ok();
}

}  // namespace

Status ValidateName(std::string_view name) {
  const size_t plus = name.find('+');
  if (plus == std::string_view::npos) return ValidatePlainName(name);
  // "topology+name": a database that lives in several regions.
  if (name.size() > kNameBytesMax) {
    return Invalid("Expected a name containing 3-512 characters. Got: ",
                   std::to_string(name.size()));
  }
  if (name.find('+', plus + 1) != std::string_view::npos) {
    return Invalid("Expected a name to contain at most one topology:  Got two `+` characters.", "");
  }
  CHROMA_TRY(ValidatePlainName(name.substr(0, plus)));
  return ValidatePlainName(name.substr(plus + 1));
}

Status ValidateDatabaseNameLength(std::string_view name) {
  if (name.size() >= kNameBytesMin) return Status::Ok();
  return Status::InvalidArgument("database name must be at least 3 characters");
}

Status ValidateTenantName(std::string_view name) {
  const auto characters = std::count_if(name.begin(), name.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not a continuation byte of UTF-8
  });
  if (static_cast<size_t>(characters) >= kTenantCharactersMin) return Status::Ok();
  return Status::InvalidArgument(
      "Validation error: name: Validation error: length [{\"value\": "
      "String(" +
      DebugQuoted(name) + "), \"min\": Number(3)}]");
}

}  // namespace chroma::model
