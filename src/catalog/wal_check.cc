#include "catalog/wal_check.h"

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace chroma::catalog {
namespace {

// https://www.sqlite.org/fileformat2.html#the_write_ahead_log
constexpr uint32_t kMagic = 0x377f0682;  // its lowest bit: checksums are of big-endian numbers
constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint64_t kPageBytesUsual = 4096;

uint32_t BigEndian(BytesView bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

struct Sums {
  uint32_t s0 = 0;
  uint32_t s1 = 0;
  bool operator==(const Sums&) const = default;
};

Sums Extend(Sums sums, BytesView bytes, bool big_endian) {
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    uint32_t words[2];
    for (size_t w = 0; w < 2; ++w) {
      const uint32_t value = BigEndian(bytes, at + 4 * w);
      words[w] = big_endian ? value : __builtin_bswap32(value);
    }
    sums.s0 += words[0] + sums.s1;
    sums.s1 += words[1] + sums.s0;
  }
  return sums;
}

bool IsPageSize(uint64_t n) {
  return n >= 512 && n <= 65536 && (n & (n - 1)) == 0;
}

class Log {
 public:
  explicit Log(BytesView bytes) : bytes_(bytes) {
    const uint32_t magic = BigEndian(bytes, 0);
    big_endian_ = (magic & 1) != 0;
    page_bytes_ = BigEndian(bytes, 8);
    sums_ = Extend({}, bytes.substr(0, 24), big_endian_);
    header_whole_ = (magic & ~1u) == kMagic && IsPageSize(page_bytes_) &&
                    sums_ == Sums{BigEndian(bytes, 24), BigEndian(bytes, 28)};
    if (!header_whole_) page_bytes_ = kPageBytesUsual;
  }

  bool header_whole() const { return header_whole_; }
  uint64_t frames() const {
    return (bytes_.size() - kHeaderBytes) / (kFrameHeaderBytes + page_bytes_);
  }
  BytesView Frame(uint64_t i) const {
    const uint64_t size = kFrameHeaderBytes + page_bytes_;
    return bytes_.substr(kHeaderBytes + i * size, size);
  }
  bool IsCommit(uint64_t i) const { return BigEndian(Frame(i), 4) != 0; }
  // Whether the frame was written since the log was begun anew last.
  bool IsCurrent(uint64_t i) const { return Frame(i).substr(8, 8) == bytes_.substr(16, 8); }
  // Frames in order: the first that is not whole, or all of them.
  uint64_t WholeFrames() const {
    Sums sums = sums_;
    for (uint64_t i = 0; i < frames(); ++i) {
      if (!Follows(sums, i)) return i;
      sums = StoredSums(i);
    }
    return frames();
  }
  // Whether the frame was written behind the one before it, as that is now.
  bool FollowsTheOneBefore(uint64_t i) const { return Follows(StoredSums(i - 1), i); }

 private:
  Sums StoredSums(uint64_t i) const { return {BigEndian(Frame(i), 16), BigEndian(Frame(i), 20)}; }
  bool Follows(Sums sums, uint64_t i) const {
    const BytesView frame = Frame(i);
    sums = Extend(sums, frame.substr(0, 8), big_endian_);
    sums = Extend(sums, frame.substr(kFrameHeaderBytes), big_endian_);
    return IsCurrent(i) && sums == StoredSums(i);
  }

  const BytesView bytes_;
  bool big_endian_ = false;
  bool header_whole_ = false;
  uint64_t page_bytes_ = 0;
  Sums sums_;
};

}  // namespace

Status CheckWriteAheadLog(runtime::FileSystem& files, const std::string& path) {
  const std::string log_path = path + "-wal";
  CHROMA_ASSIGN(const bool exists, files.Exists(log_path));
  if (!exists) return Status();
  CHROMA_ASSIGN(const auto file, files.Open(log_path, runtime::OpenMode::kRead));
  CHROMA_ASSIGN(const uint64_t size_bytes, file->Size());
  if (size_bytes < kHeaderBytes + kFrameHeaderBytes) return Status();
  Bytes bytes(size_bytes, '\0');
  CHROMA_ASSIGN(const size_t got, file->ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  if (got < kHeaderBytes + kFrameHeaderBytes) return Status();
  const Log log(bytes);
  const Status damaged =
      Status::DataLoss("catalog " + log_path +
                       " is damaged: what was committed after the damage would be lost; "
                       "restore it from a backup, or see chroma doctor");
  if (!log.header_whole()) {
    // It is written at once, before any frame, and lies in one sector.
    for (uint64_t i = 0; i < log.frames(); ++i) {
      if (log.IsCommit(i)) return damaged;
    }
    return Status();
  }
  // In one run of frames: what commits that failed left behind may be of several.
  int commits = 0;
  for (uint64_t i = log.WholeFrames() + 1; i < log.frames(); ++i) {
    if (!log.FollowsTheOneBefore(i)) {
      commits = 0;
    } else if (log.IsCommit(i) && ++commits == 2) {
      return damaged;
    }
  }
  return Status();
}

}  // namespace chroma::catalog
