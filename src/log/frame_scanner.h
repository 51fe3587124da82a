// Walks the frames of one log file from front to back, verifying each. Not thread safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "chroma/status.h"
#include "log/log_file_format.h"
#include "runtime/file_system.h"

namespace chroma::log {

class FrameScanner {
 public:
  // Reads nothing at or after `limit`. Does not own the file.
  FrameScanner(const runtime::File& file, uint64_t salt, uint64_t limit)
      : file_(file), salt_(salt), limit_(limit) {}

  // Where the next frame starts; everything before is whole.
  uint64_t position() const { return position_; }
  uint64_t chain() const { return chain_; }

  // False, without moving, when no whole frame starts here. Errors are those of reading.
  Result<bool> Next(FrameHeader& frame);
  // Whether a whole frame lies somewhere after the position that was written when everything up
  // to beyond the position was durable already: then what is here was whole once.
  Result<bool> WasDurable();

 private:
  // The bytes [position, position + n), fewer at the limit; valid until the next call.
  Result<BytesView> Window(uint64_t position, size_t n);
  Result<bool> FrameAt(uint64_t position, FrameHeader& frame);

  const runtime::File& file_;
  const uint64_t salt_;
  const uint64_t limit_;
  uint64_t position_ = kFileHeaderBytes;
  uint64_t chain_ = StartChain(salt_);
  Bytes buffer_;
  uint64_t buffer_start_ = 0;
};

}  // namespace chroma::log
