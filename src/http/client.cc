#include "http/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

#include "http/unix_address.h"
#include "runtime/fork.h"

namespace chroma::http {
namespace {

using runtime::Clock;

constexpr size_t kIdleMax = 64;
constexpr size_t kHeadBytesMax = 64 << 10;
constexpr size_t kReadBytes = 64 << 10;
// How often a request that waits looks whether its caller has gone.
constexpr int64_t kSliceNs = 200 * runtime::kMillisecond;

Status Broken(std::string_view what) {
  return Status::Aborted("the connection broke: " + std::string(what));
}

// Waits until `fd` is ready for `events`; false when it is not within `timeout_ns`.
bool AwaitReady(int fd, short events, int64_t timeout_ns) {
  pollfd one{fd, events, 0};
  const auto timeout_ms = static_cast<int>(timeout_ns / runtime::kMillisecond);
  return ::poll(&one, 1, timeout_ms) != 0 && one.revents != 0;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string FormatHead(const Request& request) {
  std::string head =
      request.method_token + " " + request.target + " HTTP/1.1\r\nhost: localhost\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == Method::kPost || request.method == Method::kPut) {
    head += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

struct AnswerHead {
  Response response;
  uint64_t content_length = 0;
  bool keep_alive = true;
};

// `text` ends before the empty line.
Result<AnswerHead> ParseAnswerHead(std::string_view text) {
  AnswerHead head;
  size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  constexpr size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  const bool is_http = line.starts_with("HTTP/1.1 ") && line.size() >= kStatusAt + 3;
  const char* digits = line.data() + kStatusAt;
  if (!is_http || std::from_chars(digits, digits + 3, head.response.status).ptr != digits + 3) {
    return Broken("this is no HTTP answer");
  }
  while (end < text.size()) {
    text.remove_prefix(end + 2);
    end = std::min(text.find("\r\n"), text.size());
    const std::string_view field = text.substr(0, end);
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos) return Broken("a header without a colon");
    std::string name = Lower(field.substr(0, colon));
    const std::string_view value = Trim(field.substr(colon + 1));
    if (name == "content-length") {
      const char* last = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), last, head.content_length);
      if (error != std::errc() || stop != last) return Broken("a wrong content-length");
    } else if (name == "connection") {
      head.keep_alive = Lower(value) != "close";
    } else if (name == "transfer-encoding") {
      return Broken("an answer in chunks");
    } else if (name != "date") {
      head.response.headers.emplace_back(std::move(name), std::string(value));
    }
  }
  return head;
}

// One request and its answer over one connection.
class Conversation {
 public:
  // `is_alive` is asked after a long silence.
  template <typename IsAlive>
  Conversation(int fd, runtime::Context& context, int64_t silence_ns, uint64_t answer_bytes_max,
               IsAlive is_alive)
      : fd_(fd),
        context_(context),
        silence_ns_(silence_ns),
        answer_bytes_max_(answer_bytes_max),
        is_alive_(std::move(is_alive)) {}

  Status Put(std::string_view head, std::string_view body) {
    while (!head.empty() || !body.empty()) {
      iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                       {const_cast<char*>(body.data()), body.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        CHROMA_TRY(Await(POLLOUT));
        continue;
      }
      if (n < 0) return Broken(std::strerror(errno));
      const size_t of_head = std::min(head.size(), static_cast<size_t>(n));
      head.remove_prefix(of_head);
      body.remove_prefix(static_cast<size_t>(n) - of_head);
    }
    return Status::Ok();
  }

  Result<AnswerHead> Take() {
    std::string bytes;
    size_t end = std::string::npos;
    while (end == std::string::npos) {
      if (bytes.size() > kHeadBytesMax) return Broken("an answer's head that does not end");
      const size_t from = bytes.size() < 3 ? 0 : bytes.size() - 3;
      CHROMA_TRY(Read(bytes, kReadBytes));
      end = bytes.find("\r\n\r\n", from);
    }
    CHROMA_ASSIGN(AnswerHead head, ParseAnswerHead(std::string_view(bytes).substr(0, end)));
    if (head.content_length > answer_bytes_max_) {
      return Status::ResourceExhausted("the answer has " + std::to_string(head.content_length) +
                                       " bytes; ask for less at once");
    }
    bytes.erase(0, end + 4);
    // Room is made for what comes, not for what is claimed.
    while (bytes.size() < head.content_length) {
      const uint64_t missing = head.content_length - bytes.size();
      CHROMA_TRY(Read(bytes, std::min<uint64_t>(missing, std::max(kReadBytes, bytes.size()))));
    }
    if (bytes.size() > head.content_length) return Broken("more than one answer");
    head.response.body = std::move(bytes);
    return head;
  }

