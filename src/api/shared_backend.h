// A directory behind a client: the engine of this process or, through the owner's socket, that of
// another one, whichever has it at the moment.
#pragma once

#include <memory>
#include <string>

#include "api/backend.h"
#include "chroma/client.h"

namespace chroma::api {

// Errors: those of service::SharedDirectory::Open.
Result<std::shared_ptr<Backend>> OpenSharedBackend(const std::string& path,
                                                   const LocalOptions& options);

}  // namespace chroma::api
