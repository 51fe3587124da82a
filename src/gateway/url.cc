#include "gateway/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/json_string.h"

namespace chroma::gateway {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A '%' that no two hex digits follow stands for itself.
std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
  }
  return decoded;
}

// Bytes that are no UTF-8 become U+FFFD, as upstream's decoder of query strings does; what a
// message repeats must be text.
std::string ReplaceInvalidUtf8(std::string_view text) {
  constexpr size_t kSequenceBytesMax = 4;
  std::string valid;
  while (!text.empty()) {
    size_t n = 1;
    const size_t longest = std::min(text.size(), kSequenceBytesMax);
    while (n <= longest && !IsValidUtf8(text.substr(0, n))) ++n;
    if (n <= longest) {
      valid += text.substr(0, n);
      text.remove_prefix(n);
    } else {
      valid += "\xef\xbf\xbd";
      text.remove_prefix(1);
    }
  }
  return valid;
}

Status BadQuery(std::string_view text) {
  return Status::InvalidArgument("Failed to deserialize query string: " + std::string(text));
}

// Values of the known keys, each at most once; other keys are ignored.
template <size_t N>
Result<std::array<std::optional<std::string>, N>> DecodeQuery(
    std::string_view query, const std::array<std::string_view, N>& known) {
  std::array<std::optional<std::string>, N> values;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string key = PercentDecode(pair.substr(0, equals), true);
    const auto found = std::find(known.begin(), known.end(), key);
    if (found == known.end()) continue;
    std::optional<std::string>& value = values[static_cast<size_t>(found - known.begin())];
    if (value) return BadQuery("duplicate field `" + key + "`");
    value = ReplaceInvalidUtf8(PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true));
  }
  return values;
}

Result<uint32_t> ParseU32(std::string_view key, const std::string& text) {
  const std::string prefix = std::string(key) + ": ";
  if (text.empty()) return BadQuery(prefix + "cannot parse integer from empty string");
  uint32_t value = 0;
  // Rust's parser takes one leading '+'.
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size()) {
    return BadQuery(prefix + "number too large to fit in target type");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return BadQuery(prefix + "invalid digit found in string");
  }
  return value;
}

}  // namespace

constexpr size_t kUsualSegments = 10;  // of a record operation's path

std::optional<std::vector<std::string_view>> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  segments.reserve(kUsualSegments);
  while (!path.empty()) {
    if (path.front() != '/') return std::nullopt;
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (end == 0) return std::nullopt;
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

Result<std::string> DecodeSegment(std::string_view segment, std::string_view parameter) {
  std::string decoded = PercentDecode(segment, false);
  if (!IsValidUtf8(decoded)) {
    return Status::InvalidArgument("Invalid URL: Invalid UTF-8 in `" + std::string(parameter) +
                                   "`");
  }
  return decoded;
}

Result<catalog::Page> DecodePage(std::string_view query) {
  constexpr std::array<std::string_view, 2> kKeys = {"limit", "offset"};
  CHROMA_ASSIGN(auto values, DecodeQuery(query, kKeys));
  catalog::Page page;
  if (values[0]) {
    CHROMA_ASSIGN(page.limit, ParseU32(kKeys[0], *values[0]));
  }
  if (values[1]) {
    CHROMA_ASSIGN(page.offset, ParseU32(kKeys[1], *values[1]));
  }
  return page;
}

Status CheckReadLevel(std::string_view query) {
  constexpr std::array<std::string_view, 1> kKeys = {"read_level"};
  constexpr std::array<std::string_view, 3> kLevels = {"index_and_wal", "index_only",
                                                       "index_and_bounded_wal"};
  CHROMA_ASSIGN(auto values, DecodeQuery(query, kKeys));
  if (!values[0] || std::find(kLevels.begin(), kLevels.end(), *values[0]) != kLevels.end()) {
    return Status::Ok();
  }
  return BadQuery("read_level: unknown variant `" + *values[0] +
                  "`, expected one of `index_and_wal`, `index_only`, `index_and_bounded_wal`");
}

}  // namespace chroma::gateway
