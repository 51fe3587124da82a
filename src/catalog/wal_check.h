// What SQLite does not tell: it takes the first frame of its write-ahead log whose checksum is
// wrong for the end of the log, since a crash leaves such frames, and so forgets what was
// committed after a damaged one. Here the two are told apart. The log is synced with every commit
// before the next one is written; so when two commits follow a bad frame, it was whole once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/file_system.h"

namespace chroma::catalog {

// kDataLoss naming the log of the database `path` when commits in it were lost by damage. Damage of
// the last two cannot be told from a commit that a crash kept from being finished.
// Empties a log whose header is torn and that has nothing the main file lacks.
Status CheckWriteAheadLog(runtime::FileSystem& files, const std::string& path);

// How much of a log is committed: what is behind that SQLite ignores, and writes over.
uint64_t CommittedLogBytes(BytesView log);

// The header of the log, or the first frame that is not whole, as it was written: when one bit of
// it flipped.
struct RepairedFrame {
  uint64_t offset = 0;
  Bytes bytes;
};
Result<std::optional<RepairedFrame>> RepairWriteAheadLog(runtime::FileSystem& files,
                                                         const std::string& path);

}  // namespace chroma::catalog
