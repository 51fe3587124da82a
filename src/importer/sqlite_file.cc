#include "importer/sqlite_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/coding.h"

namespace chroma::importer {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr size_t kHeaderBytes = 100;
constexpr uint32_t kUsualPageSize = 4096;
constexpr uint32_t kUtf8 = 1;

bool IsPageSize(uint32_t size) {
  return size >= 512 && size <= 65536 && std::has_single_bit(size);
}

// Of 1, which means 65536, and everything else as it is.
uint32_t PageSizeAt(const char* at) {
  const uint32_t size = LoadBig16(at);
  return size == 1 ? 65536 : size;
}

// ---- the write-ahead log

constexpr uint32_t kLogMagic = 0x377f0682;  // the lowest bit: checksums of big-endian words
constexpr size_t kLogHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;

struct LogChecksum {
  uint32_t first = 0;
  uint32_t second = 0;
  bool big_endian = false;

  // Of bytes in multiples of 8.
  void Add(BytesView bytes) {
    for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      first += Word(bytes.data() + i) + second;
      second += Word(bytes.data() + i + 4) + first;
    }
  }
  bool Matches(const char* at) const {
    return LoadBig32(at) == first && LoadBig32(at + 4) == second;
  }

 private:
  uint32_t Word(const char* at) const {
    return big_endian ? LoadBig32(at) : LoadFixed<uint32_t>(at);
  }
};

// ---- the rollback journal

constexpr std::string_view kJournalMagic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
constexpr size_t kJournalHeaderBytes = 28;

uint32_t JournalChecksum(uint32_t nonce, BytesView page) {
  uint32_t sum = nonce;
  for (size_t i = page.size(); i > 200;) {
    i -= 200;
    sum += static_cast<uint8_t>(page[i]);
  }
  return sum;
}

}  // namespace

void DamageList::Add(std::string what) {
  ++total_;
  if (texts_.size() < kTextsMax) texts_.push_back(std::move(what));
}

