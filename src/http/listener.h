// Listening sockets: opening them, and taking connections from them.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chroma/status.h"

namespace chroma::http {

// A listening socket that closes itself, and removes its path when it has one.
class ListenSocket {
 public:
  ListenSocket(int fd, std::string unix_path) : fd_(fd), unix_path_(std::move(unix_path)) {}
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) = delete;
  ~ListenSocket();

  int fd() const { return fd_; }
  uint16_t port() const;  // 0 for a Unix socket

  // One socket for every address that `address` means and this machine has, all on one port.
  // Clients are refused until Listen.
  static Result<std::vector<ListenSocket>> OpenTcp(const std::string& address, uint16_t port);
  // Clients wait until Listen and accept: others would take a socket that refuses for a dead one's.
  static Result<ListenSocket> OpenUnix(const std::string& path);

  Status Listen() const;

 private:
  int fd_;
  std::string unix_path_;
};

// Accepts on a loop's thread until closed. Close and destruction happen on that thread, or when
// it does not run.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Gets the connected socket, which it then owns, and the peer's name.
  using Accepted = std::function<void(int fd, std::string remote)>;
  // Told when the process has no descriptor left.
  using Exhausted = std::function<void()>;

  Listener(boost::asio::io_context& io, ListenSocket socket, Accepted accepted,
           Exhausted exhausted);
  void Start();
  void Close();

 private:
  void AcceptAll();
  void Pause();

  ListenSocket socket_;
  boost::asio::posix::stream_descriptor descriptor_;  // its own duplicate
  boost::asio::steady_timer retry_;
  Accepted accepted_;
  Exhausted exhausted_;
  bool closed_ = false;
};

}  // namespace chroma::http
