#include "catalog/sqlite_vfs.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "catalog/wal_check.h"
#include "catalog/wal_format.h"
#include "runtime/test_points.h"

namespace chroma::catalog {
namespace {

using runtime::File;
using runtime::OpenMode;

constexpr int kSectorBytes = 4096;
constexpr int kPageBytesMin = 512;
constexpr int kPathBytesMax = 64;  // of the names that SQLite sees, not of ours

// What SQLite allocates for an open file; it sees only the base, at the same address.
struct OpenFile : sqlite3_file {
  SqliteVfs* vfs = nullptr;
  std::unique_ptr<File> file;
  std::string path;
  Bytes page;                    // scratch of writes
  bool has_checksums = false;    // the main file
  bool directory_dirty = false;  // created, and the directory not yet synced
  Status sync_error;             // of the main file; see Sync
  bool is_log = false;           // the write-ahead log
  bool found_unsynced = false;   // a log that was there; see Rewrite
  uint64_t found_checksum = 0;   // of what was in it
  bool remove_on_close = false;
};

OpenFile& Self(sqlite3_file* file) {
  return *static_cast<OpenFile*>(file);
}
SqliteVfs& Self(sqlite3_vfs* vfs) {
  return *static_cast<SqliteVfs*>(vfs->pAppData);
}

// SQLite is C: nothing may be thrown through it.
template <typename Body>
int NoThrow(Body body) {
  try {
    return body();
  } catch (const std::exception&) {
    return SQLITE_IOERR_NOMEM;
  }
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// SQLite reads and writes the main file by whole pages, but for two glances at its first 100
// bytes; those come again as part of the page before they matter.
bool IsPage(uint64_t offset, size_t n) {
  return n >= kPageBytesMin && (n & (n - 1)) == 0 && offset % n == 0;
}

uint64_t PageChecksum(const char* page, size_t n) {
  return Checksum(BytesView(page, n - kPageReserveBytes));
}

// Not SQLITE_CORRUPT: where a rollback fails with that, SQLite goes on with the pages that it was
// to undo, and the next transaction commits them.
constexpr int kWrongBytes = SQLITE_IOERR_DATA;

int VerifyPage(OpenFile& self, const char* page, size_t n, uint64_t offset) {
  if (CHROMA_PLANTED_BUG("catalog.believe_pages")) return SQLITE_OK;
  if (LoadFixed<uint64_t>(page + n - kPageReserveBytes) == PageChecksum(page, n)) return SQLITE_OK;
  return self.vfs->Report(Status::DataLoss(self.path + " is damaged: the page at byte " +
                                           std::to_string(offset) + " has a wrong checksum"),
                          kWrongBytes);
}

// SQLite verifies its log when it opens it, and believes it from then on; what it copies from there
// to the main file gets a checksum that is right. So a page of the log is verified whenever it is
// read, too. A page is not read before its transaction is written as a whole: connections do not
// spill (cache_spill = OFF).
int VerifyLogPage(OpenFile& self, BytesView page, uint64_t offset) {
  if (CHROMA_PLANTED_BUG("catalog.believe_pages")) return SQLITE_OK;
  const uint64_t frame_bytes = kWalFrameHeaderBytes + page.size();
  const uint64_t frame = offset - kWalFrameHeaderBytes;
  char header[kWalHeaderBytes];
  char frame_header[kWalFrameHeaderBytes];
  char before[kWalFrameHeaderBytes];
  const auto read = [&self](uint64_t at, char* out, size_t n) -> Status {
    CHROMA_ASSIGN(size_t got, self.file->ReadAt(at, out, n));
    return got == n ? Status() : Status::DataLoss(self.path + " ends too early");
  };
  Status done = read(0, header, sizeof(header));
  if (done.ok()) done = read(frame, frame_header, sizeof(frame_header));
  const bool first = frame == kWalHeaderBytes;
  if (done.ok() && !first) done = read(frame - frame_bytes, before, sizeof(before));
  if (!done.ok()) return self.vfs->Report(done, SQLITE_IOERR_READ);
  const WalSums sums =
      StoredSums(first ? BytesView(header, sizeof(header)) : BytesView(before, sizeof(before)));
  const bool big_endian = (BigEndian(BytesView(header, sizeof(header)), 0) & 1) != 0;
  if (SumsAreRight(sums, BytesView(frame_header, sizeof(frame_header)), page, big_endian)) {
    return SQLITE_OK;
  }
  return self.vfs->Report(Status::DataLoss(self.path + " is damaged: the page at byte " +
                                           std::to_string(offset) + " has a wrong checksum"),
                          kWrongBytes);
}

// Whether these bytes of the log are the page of a frame.
bool IsLogPage(uint64_t offset, size_t n) {
  if (n < kPageBytesMin || (n & (n - 1)) != 0) return false;
  if (offset < kWalHeaderBytes + kWalFrameHeaderBytes) return false;
  return (offset - kWalHeaderBytes - kWalFrameHeaderBytes) % (kWalFrameHeaderBytes + n) == 0;
}

int Close(sqlite3_file* file) {
  OpenFile& self = Self(file);
  int rc = NoThrow([&] {
    self.file.reset();
    if (!self.remove_on_close) return SQLITE_OK;
    Status removed = self.vfs->env().files->Remove(self.path);
    return removed.ok() ? SQLITE_OK : self.vfs->Report(removed, SQLITE_IOERR_DELETE);
  });
  std::destroy_at(&self);
  return rc;
}

int Read(sqlite3_file* file, void* out, int n, sqlite3_int64 offset) {
  return NoThrow([&] {
    OpenFile& self = Self(file);
    char* bytes = static_cast<char*>(out);
    size_t wanted = static_cast<size_t>(n);
    Result<size_t> got = self.file->ReadAt(static_cast<uint64_t>(offset), bytes, wanted);
    if (!got.ok()) return self.vfs->Report(got.status(), SQLITE_IOERR_READ);
    const bool is_page = self.has_checksums && IsPage(static_cast<uint64_t>(offset), wanted);
    if (*got < wanted) {
      std::memset(bytes + *got, 0, wanted - *got);
      // SQLite takes zeros for what is missing; of a page that was cut they are damage.
      if (*got == 0 || !is_page) return SQLITE_IOERR_SHORT_READ;
    }
    if (self.is_log && *got == wanted && IsLogPage(static_cast<uint64_t>(offset), wanted)) {
      return VerifyLogPage(self, BytesView(bytes, wanted), static_cast<uint64_t>(offset));
    }
    if (!is_page) return SQLITE_OK;
    return VerifyPage(self, bytes, wanted, static_cast<uint64_t>(offset));
  });
}

Result<Bytes> ReadAll(const File& file) {
  CHROMA_ASSIGN(const uint64_t size, file.Size());
  Bytes bytes(size, '\0');
  CHROMA_ASSIGN(const size_t got, file.ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  return bytes;
}

// What an earlier process left in a log is read from the kernel's memory, and need not be on the
// disk: after a failed fdatasync the kernel takes its pages for clean. SQLite would append to such
// a log, and a power failure cut it in the middle; so before the first write to it, it is written
// once more, as it was found. Not before: where there is no room, reading must go on.
//
// Without the end of a transaction that was never committed, though: where the next one is written
// over it and is torn by another power failure, the sectors of both together may be that of the
// first, whole, long after everybody was told that it never happened.
Status Rewrite(OpenFile& self) {
  if (!self.found_unsynced) return Status();
  CHROMA_ASSIGN(Bytes bytes, ReadAll(*self.file));
  if (Checksum(bytes) != self.found_checksum) {
    return Status::DataLoss(self.path + " is damaged: it is not what it was when it was opened");
  }
  const size_t found_bytes = bytes.size();
  if (self.is_log) bytes.resize(CommittedLogBytes(bytes));
  if (bytes.size() < found_bytes) CHROMA_TRY(self.file->Truncate(bytes.size()));
  self.found_checksum = Checksum(bytes);
  if (!bytes.empty()) CHROMA_TRY(self.file->WriteAt(0, bytes));
  if (found_bytes > 0) CHROMA_TRY(self.file->Sync());
  self.found_unsynced = false;
  return Status();
}

int Write(sqlite3_file* file, const void* in, int n, sqlite3_int64 offset) {
  return NoThrow([&] {
    OpenFile& self = Self(file);
    BytesView bytes(static_cast<const char*>(in), static_cast<size_t>(n));
    if (self.has_checksums && IsPage(static_cast<uint64_t>(offset), bytes.size())) {
      self.page.assign(bytes.substr(0, bytes.size() - kPageReserveBytes));
      PutFixed(self.page, PageChecksum(bytes.data(), bytes.size()));
      bytes = self.page;
    }
    Status written = Rewrite(self);
    if (written.ok()) written = self.file->WriteAt(static_cast<uint64_t>(offset), bytes);
    if (self.has_checksums) {
      CHROMA_TEST_POINT("catalog.page_written");
    } else {
      CHROMA_TEST_POINT("catalog.journal_written");
    }
    return written.ok() ? SQLITE_OK : self.vfs->Report(written, SQLITE_IOERR_WRITE);
  });
}

int Truncate(sqlite3_file* file, sqlite3_int64 size_bytes) {
  return NoThrow([&] {
    OpenFile& self = Self(file);
    Status done = self.file->Truncate(static_cast<uint64_t>(size_bytes));
    CHROMA_TEST_POINT("catalog.file_truncated");
    return done.ok() ? SQLITE_OK : self.vfs->Report(done, SQLITE_IOERR_TRUNCATE);
  });
}

int Sync(sqlite3_file* file, int) {
  return NoThrow([&] {
    OpenFile& self = Self(file);
    if (CHROMA_PLANTED_BUG("catalog.skip_sync") && !self.has_checksums) return SQLITE_OK;
    // A kernel that could not write a page may forget that it is dirty: the next fdatasync then
    // succeeds without it. SQLite would clear its log after that one, so the main file fails for
    // good and the log keeps everything until the database is opened anew. (What a failed sync
    // leaves in the log itself is written again by the next transaction.)
    Status done = self.sync_error.ok() ? self.file->Sync() : self.sync_error;
    if (self.has_checksums) {
      CHROMA_TEST_POINT("catalog.file_synced");
    } else {
      CHROMA_TEST_POINT("catalog.journal_synced");
    }
    if (!done.ok() && self.has_checksums) self.sync_error = done;
    if (!done.ok()) return self.vfs->Report(done, SQLITE_IOERR_FSYNC);
    if (!self.directory_dirty) return SQLITE_OK;
    // A file that was just created is only durable together with its name.
    done = self.vfs->env().files->SyncDirectory(DirectoryOf(self.path));
    if (!done.ok()) return self.vfs->Report(done, SQLITE_IOERR_DIR_FSYNC);
    self.directory_dirty = false;
    return SQLITE_OK;
  });
}

int FileSize(sqlite3_file* file, sqlite3_int64* out) {
  return NoThrow([&] {
    OpenFile& self = Self(file);
    Result<uint64_t> size = self.file->Size();
    if (!size.ok()) return self.vfs->Report(size.status(), SQLITE_IOERR_FSTAT);
    *out = static_cast<sqlite3_int64>(*size);
    return SQLITE_OK;
  });
}

int Lock(sqlite3_file*, int) {
  return SQLITE_OK;
}
int CheckReservedLock(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int SectorSize(sqlite3_file*) {
  return kSectorBytes;
}
// A write never harms the bytes beside it; File says the same: a crash tears by sector.
int DeviceCharacteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: no shared memory, no mapping.
constexpr sqlite3_io_methods MakeIoMethods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = Close;
  methods.xRead = Read;
  methods.xWrite = Write;
  methods.xTruncate = Truncate;
  methods.xSync = Sync;
  methods.xFileSize = FileSize;
  methods.xLock = Lock;
  methods.xUnlock = Lock;
  methods.xCheckReservedLock = CheckReservedLock;
  methods.xFileControl = FileControl;
  methods.xSectorSize = SectorSize;
  methods.xDeviceCharacteristics = DeviceCharacteristics;
  return methods;
}
constexpr sqlite3_io_methods kIoMethods = MakeIoMethods();

OpenMode ModeOf(int flags) {
  if ((flags & SQLITE_OPEN_READWRITE) == 0) return OpenMode::kRead;
  if ((flags & SQLITE_OPEN_CREATE) == 0) return OpenMode::kReadWrite;
  return (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? OpenMode::kCreateExclusive : OpenMode::kCreate;
}

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;  // SQLite calls xClose only when this is set
  return NoThrow([&] {
    SqliteVfs& self = Self(vfs);
    if (name == nullptr) {
      return self.Report(Status::Internal("SQLite asked for a temporary file"), SQLITE_CANTOPEN);
    }
    runtime::FileSystem& files = *self.env().files;
    std::string path = self.FilePath(name);
    bool existed = true;
    if ((flags & SQLITE_OPEN_CREATE) != 0) {
      Result<bool> exists = files.Exists(path);
      if (!exists.ok()) return self.Report(exists.status(), SQLITE_CANTOPEN);
      existed = *exists;
    }
    Result<std::unique_ptr<File>> opened = files.Open(path, ModeOf(flags));
    if (!opened.ok()) return self.Report(opened.status(), SQLITE_CANTOPEN);
    std::optional<Bytes> found;
    if (existed && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
      Result<Bytes> bytes = ReadAll(**opened);
      if (!bytes.ok()) return self.Report(bytes.status(), SQLITE_CANTOPEN);
      found = *std::move(bytes);
    }
    OpenFile* out = std::construct_at(static_cast<OpenFile*>(file));
    out->vfs = &self;
    out->file = *std::move(opened);
    out->path = std::move(path);
    out->has_checksums = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    out->directory_dirty = !existed;
    out->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    out->found_unsynced = found.has_value();
    out->found_checksum = found ? Checksum(*found) : 0;
    out->remove_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    out->pMethods = &kIoMethods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
  });
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  return NoThrow([&] {
    SqliteVfs& self = Self(vfs);
    runtime::FileSystem& files = *self.env().files;
    std::string path = self.FilePath(name);
    Status removed = files.Remove(path);
    CHROMA_TEST_POINT("catalog.journal_removed");
    if (removed.code() == StatusCode::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
    if (!removed.ok()) return self.Report(removed, SQLITE_IOERR_DELETE);
    if (sync_directory == 0) return SQLITE_OK;
    Status synced = files.SyncDirectory(DirectoryOf(path));
    return synced.ok() ? SQLITE_OK : self.Report(synced, SQLITE_IOERR_DIR_FSYNC);
  });
}

int Access(sqlite3_vfs* vfs, const char* name, int, int* out) {
  return NoThrow([&] {
    SqliteVfs& self = Self(vfs);
    Result<bool> exists = self.env().files->Exists(self.FilePath(name));
    if (!exists.ok()) return self.Report(exists.status(), SQLITE_IOERR_ACCESS);
    *out = *exists ? 1 : 0;
    return SQLITE_OK;
  });
}

int FullPathname(sqlite3_vfs*, const char* name, int out_size, char* out) {
  size_t n = std::strlen(name);
  if (n >= static_cast<size_t>(out_size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, n + 1);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs* vfs, int n, char* out) {
  for (int done = 0; done < n;) {
    uint64_t bits = Self(vfs).env().random->Next();
    int step = std::min(n - done, static_cast<int>(sizeof(bits)));
    std::memcpy(out + done, &bits, static_cast<size_t>(step));
    done += step;
  }
  return n;
}

int Sleep(sqlite3_vfs* vfs, int duration_us) {
  Self(vfs).env().clock->SleepNs(duration_us * runtime::kMicrosecond);
  return duration_us;
}

// SQLite counts milliseconds of Julian days.
int CurrentTimeInt64(sqlite3_vfs* vfs, sqlite3_int64* out) {
  constexpr int64_t kUnixEpochJulianMs = 210'866'760'000'000;
  *out = kUnixEpochJulianMs + Self(vfs).env().clock->UnixNs() / runtime::kMillisecond;
  return SQLITE_OK;
}

int CurrentTime(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 julian_ms = 0;
  CurrentTimeInt64(vfs, &julian_ms);
  *out = static_cast<double>(julian_ms) / 86'400'000.0;
  return SQLITE_OK;
}

int GetLastError(sqlite3_vfs*, int, char*) {
  return 0;
}

std::string UniqueName() {
  static std::atomic<uint64_t> count{0};
  return "chroma-" + std::to_string(count.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

SqliteVfs::SqliteVfs(Key, runtime::Env env, std::string path)
    : env_(env), path_(std::move(path)), name_(UniqueName()) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = sizeof(OpenFile);
  vfs_.mxPathname = kPathBytesMax;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  vfs_.xAccess = Access;
  vfs_.xFullPathname = FullPathname;
  vfs_.xRandomness = Randomness;
  vfs_.xSleep = Sleep;
  vfs_.xCurrentTime = CurrentTime;
  vfs_.xCurrentTimeInt64 = CurrentTimeInt64;
  vfs_.xGetLastError = GetLastError;
}

SqliteVfs::~SqliteVfs() {
  sqlite3_vfs_unregister(&vfs_);
}

Result<std::unique_ptr<SqliteVfs>> SqliteVfs::Create(runtime::Env env, std::string path) {
  auto vfs = std::make_unique<SqliteVfs>(Key{}, env, std::move(path));
  int rc = sqlite3_vfs_register(&vfs->vfs_, /*makeDflt=*/0);
  if (rc != SQLITE_OK) {
    return Status::Internal(std::string("SQLite cannot start: ") + sqlite3_errstr(rc));
  }
  return vfs;
}

Status SqliteVfs::TakeError() {
  return std::exchange(error_, Status());
}

int SqliteVfs::Report(const Status& status, int code) {
  if (error_.ok()) error_ = status;
  return status.code() == StatusCode::kResourceExhausted ? SQLITE_FULL : code;
}

std::string SqliteVfs::FilePath(const char* name) const {
  std::string_view text(name);
  std::string_view prefix(kDatabaseName);
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return path_ + std::string(text);
}

}  // namespace chroma::catalog
