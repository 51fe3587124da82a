#include "http/response_head.h"

#include <fmt/format.h>

#include <ctime>

namespace chroma::http {

namespace {

bool MayHaveBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

bool IsSafe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

bool SendsBody(const Response& response, const ResponseFraming& framing) {
  return !framing.head_request && MayHaveBody(response.status);
}

std::string FormatResponseHead(const Response& response, const ResponseFraming& framing,
                               std::string_view date) {
  std::string out;
  out.reserve(256);
  auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 ReasonPhrase(response.status));
  for (const auto& [name, value] : response.headers) {
    if (IsSafe(name) && IsSafe(value)) add(name, value);
  }
  if (MayHaveBody(response.status)) add("content-length", std::to_string(response.body.size()));
  if (!framing.keep_alive) {
    add("connection", "close");
  } else if (framing.version < 11) {
    add("connection", "keep-alive");
  }
  add("date", date);
  out.append("\r\n");
  return out;
}

std::string FormatDate(int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<time_t>(unix_seconds);
  tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace chroma::http
