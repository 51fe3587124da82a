// One matched request, with its path decoded: what the endpoint functions share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "gateway/errors.h"
#include "gateway/gateway.h"

namespace chroma::gateway {

struct Gateway::Call {
  Endpoint endpoint;
  const http::Request& request;
  runtime::Context& ctx;
  std::vector<std::string> parameters;  // decoded; in the order of the path

  const std::string& tenant() const { return parameters[0]; }
  const std::string& database() const { return parameters[1]; }
  const std::string& collection() const { return parameters[2]; }
};

// Runs `decode(reader)` over the body; `use(value)` answers when the body was right.
template <typename Decode, typename Use>
http::Response WithBody(std::string_view body, Decode decode, Use use) {
  JsonReader reader(body);
  auto value = decode(reader);
  if (!reader.ok()) return JsonErrorResponse(reader.error());
  return use(std::move(value));
}

// 200 {} or the error.
inline http::Response Done(const Status& status) {
  return status.ok() ? JsonResponse(200, "{}") : ErrorResponse(status);
}

// 200 with encode(value), or the error.
template <typename T, typename Encode>
http::Response Answer(const Result<T>& result, Encode encode) {
  if (!result.ok()) return ErrorResponse(result.status());
  return JsonResponse(200, encode(*result));
}

}  // namespace chroma::gateway
