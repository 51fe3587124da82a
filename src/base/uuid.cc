#include "base/uuid.h"

#include <cstring>

namespace chroma {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// -1 when `c` is no hexadecimal digit.
int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A hyphen stands before these bytes of the hyphenated form.
bool HyphenBefore(size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

std::optional<Uuid> ParseDigits(std::string_view text, bool hyphenated) {
  Uuid id;
  size_t at = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (hyphenated && HyphenBefore(i) && text[at++] != '-') return std::nullopt;
    const int high = HexValue(text[at]);
    const int low = HexValue(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  return id;
}

}  // namespace

std::optional<Uuid> Uuid::Parse(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  constexpr size_t kSimpleSize = 32;
  constexpr size_t kHyphenatedSize = 36;
  if (text.size() == kSimpleSize) return ParseDigits(text, false);
  if (text.size() == kHyphenatedSize + 2 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, kHyphenatedSize);
  } else if (text.size() == kHyphenatedSize + kUrn.size() && text.starts_with(kUrn)) {
    text.remove_prefix(kUrn.size());
  }
  if (text.size() != kHyphenatedSize) return std::nullopt;
  return ParseDigits(text, true);
}

Uuid Uuid::FromRandom(uint64_t high, uint64_t low) {
  Uuid id;
  std::memcpy(id.bytes.data(), &high, sizeof(high));
  std::memcpy(id.bytes.data() + sizeof(high), &low, sizeof(low));
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // the RFC's variant
  return id;
}

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (HyphenBefore(i)) text.push_back('-');
    text.push_back(kHexDigits[bytes[i] >> 4]);
    text.push_back(kHexDigits[bytes[i] & 0x0f]);
  }
  return text;
}

size_t UuidHash::operator()(const Uuid& id) const {
  uint64_t high;
  uint64_t low;
  std::memcpy(&high, id.bytes.data(), sizeof(high));
  std::memcpy(&low, id.bytes.data() + sizeof(high), sizeof(low));
  // Ids made elsewhere need not be random: mix all bits (the finalizer of splitmix64).
  uint64_t mixed = high ^ (low * 0x9e3779b97f4a7c15u);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return static_cast<size_t>(mixed ^ (mixed >> 31));
}

}  // namespace chroma
