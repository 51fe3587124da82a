#include "gateway/errors.h"

#include <string>
#include <utility>

#include "base/json_writer.h"

namespace chroma::gateway {
namespace {

struct HttpError {
  int status;
  std::string_view name;
};

HttpError HttpErrorOf(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return {400, "InvalidArgumentError"};
    case StatusCode::kUnauthenticated:
      return {401, "AuthError"};
    case StatusCode::kPermissionDenied:
      return {403, "ChromaError"};
    case StatusCode::kNotFound:
      return {404, "NotFoundError"};
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
      return {409, "ChromaError"};
    case StatusCode::kFailedPrecondition:
      return {412, "ChromaError"};
    case StatusCode::kUnavailable:
      return {429, "Backoff"};
    case StatusCode::kCancelled:
      return {499, "ChromaError"};
    case StatusCode::kUnimplemented:
      return {501, "ChromaError"};
    case StatusCode::kDeadlineExceeded:
      return {504, "ChromaError"};
    case StatusCode::kResourceExhausted:
      return {507, "ChromaError"};
    case StatusCode::kOk:
    case StatusCode::kUnknown:
    case StatusCode::kInternal:
    case StatusCode::kDataLoss:
      break;
  }
  return {500, "InternalError"};
}

}  // namespace

http::Response JsonResponse(int status, std::string body) {
  return {status, {{"content-type", "application/json"}}, std::move(body)};
}

http::Response EmptyResponse(int status) {
  return {status, {}, ""};
}

http::Response ErrorResponse(int status, std::string_view error, std::string_view message) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  out.StringField("error", error);
  out.StringField("message", message);
  out.EndObject();
  return JsonResponse(status, std::move(body));
}

http::Response ErrorResponse(const Status& status) {
  const HttpError error = HttpErrorOf(status.code());
  http::Response response = ErrorResponse(error.status, error.name, status.message());
  if (error.status == 429) response.headers.push_back({"retry-after", "1"});
  return response;
}

http::Response JsonErrorResponse(const JsonError& error) {
  if (error.kind == JsonError::Kind::kSyntax) {
    return ErrorResponse(400, "InvalidArgumentError",
                         "Failed to parse the request body as JSON: " + error.message);
  }
  return ErrorResponse(
      422, "ChromaError",
      "Failed to deserialize the JSON body into the target type: " + error.message);
}

}  // namespace chroma::gateway
