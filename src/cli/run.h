// chroma run: a server in the foreground.
#pragma once

#include "cli/command_line.h"

namespace chroma::cli {

// Returns the exit code once the server was told to stop, or could not start.
int Run(const RunOptions& options);

}  // namespace chroma::cli
