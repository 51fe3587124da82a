// A server behind a client.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"
#include "api/http_transport.h"
#include "chroma/client.h"

namespace chroma::api {

// Does not connect. Errors: those of HttpTransport::Create.
Result<std::shared_ptr<Backend>> OpenHttpBackend(const std::string& url,
                                                 const HttpOptions& options);

// Over a transport of one's own.
std::shared_ptr<Backend> MakeHttpBackend(std::unique_ptr<Transport> transport);

}  // namespace chroma::api
