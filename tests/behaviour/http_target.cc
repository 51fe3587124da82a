#include "behaviour/http_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chroma::behaviour {
namespace {

constexpr time_t kTimeoutSeconds = 60;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Serialize(const Question& question) {
  std::string text = question.method + " " + question.path + " HTTP/1.1\r\nhost: localhost\r\n";
  for (const auto& [name, value] : question.headers) text += name + ": " + value + "\r\n";
  if (question.body) {
    text +=
        "content-length: " + std::to_string(question.body->size()) + "\r\n\r\n" + *question.body;
  } else {
    if (question.method == "POST" || question.method == "PUT") text += "content-length: 0\r\n";
    text += "\r\n";
  }
  return text;
}

Pairs ParseHeaders(const std::string& head) {
  Pairs headers;
  for (size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
    const size_t next = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, next - at - 2);
    const size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const size_t value = line.find_first_not_of(' ', colon + 1);
      headers.emplace_back(Lower(line.substr(0, colon)),
                           value == std::string::npos ? "" : line.substr(value));
    }
    at = next;
  }
  return headers;
}

}  // namespace

bool HttpTarget::Connect() {
  if (socket_ >= 0) return true;
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{kTimeoutSeconds, 0};
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
  Close();
  return false;
}

void HttpTarget::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  received_.clear();
}

bool HttpTarget::SendAll(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool HttpTarget::ReceiveMore() {
  char buffer[64 * 1024];
  const ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  received_.append(buffer, static_cast<size_t>(n));
  return true;
}

Answer HttpTarget::ReadAnswer(bool is_head) {
  size_t head_end = std::string::npos;
  while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReceiveMore()) return {0, {}, "the connection ended before an answer"};
  }
  Answer answer;
  answer.status = std::atoi(received_.c_str() + std::strlen("HTTP/1.1 "));
  answer.headers = ParseHeaders(received_.substr(0, head_end + 2));
  received_.erase(0, head_end + 4);
  if (is_head || answer.status == 204 || answer.status == 304) return answer;
  const std::string* length = answer.Header("content-length");
  if (length == nullptr) return {0, {}, "an answer without content-length"};
  const size_t size = std::stoul(*length);
  while (received_.size() < size) {
    if (!ReceiveMore()) return {0, {}, "the connection ended within an answer"};
  }
  answer.body = received_.substr(0, size);
  received_.erase(0, size);
  return answer;
}

Answer HttpTarget::Ask(const Question& question) {
  if (!Connect()) return {0, {}, std::string("cannot connect: ") + std::strerror(errno)};
  // A server may answer and close before it has read all of a body that is too large.
  SendAll(Serialize(question));
  Answer answer = ReadAnswer(question.method == "HEAD");
  const std::string* connection = answer.Header("connection");
  if (answer.status == 0 || (connection != nullptr && *connection == "close")) Close();
  return answer;
}

}  // namespace chroma::behaviour
