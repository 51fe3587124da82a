// chroma doctor: checks and mends a data directory.
#pragma once

#include "cli/command_line.h"

namespace chroma::cli {

// Returns the exit code.
int Doctor(const DoctorOptions& options);

}  // namespace chroma::cli
