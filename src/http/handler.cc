#include "http/handler.h"

#include "runtime/log.h"

namespace chroma::http {

Response Handler::BodyTooLarge(const RequestHead&) {
  return Response{413, {}, {}};
}

Response Handler::Overloaded(const RequestHead&) {
  return Response{503, {{"retry-after", "1"}}, {}};
}

Response Handler::InternalError(const RequestHead& head, std::string_view what) {
  runtime::Log(runtime::LogLevel::kError, "request failed by an exception",
               {{"target", head.target}, {"what", what}});
  return Response{500, {}, {}};
}

Response Handler::ProtocolError(int status) {
  return Response{status, {}, {}};
}

}  // namespace chroma::http
