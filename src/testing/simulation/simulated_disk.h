// The disk of a simulated machine, as the process on it sees it: calls take virtual time, fail by
// chance, and from some call on the power is off. What is on the disk, and what a power failure
// leaves of it, is FaultFileSystem's.
//
//   time      every call gives way to other fibers; now and then one takes very long
//   errors    by chance: EIO of any call; ENOSPC of what needs space, also from a capacity
//   flips     by chance a call that reads shows one bit wrongly, or one that is stored goes wrong
//   power     goes off at the n-th call: before it, in the middle of it, or after it took effect
//             but before anybody hears of it. From then on everything fails, so that the process
//             comes to its end without another effect; Restart() is the next process's disk.
//
// For the fibers of one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/fault_file_system.h"
#include "testing/simulation/fiber_scheduler.h"
#include "testing/seeded_random.h"
#include "testing/simulation/trace.h"

namespace chroma::testing {

// Chances in a million calls.
struct DiskFaults {
  uint32_t read_error = 0;
  uint32_t write_error = 0;  // of whatever changes something, but not a sync
  uint32_t sync_error = 0;
  uint32_t no_space = 0;
  uint32_t slow = 0;  // up to a second instead of a fraction of a millisecond
  uint32_t flipped_read = 0;
  uint32_t flipped_file = 0;  // of any call, in some file

  bool Any() const { return (read_error | write_error | sync_error | no_space) != 0; }
};

class SimulatedDisk final : public runtime::FileSystem {
 public:
  SimulatedDisk(FiberScheduler& scheduler, uint64_t seed, Trace& trace);

  void SetFaults(const DiskFaults& faults) { faults_ = faults; }
  void SetCapacity(uint64_t bytes);
  // Which files may have bits flipped: in one call that reads, and as they are stored.
  using MayFlip = std::function<bool(const std::string& path)>;
  void SetMayFlip(MayFlip read, MayFlip stored);
  // In some file that is stored, if there is one that may.
  void FlipStored();
  // Undoes those that are stored.
  void MendFlips();
  bool has_flips() const;
  uint64_t flips() const { return flips_; }  // so far, of both kinds
  // The power fails at the `calls`-th call from now.
  void FailPowerAfter(uint64_t calls) { off_at_ = calls_ + calls; }
  bool is_off() const { return off_; }
  void Restart();

  uint64_t used_bytes() const { return disk_.used_bytes(); }
  uint64_t calls() const { return calls_; }
  // Errors by chance, refusals for no space, and how often there was none to begin with.
  uint64_t faults() const { return injected_; }
  FaultFileSystem& disk() { return disk_; }

  Result<std::unique_ptr<runtime::File>> Open(const std::string& path,
                                              runtime::OpenMode mode) override;
  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;

 private:
  friend class SimulatedFile;
  enum class Kind : uint8_t { kLook, kRead, kChange, kGrow, kSync };

  template <typename Call>
  auto Perform(Kind kind, const std::string& path, Call call) -> decltype(call());
  void TakeTime(Kind kind);
  Status ChooseError(Kind kind, const std::string& path);
  // Whether a call that reads the file shows a bit wrongly: one below `bits`.
  std::optional<uint64_t> ChooseFlip(const std::string& path, uint64_t bits);
  void ShowFlip(const std::string& path, uint64_t bit, const char* where);

  FiberScheduler& scheduler_;
  SeededRandom random_;
  SeededRandom flip_random_;
  Trace& trace_;
  FaultFileSystem disk_;
  DiskFaults faults_;
  Status next_error_;  // of the next changing call that disk_ is asked for
  uint64_t calls_ = 0;
  uint64_t off_at_ = UINT64_MAX;
  uint64_t injected_ = 0;
  uint64_t flips_ = 0;
  MayFlip may_flip_read_;
  MayFlip may_flip_stored_;
  bool off_ = false;
};

}  // namespace chroma::testing
