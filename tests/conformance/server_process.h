// The real program, `chroma run`, as a child process over a directory of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace chroma::conformance {

class ServerProcess {
 public:
  // Returns when the server accepts connections; throws with its log when it does not.
  explicit ServerProcess(const std::vector<std::string>& flags);
  // Stops it; a server that does not end with status 0 then is reported as a test failure.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }

 private:
  std::string Log() const;
  // 0 as long as the log does not tell it.
  uint16_t PortInLog() const;

  std::string directory_;
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

}  // namespace chroma::conformance
