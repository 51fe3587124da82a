#include "catalog/wal_check.h"

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/flipped_bit.h"
#include "catalog/sqlite_vfs.h"
#include "catalog/wal_format.h"

namespace chroma::catalog {
namespace {

constexpr uint64_t kPageBytesUsual = 4096;

bool IsPageSize(uint64_t n) {
  return n >= 512 && n <= 65536 && (n & (n - 1)) == 0;
}

class Log {
 public:
  explicit Log(BytesView bytes)
      : bytes_(bytes),
        big_endian_((BigEndian(bytes, 0) & 1) != 0),
        header_whole_(IsHeader(bytes)),
        page_bytes_(header_whole_ ? BigEndian(bytes, 8) : kPageBytesUsual),
        sums_(Extend({}, bytes.substr(0, 24), big_endian_)) {}

  static bool IsHeader(BytesView bytes) {
    const uint32_t magic = BigEndian(bytes, 0);
    return (magic & ~1u) == kWalMagic && IsPageSize(BigEndian(bytes, 8)) &&
           Extend({}, bytes.substr(0, 24), (magic & 1) != 0) ==
               StoredSums(bytes.substr(0, kWalHeaderBytes));
  }

  bool header_whole() const { return header_whole_; }
  uint64_t frames() const {
    return (bytes_.size() - kWalHeaderBytes) / (kWalFrameHeaderBytes + page_bytes_);
  }
  BytesView Frame(uint64_t i) const {
    const uint64_t size = kWalFrameHeaderBytes + page_bytes_;
    return bytes_.substr(kWalHeaderBytes + i * size, size);
  }
  bool IsCommit(uint64_t i) const { return PagesAfter(i) != 0; }
  // Of the database once the commit that ends with the frame is made; else 0.
  uint32_t PagesAfter(uint64_t i) const { return BigEndian(Frame(i), 4); }
  // Frames in order: the first that is not whole, or all of them.
  uint64_t WholeFrames() const {
    WalSums sums = sums_;
    for (uint64_t i = 0; i < frames(); ++i) {
      if (!Follows(sums, Frame(i))) return i;
      sums = SumsOf(i);
    }
    return frames();
  }
  // Whether the frame was written behind the one before it, as that is now.
  bool FollowsTheOneBefore(uint64_t i) const { return Follows(SumsOf(i - 1), Frame(i)); }
  // How many frames, from the first one, were written one behind the other, whatever the header
  // says; up to the last commit among them.
  uint64_t CommittedRun() const {
    uint64_t committed = 0;
    const BytesView salts = frames() == 0 ? BytesView() : Salts(Frame(0));
    for (uint64_t i = 0; i < frames(); ++i) {
      if (i > 0 && !Follows(SumsOf(i - 1), Frame(i), salts)) break;
      if (IsCommit(i)) committed = i + 1;
    }
    return committed;
  }
  uint32_t PageNumber(uint64_t i) const { return BigEndian(Frame(i), 0); }
  // Without what the main file keeps for its own checksums.
  BytesView PageContent(uint64_t i) const {
    return Frame(i).substr(kWalFrameHeaderBytes, page_bytes_ - kPageReserveBytes);
  }
  uint64_t page_bytes() const { return page_bytes_; }
  // Undoes one flipped bit of the first frame that is not whole; empty when that is not it.
  Bytes Repair(uint64_t i) const {
    const WalSums before = i == 0 ? sums_ : SumsOf(i - 1);
    Bytes frame(Frame(i));
    const bool repaired = FlipBack(frame, [&](BytesView tried) { return Follows(before, tried); });
    return repaired ? frame : Bytes();
  }
  uint64_t OffsetOf(uint64_t i) const {
    return kWalHeaderBytes + i * (kWalFrameHeaderBytes + page_bytes_);
  }

 private:
  WalSums SumsOf(uint64_t i) const { return StoredSums(Frame(i).substr(0, kWalFrameHeaderBytes)); }
  static BytesView Salts(BytesView frame) { return frame.substr(8, 8); }
  bool Follows(WalSums sums, BytesView frame) const {
    return Follows(sums, frame, bytes_.substr(16, 8));
  }
  bool Follows(WalSums sums, BytesView frame, BytesView salts) const {
    if (Salts(frame) != salts) return false;
    return SumsAreRight(sums, frame.substr(0, kWalFrameHeaderBytes),
                        frame.substr(kWalFrameHeaderBytes), big_endian_);
  }

