#include "log/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "log/frame_scanner.h"
#include "runtime/log.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {

class Recovery {
 public:
  Recovery(runtime::Context& ctx, const runtime::Env& env, const std::string& directory,
           StateFile& state_file, EntryIndex& index)
      : ctx_(ctx), env_(env), directory_(directory), state_file_(state_file), index_(index) {}

  Result<RecoveredLog> Run() {
    CHROMA_ASSIGN(std::vector<uint64_t> present, PresentFiles());
    CHROMA_ASSIGN(state_, state_file_.Load());
    if (!present.empty()) log_.next_number = present.back() + 1;
    if (state_) {
      log_.next_offset = std::max(log_.next_offset, state_->next_offset);
      log_.next_number = std::max(log_.next_number, state_->newest + 1);
      log_.closed = state_->closed;
      CHROMA_TRY(OpenByState(present));
    } else {
      CHROMA_TRY(OpenByHeaders(present));
    }
    for (auto& [number, file] : log_.files) {
      if (ends_.contains(number)) {
        CHROMA_TRY(ScanEnded(*file));
      } else {
        CHROMA_TRY(ScanOpen(*file));
      }
    }
    CHROMA_TRY(CheckNumbers(log_.next_offset, log_.next_number, directory_));
    return std::move(log_);
  }

 private:
  std::string PathOf(uint64_t number) const {
    return runtime::JoinPath(directory_, LogFileName(number));
  }