 private:
  // Appends up to `n` bytes, at least one.
  Status Read(std::string& bytes, size_t n) {
    const size_t before = bytes.size();
    bytes.resize(before + n);
    for (;;) {
      const ssize_t got = ::recv(fd_, bytes.data() + before, n, MSG_DONTWAIT);
      bytes.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
      if (got > 0) return Status::Ok();
      if (got == 0) return Broken("it was closed");
      if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
        return Broken(std::strerror(errno));
      }
      if (errno != EINTR) CHROMA_TRY(Await(POLLIN));
      bytes.resize(before + n);
    }
  }

  Status Await(short events) {
    int64_t silent_ns = 0;
    while (!AwaitReady(fd_, events, kSliceNs)) {
      CHROMA_TRY(context_.Check());
      silent_ns += kSliceNs;
      if (silent_ns < silence_ns_) continue;
      if (!is_alive_()) return Status::DeadlineExceeded("it does not answer");
      silent_ns = 0;
    }
    return Status::Ok();
  }

  const int fd_;
  runtime::Context& context_;
  const int64_t silence_ns_;
  const uint64_t answer_bytes_max_;
  const std::function<bool()> is_alive_;
};

}  // namespace

Result<ClientSocket> ClientSocket::Connect(const std::string& unix_path, int64_t patience_ns) {
  constexpr int64_t kRetryNs = 5 * runtime::kMillisecond;
  CHROMA_ASSIGN(const UnixAddress address, UnixAddress::Of(unix_path));
  int fd = -1;
  {
    const runtime::NoFork no_fork;
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    runtime::CloseInChild(fd);
  }
  if (fd < 0) return Status::ResourceExhausted(std::string("socket: ") + std::strerror(errno));
  ClientSocket socket(fd);
  for (int64_t waited_ns = 0;; waited_ns += kRetryNs) {
    if (::connect(fd, address.get(), address.size()) == 0) return socket;
    const int error = errno;
    if (error == EINTR) continue;
    // EAGAIN: nobody has accepted the 4096 before.
    const std::string what = "connect " + unix_path + ": " + std::strerror(error);
    if (error == EACCES || error == EPERM) return Status::PermissionDenied(what);
    if (error != EAGAIN) return Status::Unavailable(what);
    if (waited_ns >= patience_ns) return Status::DeadlineExceeded(what);
    Clock::System().SleepNs(kRetryNs);
  }
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ClientSocket::~ClientSocket() {
  if (fd_ < 0) return;
  const runtime::NoFork no_fork;
  runtime::ForgetDescriptor(fd_);
  ::close(fd_);
}

bool ClientSocket::IsIdle() const {
  char byte = 0;
  return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<ClientSocket> Client::TakeConnection() {
  {
    const runtime::MutexLock lock(mutex_);
    while (!idle_.empty()) {
      ClientSocket socket = std::move(idle_.back());
      idle_.pop_back();
      if (socket.IsIdle()) return socket;
    }
  }
  return ClientSocket::Connect(options_.unix_path, options_.silence_ns);
}

bool Client::IsAlive() {
  Result<ClientSocket> socket = ClientSocket::Connect(options_.unix_path, options_.silence_ns);
  // Nobody listens: the connection that is waited for will show its end by itself.
  if (!socket.ok()) return socket.status().code() == StatusCode::kUnavailable;
  runtime::Context context;
  Request probe;
  probe.method = Method::kGet;
  probe.method_token = "GET";
  probe.target = options_.probe_target;
  Conversation conversation(socket->fd(), context, options_.silence_ns, kHeadBytesMax,
                            [] { return false; });
  const Status put = conversation.Put(FormatHead(probe), "");
  const Status answered = put.ok() ? conversation.Take().status() : put;
  return answered.code() != StatusCode::kDeadlineExceeded;
}

Result<Response> Client::Send(const Request& request, runtime::Context& context) {
  CHROMA_TRY(context.Check());
  CHROMA_ASSIGN(ClientSocket socket, TakeConnection());
  Conversation conversation(socket.fd(), context, options_.silence_ns, options_.answer_bytes_max,
                            [this] { return IsAlive(); });
  const Status put = conversation.Put(FormatHead(request), request.body);
  if (!put.ok() && put.code() != StatusCode::kAborted) return put;
  // A peer that stopped reading may have said why: an answer that is there counts.
  Result<AnswerHead> answer = conversation.Take();
  if (!answer.ok()) return answer.status();
  if (put.ok() && answer->keep_alive) {
    const runtime::MutexLock lock(mutex_);
    if (idle_.size() < kIdleMax) idle_.push_back(std::move(socket));
  }
  return std::move(answer->response);
}

Result<std::unique_ptr<Watch>> Watch::Open(const std::string& unix_path, int64_t patience_ns) {
  CHROMA_ASSIGN(ClientSocket socket, ClientSocket::Connect(unix_path, patience_ns));
  return std::make_unique<Watch>(std::move(socket));
}

void Watch::Wait() {
  // Nothing is ever sent on it: readable means closed.
  while (!AwaitReady(socket_.fd(), POLLIN, -runtime::kMillisecond)) {
  }
}

void Watch::Cancel() {
  ::shutdown(socket_.fd(), SHUT_RDWR);
}

}  // namespace chroma::http
