#include "http/unix_address.h"

#include <cerrno>
#include <cstring>

namespace chroma::http {

Result<UnixAddress> UnixAddress::Of(const std::string& path) {
  UnixAddress result;
  result.address_.sun_family = AF_UNIX;
  constexpr size_t kBytesMax = sizeof(result.address_.sun_path) - 1;
  std::string shorter = path;
  if (path.size() > kBytesMax) {
    const size_t slash = path.rfind('/');
    const std::string directory =
        slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
    result.directory_.reset(::opendir(directory.c_str()));
    if (result.directory_ == nullptr) {
      return Status::NotFound("socket path " + path + ": " + std::strerror(errno));
    }
    shorter = "/proc/self/fd/" + std::to_string(::dirfd(result.directory_.get())) + "/" +
              path.substr(slash == std::string::npos ? 0 : slash + 1);
  }
  if (shorter.size() > kBytesMax) {
    return Status::InvalidArgument("the name of the socket " + path + " is too long");
  }
  std::memcpy(result.address_.sun_path, shorter.data(), shorter.size());
  return result;
}

}  // namespace chroma::http
