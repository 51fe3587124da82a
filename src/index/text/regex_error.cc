#include <algorithm>

#include "index/text/regex_ast.h"

namespace chroma::index::regex {
namespace {

struct Place {
  size_t line;    // from 0
  size_t column;  // from 0, in characters
};

Place PlaceOf(const std::vector<uint32_t>& chars, uint32_t offset) {
  Place place = {0, 0};
  for (uint32_t i = 0; i < offset; ++i) {
    ++place.column;
    if (chars[i] == '\n') place = {place.line + 1, 0};
  }
  return place;
}

// A line of carets under the spans that lie in `line`, or "".
std::string Carets(const std::vector<std::pair<Place, Place>>& spans, size_t line, size_t indent) {
  std::string notes;
  for (const auto& [begin, end] : spans) {
    if (begin.line != line || end.line != line) continue;
    if (notes.empty()) notes.assign(indent, ' ');
    if (notes.size() < indent + begin.column) notes.resize(indent + begin.column, ' ');
    notes.append(std::max<size_t>(1, end.column - begin.column), '^');
  }
  return notes;
}

}  // namespace

std::string Render(std::string_view pattern, const std::vector<uint32_t>& chars,
                   const Error& error) {
  std::vector<std::pair<Place, Place>> spans;
  const auto add = [&](Span span) {
    spans.push_back({PlaceOf(chars, span.begin), PlaceOf(chars, span.end)});
  };
  if (error.other) add(*error.other);
  add(error.span);
  const bool multi_line = pattern.find('\n') != std::string_view::npos;
  const size_t lines = 1 + static_cast<size_t>(std::count(pattern.begin(), pattern.end(), '\n'));
  const size_t digits = lines <= 1 ? 0 : std::to_string(lines).size();
  const std::string divider = multi_line ? std::string(79, '~') + "\n" : "";

  std::string out = "regex parse error:\n" + divider;
  size_t line = 0;
  // A last line that is empty is not shown.
  for (size_t begin = 0; begin < pattern.size(); ++line) {
    const size_t end = std::min(pattern.find('\n', begin), pattern.size());
    std::string_view text = pattern.substr(begin, end - begin);
    if (end < pattern.size() && text.ends_with('\r')) text.remove_suffix(1);
    const std::string number = multi_line ? std::to_string(line + 1) : "";
    out += multi_line ? std::string(digits - number.size(), ' ') + number + ": " : "    ";
    out.append(text).append("\n");
    const std::string notes = Carets(spans, line, multi_line ? digits + 2 : 4);
    if (!notes.empty()) out += notes + "\n";
    begin = end + 1;
  }
  out += divider;
  std::string through;
  for (const auto& [begin, end] : spans) {
    if (begin.line == end.line) continue;
    through += "on line " + std::to_string(begin.line + 1) + " (column " +
               std::to_string(begin.column + 1) + ") through line " + std::to_string(end.line + 1) +
               " (column " + std::to_string(end.column) + ")\n";
  }
  return out + through + "error: " + error.text;
}

}  // namespace chroma::index::regex
