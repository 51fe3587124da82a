#include "log/frame_scanner.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {
constexpr size_t kReadBytes = 1 << 20;
}

Result<BytesView> FrameScanner::Window(uint64_t position, size_t n) {
  if (position >= limit_) return BytesView();
  const uint64_t available = limit_ - position;
  n = static_cast<size_t>(std::min<uint64_t>(n, available));
  const bool inside = position >= buffer_start_ && position + n <= buffer_start_ + buffer_.size();
  if (!inside) {
    buffer_.resize(static_cast<size_t>(std::min<uint64_t>(std::max(n, kReadBytes), available)));
    buffer_start_ = position;
    CHROMA_ASSIGN(size_t got, file_.ReadAt(position, buffer_.data(), buffer_.size()));
    buffer_.resize(got);
  }
  return BytesView(buffer_).substr(static_cast<size_t>(position - buffer_start_), n);
}

Result<bool> FrameScanner::FrameAt(uint64_t position, FrameHeader& frame) {
  CHROMA_ASSIGN(BytesView head, Window(position, kFrameHeaderBytes));
  if (!ReadFrameHeader(head, salt_, position, frame)) return false;
  const uint64_t size_bytes = FrameBytes(frame.payload_bytes);
  if (size_bytes > limit_ - position) return false;
  CHROMA_ASSIGN(BytesView whole, Window(position, static_cast<size_t>(size_bytes)));
  if (whole.size() != size_bytes) return false;
  BytesView padding = whole.substr(kFrameHeaderBytes + frame.payload_bytes);
  return padding.find_first_not_of('\0') == BytesView::npos &&
         (Checksum(whole.substr(kFrameHeaderBytes, frame.payload_bytes)) ==
              frame.payload_checksum ||
          CHROMA_PLANTED_BUG("log.accept_torn_frame"));
}

Result<bool> FrameScanner::Next(FrameHeader& frame) {
  CHROMA_ASSIGN(bool whole, FrameAt(position_, frame));
  if (!whole) return false;
  position_ += FrameBytes(frame.payload_bytes);
  chain_ = ExtendChain(chain_, frame);
  return true;
}

Result<bool> FrameScanner::WasDurable() {
  FrameHeader frame;
  for (uint64_t at = position_ + kFrameAlignment; at < limit_; at += kFrameAlignment) {
    CHROMA_ASSIGN(BytesView start, Window(at, sizeof(kFrameMagic)));
    if (start.size() < sizeof(kFrameMagic)) return false;
    if (LoadFixed<uint32_t>(start.data()) != kFrameMagic) continue;
    CHROMA_ASSIGN(bool whole, FrameAt(at, frame));
    if (whole && frame.durable_to > position_) return true;
  }
  return false;
}

}  // namespace chroma::log
