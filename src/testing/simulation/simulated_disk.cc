#include "testing/simulation/simulated_disk.h"

#include <type_traits>
#include <utility>

#include "runtime/log.h"

namespace chroma::testing {
namespace {

constexpr uint64_t kMillion = 1'000'000;

// The bytes are only reached by one fiber at a time: nothing may give way while they are.
class WithoutFibers {
 public:
  WithoutFibers() : hooks_(runtime::FiberHooks::Current()) {
    runtime::FiberHooks::Install(nullptr);
  }
  ~WithoutFibers() { runtime::FiberHooks::Install(hooks_); }
  WithoutFibers(const WithoutFibers&) = delete;
  WithoutFibers& operator=(const WithoutFibers&) = delete;

 private:
  runtime::FiberHooks* const hooks_;
};

Status PowerIsOff(const std::string& path) {
  return Status::Internal(path + ": the power is off");
}

const Status& StatusOf(const Status& status) {
  return status;
}
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

void Flip(char* bytes, uint64_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
}

// A file as it was read once, with a bit that is wrong.
class FlippedMapping final : public runtime::MappedFile {
 public:
  FlippedMapping(BytesView bytes, uint64_t bit) : bytes_(bytes) { Flip(bytes_.data(), bit); }
  BytesView bytes() const override { return bytes_; }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  Bytes bytes_;
};

}  // namespace

class SimulatedFile final : public runtime::File {
 public:
  using Kind = SimulatedDisk::Kind;

  SimulatedFile(SimulatedDisk& disk, std::unique_ptr<runtime::File> file, std::string path)
      : disk_(disk), file_(std::move(file)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    auto read = disk_.Perform(Kind::kRead, path_, [&] { return file_->ReadAt(offset, out, n); });
    if (!read.ok()) return read;
    if (const auto bit = disk_.ChooseFlip(path_, *read * 8)) Flip(out, *bit);
    return read;
  }
  Status WriteAt(uint64_t offset, BytesView bytes) override {
    disk_.trace_.Add(bytes);
    return disk_.Perform(Kind::kGrow, path_, [&] { return file_->WriteAt(offset, bytes); });
  }
  Status Truncate(uint64_t size_bytes) override {
    return disk_.Perform(Kind::kChange, path_, [&] { return file_->Truncate(size_bytes); });
  }
  Status Sync() override {
    return disk_.Perform(Kind::kSync, path_, [&] { return file_->Sync(); });
  }
  Result<uint64_t> Size() const override {
    return disk_.Perform(Kind::kLook, path_, [&] { return file_->Size(); });
  }
  Status Reserve(uint64_t offset, uint64_t size_bytes) override {
    return disk_.Perform(Kind::kGrow, path_, [&] { return file_->Reserve(offset, size_bytes); });
  }

