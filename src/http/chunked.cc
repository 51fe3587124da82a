#include "http/chunked.h"

#include <algorithm>

namespace chroma::http {

namespace {

// Nobody sends chunk extensions, and trailers are a few short lines.
constexpr size_t kOverheadBytesMax = 4096;
// 15 hexadecimal digits, so that a size never overflows.
constexpr uint64_t kChunkBytesMax = (1ull << 60) - 1;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::NextSizeStep(char c) {
  const int digit = HexDigit(c);
  if (digit >= 0) {
    if (chunk_bytes_ > (kChunkBytesMax >> 4)) return Step::kInvalid;
    chunk_bytes_ = chunk_bytes_ << 4 | static_cast<uint64_t>(digit);
    return Step::kSize;
  }
  if (step_ == Step::kSizeFirst) return Step::kInvalid;
  if (c == '\r') return Step::kSizeLineFeed;
  return c == ';' || c == ' ' || c == '\t' ? Step::kExtension : Step::kInvalid;
}

// The step after one byte that is not chunk data.
ChunkedDecoder::Step ChunkedDecoder::NextStep(char c) {
  switch (step_) {
    case Step::kSizeFirst:
      chunk_bytes_ = 0;
      return NextSizeStep(c);
    case Step::kSize:
      return NextSizeStep(c);
    case Step::kExtension:
      if (c == '\r') return Step::kSizeLineFeed;
      if (c == '\n' || c == '\0' || ++overhead_bytes_ > kOverheadBytesMax) return Step::kInvalid;
      return Step::kExtension;
    case Step::kSizeLineFeed:
      if (c != '\n') return Step::kInvalid;
      return chunk_bytes_ == 0 ? Step::kTrailerFirst : Step::kData;
    case Step::kDataReturn:
      return c == '\r' ? Step::kDataLineFeed : Step::kInvalid;
    case Step::kDataLineFeed:
      return c == '\n' ? Step::kSizeFirst : Step::kInvalid;
    case Step::kTrailerFirst:
      if (c == '\r') return Step::kLastLineFeed;
      [[fallthrough]];
    case Step::kTrailer:
      if (c == '\r') return Step::kTrailerLineFeed;
      if (c == '\n' || c == '\0' || ++overhead_bytes_ > kOverheadBytesMax) return Step::kInvalid;
      return Step::kTrailer;
    case Step::kTrailerLineFeed:
      return c == '\n' ? Step::kTrailerFirst : Step::kInvalid;
    case Step::kLastLineFeed:
      return c == '\n' ? Step::kDone : Step::kInvalid;
    case Step::kData:
    case Step::kDone:
    case Step::kInvalid:
      break;
  }
  return step_;
}

ChunkedDecoder::State ChunkedDecoder::Decode(std::string_view& in, std::string_view& data) {
  while (!in.empty() && step_ != Step::kDone && step_ != Step::kInvalid) {
    if (step_ == Step::kData) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(in.size(), chunk_bytes_));
      data = in.substr(0, n);
      in.remove_prefix(n);
      chunk_bytes_ -= n;
      if (chunk_bytes_ == 0) step_ = Step::kDataReturn;
      return State::kData;
    }
    step_ = NextStep(in.front());
    in.remove_prefix(1);
  }
  if (step_ == Step::kDone) return State::kDone;
  return step_ == Step::kInvalid ? State::kInvalid : State::kNeedMore;
}

}  // namespace chroma::http
