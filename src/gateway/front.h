// What the HTTP front door can say from the head of a request alone, whoever runs the engine:
// unknown routes, bad paths and query strings, CORS, and the answers about size and load.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "gateway/route.h"
#include "http/handler.h"

namespace chroma::gateway {

struct FrontOptions {
  // Origins that browsers may call from; {"*"} is all, empty sends no CORS headers at all.
  std::vector<std::string> cors_allow_origins;
};

class Front : public http::Handler {
 public:
  explicit Front(FrontOptions options) : options_(std::move(options)) {}

  bool IsQuick(const http::RequestHead& head) override;
  std::optional<http::Response> OnHeader(const http::RequestHead& head) override;
  http::Response BodyTooLarge(const http::RequestHead& head) override;
  http::Response Overloaded(const http::RequestHead& head) override;
  http::Response InternalError(const http::RequestHead& head, std::string_view what) override;

 protected:
  // CORS and trace headers, on every answer.
  http::Response Finish(const http::RequestHead& head, http::Response response) const;
  // What is refused before the body is read, in the contract's order (rest-api.md §2.2: 1 to 4).
  static std::optional<http::Response> Refuse(const http::RequestHead& head,
                                              const RouteResult& route);
  static Result<std::vector<std::string>> DecodeParameters(const RouteMatch& match);
  // `origin`: the request's header of that name, or null.
  http::Response WithCors(const std::string* origin, http::Response response) const;

 private:
  const FrontOptions options_;
};

}  // namespace chroma::gateway
