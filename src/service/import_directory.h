// Import of a directory that upstream wrote, into one of ours.
#pragma once

#include <string>

#include "chroma/import.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "service/wiring.h"

namespace chroma::service {

// As chroma::ImportDirectory. `local` is how the new directory is opened; its path is ignored.
Result<ImportReport> ImportDirectory(runtime::Context& ctx, runtime::Env env,
                                     const std::string& old_path, const std::string& new_path,
                                     const ImportOptions& options, LocalOptions local = {});

// Where `path` is a directory of upstream's: imports it into ImportedPath(path), but for what an
// earlier call has finished, and returns that; else `path` as it is.
Result<std::string> ImportIfUpstream(runtime::Context& ctx, runtime::Env env,
                                     const std::string& path, const LocalOptions& local);

}  // namespace chroma::service
