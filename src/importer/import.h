// Writes an old directory into an engine.
#pragma once

#include <functional>
#include <string>

#include "chroma/import.h"
#include "chroma/status.h"
#include "engine/engine.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::importer {

struct ImportTarget {
  engine::Engine* engine = nullptr;  // null: a dry run
  // Called once, after everything was found to be readable and nothing that is there is in the
  // way, before anything is written.
  std::function<Status()> begin = {};
  // Builds the collection's indexes.
  std::function<Status(runtime::Context&, const Uuid&)> index = {};
  // Collections with the ids of the old ones are from an earlier attempt.
  bool resume = false;
};

// `num_threads`: for the configurations of collections that do not say.
Result<ImportReport> Import(runtime::Context& ctx, const runtime::Env& env,
                            const std::string& old_path, const ImportTarget& target,
                            const ImportOptions& options);

}  // namespace chroma::importer
