#include "http/message.h"

#include <algorithm>
#include <iterator>

namespace chroma::http {

namespace {

struct MethodName {
  std::string_view token;
  Method method;
};

constexpr MethodName kMethods[] = {
    {"GET", Method::kGet},         {"HEAD", Method::kHead},   {"POST", Method::kPost},
    {"PUT", Method::kPut},         {"PATCH", Method::kPatch}, {"DELETE", Method::kDelete},
    {"OPTIONS", Method::kOptions},
};

struct StatusPhrase {
  int status;
  std::string_view phrase;
};

// RFC 9110 §15 and RFC 6585, in order of the code.
constexpr StatusPhrase kPhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

// Where the path of `target` begins: absolute-form (RFC 9112 §3.2.2) puts scheme and host before.
size_t PathBegin(std::string_view target) {
  if (target.empty() || target.front() == '/' || target.front() == '*') return 0;
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return 0;
  return std::min(target.find_first_of("/?", scheme_end + 3), target.size());
}

}  // namespace

Method ParseMethod(std::string_view token) {
  for (const MethodName& known : kMethods) {
    if (known.token == token) return known.method;
  }
  return Method::kOther;
}

std::string_view RequestHead::path() const {
  const std::string_view whole = target;
  const size_t begin = PathBegin(whole);
  const size_t end = std::min(whole.find('?', begin), whole.size());
  // "http://host" and "http://host?q" mean the path "/".
  if (begin == end && begin > 0) return "/";
  return whole.substr(begin, end - begin);
}

std::string_view RequestHead::query() const {
  const std::string_view whole = target;
  const size_t mark = whole.find('?');
  return mark == std::string_view::npos ? std::string_view() : whole.substr(mark + 1);
}

bool RequestHead::has_query() const {
  return target.find('?') != std::string::npos;
}

const std::string* RequestHead::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view ReasonPhrase(int status) {
  const auto* found =
      std::lower_bound(std::begin(kPhrases), std::end(kPhrases), status,
                       [](const StatusPhrase& entry, int code) { return entry.status < code; });
  if (found == std::end(kPhrases) || found->status != status) return "Unknown";
  return found->phrase;
}

}  // namespace chroma::http
