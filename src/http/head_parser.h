// The head of an HTTP request, from bytes to a Request and the facts that frame its body.
//
// Framing is where request smuggling happens, so anything ambiguous is refused (RFC 9112 §6):
// two content-lengths (even equal ones), content-length with transfer-encoding, any coding other
// than one "chunked", transfer-encoding in HTTP/1.0, bare line feeds, NUL.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace chroma::http {

struct ParsedHead {
  Request request;  // without `remote` and `body`
  uint64_t content_length = 0;
  bool chunked = false;  // then content_length is 0
  bool keep_alive = false;
  bool expects_continue = false;

  bool has_body() const { return chunked || content_length > 0; }
};

// The end of a head in bytes that arrive piece by piece. `scanned` says how much of `bytes` was
// looked at before, and is moved on, so that a head sent byte by byte costs linear time.
struct HeadEnd {
  enum class Kind : uint8_t { kNeedMore, kFound, kInvalid };
  Kind kind;
  size_t size_bytes = 0;  // kFound: of the head with its empty line
};
HeadEnd FindHeadEnd(std::string_view bytes, size_t& scanned);

// `bytes` is a whole head, up to and with its empty line. Returns 0, or the status to refuse it
// with: 400, 501 (transfer coding) or 505 (version).
int ParseHead(std::string_view bytes, ParsedHead& parsed);

}  // namespace chroma::http
