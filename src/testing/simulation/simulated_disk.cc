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

}  // namespace

class SimulatedFile final : public runtime::File {
 public:
  using Kind = SimulatedDisk::Kind;

  SimulatedFile(SimulatedDisk& disk, std::unique_ptr<runtime::File> file, std::string path)
      : disk_(disk), file_(std::move(file)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    return disk_.Perform(Kind::kRead, path_, [&] { return file_->ReadAt(offset, out, n); });
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
    : scheduler_(scheduler), random_(seed), trace_(trace), disk_(seed ^ 0x5eed) {
  disk_.SetFault([this](FaultFileSystem::Call, const std::string&) {
    return std::exchange(next_error_, Status());
  });
}

void SimulatedDisk::SetCapacity(uint64_t bytes) {
  disk_.SetCapacity(bytes);
  if (bytes != UINT64_MAX) ++injected_;
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
  return Perform(Kind::kRead, path, [&] { return disk_.Map(path); });
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
