// Status → HTTP, and the other error bodies of the wire contract (rest-api.md §2): one table.
#pragma once

#include <string_view>

#include "base/json_reader.h"
#include "chroma/status.h"
#include "http/message.h"

namespace chroma::gateway {

// {"error":…,"message":…}
http::Response ErrorResponse(int status, std::string_view error, std::string_view message);
http::Response ErrorResponse(const Status& status);
// A body that is no JSON (400) or of the wrong shape (422).
http::Response JsonErrorResponse(const JsonError& error);
// No body and no content type.
http::Response EmptyResponse(int status);
http::Response JsonResponse(int status, std::string body);

}  // namespace chroma::gateway