std::vector<std::string> DamageList::Texts() const {
  std::vector<std::string> texts = texts_;
  if (total_ > texts_.size()) {
    texts.push_back("and " + std::to_string(total_ - texts_.size()) + " more places");
  }
  return texts;
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::Open(const runtime::Env& env,
                                                     const std::string& path, DamageList* damage) {
  std::vector<std::shared_ptr<const runtime::MappedFile>> maps;
  BytesView views[3];
  const char* const suffixes[3] = {"", "-wal", "-journal"};
  for (int i = 0; i < 3; ++i) {
    auto map = env.files->Map(path + suffixes[i]);
    if (i > 0 && map.status().code() == StatusCode::kNotFound) continue;
    CHROMA_TRY(map.status());
    views[i] = (*map)->bytes();
    maps.push_back(*std::move(map));
  }
  CHROMA_ASSIGN(auto file, FromBytes(views[0], views[1], views[2], damage));
  file->maps_ = std::move(maps);
  return file;
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::FromBytes(BytesView bytes, BytesView log,
                                                          BytesView journal, DamageList* damage) {
  std::unique_ptr<SqliteFile> file(new SqliteFile());
  file->file_ = bytes;
  CHROMA_TRY(file->ReadHeader(damage));
  file->ApplyJournal(journal);
  file->ApplyLog(log, damage);
  // The header may have been wrong in the file and right in what was applied.
  const BytesView first = file->Page(1);
  if (!first.empty() && LoadBig32(first.data() + 56) > kUtf8 && first.starts_with(kMagic)) {
    return Status::FailedPrecondition(
        "chroma.sqlite3 holds text in UTF-16, which Chroma does not write");
  }
  const uint64_t whole = bytes.size() / file->page_size_;
  if (whole < file->page_count_ && file->overlay_.empty()) {
    damage->Add("chroma.sqlite3 is cut off: " + std::to_string(whole) + " of its " +
                std::to_string(file->page_count_) + " pages are there");
  }
  return file;
}

Status SqliteFile::ReadHeader(DamageList* damage) {
  if (file_.size() < 512) {
    return Status::DataLoss("chroma.sqlite3 is damaged: it has " + std::to_string(file_.size()) +
                            " bytes");
  }
  page_size_ = PageSizeAt(file_.data() + 16);
  const uint32_t reserved = static_cast<uint8_t>(file_[20]);
  usable_size_ = page_size_ - reserved;
  const bool sound = file_.starts_with(kMagic) && IsPageSize(page_size_) && usable_size_ >= 480;
  if (!sound) {
    damage->Add("chroma.sqlite3: the header is damaged");
    page_size_ = kUsualPageSize;
    usable_size_ = kUsualPageSize;
  }
  const uint64_t in_file = (file_.size() + page_size_ - 1) / page_size_;
  page_count_ = static_cast<uint32_t>(std::min<uint64_t>(in_file, UINT32_MAX - 1));
  if (!sound) return Status();
  // Only a program that knows this number also kept the mark beside it.
  const uint32_t stated = LoadBig32(file_.data() + 28);
  if (stated != 0 && LoadBig32(file_.data() + 24) == LoadBig32(file_.data() + 92)) {
    // A number that is far off is damage itself.
    if (stated / 64 > page_count_) {
      damage->Add("chroma.sqlite3: the header says " + std::to_string(stated) + " pages");
    } else {
      page_count_ = stated;
    }
  }
  return Status();
}

void SqliteFile::ApplyLog(BytesView log, DamageList* damage) {
  if (log.size() < kLogHeaderBytes) return;
  const char* header = log.data();
  LogChecksum sum;
  sum.big_endian = (LoadBig32(header) & 1) != 0;
  sum.Add(log.substr(0, 24));
  if ((LoadBig32(header) & ~1u) != kLogMagic || LoadBig32(header + 8) != page_size_ ||
      !sum.Matches(header + 24)) {
    damage->Add("chroma.sqlite3-wal: the header is damaged; what was only there is lost");
    return;
  }
  const size_t frame_bytes = kFrameHeaderBytes + page_size_;
  // As many pages as the bytes that are there could hold, whatever a frame says.
  const uint64_t pages_max = file_.size() / page_size_ + log.size() / frame_bytes + 1;
  std::vector<std::pair<uint32_t, BytesView>> transaction;
  for (size_t at = kLogHeaderBytes; at + frame_bytes <= log.size(); at += frame_bytes) {
    const char* frame = log.data() + at;
    const BytesView page = log.substr(at + kFrameHeaderBytes, page_size_);
    // Frames of an earlier use of the file follow its end, with other salts.
    if (std::memcmp(frame + 8, header + 16, 8) != 0) break;
    sum.Add({frame, 8});
    sum.Add(page);
    if (!sum.Matches(frame + 16)) break;
    transaction.emplace_back(LoadBig32(frame), page);
    const uint32_t pages_after = LoadBig32(frame + 4);
    if (pages_after == 0) continue;
    for (const auto& [number, bytes] : transaction) overlay_[number] = bytes;
    transaction.clear();
    page_count_ = static_cast<uint32_t>(std::min<uint64_t>(pages_after, pages_max));
  }
}

void SqliteFile::ApplyJournal(BytesView journal) {
  size_t at = 0;
  bool first = true;
  while (at + kJournalHeaderBytes <= journal.size()) {
    const char* header = journal.data() + at;
    if (!journal.substr(at).starts_with(kJournalMagic)) return;
    uint32_t records = LoadBig32(header + 8);
    const uint32_t nonce = LoadBig32(header + 12);
    const uint32_t sector = std::max<uint32_t>(LoadBig32(header + 20), 512);
    const size_t record_bytes = size_t{page_size_} + 8;
    if (first && LoadBig32(header + 24) != page_size_) return;
    if (sector > 65536) return;
    at += sector;
    if (at > journal.size()) return;
    const size_t fitting = (journal.size() - at) / record_bytes;
    if (records == UINT32_MAX) records = static_cast<uint32_t>(fitting);
    const uint64_t pages_max = (file_.size() + journal.size()) / page_size_ + 1;
    if (first && records > 0) {
      page_count_ = static_cast<uint32_t>(std::min<uint64_t>(LoadBig32(header + 16), pages_max));
    }
    first = false;
    for (uint32_t i = 0; i < records; ++i, at += record_bytes) {
      if (i >= fitting) return;
      const BytesView page = journal.substr(at + 4, page_size_);
      if (LoadBig32(page.data() + page_size_) != JournalChecksum(nonce, page)) return;
      // What a page held before the transaction began is its first record.
      overlay_.emplace(LoadBig32(journal.data() + at), page);
    }
    at = (at + sector - 1) / sector * sector;
  }
}

BytesView SqliteFile::Page(uint32_t number) const {
  if (number == 0 || number > page_count_) return {};
  if (ctx_ != nullptr && !ctx_->Check().ok()) return {};
  if (!overlay_.empty()) {
    const auto it = overlay_.find(number);
    if (it != overlay_.end()) return it->second;
  }
  const uint64_t begin = uint64_t{number - 1} * page_size_;
  if (begin + page_size_ > file_.size()) return {};
  return file_.substr(begin, page_size_);
}

std::vector<bool> SqliteFile::FreePages() const {
  std::vector<bool> free(size_t{page_count_} + 1, false);
  const BytesView first = Page(1);
  if (first.empty()) return free;
  uint32_t trunk = LoadBig32(first.data() + 32);
  while (trunk != 0 && trunk <= page_count_ && !free[trunk]) {
    free[trunk] = true;
    const BytesView page = Page(trunk);
    if (page.empty()) break;
    const uint32_t leaves = std::min(LoadBig32(page.data() + 4), usable_size_ / 4 - 2);
    for (uint32_t i = 0; i < leaves; ++i) {
      const uint32_t leaf = LoadBig32(page.data() + 8 + 4 * i);
      if (leaf <= page_count_) free[leaf] = true;
    }
    trunk = LoadBig32(page.data());
  }
  return free;
}

Result<uint64_t> ReadChangeMark(const runtime::Env& env, const std::string& path) {
  uint64_t mark = 0;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    auto file = env.files->Open(path + suffix, runtime::OpenMode::kRead);
    if (file.status().code() == StatusCode::kNotFound) continue;
    CHROMA_TRY(file.status());
    CHROMA_ASSIGN(const uint64_t size, (*file)->Size());
    char head[kHeaderBytes] = {};
    CHROMA_ASSIGN([[maybe_unused]] size_t n, (*file)->ReadAt(0, head, sizeof(head)));
    // The change counter of the database, the salts of the log, the nonce of the journal.
    const size_t at = *suffix == 0 ? 24 : 16;
    mark = (mark * 1099511628211u) ^ size ^ (uint64_t{LoadBig32(head + at)} << 32);
  }
  return mark;
}

}  // namespace chroma::importer
