#include "log/log_file_format.h"

#include <cstring>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::log {
namespace {

template <typename T>
BytesView ObjectBytes(const T& object) {
  return BytesView(reinterpret_cast<const char*>(&object), sizeof(object));
}

// The checksum field holds the salt while the checksum is computed.
uint64_t FrameChecksum(FrameHeader header, uint64_t salt) {
  header.checksum = salt;
  return Checksum(ObjectBytes(header));
}

constexpr size_t kNumberDigits = 10;
constexpr std::string_view kSuffix = ".log";

}  // namespace

uint64_t FrameBytes(uint64_t payload_bytes) {
  uint64_t size_bytes = kFrameHeaderBytes + payload_bytes;
  return (size_bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

Bytes EncodeFileHeader(FileHeader header) {
  header.checksum = Checksum(ObjectBytes(header).substr(0, offsetof(FileHeader, checksum)));
  return Bytes(ObjectBytes(header));
}

Result<FileHeader> DecodeFileHeader(BytesView bytes, uint64_t number, const std::string& path) {
  if (bytes.size() < kFileHeaderBytes) {
    return Status::DataLoss("log file " + path + " is shorter than its header");
  }
  FileHeader header = LoadFixed<FileHeader>(bytes.data());
  if (header.magic != kFileMagic) {
    return Status::DataLoss("log file " + path + " does not start as a log file");
  }
  if (header.checksum != Checksum(bytes.substr(0, offsetof(FileHeader, checksum))) ||
      header.number != number) {
    return Status::DataLoss("the header of log file " + path + " is damaged");
  }
  if (header.version > kFileVersion) {
    return Status::FailedPrecondition("log file " + path +
                                      " was written by a newer version of this program");
  }
  return header;
}

void PutFrameHeader(Bytes& out, FrameHeader& header, uint64_t salt) {
  header.checksum = FrameChecksum(header, salt);
  PutFixed(out, header);
}

bool ReadFrameHeader(BytesView bytes, uint64_t salt, uint64_t position, FrameHeader& header) {
  if (bytes.size() < kFrameHeaderBytes) return false;
  if (LoadFixed<uint32_t>(bytes.data()) != kFrameMagic) return false;
  header = LoadFixed<FrameHeader>(bytes.data());
  return header.position == position && header.durable_to <= position &&
         header.checksum == FrameChecksum(header, salt);
}

uint64_t StartChain(uint64_t salt) {
  return salt;
}

uint64_t ExtendChain(uint64_t chain, const FrameHeader& frame) {
  const uint64_t link[2] = {chain, frame.checksum};
  return Checksum(ObjectBytes(link));
}

Status CheckNumbers(uint64_t next_offset, uint64_t next_number, const std::string& directory) {
  if (next_offset <= kNextOffsetMax && next_number <= kNextFileNumberMax) return Status::Ok();
  return Status::DataLoss("the log in " + directory +
                          " claims more records or files than one can have; restore it from a "
                          "backup");
}

std::string LogFileName(uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  return digits.append(kSuffix);
}

uint64_t ParseLogFileName(std::string_view name) {
  if (!name.ends_with(kSuffix)) return 0;
  name.remove_suffix(kSuffix.size());
  if (name.size() < kNumberDigits || name.size() > 18) return 0;
  uint64_t number = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return LogFileName(number).size() == name.size() + kSuffix.size() ? number : 0;
}

}  // namespace chroma::log
