// A data directory under the doctor's eyes: whether it may be looked at, then doctor/doctor.h.
#pragma once

#include <string>

#include "chroma/status.h"
#include "doctor/report.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::service {

struct ExamineOptions {
  bool dry_run = false;  // changes no byte, but for the pid in LOCK
  bool salvage = false;  // goes on without what cannot be read
};

// kUnavailable naming the pid of the process that has the directory open, kNotFound when there is
// none at `path`, kFailedPrecondition when it is another program's or a newer version's.
Result<doctor::Report> ExamineDirectory(runtime::Context& ctx, runtime::Env env,
                                        const std::string& path, const ExamineOptions& options);

}  // namespace chroma::service
