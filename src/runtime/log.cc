#include "runtime/log.h"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "runtime/clock.h"

namespace chroma::runtime {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};
std::atomic<LogFormat> line_format{LogFormat::kText};

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kOff:
      break;
  }
  return "OFF";
}

// 2026-11-21T05:03:53.123Z
void AppendTime(std::string& line, int64_t unix_ns) {
  const auto seconds = static_cast<time_t>(unix_ns / kSecond);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  const int size =
      std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                    static_cast<int>(unix_ns % kSecond / kMillisecond));
  line.append(text, static_cast<size_t>(size));
}

// The length of the valid UTF-8 sequence at the start of `text`, or 0 (RFC 3629).
size_t Utf8Length(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  const auto continues = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xe0 && at(1) < 0xa0;
    const bool surrogate = first == 0xed && at(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xf0 && at(1) < 0x90;
    const bool too_large = first == 0xf4 && at(1) >= 0x90;
    return overlong || too_large ? 0 : 4;
  }
  return 0;
}

// Between quotes, escaped as JSON does; bytes that are not UTF-8 become U+FFFD, so that one line
// stays one valid line whatever a user put into a value.
void AppendQuoted(std::string& line, std::string_view text) {
  line.push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const char c = text.front();
    if (length == 0) {
      line += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (c == '\n') {
      line += "\\n";
    } else if (length == 1 && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      line += escape;
    } else {
      line.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  line.push_back('"');
}

// Characters that need no quotes; `space` too in the event, which ends at the first key.
bool IsPlain(std::string_view text, bool space) {
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const size_t length = Utf8Length(text.substr(i));
    if (length == 0 || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
    if (length == 1 && (space ? c < ' ' : c <= ' ')) return false;
    i += length;
  }
  return !text.empty();
}

void AppendText(std::string& line, std::string_view text, bool space = false) {
  if (IsPlain(text, space)) {
    line.append(text);
  } else {
    AppendQuoted(line, text);
  }
}

// JSON has no word for NaN and the infinities.
bool IsJsonNumber(const LogField& field) {
  return field.number && field.value.find("nan") == std::string::npos &&
         field.value.find("inf") == std::string::npos;
}

}  // namespace

void ConfigureLog(LogLevel minimum, LogFormat format) {
  minimum_level.store(minimum, std::memory_order_relaxed);
  line_format.store(format, std::memory_order_relaxed);
}

bool LogEnabled(LogLevel level) {
  return level != LogLevel::kOff && level >= minimum_level.load(std::memory_order_relaxed);
}

std::string FormatLogLine(LogFormat format, int64_t unix_ns, LogLevel level, std::string_view event,
                          std::initializer_list<LogField> fields) {
  const bool json = format == LogFormat::kJson;
  std::string line = json ? "{\"time\":\"" : "";
  AppendTime(line, unix_ns);
  line += json ? "\",\"level\":\"" : " ";
  line += LevelName(level);
  if (json) {
    line += "\",\"event\":";
    AppendQuoted(line, event);
  } else {
    line.push_back(' ');
    AppendText(line, event, /*space=*/true);
  }
  for (const LogField& field : fields) {
    line.push_back(json ? ',' : ' ');
    json ? AppendQuoted(line, field.key) : AppendText(line, field.key);
    line.push_back(json ? ':' : '=');
    if (json && IsJsonNumber(field)) {
      line += field.value;
    } else {
      json ? AppendQuoted(line, field.value) : AppendText(line, field.value);
    }
  }
  line += json ? "}\n" : "\n";
  return line;
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::string line = FormatLogLine(line_format.load(std::memory_order_relaxed),
                                         Clock::System().UnixNs(), level, event, fields);
  // One write, so that lines of several threads and processes do not mix. A log that cannot be
  // written must not stop the program.
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t n = write(STDERR_FILENO, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    left.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace chroma::runtime
