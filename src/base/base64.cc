// Decoding goes through four tables, one per position in a group of four symbols, that hold the
// symbol's six bits already shifted into place; an invalid symbol sets a bit above the 24, so a
// run of groups is checked with one OR. The errors, and which of several wins, are those of the
// Rust crate `base64` with canonical padding, whose texts are the wire contract.
#include "base/base64.h"

#include <array>
#include <cstring>

namespace chroma {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kPad = '=';
constexpr uint32_t kInvalid = uint32_t{1} << 31;

// kDecode[p][symbol]: its bits in the group's little-endian output bytes, or kInvalid.
constexpr std::array<std::array<uint32_t, 256>, 4> kDecode = [] {
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (auto& table : tables) table.fill(kInvalid);
  for (uint32_t value = 0; value < 64; ++value) {
    const auto symbol = static_cast<uint8_t>(kAlphabet[value]);
    tables[0][symbol] = value << 2;
    tables[1][symbol] = (value >> 4) | (value & 0x0f) << 12;
    tables[2][symbol] = (value >> 2) << 8 | (value & 0x03) << 22;
    tables[3][symbol] = value << 16;
  }
  return tables;
}();

// kEncode[v]: the two symbols of twelve bits, in the order they are written.
constexpr std::array<std::array<char, 2>, 4096> kEncode = [] {
  std::array<std::array<char, 2>, 4096> table{};
  for (size_t v = 0; v < table.size(); ++v) table[v] = {kAlphabet[v >> 6], kAlphabet[v & 63]};
  return table;
}();

bool IsSymbol(uint8_t c) {
  return kDecode[0][c] != kInvalid;
}

uint32_t DecodeGroup(const uint8_t* in) {
  return kDecode[0][in[0]] | kDecode[1][in[1]] | kDecode[2][in[2]] | kDecode[3][in[3]];
}

Status Invalid(const std::string& what) {
  return Status::InvalidArgument("Invalid base64 string: " + what);
}

Status InvalidSymbol(uint8_t symbol, size_t offset) {
  return Invalid("Invalid symbol " + std::to_string(symbol) + ", offset " + std::to_string(offset) +
                 ".");
}

// Decodes whole groups without padding; the number of symbols decoded before the first group
// with an invalid one. Writes up to one byte past the last group's three.
size_t DecodeGroups(const uint8_t* in, size_t n, char* out) {
  constexpr size_t kUnrolled = 8;
  size_t at = 0;
  for (; at + 4 * kUnrolled <= n; at += 4 * kUnrolled, out += 3 * kUnrolled) {
    uint32_t seen = 0;
    for (size_t i = 0; i < kUnrolled; ++i) {
      const uint32_t group = DecodeGroup(in + at + 4 * i);
      seen |= group;
      std::memcpy(out + 3 * i, &group, 4);
    }
    if ((seen & kInvalid) != 0) break;
  }
  for (; at < n; at += 4, out += 3) {
    const uint32_t group = DecodeGroup(in + at);
    if ((group & kInvalid) != 0) break;
    std::memcpy(out, &group, 4);
  }
  return at;
}

// Decodes the last one to four symbols, of which up to two may be padding; returns the number
// of bytes written to `out`.
Result<size_t> DecodeTail(const uint8_t* in, size_t n, size_t offset, char* out) {
  uint8_t group[4] = {'A', 'A', 'A', 'A'};
  size_t symbols = 0;
  for (size_t i = 0; i < n; ++i) {
    if (in[i] == kPad) {
      if (i < 2) return InvalidSymbol(kPad, offset + i);
      continue;
    }
    if (symbols < i) return InvalidSymbol(kPad, offset + symbols);
    if (!IsSymbol(in[i])) return InvalidSymbol(in[i], offset + i);
    group[symbols++] = in[i];
  }
  if (symbols < 2) return Invalid("Invalid input length: " + std::to_string(offset + symbols));
  if (n % 4 != 0) return Invalid("Invalid padding");
  const uint32_t bits = DecodeGroup(group);
  const size_t size = symbols * 6 / 8;
  if ((bits >> (8 * size)) != 0) {
    return Invalid("Invalid last symbol " + std::to_string(group[symbols - 1]) + ", offset " +
                   std::to_string(offset + symbols - 1) + ".");
  }
  std::memcpy(out, &bits, size);
  return size;
}

}  // namespace

Result<Bytes> Base64Decode(BytesView text) {
  if (text.empty()) return Bytes();
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  const size_t excess = text.size() % 4;
  // A stray last byte, such as a newline, is reported before anything else.
  if (excess == 1 && text.back() != kPad && !IsSymbol(in[text.size() - 1])) {
    return InvalidSymbol(in[text.size() - 1], text.size() - 1);
  }
  const size_t tail = excess == 0 ? 4 : excess;
  const size_t body = text.size() - tail;
  Bytes out(body / 4 * 3 + 4, '\0');
  const size_t decoded = DecodeGroups(in, body, out.data());
  if (decoded < body) {
    size_t at = decoded;
    while (IsSymbol(in[at])) ++at;
    return InvalidSymbol(in[at], at);
  }
  CHROMA_ASSIGN(const size_t last, DecodeTail(in + body, tail, body, out.data() + body / 4 * 3));
  out.resize(body / 4 * 3 + last);
  return out;
}

Bytes Base64Encode(BytesView bytes) {
  const auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
  const size_t whole = bytes.size() / 3 * 3;
  Bytes text((bytes.size() + 2) / 3 * 4, kPad);
  char* out = text.data();
  for (size_t at = 0; at < whole; at += 3, out += 4) {
    const uint32_t group = uint32_t{in[at]} << 16 | uint32_t{in[at + 1]} << 8 | in[at + 2];
    std::memcpy(out, kEncode[group >> 12].data(), 2);
    std::memcpy(out + 2, kEncode[group & 0xfff].data(), 2);
  }
  if (whole < bytes.size()) {
    const bool two = bytes.size() - whole == 2;
    const uint32_t group = uint32_t{in[whole]} << 16 | (two ? uint32_t{in[whole + 1]} << 8 : 0u);
    std::memcpy(out, kEncode[group >> 12].data(), 2);
    if (two) out[2] = kAlphabet[(group >> 6) & 63];
  }
  return text;
}

}  // namespace chroma
