// Directories of tests, below the system's place for temporary files. Tests throw what they cannot
// go on with; GoogleTest reports it.
#pragma once

#include <string>

namespace chroma::behaviour {

std::string MakeTemporaryDirectory(const std::string& purpose);
void RemoveTemporaryDirectory(const std::string& path);

}  // namespace chroma::behaviour
