// The Status of a system call that failed. Both file systems speak through it, so that a test in
// memory meets the codes and texts of the kernel's.
#pragma once

#include <string_view>

#include "chroma/status.h"

namespace chroma::runtime {

// "call path: text of the error number", with the code that file_system.h gives it.
Status ErrnoStatus(std::string_view call, std::string_view path, int error);

}  // namespace chroma::runtime
