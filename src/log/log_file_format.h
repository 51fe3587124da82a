// The bytes of log files: a header, then frames. docs/formats.md "Log files" is the full text.
//
//   file   = FileHeader, frame…            frame = FrameHeader, payload, zeros to a multiple of 8
//
// A frame's header checksum covers the file's random salt and the frame's own position, so that
// neither a frame copied from elsewhere nor a user's payload that looks like a frame passes for
// one. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "base/bytes.h"
#include "base/uuid.h"
#include "chroma/status.h"

namespace chroma::log {

inline constexpr uint64_t kFileMagic = 0x31474f4c4d524843;  // "CHRMLOG1"
inline constexpr uint32_t kFileVersion = 1;
inline constexpr uint32_t kFrameMagic = 0x454d5246;  // "FRME"
inline constexpr uint64_t kFrameAlignment = 8;
inline constexpr size_t kPayloadBytesMax = size_t{1} << 30;

// Its size, magic and checksum are the same in every version.
struct FileHeader {
  uint64_t magic = kFileMagic;
  uint32_t version = kFileVersion;
  uint32_t reserved = 0;
  uint64_t number = 0;
  uint64_t first_offset = 0;     // no frame of this or a later file has a smaller one
  uint64_t salt = 0;             // random
  uint64_t previous_number = 0;  // 0: none
  uint64_t previous_end = 0;     // where the acknowledged frames of that file end
  uint64_t previous_chain = 0;   // its chain there
  int64_t created_unix_ns = 0;
  uint64_t checksum = 0;  // of everything before
};
static_assert(sizeof(FileHeader) == 80 && std::is_trivially_copyable_v<FileHeader>);
inline constexpr uint64_t kFileHeaderBytes = sizeof(FileHeader);

struct FrameHeader {
  uint32_t magic = kFrameMagic;
  uint32_t payload_bytes = 0;
  uint64_t first_offset = 0;
  uint32_t count = 0;
  uint32_t reserved = 0;
  int64_t append_unix_ns = 0;
  Uuid collection;
  uint64_t position = 0;    // of this frame in its file
  uint64_t durable_to = 0;  // everything before this position was synced when this was written
  uint64_t payload_checksum = 0;
  uint64_t checksum = 0;  // of everything before, and the file's salt
};
static_assert(sizeof(FrameHeader) == 80 && std::is_trivially_copyable_v<FrameHeader>);
inline constexpr uint64_t kFrameHeaderBytes = sizeof(FrameHeader);

// Header, payload and padding.
uint64_t FrameBytes(uint64_t payload_bytes);

// Sets the checksum and returns the bytes.
Bytes EncodeFileHeader(FileHeader header);
// kDataLoss, or kFailedPrecondition when a newer program wrote it; `path` is for messages.
Result<FileHeader> DecodeFileHeader(BytesView bytes, uint64_t number, const std::string& path);

// Sets the checksum of `header` and appends its bytes.
void PutFrameHeader(Bytes& out, FrameHeader& header, uint64_t salt);
// False when there is no frame header of this file and position at the start of `bytes`.
bool ReadFrameHeader(BytesView bytes, uint64_t salt, uint64_t position, FrameHeader& header);

// The chain of a file: a checksum of its frames in order, one step per frame.
uint64_t StartChain(uint64_t salt);
uint64_t ExtendChain(uint64_t chain, const FrameHeader& frame);

// Far beyond what a log reaches, and as far from where its numbers would begin again: a log that
// claims more is damaged. kDataLoss, with `directory` in its message, when one of the two, as they
// are or as they would be after a write, is beyond.
inline constexpr uint64_t kNextOffsetMax = uint64_t{1} << 62;
inline constexpr uint64_t kNextFileNumberMax = 100'000'000'000'000'000;
Status CheckNumbers(uint64_t next_offset, uint64_t next_number, const std::string& directory);

// "0000000001.log", and back; 0 when `name` is not one.
std::string LogFileName(uint64_t number);
uint64_t ParseLogFileName(std::string_view name);

}  // namespace chroma::log