  const BytesView bytes_;
  const bool big_endian_;
  const bool header_whole_;
  const uint64_t page_bytes_;
  const WalSums sums_;
};

// Empty when there is nothing to be checked.
Result<Bytes> ReadLog(runtime::FileSystem& files, const std::string& path) {
  const std::string log_path = path + "-wal";
  CHROMA_ASSIGN(const bool exists, files.Exists(log_path));
  if (!exists) return Bytes();
  CHROMA_ASSIGN(Bytes bytes, runtime::ReadWholeFile(files, log_path));
  return bytes.size() < kWalHeaderBytes + kWalFrameHeaderBytes ? Bytes() : bytes;
}

// Whether nothing is in the log that the main file lacks.
Result<bool> IsInMainFile(runtime::FileSystem& files, const std::string& path, const Log& log) {
  std::unordered_map<uint32_t, uint64_t> newest;  // frame of each page
  const uint64_t committed = log.CommittedRun();
  if (committed == 0) return true;
  for (uint64_t i = 0; i < committed; ++i) newest[log.PageNumber(i)] = i;
  // Pages that the last commit cut off are not written to the main file any more.
  const uint32_t pages = log.PagesAfter(committed - 1);
  std::erase_if(newest, [pages](const auto& page) { return page.first > pages; });
  CHROMA_ASSIGN(const auto file, files.Open(path, runtime::OpenMode::kRead));
  Bytes page;
  for (const auto& [number, frame] : newest) {
    const BytesView content = log.PageContent(frame);
    if (number == 0) return false;
    page.resize(content.size());
    CHROMA_ASSIGN(const size_t got, file->ReadAt((uint64_t{number} - 1) * log.page_bytes(),
                                                 page.data(), page.size()));
    if (got != content.size() || page != content) return false;
  }
  return true;
}

}  // namespace

Status CheckWriteAheadLog(runtime::FileSystem& files, const std::string& path) {
  CHROMA_ASSIGN(const Bytes bytes, ReadLog(files, path));
  if (bytes.empty()) return Status();
  const Log log(bytes);
  const Status damaged =
      Status::DataLoss("catalog " + path +
                       "-wal is damaged: what was committed after the damage would be lost; "
                       "restore it from a backup, or see chroma doctor");
  if (!log.header_whole()) {
    // It is written first, or anew when all that the log held is in the main file; that write may
    // have failed half way.
    CHROMA_ASSIGN(const bool nothing_lost, IsInMainFile(files, path, log));
    if (!nothing_lost) return damaged;
    // SQLite would take the salts of the torn header for the next log, and the old frames behind
    // its new ones could not be told from them.
    CHROMA_ASSIGN(const auto file, files.Open(path + "-wal", runtime::OpenMode::kReadWrite));
    CHROMA_TRY(file->Truncate(0));
    return file->Sync();
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

uint64_t CommittedLogBytes(BytesView bytes) {
  if (bytes.size() < kWalHeaderBytes + kWalFrameHeaderBytes) return 0;
  const Log log(bytes);
  if (!log.header_whole()) return 0;
  uint64_t committed = log.WholeFrames();
  while (committed > 0 && !log.IsCommit(committed - 1)) --committed;
  return committed == 0 ? 0 : log.OffsetOf(committed);
}

Result<std::optional<RepairedFrame>> RepairWriteAheadLog(runtime::FileSystem& files,
                                                         const std::string& path) {
  std::optional<RepairedFrame> none;
  CHROMA_ASSIGN(const Bytes bytes, ReadLog(files, path));
  if (bytes.empty()) return none;
  const Log log(bytes);
  if (!log.header_whole()) {
    Bytes header = bytes.substr(0, kWalHeaderBytes);
    if (!FlipBack(header, Log::IsHeader)) return none;
    return std::optional<RepairedFrame>({0, std::move(header)});
  }
  const uint64_t first = log.WholeFrames();
  if (first == log.frames()) return none;
  Bytes frame = log.Repair(first);
  if (frame.empty()) return none;
  return std::optional<RepairedFrame>({log.OffsetOf(first), std::move(frame)});
}

}  // namespace chroma::catalog