  Result<std::vector<uint64_t>> PresentFiles() const {
    CHROMA_ASSIGN(auto entries, env_.files->List(directory_));
    std::vector<uint64_t> numbers;
    for (const runtime::DirectoryEntry& entry : entries) {
      const uint64_t number = entry.is_directory ? 0 : ParseLogFileName(entry.name);
      if (number != 0) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  Result<std::unique_ptr<LogFile>> OpenFile(uint64_t number, FileHeader& header) const {
    auto file = std::make_unique<LogFile>();
    file->number = number;
    file->path = PathOf(number);
    CHROMA_ASSIGN(file->file, env_.files->Open(file->path, runtime::OpenMode::kReadWrite));
    Bytes bytes(kFileHeaderBytes, '\0');
    CHROMA_ASSIGN(size_t got, file->file->ReadAt(0, bytes.data(), bytes.size()));
    bytes.resize(got);
    CHROMA_ASSIGN(header, DecodeFileHeader(bytes, number, file->path));
    file->salt = header.salt;
    return file;
  }

  Status AddFile(uint64_t number, FileHeader& header) {
    CHROMA_ASSIGN(auto file, OpenFile(number, header));
    log_.next_offset = std::max(log_.next_offset, header.first_offset);
    log_.files.emplace(number, std::move(file));
    return Status::Ok();
  }

  Status OpenByState(const std::vector<uint64_t>& present) {
    std::vector<uint64_t> alive;
    for (const FileEnd& file : state_->ended) {
      ends_.emplace(file.number, file);
      alive.push_back(file.number);
    }
    if (!state_->closed && state_->newest != 0) alive.push_back(state_->newest);
    for (uint64_t number : present) {
      if (!std::binary_search(alive.begin(), alive.end(), number))
        CHROMA_TRY(RemoveUnlisted(number));
    }
    FileHeader header;
    for (uint64_t number : alive) {
      if (!std::binary_search(present.begin(), present.end(), number)) {
        return Status::DataLoss("log file " + PathOf(number) +
                                " is missing; restore it, or remove " + state_file_.path() +
                                " to go on without what it held");
      }
      CHROMA_TRY(AddFile(number, header));
    }
    return Status::Ok();
  }

  // A file that the state does not name was dropped, or begun and not used: nothing is written
  // to a new file before the state names it.
  Status RemoveUnlisted(uint64_t number) {
    if (number > state_->newest) {
      FileHeader header;
      auto file = OpenFile(number, header);
      if (file.ok()) {
        CHROMA_ASSIGN(uint64_t size_bytes, (*file)->file->Size());
        FrameScanner scanner(*(*file)->file, (*file)->salt, size_bytes);
        FrameHeader frame;
        CHROMA_ASSIGN(bool used, scanner.Next(frame));
        if (used) {
          return Status::DataLoss(state_file_.path() + " is older than log file " + PathOf(number) +
                                  "; remove " + state_file_.path() +
                                  " to go on with what the log files hold");
        }
      } else if (file.status().code() != StatusCode::kDataLoss) {
        return file.status();
      }
    }
    CHROMA_TRY(state_file_.MakeDurable());
    return env_.files->Remove(PathOf(number));
  }

  // Without a state file the headers say where the predecessors ended. A file without a whole
  // header was begun and not used when it is the newest one; or when no file has anything else, as
  // failures before the first state leave them.
  Status OpenByHeaders(const std::vector<uint64_t>& present) {
    bool all_unused = true;
    for (uint64_t number : present) {
      CHROMA_ASSIGN(bool unused, IsUnused(number));
      all_unused &= unused;
    }
    for (uint64_t number : present) {
      FileHeader header;
      Status added = AddFile(number, header);
      if (!added.ok()) {
        CHROMA_ASSIGN(bool unused, IsUnused(number));
        unused = all_unused || (unused && number == present.back());
        if (!unused || added.code() != StatusCode::kDataLoss) return added;
        CHROMA_TRY(env_.files->Remove(PathOf(number)));
        continue;
      }
      if (log_.files.contains(header.previous_number) && header.previous_number < number) {
        ends_[header.previous_number] = {header.previous_number, header.previous_end,
                                         header.previous_chain};
      }
    }
    if (log_.files.size() > 1) {
      runtime::Log(runtime::LogLevel::kWarning, "log state is missing, taken from the log files",
                   {{"path", state_file_.path()}});
    }
    return Status::Ok();
  }

  Result<bool> IsUnused(uint64_t number) const {
    CHROMA_ASSIGN(auto file, env_.files->Open(PathOf(number), runtime::OpenMode::kRead));
    CHROMA_ASSIGN(uint64_t size_bytes, file->Size());
    return size_bytes <= kFileHeaderBytes;
  }

  Status AddFrame(LogFile& file, const FrameHeader& frame) {
    CHROMA_TRY(ctx_.Check());
    if (frame.count == 0 || frame.first_offset > UINT64_MAX - frame.count ||
        frame.first_offset < last_end_) {
      return Status::DataLoss("log file " + file.path + " has an entry out of order at position " +
                              std::to_string(frame.position));
    }
    last_end_ = frame.first_offset + frame.count;
    log_.next_offset = std::max(log_.next_offset, last_end_);
    index_.Add(file, frame, nullptr);
    return Status::Ok();
  }

  // A file whose end is known: every frame up to there was acknowledged. What follows was not.
  Status ScanEnded(LogFile& file) {
    const FileEnd& end = ends_.at(file.number);
    CHROMA_ASSIGN(uint64_t size_bytes, file.file->Size());
    if (size_bytes < end.end) {
      return Status::DataLoss("log file " + file.path + " ends at position " +
                              std::to_string(size_bytes) + " and was " + std::to_string(end.end) +
                              " bytes long");
    }
    FrameScanner scanner(*file.file, file.salt, end.end);
    FrameHeader frame;
    while (scanner.position() < end.end) {
      CHROMA_ASSIGN(bool whole, scanner.Next(frame));
      if (!whole) return Damaged(file, scanner.position());
      CHROMA_TRY(AddFrame(file, frame));
    }
    if (scanner.position() != end.end || scanner.chain() != end.chain) {
      return Status::DataLoss("log file " + file.path + " is not the one that was written: its " +
                              "frames differ from what " + state_file_.path() +
                              " and its successor say");
    }
    file.end = end.end;
    file.chain = end.chain;
    return Status::Ok();
  }

  // The file that was being written when the process stopped.
  Status ScanOpen(LogFile& file) {
    CHROMA_ASSIGN(uint64_t size_bytes, file.file->Size());
    FrameScanner scanner(*file.file, file.salt, size_bytes);
    FrameHeader frame;
    uint64_t durable_to = kFileHeaderBytes;
    for (;;) {
      CHROMA_ASSIGN(bool whole, scanner.Next(frame));
      if (!whole) break;
      durable_to = std::clamp(frame.durable_to, kFileHeaderBytes, frame.position);
      if (CHROMA_PLANTED_BUG("log.ignore_last_frame") && scanner.position() == size_bytes) break;
      CHROMA_TRY(AddFrame(file, frame));
    }
    file.end = scanner.position();
    file.chain = scanner.chain();
    if (file.end < size_bytes) {
      CHROMA_ASSIGN(bool was_durable, scanner.WasDurable());
      if (was_durable) return Damaged(file, file.end);
      runtime::Log(runtime::LogLevel::kWarning, "log tail cut: it was not written to its end",
                   {{"path", file.path}, {"position", file.end}, {"bytes", size_bytes - file.end}});
      CHROMA_TRY(file.file->Truncate(file.end));
      CHROMA_TEST_POINT("log.tail_cut");
    }
    return MakeDurable(file, durable_to);
  }

  // What was read from `begin` on, the last group, may be only in the kernel's memory, and after a
  // failed sync the kernel may take it for clean; readers must not see entries that a power failure
  // takes back. So it is written once more, as it is.
  static Status MakeDurable(LogFile& file, uint64_t begin) {
    constexpr uint64_t kBytesAtOnce = 1 << 20;
    Bytes bytes;
    for (uint64_t at = begin; at < file.end; at += bytes.size()) {
      bytes.resize(static_cast<size_t>(std::min(kBytesAtOnce, file.end - at)));
      CHROMA_ASSIGN(size_t got, file.file->ReadAt(at, bytes.data(), bytes.size()));
      bytes.resize(got);
      if (got == 0) return Damaged(file, at);
      CHROMA_TRY(file.file->WriteAt(at, bytes));
    }
    return file.file->Sync();
  }

  static Status Damaged(const LogFile& file, uint64_t position) {
    return Status::DataLoss("log file " + file.path + " is damaged at position " +
                            std::to_string(position) + "; restore it from a backup");
  }

  runtime::Context& ctx_;
  const runtime::Env& env_;
  const std::string& directory_;
  StateFile& state_file_;
  EntryIndex& index_;
  std::optional<LogState> state_;
  std::map<uint64_t, FileEnd> ends_;
  uint64_t last_end_ = 0;
  RecoveredLog log_;
};

}  // namespace

Result<RecoveredLog> RecoverLog(runtime::Context& ctx, const runtime::Env& env,
                                const std::string& log_directory, StateFile& state_file,
                                EntryIndex& index) {
  return Recovery(ctx, env, log_directory, state_file, index).Run();
}

}  // namespace chroma::log
