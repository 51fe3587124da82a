#include "cli/toml.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace chroma::cli {
namespace {

bool IsBare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

void AppendUtf8(uint32_t c, std::string* out) {
  const auto put = [&](uint32_t byte) { *out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6U);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12U);
    put(0x80 | (c >> 6U & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18U);
    put(0x80 | (c >> 12U & 0x3F));
    put(0x80 | (c >> 6U & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// One line, from left to right.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Nothing follows but a comment.
  bool AtEnd() {
    SkipBlanks();
    return rest_.empty() || rest_[0] == '#';
  }
  std::string_view rest() const { return rest_; }

  std::optional<std::string> Key() {
    SkipBlanks();
    if (!rest_.empty() && (rest_[0] == '"' || rest_[0] == '\'')) return String();
    size_t size = 0;
    while (size < rest_.size() && IsBare(rest_[size])) ++size;
    if (size == 0) return std::nullopt;
    std::string key(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return key;
  }

  std::optional<std::string> String() {
    if (rest_.starts_with("\"\"\"") || rest_.starts_with("'''")) return std::nullopt;
    if (Take('\'')) {
      const size_t end = rest_.find('\'');
      if (end == std::string_view::npos) return std::nullopt;
      std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      return text;
    }
    if (!Take('"')) return std::nullopt;
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c != '\\') {
        text += c;
      } else if (!Escape(&text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  bool Escape(std::string* text) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c == 'u' || c == 'U') {
      const size_t digits = c == 'u' ? 4 : 8;
      uint32_t value = 0;
      if (rest_.size() < digits) return false;
      const char* end = rest_.data() + digits;
      if (std::from_chars(rest_.data(), end, value, 16).ptr != end) return false;
      if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
      rest_.remove_prefix(digits);
      AppendUtf8(value, text);
      return true;
    }
    constexpr std::string_view kEscapes = "btnfr\"\\";
    constexpr std::string_view kMeant = "\b\t\n\f\r\"\\";
    const size_t i = kEscapes.find(c);
    if (i == std::string_view::npos) return false;
    *text += kMeant[i];
    return true;
  }

  std::string_view rest_;
};

// What is wrong, or an empty text.
std::string ParseTable(Line line, std::vector<TomlTable>* tables) {
  if (line.rest().starts_with("[[")) return "an array of tables is not expected here";
  line.Take('[');
  std::optional<std::string> name = line.Key();
  line.SkipBlanks();
  if (!name || !line.Take(']') || !line.AtEnd()) return "expected [name]";
  const auto same = [&](const TomlTable& table) { return table.name == *name; };
  if (std::any_of(tables->begin(), tables->end(), same)) return "[" + *name + "] is there twice";
  tables->push_back({*std::move(name), {}});
  return "";
}

std::string ParseEntry(Line line, TomlTable* table) {
  TomlEntry entry;
  std::optional<std::string> key = line.Key();
  line.SkipBlanks();
  if (!key || !line.Take('=')) return "expected key = \"value\"";
  entry.key = *std::move(key);
  line.SkipBlanks();
  const std::string_view value = line.rest();
  if (value.starts_with('"') || value.starts_with('\'')) {
    std::optional<std::string> text = line.String();
    if (!text) return "the string does not end, or has an unknown escape";
    entry.is_string = true;
    entry.text = *std::move(text);
    entry.raw = value.substr(0, value.size() - line.rest().size());
    if (!line.AtEnd()) return "something follows the value";
  } else {
    entry.raw = value.substr(0, value.find('#'));
    entry.raw.erase(entry.raw.find_last_not_of(" \t\r") + 1);
    if (entry.raw.empty()) return "expected a value";
  }
  const auto same = [&](const TomlEntry& other) { return other.key == entry.key; };
  if (std::any_of(table->entries.begin(), table->entries.end(), same)) {
    return entry.key + " is there twice";
  }
  table->entries.push_back(std::move(entry));
  return "";
}

}  // namespace

Result<std::vector<TomlTable>> ParseToml(std::string_view text) {
  std::vector<TomlTable> tables;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    Line line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.AtEnd()) continue;
    std::string wrong;
    if (line.rest()[0] == '[') {
      wrong = ParseTable(line, &tables);
    } else if (tables.empty()) {
      wrong = "expected [name] before the first key";
    } else {
      wrong = ParseEntry(line, &tables.back());
    }
    if (!wrong.empty()) {
      return Status::InvalidArgument("line " + std::to_string(number) + ": " + wrong);
    }
  }
  return tables;
}

std::string TomlKey(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), IsBare);
  return bare ? std::string(key) : TomlString(key);
}

std::string TomlString(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      text += "\\u00";
      text += kHex[byte >> 4U];
      text += kHex[byte & 0x0FU];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace chroma::cli
