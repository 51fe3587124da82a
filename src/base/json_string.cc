#include "base/json_string.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace chroma {
namespace {

constexpr std::string_view kEofInString = "EOF while parsing a string";
constexpr std::string_view kControl =
    "control character (\\u0000-\\u001F) found while parsing a string";
constexpr std::string_view kInvalidEscape = "invalid escape";
constexpr std::string_view kUnfinishedPair = "unexpected end of hex escape";
constexpr std::string_view kLoneSurrogate = "lone leading surrogate in hex escape";
constexpr std::string_view kInvalidUnicode = "invalid unicode code point";

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = 0x8080808080808080;

uint64_t LoadEight(const char* p) {
  uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

bool IsSpecial(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// The first quote, backslash or control character, eight bytes at a time (after A. Mycroft:
// x - 1 borrows into the high bit of a zero byte). Ors all bytes passed into *seen.
const char* FindSpecial(const char* p, const char* end, uint64_t* seen) {
  uint64_t all = 0;
  for (; end - p >= 8; p += 8) {
    const uint64_t bytes = LoadEight(p);
    const uint64_t quote = bytes ^ (kOnes * '"');
    const uint64_t backslash = bytes ^ (kOnes * '\\');
    const uint64_t found = ((bytes - kOnes * 0x20) & ~bytes) | ((quote - kOnes) & ~quote) |
                           ((backslash - kOnes) & ~backslash);
    if ((found & kHighBits) != 0) break;
    all |= bytes;
  }
  for (; p < end && !IsSpecial(*p); ++p) all |= static_cast<unsigned char>(*p);
  *seen |= all;
  return p;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view ReadHex(const char** at, const char* end, uint32_t* unit) {
  if (end - *at < 4) {
    *at = end;
    return kEofInString;
  }
  int value = 0;
  bool valid = true;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexDigit(*(*at)++);
    valid = valid && digit >= 0;
    value = value * 16 + digit;
  }
  if (!valid) return kInvalidEscape;
  *unit = static_cast<uint32_t>(value);
  return {};
}

void AppendUtf8(std::string* out, uint32_t c) {
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool IsLeading(uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool IsTrailing(uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// After "\u".
std::string_view ReadUnicodeEscape(const char** at, const char* end, std::string* out) {
  uint32_t unit = 0;
  if (const auto fault = ReadHex(at, end, &unit); !fault.empty()) return fault;
  if (IsTrailing(unit)) return kLoneSurrogate;
  if (IsLeading(unit)) {
    for (const char wanted : {'\\', 'u'}) {
      if (*at == end) return kEofInString;
      if (*(*at)++ != wanted) return kUnfinishedPair;
    }
    uint32_t second = 0;
    if (const auto fault = ReadHex(at, end, &second); !fault.empty()) return fault;
    if (!IsTrailing(second)) return kLoneSurrogate;
    unit = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
  }
  AppendUtf8(out, unit);
  return {};
}

// After a backslash.
std::string_view ReadEscape(const char** at, const char* end, std::string* out) {
  if (*at == end) return kEofInString;
  switch (const char c = *(*at)++; c) {
    case '"':
    case '\\':
    case '/':
      out->push_back(c);
      return {};
    case 'b':
      out->push_back('\b');
      return {};
    case 'f':
      out->push_back('\f');
      return {};
    case 'n':
      out->push_back('\n');
      return {};
    case 'r':
      out->push_back('\r');
      return {};
    case 't':
      out->push_back('\t');
      return {};
    case 'u':
      return ReadUnicodeEscape(at, end, out);
    default:
      return kInvalidEscape;
  }
}

bool IsContinuation(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

// The bytes of the well-formed sequence at p (Unicode 15, table 3-7), or 0.
size_t SequenceLength(const unsigned char* p, size_t left) {
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (left < length) return 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(p[i])) return 0;
  }
  return length;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8 && (LoadEight(text.data() + i) & kHighBits) == 0) {
      i += 8;
      continue;
    }
    const auto* p = reinterpret_cast<const unsigned char*>(text.data()) + i;
    const size_t length = SequenceLength(p, text.size() - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string_view ReadJsonString(const char** at, const char* end, std::string* scratch,
                                std::string_view* value) {
  const char*& p = *at;
  const char* start = p;
  bool escaped = false;
  uint64_t seen = 0;
  for (;;) {
    p = FindSpecial(p, end, &seen);
    if (p == end) return kEofInString;
    const char c = *p++;
    const std::string_view piece(start, static_cast<size_t>(p - 1 - start));
    if (c == '"') {
      if (escaped) {
        scratch->append(piece);
        *value = *scratch;
      } else {
        *value = piece;
      }
      if ((seen & kHighBits) != 0 && !IsValidUtf8(*value)) return kInvalidUnicode;
      return {};
    }
    if (c != '\\') return kControl;
    if (!escaped) scratch->clear();
    escaped = true;
    scratch->append(piece);
    if (const auto fault = ReadEscape(at, end, scratch); !fault.empty()) return fault;
    start = p;
  }
}

std::string_view SkipJsonString(const char** at, const char* end) {
  const char*& p = *at;
  for (;;) {
    uint64_t seen = 0;
    p = FindSpecial(p, end, &seen);
    if (p == end) return kEofInString;
    if (*p == '"') {
      ++p;
      return {};
    }
    if (*p != '\\') return kControl;
    if (++p == end) return kEofInString;
    const char c = *p++;
    if (c == 'u') {
      uint32_t unit = 0;
      if (const auto fault = ReadHex(at, end, &unit); !fault.empty()) return fault;
    } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
      return kInvalidEscape;
    }
  }
}

void AppendJsonString(std::string* out, std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  const char* p = value.data();
  const char* end = p + value.size();
  uint64_t seen = 0;
  for (;;) {
    const char* special = FindSpecial(p, end, &seen);
    out->append(p, static_cast<size_t>(special - p));
    if (special == end) break;
    p = special + 1;
    out->push_back('\\');
    switch (*special) {
      case '\b':
        out->push_back('b');
        break;
      case '\f':
        out->push_back('f');
        break;
      case '\n':
        out->push_back('n');
        break;
      case '\r':
        out->push_back('r');
        break;
      case '\t':
        out->push_back('t');
        break;
      case '"':
      case '\\':
        out->push_back(*special);
        break;
      default:
        out->append("u00");
        out->push_back(kHex[*special >> 4]);
        out->push_back(kHex[*special & 15]);
    }
  }
  out->push_back('"');
}

std::string RepairUtf8(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t n = 1;
    while (n < 4 && at + n <= text.size() && !IsValidUtf8(text.substr(at, n))) ++n;
    if (at + n <= text.size() && IsValidUtf8(text.substr(at, n))) {
      out += text.substr(at, n);
      at += n;
    } else {
      out += "\xEF\xBF\xBD";
      ++at;
    }
  }
  return out;
}

}  // namespace chroma
