#include "http/head_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

namespace chroma::http {

namespace {

namespace beast = boost::beast;

void AppendLower(std::string_view text, std::string& out) {
  out.resize(text.size());
  std::transform(text.begin(), text.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

// Beast checks the grammar and the framing headers; this keeps what it finds.
class HeadParser : public beast::http::basic_parser<true> {
 public:
  explicit HeadParser(RequestHead& head) : head_(head) {}
  int content_lengths() const { return content_lengths_; }
  int transfer_encodings() const { return transfer_encodings_; }

 private:
  using Error = beast::error_code;
  using Text = beast::string_view;

  void on_request_impl(beast::http::verb, Text method, Text target, int version, Error&) override {
    head_.method_token.assign(method.data(), method.size());
    head_.method = ParseMethod(head_.method_token);
    head_.target.assign(target.data(), target.size());
    head_.version = version;
    head_.headers.reserve(12);
  }
  void on_field_impl(beast::http::field field, Text name, Text value, Error&) override {
    if (field == beast::http::field::content_length) ++content_lengths_;
    if (field == beast::http::field::transfer_encoding) ++transfer_encodings_;
    auto& [key, kept] = head_.headers.emplace_back();
    AppendLower({name.data(), name.size()}, key);
    kept.assign(value.data(), value.size());
  }
  void on_response_impl(int, Text, int, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Error&) override {}
  size_t on_body_impl(Text body, Error&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  size_t on_chunk_body_impl(uint64_t, Text body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}

  RequestHead& head_;
  int content_lengths_ = 0;
  int transfer_encodings_ = 0;
};

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  std::string folded;
  AppendLower(text, folded);
  return folded == lower;
}

// Whether the request line is well-formed but for its version: not where a stray space in the
// target makes something else stand there.
bool EndsWithVersion(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  constexpr std::string_view kProtocol = " HTTP/";
  const size_t at = line.find(' ', line.find(' ') + 1);
  return at != std::string_view::npos && line.substr(at).starts_with(kProtocol);
}

bool IsTargetByte(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '\x7f';
}

}  // namespace

HeadEnd FindHeadEnd(std::string_view bytes, size_t& scanned) {
  // Every line feed ends a line, so it follows a carriage return; two in a row end the head.
  size_t at = scanned;
  while (true) {
    const auto* feed =
        at < bytes.size()
            ? static_cast<const char*>(std::memchr(bytes.data() + at, '\n', bytes.size() - at))
            : nullptr;
    const size_t end = feed == nullptr ? bytes.size() : static_cast<size_t>(feed - bytes.data());
    if (end > at && std::memchr(bytes.data() + at, '\0', end - at) != nullptr) {
      return {HeadEnd::Kind::kInvalid};
    }
    scanned = end;
    if (feed == nullptr) return {HeadEnd::Kind::kNeedMore};
    if (end == 0 || bytes[end - 1] != '\r') return {HeadEnd::Kind::kInvalid};
    scanned = at = end + 1;
    if (end >= 3 && bytes[end - 2] == '\n') return {HeadEnd::Kind::kFound, end + 1};
  }
}

int ParseHead(std::string_view bytes, ParsedHead& parsed) {
  parsed = ParsedHead();
  HeadParser parser(parsed.request);
  parser.header_limit(UINT32_MAX);  // the caller's limit has been applied
  parser.body_limit(boost::none);
  beast::error_code error;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::http::error::bad_version && EndsWithVersion(bytes)) return 505;
  if (error || !parser.is_header_done()) return 400;

  const RequestHead& head = parsed.request;
  if (!std::all_of(head.target.begin(), head.target.end(), IsTargetByte)) return 400;
  if (parser.content_lengths() > 1) return 400;
  if (parser.transfer_encodings() > 0) {
    if (head.version < 11 || parser.content_lengths() > 0) return 400;
    // Beast takes any list that ends in "chunked"; the codings before it are not undone here.
    const std::string* coding = head.Find("transfer-encoding");
    if (parser.transfer_encodings() > 1 || !EqualsIgnoringCase(*coding, "chunked")) return 501;
    parsed.chunked = true;
  } else if (const std::string* length = head.Find("content-length"); length != nullptr) {
    if (length->find(',') != std::string::npos || !parser.content_length()) return 400;
    parsed.content_length = *parser.content_length();
  }
  parsed.keep_alive = parser.keep_alive();
  const std::string* expect = head.Find("expect");
  parsed.expects_continue = expect != nullptr && head.version >= 11 && parsed.has_body() &&
                            EqualsIgnoringCase(*expect, "100-continue");
  return 0;
}

}  // namespace chroma::http
