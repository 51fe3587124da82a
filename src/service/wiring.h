// Puts the modes together: the one place that names the implementations behind the seams.
#pragma once

#include <memory>
#include <string>

#include "catalog/sqlite_catalog.h"
#include "chroma/status.h"
#include "compactor/policy.h"
#include "engine/engine.h"
#include "log/file_log.h"
#include "runtime/env.h"

namespace chroma::service {

struct LocalOptions {
  std::string path = "./chroma";  // empty: in memory, forgotten at the end
  engine::EngineOptions engine;
  compactor::Policy compaction;
  log::FileLogOptions log;
  catalog::SqliteOptions catalog;
  int search_threads = 0;  // 0: one per processor
};

// One engine over one directory, in this process: what the embedded library and `chroma run`
// have behind their front doors.
class LocalService {
 public:
  // Takes the directory (see DataDirectory), recovers the log, sweeps, starts the background.
  static Result<std::unique_ptr<LocalService>> Open(runtime::Env env, const LocalOptions& options);
  // Stops the background and closes everything in order. No request may be running.
  virtual ~LocalService() = default;

  virtual engine::Engine& engine() = 0;
  // Compacts one collection now, until nothing is left to do.
  virtual Status Compact(runtime::Context& ctx, const Uuid& collection) = 0;
  // Gives back what is held in memory for collections that nobody reads at the moment.
  virtual void CloseIdleCollections() = 0;
};

}  // namespace chroma::service
