// Examining the files of a log that may be damaged: every slot and every frame is read, what can
// be made right again exactly is, and what cannot is told by place. Nothing is written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "log/log_file_format.h"
#include "log/state_file.h"
#include "runtime/env.h"

namespace chroma::log {

struct LogDamage {
  enum class Mend : uint8_t {
    kNone,     // whole frames can be kept by CopyWholeFrames, or the file restored from a backup
    kPatch,    // `bytes` at `position` are what was written
    kCut,      // the file ends at `position`: what follows was never acknowledged
    kRemove,   // the file is not part of the log
    kRestore,  // the state is to be stored once more
  };
  std::string path;
  std::string what;
  Mend mend = Mend::kNone;
  uint64_t position = 0;
  Bytes bytes;
};

struct LogExamination {
  std::vector<LogDamage> damages;
  // Larger than every offset that was found or is known to have been given.
  uint64_t next_offset = 1;
};

// Called with every whole frame, in the order of the log.
using FrameVisitor = std::function<void(const FrameHeader& frame, BytesView payload)>;

// `log_directory` may be missing: an empty log. Errors are those of reading files, and
// kFailedPrecondition when a newer program wrote them.
Result<LogExamination> ExamineLog(const runtime::Env& env, const std::string& log_directory,
                                  const FrameVisitor& visit);

// Writes the whole frames that `wanted` accepts into a new log below `directory`, in order, as
// entries above every offset that the old one gave. What was damaged is not in it.
Status CopyWholeFrames(const runtime::Env& env, const std::string& log_directory,
                       const std::function<bool(const FrameHeader&)>& wanted,
                       const std::string& directory);

}  // namespace chroma::log
