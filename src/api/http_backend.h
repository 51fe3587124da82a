// A server behind a client.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"
#include "chroma/client.h"

namespace chroma::api {

// Does not connect. Errors: those of HttpTransport::Create.
Result<std::shared_ptr<Backend>> OpenHttpBackend(const std::string& url,
                                                 const HttpOptions& options);

}  // namespace chroma::api