 private:
  SimulatedDisk& disk_;
  const std::unique_ptr<runtime::File> file_;
  const std::string path_;
};

SimulatedDisk::SimulatedDisk(FiberScheduler& scheduler, uint64_t seed, Trace& trace)
    : scheduler_(scheduler),
      random_(seed),
      flip_random_(~seed),
      trace_(trace),
      disk_(seed ^ 0x5eed) {
  disk_.SetFault([this](FaultFileSystem::Call, const std::string&) {
    return std::exchange(next_error_, Status());
  });
}

void SimulatedDisk::SetCapacity(uint64_t bytes) {
  disk_.SetCapacity(bytes);
  if (bytes != UINT64_MAX) ++injected_;
}

void SimulatedDisk::SetMayFlip(MayFlip read, MayFlip stored) {
  may_flip_read_ = std::move(read);
  may_flip_stored_ = std::move(stored);
}

std::optional<uint64_t> SimulatedDisk::ChooseFlip(const std::string& path, uint64_t bits) {
  if (faults_.flipped_read == 0 || bits == 0 || off_) return std::nullopt;
  if (!flip_random_.Chance(faults_.flipped_read, kMillion)) return std::nullopt;
  if (!may_flip_read_ || !may_flip_read_(path)) return std::nullopt;
  const uint64_t bit = flip_random_.Below(bits);
  ShowFlip(path, bit, "read");
  return bit;
}

void SimulatedDisk::FlipStored() {
  const WithoutFibers alone;
  std::vector<std::pair<std::string, uint64_t>> files;
  for (auto& [path, size_bytes] : disk_.Files()) {
    if (size_bytes > 0 && may_flip_stored_ && may_flip_stored_(path)) {
      files.emplace_back(path, size_bytes);
    }
  }
  if (files.empty()) return;
  const auto& [path, size_bytes] = files[flip_random_.Below(files.size())];
  const uint64_t bit = flip_random_.Below(size_bytes * 8);
  if (disk_.FlipBit(path, bit)) ShowFlip(path, bit, "stored");
}

void SimulatedDisk::MendFlips() {
  const WithoutFibers alone;
  trace_.Add(disk_.MendFlips());
}

bool SimulatedDisk::has_flips() const {
  const WithoutFibers alone;
  return disk_.HasFlips();
}

void SimulatedDisk::ShowFlip(const std::string& path, uint64_t bit, const char* where) {
  ++flips_;
  trace_.Add(path);
  trace_.Add(bit);
  if (!runtime::LogEnabled(runtime::LogLevel::kDebug)) return;
  runtime::Log(runtime::LogLevel::kDebug, "bit flipped",
               {{"where", where}, {"path", path}, {"byte", bit / 8}, {"bit", bit % 8}});
}

void SimulatedDisk::Restart() {
  const WithoutFibers alone;
  off_ = false;
  off_at_ = UINT64_MAX;
  disk_.Restart();
}

void SimulatedDisk::TakeTime(Kind kind) {
  if (random_.Chance(faults_.slow, kMillion)) {
    scheduler_.SleepNs(static_cast<int64_t>(random_.Below(runtime::kSecond)));
  } else if (kind == Kind::kSync || random_.Chance(1, 4)) {
    scheduler_.SleepNs(static_cast<int64_t>(random_.Between(1, 200)) * runtime::kMicrosecond);
  } else {
    scheduler_.Yield();
  }
}

Status SimulatedDisk::ChooseError(Kind kind, const std::string& path) {
  if (!faults_.Any()) return Status::Ok();
  const bool changes = kind != Kind::kLook && kind != Kind::kRead;
  const uint32_t error = kind == Kind::kSync ? faults_.sync_error
                         : changes           ? faults_.write_error
                                             : faults_.read_error;
  if (random_.Chance(error, kMillion)) {
    return Status::Internal("call on " + path + ": Input/output error");
  }
  if (kind == Kind::kGrow && random_.Chance(faults_.no_space, kMillion)) {
    return Status::ResourceExhausted("write " + path + ": No space left on device");
  }
  return Status::Ok();
}

template <typename Call>
auto SimulatedDisk::Perform(Kind kind, const std::string& path, Call call) -> decltype(call()) {
  if (off_) return PowerIsOff(path);
  TakeTime(kind);
  if (off_) return PowerIsOff(path);
  const bool changes = kind != Kind::kLook && kind != Kind::kRead;
  const bool last = ++calls_ >= off_at_;
  if (last) off_ = true;
  trace_.Add(static_cast<uint64_t>(kind));
  trace_.Add(path);
  if (faults_.flipped_file != 0 && flip_random_.Chance(faults_.flipped_file, kMillion)) {
    FlipStored();
  }
  // The last call happens as if nothing was wrong, or fails half way, or does not happen.
  const uint64_t fate = last ? random_.Below(3) : 0;
  if (fate == 2) return PowerIsOff(path);
  Status error = fate == 1 ? PowerIsOff(path) : ChooseError(kind, path);
  if (!error.ok()) {
    if (!last) ++injected_;
    if (!changes) return error;
    next_error_ = std::move(error);
  }
  const WithoutFibers alone;
  auto result = call();
  next_error_ = Status();  // a call that does not change anything after all did not take it
  const Status& status = StatusOf(result);
  trace_.Add(static_cast<uint64_t>(status.code()));
  if (runtime::LogEnabled(runtime::LogLevel::kDebug)) {
    runtime::Log(runtime::LogLevel::kDebug, "disk",
                 {{"call", calls_},
                  {"kind", static_cast<int>(kind)},
                  {"path", path},
                  {"status", status.ToString()},
                  {"last", last}});
  }
  if (last) return PowerIsOff(path);
  if (status.code() == StatusCode::kResourceExhausted) ++injected_;
  return result;
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::Open(const std::string& path,
                                                           runtime::OpenMode mode) {
  const bool creates =
      mode == runtime::OpenMode::kCreate || mode == runtime::OpenMode::kCreateExclusive;
  CHROMA_ASSIGN(auto file, Perform(creates ? Kind::kChange : Kind::kRead, path,
                                   [&] { return disk_.Open(path, mode); }));
  return std::unique_ptr<runtime::File>(
      std::make_unique<SimulatedFile>(*this, std::move(file), path));
}

Result<std::shared_ptr<const runtime::MappedFile>> SimulatedDisk::Map(const std::string& path) {
  CHROMA_ASSIGN(auto mapped, Perform(Kind::kRead, path, [&] { return disk_.Map(path); }));
  if (const auto bit = ChooseFlip(path, mapped->bytes().size() * 8)) {
    return std::shared_ptr<const runtime::MappedFile>(
        std::make_shared<FlippedMapping>(mapped->bytes(), *bit));
  }
  return mapped;
}

Status SimulatedDisk::Rename(const std::string& from, const std::string& to) {
  return Perform(Kind::kChange, to, [&] { return disk_.Rename(from, to); });
}

Status SimulatedDisk::Remove(const std::string& path) {
  return Perform(Kind::kChange, path, [&] { return disk_.Remove(path); });
}

Status SimulatedDisk::CreateDirectory(const std::string& path) {
  return Perform(Kind::kLook, path, [&] { return disk_.CreateDirectory(path); });
}

Status SimulatedDisk::SyncDirectory(const std::string& path) {
  return Perform(Kind::kSync, path, [&] { return disk_.SyncDirectory(path); });
}

Result<std::vector<runtime::DirectoryEntry>> SimulatedDisk::List(const std::string& path) {
  return Perform(Kind::kRead, path, [&] { return disk_.List(path); });
}

Result<bool> SimulatedDisk::Exists(const std::string& path) {
  return Perform(Kind::kLook, path, [&] { return disk_.Exists(path); });
}

Result<std::unique_ptr<runtime::FileLock>> SimulatedDisk::Lock(const std::string& path) {
  return Perform(Kind::kLook, path, [&] { return disk_.Lock(path); });
}

Result<uint64_t> SimulatedDisk::FreeBytes(const std::string& path) {
  return Perform(Kind::kLook, path, [&] { return disk_.FreeBytes(path); });
}

}  // namespace chroma::testing
