#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "http/unix_address.h"
#include "runtime/fork.h"
#include "runtime/log.h"

namespace chroma::http {

namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 64;
constexpr auto kRetryPause = std::chrono::milliseconds(100);

std::string ErrnoText(int error) {
  return std::strerror(error);
}

Status ListenError(std::string_view where, int error) {
  const std::string message = fmt::format("cannot listen on {}: {}", where, ErrnoText(error));
  if (error == EADDRINUSE) {
    return Status::Unavailable(message + "; stop the other process or choose another port");
  }
  if (error == EACCES || error == EPERM) return Status::PermissionDenied(message);
  if (error == EADDRNOTAVAIL) return Status::InvalidArgument(message);
  return Status::Internal(message);
}

void SetOption(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof(value));
}

void SetPort(sockaddr* address, uint16_t port) {
  if (address->sa_family == AF_INET) reinterpret_cast<sockaddr_in*>(address)->sin_port = port;
  if (address->sa_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(address)->sin6_port = port;
}

// "host:port" of a peer.
std::string AddressText(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  if (peer.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
  }
  return "unix";
}

// The errno, or 0 and the socket in `fd`.
int OpenOne(const sockaddr* address, socklen_t size, int& fd) {
  const runtime::NoFork no_fork;
  fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address->sa_family == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd, address, size) == 0) {
    runtime::CloseInChild(fd);
    return 0;
  }
  const int error = errno;
  ::close(fd);
  return error;
}

// A socket file whose process has died refuses connections.
bool IsStale(const UnixAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const int result = ::connect(fd, address.get(), address.size());
  const bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

int Duplicate(int fd) {
  const runtime::NoFork no_fork;
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  runtime::CloseInChild(copy);
  return copy;
}

}  // namespace

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), unix_path_(std::exchange(other.unix_path_, {})) {}

ListenSocket::~ListenSocket() {
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  if (fd_ < 0) return;
  const runtime::NoFork no_fork;
  runtime::ForgetDescriptor(fd_);
  ::close(fd_);
}

uint16_t ListenSocket::port() const {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  if (own.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(own).sin_port);
  if (own.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(own).sin6_port);
  return 0;
}

Status ListenSocket::Listen() const {
  if (::listen(fd_, kBacklog) == 0) return Status::Ok();
  return ListenError(unix_path_.empty() ? fmt::format("port {}", port()) : unix_path_, errno);
}

Result<std::vector<ListenSocket>> ListenSocket::OpenTcp(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.c_str(), nullptr, &hints, &found); error != 0) {
    return Status::InvalidArgument(
        fmt::format("cannot listen on \"{}\": {}", address, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  std::vector<ListenSocket> sockets;
  int first_error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SetPort(one->ai_addr, htons(port));
    int fd = -1;
    const int error = OpenOne(one->ai_addr, one->ai_addrlen, fd);
    if (error == 0) {
      sockets.emplace_back(fd, std::string());
      if (port == 0) port = sockets.back().port();
    } else if (error == EADDRINUSE) {
      return ListenError(fmt::format("{}:{}", address, port), error);
    } else if (first_error == 0) {
      first_error = error;  // e.g. a machine without IPv6
    }
  }
  if (sockets.empty()) return ListenError(fmt::format("{}:{}", address, port), first_error);
  return sockets;
}

Result<ListenSocket> ListenSocket::OpenUnix(const std::string& path) {
  CHROMA_ASSIGN(const UnixAddress address, UnixAddress::Of(path));
  if (IsStale(address)) ::unlink(path.c_str());
  const runtime::NoFork no_fork;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ListenError(path, errno);
  if (::bind(fd, address.get(), address.size()) != 0) {
    const int error = errno;
    ::close(fd);
    return ListenError(path, error);
  }
  runtime::CloseInChild(fd);
  // Nobody can connect before listen().
  ListenSocket socket(fd, path);
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(fd, kBacklog) != 0) {
    return ListenError(path, errno);
  }
  return socket;
}

Listener::Listener(boost::asio::io_context& io, ListenSocket socket, Accepted accepted,
                   Exhausted exhausted)
    : socket_(std::move(socket)),
      descriptor_(io, Duplicate(socket_.fd())),
      retry_(io),
      accepted_(std::move(accepted)),
      exhausted_(std::move(exhausted)) {}

void Listener::Start() {
  if (closed_) return;
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (!error && !self->closed_) self->AcceptAll();
                         });
}

void Listener::AcceptAll() {
  for (int turn = 0; turn < kAcceptsPerTurn; ++turn) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    int fd = -1;
    {
      const runtime::NoFork no_fork;
      fd = ::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
      runtime::CloseInChild(fd);
    }
    if (fd >= 0) {
      if (peer.ss_family != AF_UNIX) {
        SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      }
      accepted_(fd, AddressText(peer));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return Pause();
    // The rest are failures of that one connection (accept(2): ECONNABORTED and network errors).
  }
  Start();
}

// Without a descriptor the connection stays in the queue, and its readiness with it: look again
// later instead of spinning.
void Listener::Pause() {
  runtime::Log(runtime::LogLevel::kWarning, "cannot accept a connection",
               {{"error", ErrnoText(errno)}});
  exhausted_();
  retry_.expires_after(kRetryPause);
  retry_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->Start();
  });
}

void Listener::Close() {
  if (closed_) return;
  closed_ = true;
  retry_.cancel();
  {
    const runtime::NoFork no_fork;
    if (descriptor_.is_open()) runtime::ForgetDescriptor(descriptor_.native_handle());
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }
  const ListenSocket closing = std::move(socket_);
}

}  // namespace chroma::http
