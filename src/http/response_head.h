// The head of a response as bytes.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.h"

namespace chroma::http {

struct ResponseFraming {
  bool head_request = false;  // then the body is counted but not sent
  bool keep_alive = true;
  int version = 11;  // of the request
};

// Whether the body of `response` follows its head.
bool SendsBody(const Response& response, const ResponseFraming& framing);

// Status line, the response's own headers, content-length, date, connection where it differs
// from the version's default, and the empty line. A header with a line break or NUL is left out:
// it would let its value forge another response.
std::string FormatResponseHead(const Response& response, const ResponseFraming& framing,
                               std::string_view date);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::string FormatDate(int64_t unix_seconds);

}  // namespace chroma::http
