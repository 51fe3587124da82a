// Reading the files of a log back: what opening does before anything is written.
//
// Every frame is read once and its checksums verified. The unacknowledged tail of the newest
// file is cut off; everything else that is not as it was written is kDataLoss.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "chroma/status.h"
#include "log/entry_index.h"
#include "log/state_file.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::log {

using LogFiles = std::map<uint64_t, std::unique_ptr<LogFile>>;  // by number

struct RecoveredLog {
  LogFiles files;            // the alive ones; the last is the newest
  bool closed = false;       // in order, by a log that knew the newest file's end
  uint64_t next_offset = 1;  // larger than every offset that was ever given
  uint64_t next_number = 1;  // of a file; never used before
};

// Fills `index` with all entries. The caller holds the lock of the data directory. May be given up
// at any point, and done again.
Result<RecoveredLog> RecoverLog(runtime::Context& ctx, const runtime::Env& env,
                                const std::string& log_directory, StateFile& state_file,
                                EntryIndex& index);

}  // namespace chroma::log
