#include "behaviour/expectation.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <sstream>

#include "base/uuid.h"

namespace chroma::behaviour {
namespace {

using Problem = std::optional<std::string>;

constexpr size_t kShownMax = 400;

std::string Shown(const std::string& text) {
  return text.size() <= kShownMax ? text : text.substr(0, kShownMax) + "…";
}

bool IsInteger(const JsonValue& value) {
  return value.AsInt() || value.AsUint();
}

bool IsUuid(const JsonValue& value) {
  return value.AsString() && value.AsString()->size() == 36 && Uuid::Parse(*value.AsString());
}

// Nothing when `expected` is no placeholder.
std::optional<bool> MatchPlaceholder(const JsonValue& expected, const JsonValue& got) {
  if (!expected.AsString()) return std::nullopt;
  const std::string& text = *expected.AsString();
  if (text == "<any>") return true;
  if (text == "<uuid>") return IsUuid(got);
  if (text == "<int>") return IsInteger(got);
  if (text == "<float>") return got.AsDouble() != nullptr;
  if (text == "<str>") return got.AsString() != nullptr;
  return std::nullopt;
}

bool Close(double a, double b) {
  return std::abs(a - b) <= std::max(2e-6, 2e-5 * std::max(std::abs(a), std::abs(b)));
}

class Comparison {
 public:
  explicit Comparison(bool approximate) : approximate_(approximate) {}

  Problem Diff(const JsonValue& expected, const JsonValue& got, const std::string& at) const {
    if (const std::optional<bool> matched = MatchPlaceholder(expected, got)) {
      return *matched ? Problem() : Differ(expected, got, at);
    }
    if (expected.AsObject() && got.AsObject()) return DiffObjects(expected, got, at);
    if (expected.AsArray() && got.AsArray()) return DiffArrays(expected, got, at);
    if (approximate_ && expected.AsDouble() && got.AsDouble() &&
        Close(*expected.AsDouble(), *got.AsDouble())) {
      return std::nullopt;
    }
    return expected == got ? Problem() : Differ(expected, got, at);
  }

 private:
  static Problem Differ(const JsonValue& expected, const JsonValue& got, const std::string& at) {
    return at + ": want " + Shown(ToJson(expected)) + ", got " + Shown(ToJson(got));
  }

  Problem DiffObjects(const JsonValue& expected, const JsonValue& got,
                      const std::string& at) const {
    if (expected.AsObject()->size() != got.AsObject()->size()) return Differ(expected, got, at);
    for (const auto& [key, value] : *expected.AsObject()) {
      const JsonValue* other = got.Find(key);
      if (other == nullptr) return at + ": no member " + key + " in " + Shown(ToJson(got));
      if (Problem problem = Diff(value, *other, at + "." + key)) return problem;
    }
    return std::nullopt;
  }

  Problem DiffArrays(const JsonValue& expected, const JsonValue& got, const std::string& at) const {
    const JsonArray& want = *expected.AsArray();
    const JsonArray& have = *got.AsArray();
    if (want.size() != have.size()) return Differ(expected, got, at);
    for (size_t i = 0; i < want.size(); ++i) {
      if (Problem problem = Diff(want[i], have[i], at + "[" + std::to_string(i) + "]")) {
        return problem;
      }
    }
    return std::nullopt;
  }

