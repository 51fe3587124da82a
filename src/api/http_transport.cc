#include "api/http_transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace chroma::api {
namespace {

constexpr size_t kIdleConnectionsMax = 64;

struct CurlLibrary {
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

// What one transfer reads and writes, for libcurl's callbacks.
struct Transfer {
  std::string_view unsent;
  HttpAnswer answer;
  uint64_t bytes_max = 0;
  bool is_too_large = false;
  bool is_out_of_memory = false;
};

// Writes the received bytes to the answer. Returning fewer than given ends the transfer.
size_t Receive(char* bytes, size_t, size_t count, void* context) {
  auto* transfer = static_cast<Transfer*>(context);
  std::string& body = transfer->answer.body;
  if (body.size() + count > transfer->bytes_max) {
    transfer->is_too_large = true;
    return 0;
  }
  try {
    body.append(bytes, count);
  } catch (const std::bad_alloc&) {
    transfer->is_out_of_memory = true;
    return 0;
  }
  return count;
}

// Gives libcurl the body of a write. Because it cannot be rewound, libcurl never sends it twice.
size_t Feed(char* out, size_t, size_t room, void* context) {
  auto* transfer = static_cast<Transfer*>(context);
  const size_t n = std::min(room, transfer->unsent.size());
  std::memcpy(out, transfer->unsent.data(), n);
  transfer->unsent.remove_prefix(n);
  return n;
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

std::string WithoutUser(const std::string& url) {
  const size_t host = url.find("://") + 3;
  const size_t end = url.find('/', host);
  const size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < host) return url;
  return url.substr(0, host) + url.substr(at + 1);
}

}  // namespace

class HttpTransport::Connection {
 public:
  Connection() : curl_(curl_easy_init()) {}
  ~Connection() {
    if (curl_ != nullptr) curl_easy_cleanup(curl_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool ok() const { return curl_ != nullptr; }

  CURLcode Perform(const HttpTransport& transport, const HttpRequest& request, bool anew,
                   Transfer* transfer) {
    curl_easy_reset(curl_);  // keeps the connection
    error_[0] = '\0';
    Configure(transport, anew);
    Set(CURLOPT_URL, (transport.url_ + request.path).c_str());
    Set(CURLOPT_WRITEFUNCTION, &Receive);
    Set(CURLOPT_WRITEDATA, transfer);
    const bool has_body =
        std::strcmp(request.method, "POST") == 0 || std::strcmp(request.method, "PUT") == 0;
    if (has_body) {
      Set(CURLOPT_POST, 1L);
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      if (request.is_read) {
        Set(CURLOPT_POSTFIELDS, request.body.data());
      } else {
        transfer->unsent = request.body;
        Set(CURLOPT_READFUNCTION, &Feed);
        Set(CURLOPT_READDATA, transfer);
      }
    }
    Set(CURLOPT_CUSTOMREQUEST, request.method);
    const CURLcode code = curl_easy_perform(curl_);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer.status = static_cast<int>(status);
    return code;
  }

  std::string ErrorText(CURLcode code) const {
    return error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(curl_, option, value);
  }

  void Configure(const HttpTransport& transport, bool anew) {
    const HttpOptions& options = transport.options_;
    Set(CURLOPT_ERRORBUFFER, error_);
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_PATH_AS_IS, 1L);
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_USERAGENT, "chroma-cpp");
    Set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(transport.headers_));
    Set(CURLOPT_BUFFERSIZE, 256L << 10);
    Set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout_ms));
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
    Set(CURLOPT_FRESH_CONNECT, anew ? 1L : 0L);
    if (!options.unix_socket_path.empty()) {
      Set(CURLOPT_UNIX_SOCKET_PATH, options.unix_socket_path.c_str());
    }
  }

  CURL* curl_;
  char error_[CURL_ERROR_SIZE] = "";
};

Result<std::unique_ptr<HttpTransport>> HttpTransport::Create(const std::string& url,
                                                             const HttpOptions& options) {
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  if (!is_http || HasLineBreak(url) || url.find_first_of("?# ") != std::string::npos) {
    return Status::InvalidArgument("The URL of a server has the form http://host:port, not " +
                                   (is_http ? WithoutUser(url) : url));
  }
  for (const auto& [name, value] : options.headers) {
    if (name.empty() || HasLineBreak(name) || HasLineBreak(value) ||
        name.find(':') != std::string::npos) {
      return Status::InvalidArgument("Invalid header: " + name);
    }
  }
  static const CurlLibrary library;
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  std::unique_ptr<HttpTransport> transport(new HttpTransport(std::move(base), options));
  std::vector<std::string> lines = {"Content-Type: application/json", "Expect:"};
  for (const auto& [name, value] : options.headers) {
    // The form that libcurl has for a header without a value.
    lines.push_back(value.empty() ? name + ";" : name + ": " + value);
  }
  for (const std::string& line : lines) {
    curl_slist* longer =
        curl_slist_append(static_cast<curl_slist*>(transport->headers_), line.c_str());
    if (longer == nullptr) return Status::ResourceExhausted("Not enough memory for a client");
    transport->headers_ = longer;
  }
  return transport;
}

HttpTransport::HttpTransport(std::string url, const HttpOptions& options)
    : url_(std::move(url)), name_(WithoutUser(url_)), options_(options) {}

HttpTransport::~HttpTransport() {
  curl_slist_free_all(static_cast<curl_slist*>(headers_));
}

std::unique_ptr<HttpTransport::Connection> HttpTransport::Take() {
  {
    runtime::MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return std::make_unique<Connection>();
}

void HttpTransport::Return(std::unique_ptr<Connection> connection) {
  runtime::MutexLock lock(mutex_);
  if (idle_.size() < kIdleConnectionsMax) idle_.push_back(std::move(connection));
}

namespace {

// The peer closed the connection instead of answering.
bool IsReset(CURLcode code) {
  return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING;
}

StatusCode CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return StatusCode::kDeadlineExceeded;
    case CURLE_OUT_OF_MEMORY:
      return StatusCode::kResourceExhausted;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return StatusCode::kInvalidArgument;
    default:
      return StatusCode::kUnavailable;
  }
}

}  // namespace

Result<HttpAnswer> HttpTransport::Send(HttpRequest request) {
  std::unique_ptr<Connection> connection = Take();
  if (!connection->ok()) return Status::ResourceExhausted("Not enough memory for a connection");
  Transfer transfer;
  transfer.bytes_max = options_.response_bytes_max;
  // libcurl sends requests without a body again on its own when a kept connection turns out to
  // be dead; a write must not go over one.
  bool anew = !request.is_read && request.body.empty();
  CURLcode code = connection->Perform(*this, request, anew, &transfer);
  if (request.is_read && IsReset(code)) {
    transfer.answer = HttpAnswer();
    code = connection->Perform(*this, request, /*anew=*/true, &transfer);
  }
  if (code == CURLE_OK) {
    Return(std::move(connection));
    return std::move(transfer.answer);
  }
  if (transfer.is_too_large) {
    return Status::ResourceExhausted("The answer of " + name_ + " is larger than " +
                                     std::to_string(options_.response_bytes_max) +
                                     " bytes (response_bytes_max); ask for less at once");
  }
  if (transfer.is_out_of_memory) {
    return Status::ResourceExhausted("Not enough memory for the answer of " + name_ +
                                     "; ask for less at once");
  }
  return Status(CodeOf(code), std::string(request.method) + " " + name_ + request.path + ": " +
                                  connection->ErrorText(code));
}

}  // namespace chroma::api
