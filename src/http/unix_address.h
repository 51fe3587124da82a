// The address of a Unix domain socket in the file system.
#pragma once

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string>

#include "chroma/status.h"

namespace chroma::http {

// A path longer than the 107 bytes that an address takes is reached by way of its directory,
// which this holds open: keep it until bind or connect is done.
class UnixAddress {
 public:
  // kInvalidArgument for a name that is too long in itself; kNotFound where a long path's
  // directory cannot be opened.
  static Result<UnixAddress> Of(const std::string& path);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof(address_); }

 private:
  UnixAddress() : directory_(nullptr, &::closedir) {}

  sockaddr_un address_{};
  std::unique_ptr<DIR, int (*)(DIR*)> directory_;
};

}  // namespace chroma::http
