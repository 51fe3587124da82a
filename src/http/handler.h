// What the server asks of the application. One Handler serves every connection: all methods are
// called concurrently, so they are thread safe. It outlives the server.
//
// A request goes: OnHeader → (BodyTooLarge | Overloaded) → body is read → TryHandle → Handle. The
// methods other than Handle run on an I/O thread, on which other connections wait: they never
// block.
#pragma once

#include <optional>

#include "http/message.h"
#include "runtime/context.h"

namespace chroma::http {

class Handler {
 public:
  virtual ~Handler() = default;

  // Answers a request whose body has been read. Runs on a worker and may block, except where
  // IsQuick said otherwise. `context` is cancelled when the client goes away or the server must
  // stop now; the answer is then usually not read by anybody, but still has to be made.
  virtual Response Handle(Request&& request, runtime::Context& context) = 0;

  // True: Handle takes microseconds and never blocks, so the I/O thread always calls it itself
  // (only when the body is small; see ServerOptions::inline_body_bytes_max).
  virtual bool IsQuick(const RequestHead& head) {
    static_cast<void>(head);
    return false;
  }

  // Answers a request with a small body if that can be done now, in less time than waking a worker
  // takes and without waiting for anything. None, or an exception: nothing has happened yet, and
  // Handle is called. Also skipped while the I/O thread has enough to do (inline_budget.h).
  virtual std::optional<Response> TryHandle(const Request& request, runtime::Context& context) {
    static_cast<void>(request);
    static_cast<void>(context);
    return std::nullopt;
  }

  // Called before the body is read. A response ends the request at once (404, 405, 415 …); its
  // body is thrown away.
  virtual std::optional<Response> OnHeader(const RequestHead& head) {
    static_cast<void>(head);
    return std::nullopt;
  }

  // The body is larger than ServerOptions::body_bytes_max, known by its content-length or, when
  // chunked, on the way.
  virtual Response BodyTooLarge(const RequestHead& head);

  // The server has too much to do: bodies in memory, requests queued, or no memory left.
  // The default is an empty 503 with retry-after.
  virtual Response Overloaded(const RequestHead& head);

  // Handle (or the server itself) threw; `what` is for the log, not for the client.
  virtual Response InternalError(const RequestHead& head, std::string_view what);

  // The bytes received are no HTTP request that this server takes: 400, 408, 431, 501 or 505.
  // There is no head. The default has an empty body.
  virtual Response ProtocolError(int status);
};

}  // namespace chroma::http
