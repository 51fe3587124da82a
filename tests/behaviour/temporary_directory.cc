#include "behaviour/temporary_directory.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace chroma::behaviour {

std::string MakeTemporaryDirectory(const std::string& purpose) {
  std::string path =
      (std::filesystem::temp_directory_path() / ("chroma-" + purpose + "-XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error(path + ": " + std::strerror(errno));
  }
  return path;
}

void RemoveTemporaryDirectory(const std::string& path) {
  std::filesystem::remove_all(path);
}

}  // namespace chroma::behaviour
