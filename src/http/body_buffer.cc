#include "http/body_buffer.h"

#include <algorithm>
#include <utility>

namespace chroma::http {

namespace {

// Of a body of known size.
constexpr uint64_t kFirstBytes = 1 << 20;
constexpr uint64_t kGrowth = 8;
// Of a chunked body.
constexpr uint64_t kFirstChunkedBytes = 64 << 10;
constexpr uint64_t kChunkedGrowth = 2;
// A std::string zeroes what it grows by; in steps that fit the cache this costs little.
constexpr uint64_t kStepBytes = 256 << 10;

}  // namespace

bool BodyBuffer::Grow(uint64_t capacity) {
  if (!budget_.TryTake(capacity - charged_bytes_)) return false;
  charged_bytes_ = capacity;
  bytes_.reserve(capacity);
  return true;
}

std::span<char> BodyBuffer::Room(uint64_t size_bytes) {
  if (filled_bytes_ == bytes_.size() && filled_bytes_ < size_bytes) {
    if (filled_bytes_ == charged_bytes_ &&
        !Grow(std::min(size_bytes, std::max(kFirstBytes, filled_bytes_ * kGrowth)))) {
      return {};
    }
    bytes_.resize(std::min(charged_bytes_, filled_bytes_ + kStepBytes));
  }
  return {bytes_.data() + filled_bytes_, bytes_.size() - filled_bytes_};
}

bool BodyBuffer::Append(std::string_view piece) {
  const uint64_t needed = filled_bytes_ + piece.size();
  if (needed > charged_bytes_ &&
      !Grow(std::max({needed, kFirstChunkedBytes, charged_bytes_ * kChunkedGrowth}))) {
    return false;
  }
  bytes_.append(piece);
  filled_bytes_ += piece.size();
  return true;
}

std::string BodyBuffer::Take() {
  bytes_.resize(filled_bytes_);
  filled_bytes_ = 0;
  return std::exchange(bytes_, {});
}

void BodyBuffer::GiveBack() {
  budget_.GiveBack(std::exchange(charged_bytes_, 0));
}

}  // namespace chroma::http
