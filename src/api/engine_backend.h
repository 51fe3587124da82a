// The engine of this process behind a client.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"
#include "chroma/client.h"

namespace chroma::api {

// `path` empty: in memory. Errors: those of service::LocalService::Open.
Result<std::shared_ptr<Backend>> OpenEngineBackend(const std::string& path,
                                                   const LocalOptions& options);

}  // namespace chroma::api
