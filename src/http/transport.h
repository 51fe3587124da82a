// Bytes to and from one peer, never blocking. The connection waits for readiness of the
// descriptor and then calls here; TLS belongs into this class alone (OpenSSL on a non-blocking
// descriptor answers in the same three ways).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chroma::http {

class Transport {
 public:
  enum class Outcome : uint8_t { kSome, kBlocked, kEnd, kFailed };
  struct Progress {
    Outcome outcome;
    size_t bytes = 0;  // kSome: at least 1
  };

  // Does not own `fd`, which is a connected, non-blocking stream socket.
  explicit Transport(int fd) : fd_(fd) {}

  // kEnd: the peer sends no more.
  Progress Read(char* out, size_t n);
  // What Read would say, without taking bytes.
  Progress Peek();
  // Writes from the front of `first` + `second`. Never raises SIGPIPE.
  Progress Write(std::string_view first, std::string_view second);
  // Tells the peer that nothing follows; reading goes on.
  void FinishWriting();
  // In both directions, at once, for every holder of the descriptor.
  void ShutDown();
  // Closing will drop what the peer has not taken, instead of keeping it in the kernel.
  void ResetOnClose();

 private:
  int fd_;
};

}  // namespace chroma::http
