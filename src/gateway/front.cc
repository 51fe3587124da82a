#include "gateway/front.h"

#include <algorithm>
#include <utility>

#include "gateway/errors.h"
#include "gateway/url.h"
#include "runtime/log.h"

namespace chroma::gateway {
namespace {

constexpr std::string_view kNoTrace = "00000000000000000000000000000000";

bool IsJsonContentType(std::string_view value) {
  constexpr std::string_view kApplication = "application/";
  std::string type(value.substr(0, value.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!type.starts_with(kApplication)) return false;
  const std::string_view subtype = std::string_view(type).substr(kApplication.size());
  return subtype == "json" || subtype.ends_with("+json");
}

Status CheckQueryString(Endpoint endpoint, std::string_view query) {
  switch (endpoint) {
    case Endpoint::kListDatabases:
    case Endpoint::kListCollections:
      return DecodePage(query).status();
    case Endpoint::kCount:
      return CheckReadLevel(query);
    default:
      return Status::Ok();
  }
}

}  // namespace

Result<std::vector<std::string>> Front::DecodeParameters(const RouteMatch& match) {
  std::vector<std::string> decoded;
  for (size_t i = 0; i < match.parameters.size(); ++i) {
    CHROMA_ASSIGN(std::string parameter, DecodeSegment(match.parameters[i], match.names[i]));
    decoded.push_back(std::move(parameter));
  }
  return decoded;
}

std::optional<http::Response> Front::Refuse(const http::RequestHead& head,
                                            const RouteResult& route) {
  if (!route.match) {
    if (route.allow.empty()) return EmptyResponse(404);
    http::Response response = EmptyResponse(405);
    response.headers.push_back({"allow", std::string(route.allow)});
    return response;
  }
  if (Status decoded = DecodeParameters(*route.match).status(); !decoded.ok()) {
    return ErrorResponse(decoded);
  }
  if (Status query = CheckQueryString(route.match->endpoint, head.query()); !query.ok()) {
    return ErrorResponse(query);
  }
  const std::string* content_type = head.Find("content-type");
  if (route.match->body != BodyKind::kNone && content_type != nullptr &&
      !IsJsonContentType(*content_type)) {
    return ErrorResponse(415, "ChromaError",
                         "Expected request with `Content-Type: application/json`");
  }
  return std::nullopt;
}

std::optional<http::Response> Front::OnHeader(const http::RequestHead& head) {
  if (!options_.cors_allow_origins.empty() && head.method == http::Method::kOptions) {
    http::Response preflight = EmptyResponse(200);
    preflight.headers.push_back({"access-control-allow-methods", "*"});
    preflight.headers.push_back({"access-control-allow-headers", "*"});
    return Finish(head, std::move(preflight));
  }
  std::optional<http::Response> refused = Refuse(head, FindRoute(head.method, head.path()));
  if (!refused) return std::nullopt;
  return Finish(head, *std::move(refused));
}

bool Front::IsQuick(const http::RequestHead& head) {
  const RouteResult route = FindRoute(head.method, head.path());
  if (!route.match) return true;
  switch (route.match->endpoint) {
    case Endpoint::kHeartbeat:
    case Endpoint::kHealthcheck:
    case Endpoint::kVersion:
    case Endpoint::kPreFlightChecks:
    case Endpoint::kIdentity:
    case Endpoint::kDocsRedirect:
    case Endpoint::kApiV1:
      return true;
    default:
      return false;
  }
}

http::Response Front::BodyTooLarge(const http::RequestHead& head) {
  const RouteResult route = FindRoute(head.method, head.path());
  // Upstream reads these bodies by other means, whose answer is no JSON.
  if (route.match && route.match->body == BodyKind::kStreamed) {
    return Finish(head, {413, {}, "Payload too large"});
  }
  return Finish(head, ErrorResponse(413, "ChromaError",
                                    "Failed to buffer the request body: length limit exceeded"));
}

http::Response Front::Overloaded(const http::RequestHead& head) {
  return Finish(head, ErrorResponse(Status::Unavailable(
                          "The server has too many requests at once; try again later")));
}

http::Response Front::InternalError(const http::RequestHead& head, std::string_view what) {
  runtime::Log(runtime::LogLevel::kError, "request failed",
               {{"target", head.target}, {"error", what}});
  return Finish(head, ErrorResponse(Status::Internal("Internal error")));
}

http::Response Front::Finish(const http::RequestHead& head, http::Response response) const {
  if (response.status >= 400) {
    response.headers.push_back({"chroma-trace-id", std::string(kNoTrace)});
  }
  return WithCors(head.Find("origin"), std::move(response));
}

http::Response Front::WithCors(const std::string* origin, http::Response response) const {
  const std::vector<std::string>& allowed = options_.cors_allow_origins;
  if (allowed.empty()) return response;
  response.headers.push_back(
      {"vary", "origin, access-control-request-method, access-control-request-headers"});
  if (allowed.size() == 1 && allowed[0] == "*") {
    response.headers.push_back({"access-control-allow-origin", "*"});
  } else if (origin != nullptr &&
             std::find(allowed.begin(), allowed.end(), *origin) != allowed.end()) {
    response.headers.push_back({"access-control-allow-origin", *origin});
  }
  return response;
}

}  // namespace chroma::gateway
