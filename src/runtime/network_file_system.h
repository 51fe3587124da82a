// Which file systems are another machine's.
#pragma once

#include <string>
#include <string_view>

#include "chroma/status.h"

namespace chroma::runtime {

// As FileSystem::NetworkKind, of a path that exists.
Result<std::string> NetworkFileSystemOf(const std::string& path);

// For the type of a mount as /proc/self/mountinfo has it, e.g. "fuse.sshfs": whether what it shows
// is on another machine.
bool IsRemoteFuse(std::string_view mount_type);

// The type of the mount with device number "major:minor" in the text of a mountinfo; empty where
// there is none.
std::string MountTypeOf(std::string_view mountinfo, std::string_view device);

}  // namespace chroma::runtime
