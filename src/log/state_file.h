// What the log must know besides its files: which of them are alive and where they end.
//
// It is rewritten whenever that changes (a file is begun, ended, or dropped; the log is closed
// in order), before anybody relies on the change. So a file that vanished or lost its end is
// noticed, and frames that a failed write left behind an acknowledged end are never read.
//
// One small file, `log/state`, of two slots that are written in turn, in place: that takes no
// space, so that a full disk does not keep the log from dropping files; and a torn write leaves
// the other slot, which was true before. Layout: docs/formats.md "Log files".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/env.h"

namespace chroma::log {

// The acknowledged part of a file that is not written any more.
struct FileEnd {
  uint64_t number = 0;
  uint64_t end = 0;
  uint64_t chain = 0;
};

struct LogState {
  uint64_t sequence = 0;       // set by Store
  uint64_t next_offset = 0;    // all offsets given before this was written are smaller
  uint64_t newest = 0;         // the file being written, or written last
  bool closed = false;         // in order: `newest` ends as the last element of `ended` says
  std::vector<FileEnd> ended;  // alive, ascending; `newest` among them only when closed
};

// A slot as it is in the file.
struct StateSlot {
  enum class Kind : uint8_t { kUnused, kWhole, kDamaged };
  Kind kind = Kind::kUnused;
  LogState state;         // when whole, or when `repaired` is not empty
  uint64_t position = 0;  // in the file
  Bytes repaired;         // of a damaged one: what was written, when one bit of it flipped
};
// Both slots of the file; kNotFound when there is none.
Result<std::vector<StateSlot>> ReadStateSlots(runtime::FileSystem& files, const std::string& path);

// Not thread safe.
class StateFile {
 public:
  StateFile(runtime::Env env, std::string log_directory);

  // Absent when there is no state file. kDataLoss when neither slot is whole.
  Result<std::optional<LogState>> Load();
  // What Load() found was read from the kernel's memory, and after a failed sync need not be on the
  // disk. Afterwards it is: before anything is done that only it allows. A slot that could not be
  // read, and might be another time, is overwritten, since it may hold a newer state.
  Status MakeDurable();
  // Durable once OK; after a failure either the old or the new state may be found.
  Status Store(LogState state);
  const std::string& path() const { return path_; }

 private:
  Status RewriteLoaded();
  Status CreateWith(const Bytes& slot);

  runtime::Env env_;
  std::string directory_;
  std::string path_;
  std::unique_ptr<runtime::File> file_;  // null until loaded or created
  uint64_t sequence_ = 0;
  LogState loaded_;         // what Load() found, and its bytes until MakeDurable()
  Bytes loaded_slot_;
  bool unread_slot_ = false;
  uint64_t good_slot_ = 0;  // the slot that a failed Store must not touch
};

}  // namespace chroma::log
