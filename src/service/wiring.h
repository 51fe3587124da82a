// Puts the modes together: the one place that names the implementations behind the seams.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "catalog/sqlite_catalog.h"
#include "chroma/status.h"
#include "compactor/policy.h"
#include "engine/engine.h"
#include "log/file_log.h"
#include "runtime/env.h"
#include "service/data_directory.h"

namespace chroma::service {

struct LocalOptions {
  std::string path = "./chroma";  // empty: in memory, forgotten at the end
  engine::EngineOptions engine;
  compactor::Policy compaction;
  log::FileLogOptions log;
  catalog::SqliteOptions catalog;
  int search_threads = 0;  // 0: one per processor
  // executor::LocalNodeOptions::memory_bytes_max; absent: half of the machine's.
  std::optional<uint64_t> memory_bytes_max;
  // Nothing in the directory is written, not even a lock: what recovery changes lives in memory,
  // and nothing is compacted or swept. No other process may own the directory meanwhile.
  bool read_only = false;
  // When another process owns the directory (shared_directory.h): after this long without a sign
  // of life it is asked for one, and when there is none for as long, requests fail.
  int64_t owner_silence_ns = 5 * runtime::kSecond;
};

// One engine over one directory, in this process: what the embedded library and `chroma run`
// have behind their front doors.
class LocalService {
 public:
  // Takes the directory (see DataDirectory), recovers the log, sweeps, starts the background.
  // `ctx` may give it up while it reads what is there.
  static Result<std::unique_ptr<LocalService>> Open(runtime::Context& ctx, runtime::Env env,
                                                    const LocalOptions& options);
  static Result<std::unique_ptr<LocalService>> Open(runtime::Env env, const LocalOptions& options) {
    runtime::Context ctx(*env.clock);
    return Open(ctx, env, options);
  }
  // The same for a directory that was taken already.
  static Result<std::unique_ptr<LocalService>> Open(runtime::Context& ctx, runtime::Env env,
                                                    const LocalOptions& options,
                                                    DataDirectory directory);
  // Stops the background and closes everything in order. No request may be running.
  virtual ~LocalService() = default;

  virtual engine::Engine& engine() = 0;
  // Compacts one collection now, until nothing is left to do.
  virtual Status Compact(runtime::Context& ctx, const Uuid& collection) = 0;
  // Gives back what is held in memory for collections that nobody reads at the moment.
  virtual void CloseIdleCollections() = 0;
};

}  // namespace chroma::service
