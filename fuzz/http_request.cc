// http/head_parser.h and http/chunked.h: a request's bytes mean the same in whatever pieces they
// arrive.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "http/chunked.h"
#include "http/head_parser.h"

namespace chroma::fuzz {
namespace {

using http::ChunkedDecoder;
using http::HeadEnd;

HeadEnd FindInPieces(std::string_view bytes, size_t piece) {
  size_t scanned = 0;
  HeadEnd end{HeadEnd::Kind::kNeedMore};
  size_t size = 0;
  while (end.kind == HeadEnd::Kind::kNeedMore && size < bytes.size()) {
    size = std::min(bytes.size(), size + piece);
    end = http::FindHeadEnd(bytes.substr(0, size), scanned);
  }
  return end;
}

struct Decoded {
  ChunkedDecoder::State state = ChunkedDecoder::State::kNeedMore;
  std::string body;
  size_t left = 0;
};

Decoded DecodeInPieces(std::string_view bytes, size_t piece) {
  ChunkedDecoder decoder;
  Decoded decoded;
  std::string_view data;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view in = bytes.substr(at, piece);
    do {
      decoded.state = decoder.Decode(in, data);
      if (decoded.state == ChunkedDecoder::State::kData) decoded.body += data;
    } while (decoded.state == ChunkedDecoder::State::kData);
    if (decoded.state == ChunkedDecoder::State::kDone) {
      decoded.left = in.size() + bytes.size() - std::min(bytes.size(), at + piece);
    }
    if (decoded.state != ChunkedDecoder::State::kNeedMore) break;
    CHECK(in.empty());
  }
  return decoded;
}

void CheckChunked(std::string_view bytes) {
  const Decoded whole = DecodeInPieces(bytes, bytes.size() + 1);
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{17}}) {
    const Decoded pieces = DecodeInPieces(bytes, piece);
    CHECK(pieces.state == whole.state);
    CHECK(pieces.body == whole.body);
    CHECK(pieces.left == whole.left);
  }
}

}  // namespace

void Run(BytesView input) {
  const HeadEnd end = FindInPieces(input, input.size() + 1);
  for (const size_t piece : {size_t{1}, size_t{7}}) {
    const HeadEnd pieces = FindInPieces(input, piece);
    CHECK(pieces.kind == end.kind);
    CHECK(pieces.size_bytes == end.size_bytes);
  }
  CheckChunked(input);
  if (end.kind != HeadEnd::Kind::kFound) return;
  CHECK(end.size_bytes <= input.size());
  http::ParsedHead parsed;
  const int status = http::ParseHead(input.substr(0, end.size_bytes), parsed);
  CHECK(status == 0 || status == 400 || status == 501 || status == 505);
  if (status != 0) return;
  CHECK(!parsed.chunked || parsed.content_length == 0);
  (void)parsed.request.path();
  (void)parsed.request.query();
  if (parsed.chunked) CheckChunked(input.substr(end.size_bytes));
}

}  // namespace chroma::fuzz
