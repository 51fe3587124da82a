#include "http/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace chroma::http {

namespace {

Transport::Progress FromCall(ssize_t n) {
  if (n > 0) return {Transport::Outcome::kSome, static_cast<size_t>(n)};
  if (n == 0) return {Transport::Outcome::kEnd};
  const bool blocked = errno == EAGAIN || errno == EWOULDBLOCK;
  return {blocked ? Transport::Outcome::kBlocked : Transport::Outcome::kFailed};
}

template <typename Call>
Transport::Progress Retry(Call call) {
  ssize_t n = 0;
  do {
    n = call();
  } while (n < 0 && errno == EINTR);
  return FromCall(n);
}

iovec ToVector(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

Transport::Progress Transport::Read(char* out, size_t n) {
  return Retry([&] { return ::recv(fd_, out, n, MSG_DONTWAIT); });
}

Transport::Progress Transport::Peek() {
  char byte = 0;
  return Retry([&] { return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK); });
}

Transport::Progress Transport::Write(std::string_view first, std::string_view second) {
  iovec parts[] = {ToVector(first), ToVector(second)};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  return Retry([&] { return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

void Transport::FinishWriting() {
  ::shutdown(fd_, SHUT_WR);
}

void Transport::ShutDown() {
  ::shutdown(fd_, SHUT_RDWR);
}

void Transport::ResetOnClose() {
  const linger reset{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace chroma::http
