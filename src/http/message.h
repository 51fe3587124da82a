// HTTP requests and responses as values. Nothing here has seen a socket or knows what a route is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chroma::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// Methods are case sensitive: "get" is kOther.
Method ParseMethod(std::string_view token);

// Names of a request are in lower case; values have no white space at their ends.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

// All of a request but its body.
struct RequestHead {
  Method method = Method::kOther;
  std::string method_token;  // as sent
  std::string target;        // as sent, e.g. "/a%2Fb?c=d"; absolute-form keeps scheme and host
  int version = 11;          // 10 or 11
  HeaderList headers;
  std::string remote;  // "127.0.0.1:5000", "[::1]:5000", or "unix"

  // The parts of `target`, undecoded; path() has no scheme and host, query() no '?'.
  std::string_view path() const;
  std::string_view query() const;
  // False where the target has no '?' at all.
  bool has_query() const;
  // The first header of that name, which must be in lower case; null when there is none.
  const std::string* Find(std::string_view name) const;
};

struct Request : RequestHead {
  std::string body;
};

// The server adds content-length, date and connection, and leaves the body out for HEAD, 204 and
// 304; handlers set neither. Names are sent as given: use lower case.
struct Response {
  int status = 200;
  HeaderList headers;
  std::string body;
};

// "Not Found" for 404; "Unknown" for a code without a registered phrase.
std::string_view ReasonPhrase(int status);

}  // namespace chroma::http
