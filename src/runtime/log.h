// Events for the operator: a name in plain words and fields, never prose with values inside.
//   Log(LogLevel::kInfo, "segment written", {{"collection", id}, {"rows", rows}});
// Written to stderr, a line per event in one write, as text or JSON. Thread safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace chroma::runtime {

enum class LogLevel : int { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat : int { kText, kJson };

struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)), number(true) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), number(true) {}
  std::string_view key;  // does not own
  std::string value;
  bool number = false;  // in JSON, the value stands without quotes
};

// Events below `minimum` are dropped. Initially kInfo and kText.
void ConfigureLog(LogLevel minimum, LogFormat format);
// Call before computing costly fields.
bool LogEnabled(LogLevel level);
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// The line of an event, with its newline: what Log() writes.
std::string FormatLogLine(LogFormat format, int64_t unix_ns, LogLevel level,
                          std::string_view event, std::initializer_list<LogField> fields);

}  // namespace chroma::runtime
