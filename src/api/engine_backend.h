// The engine of this process behind a client.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"
#include "chroma/client.h"
#include "service/wiring.h"

namespace chroma::api {

// An engine in memory. Errors: those of service::LocalService::Open.
Result<std::shared_ptr<Backend>> OpenMemoryBackend(const LocalOptions& options);

// The engine of `service`, which the backend holds open.
std::unique_ptr<Backend> MakeEngineBackend(std::shared_ptr<service::LocalService> service);

// What the engine is told of a client's options.
service::LocalOptions ToServiceOptions(const std::string& path, const LocalOptions& options);

}  // namespace chroma::api