  bool approximate_;
};

// The members `keys` of an object: the value itself for one key, else an object.
std::optional<JsonValue> Pick(const JsonValue& value, const std::vector<std::string>& keys) {
  JsonObject picked;
  for (const std::string& key : keys) {
    const JsonValue* member = value.Find(key);
    if (member == nullptr) return std::nullopt;
    if (keys.size() == 1) return *member;
    picked.emplace_back(key, *member);
  }
  return JsonValue(std::move(picked));
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::optional<JsonValue> Project(const JsonValue& value, const std::string& projection) {
  if (projection.empty()) return value;
  if (!projection.starts_with("[].")) {
    const JsonValue* part = Dig(value, projection);
    return part == nullptr ? std::nullopt : std::optional(*part);
  }
  if (!value.AsArray()) return std::nullopt;
  const std::vector<std::string> keys = Split(projection.substr(3), ',');
  JsonArray column;
  for (const JsonValue& element : *value.AsArray()) {
    std::optional<JsonValue> picked = Pick(element, keys);
    if (!picked) return std::nullopt;
    column.push_back(*std::move(picked));
  }
  return JsonValue(std::move(column));
}

JsonValue Sorted(const JsonValue& value) {
  if (!value.AsArray()) return value;
  JsonArray sorted = *value.AsArray();
  std::sort(sorted.begin(), sorted.end(), [](const JsonValue& a, const JsonValue& b) {
    return ToJson(a, true) < ToJson(b, true);
  });
  return JsonValue(std::move(sorted));
}

std::string TextOf(const JsonValue& value, const std::string& key) {
  const JsonValue* member = value.Find(key);
  return member != nullptr && member->AsString() ? *member->AsString() : "";
}

// The lines of a message, sorted; what stands before the first of them is no part of it.
std::vector<std::string> SortedLines(const std::string& message) {
  constexpr std::string_view kPrefix = "Validation error: ";
  std::vector<std::string> lines = Split(message, '\n');
  if (!lines.empty() && lines[0].starts_with(kPrefix)) lines[0].erase(0, kPrefix.size());
  std::sort(lines.begin(), lines.end());
  return lines;
}

Problem DiffMessages(const std::string& match, const JsonValue& want, const JsonValue& got) {
  if (TextOf(want, "error") != TextOf(got, "error")) {
    return "error: want " + TextOf(want, "error") + ", got " + Shown(ToJson(got));
  }
  const std::string message = TextOf(got, "message");
  const bool same = match == "regex"
                        ? std::regex_search(message, std::regex(TextOf(want, "message_re")))
                        : SortedLines(TextOf(want, "message")) == SortedLines(message);
  if (same) return std::nullopt;
  return "message: want " + ToJson(want) + ", got " + message;
}

Problem DiffBody(const Expectation& expect, const Answer& answer) {
  const Result<JsonValue> body = ParseJson(answer.body);
  if (!body.ok()) return "no JSON: " + Shown(answer.body);
  const Result<JsonValue> want = ParseJson(*expect.body);
  if (!want.ok()) return "the expected body is no JSON: " + want.status().ToString();
  const std::optional<JsonValue> got = Project(*body, expect.project);
  if (!got) return "no " + expect.project + " in " + Shown(answer.body);
  if (expect.match == "regex" || expect.match == "lines") {
    return DiffMessages(expect.match, *want, *got);
  }
  const Comparison comparison(expect.match == "approx");
  if (expect.sorted) return comparison.Diff(Sorted(*want), Sorted(*got), "$");
  return comparison.Diff(*want, *got, "$");
}

Problem DiffHead(const Expectation& expect, const Answer& answer) {
  if (std::find(expect.statuses.begin(), expect.statuses.end(), answer.status) ==
      expect.statuses.end()) {
    return "status: want " + std::to_string(expect.statuses.empty() ? -1 : expect.statuses[0]) +
           ", got " + std::to_string(answer.status) + ": " + Shown(answer.body);
  }
  for (const auto& [name, value] : expect.headers) {
    const std::string* got = answer.Header(name);
    if (got == nullptr) return "no header " + name;
    if (value != "<present>" && *got != value) {
      return "header " + name + ": want " + value + ", got " + *got;
    }
  }
  return std::nullopt;
}

}  // namespace

const JsonValue* Dig(const JsonValue& value, const std::string& path) {
  const JsonValue* at = &value;
  for (const std::string& part : Split(path, '.')) {
    if (const JsonArray* array = at->AsArray()) {
      const size_t index = std::stoul(part);
      if (index >= array->size()) return nullptr;
      at = &(*array)[index];
    } else {
      at = at->Find(part);
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::optional<std::string> Mismatch(const Expectation& expect, const Answer& answer) {
  if (Problem problem = DiffHead(expect, answer)) return problem;
  if (expect.match == "status") return std::nullopt;
  if (expect.text) {
    if (*expect.text == answer.body) return std::nullopt;
    return "text: want " + Shown(*expect.text) + ", got " + Shown(answer.body);
  }
  return expect.body ? DiffBody(expect, answer) : std::nullopt;
}

}  // namespace chroma::behaviour
