// Examines a data directory that nobody has open, and mends what can be mended.
//
// Every checksum, count and reference is looked at: the catalog, the log, the blobs that versions
// name and those that nobody names. What checksums prove to be what was written is put back
// without being asked (one flipped bit, anything derived), and what a killed process left behind
// is removed. Where records cannot be read, they are named, and only a salvage goes on without
// them. A file is kept as it was before it is touched (doctor/repairs.h). After mending
// everything is examined anew: only what is found whole then counts as mended.
#pragma once

#include <string>

#include "chroma/status.h"
#include "doctor/report.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::doctor {

struct Options {
  std::string format;    // what the file FORMAT should say
  bool dry_run = false;  // changes no byte
  bool salvage = false;  // goes on without what cannot be read
};

// The caller holds the lock of the directory, or knows that nobody has it open.
// Errors: what keeps from looking (kFailedPrecondition: a newer program's).
Result<Report> Examine(runtime::Context& ctx, runtime::Env env, const std::string& directory,
                       const Options& options);

}  // namespace chroma::doctor
