// What the leader of a group does: writing it, and going on after a failure.
#include <algorithm>
#include <utility>

#include "log/file_log.h"
#include "runtime/log.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {

constexpr size_t kDirectBytes = 256 << 10;  // payloads from this size are not copied
constexpr size_t kBufferBytes = 1 << 20;
constexpr uint64_t kRoomBytesMin = 64 << 10;
constexpr uint64_t kRoomBytesMax = 4 << 20;

}  // namespace

Status FileLog::WriteGroup() {
  uint64_t group_bytes = 0;
  uint64_t next_offset = leader_.next_offset;
  for (const Pending* pending : leader_.group) {
    group_bytes += FrameBytes(pending->frame.payload_bytes);
    next_offset += pending->frame.count;
  }
  // What is written must open again.
  CHROMA_TRY(CheckNumbers(next_offset, leader_.next_number, directory_));
  CHROMA_TRY(PrepareFile(group_bytes));
  LogFile& file = *leader_.active;
  uint64_t end = file.end;
  uint64_t chain = file.chain;
  if (CHROMA_PLANTED_BUG("log.ack_before_sync")) CHROMA_TRY(file.file->Sync());
  Status written = WriteFrames(file, end, chain);
  CHROMA_TEST_POINT("log.frames_written");
  const bool unsynced = CHROMA_PLANTED_BUG("log.ack_before_sync") ||
                        CHROMA_PLANTED_BUG("log.skip_sync") ||
                        (CHROMA_PLANTED_BUG("log.skip_one_sync") && end % 64 == 0);
  Status synced = written.ok() && !unsynced ? file.file->Sync() : Status::Ok();
  CHROMA_TEST_POINT("log.synced");
  if (!synced.ok() && CHROMA_PLANTED_BUG("log.sync_again")) synced = file.file->Sync();
  if (written.ok() && synced.ok()) {
    file.end = end;
    file.chain = chain;
    return Status::Ok();
  }
  CutGroup(file, !synced.ok());
  return written.ok() ? synced : written;
}

// Appends the group after `end`, which moves to the end of it, as `chain` does.
Status FileLog::WriteFrames(LogFile& file, uint64_t& end, uint64_t& chain) {
  const int64_t now_unix_ns = env_.clock->UnixNs();
  Bytes& buffer = leader_.buffer;
  buffer.clear();
  uint64_t written_to = end;
  const auto write = [&](BytesView bytes) {
    const uint64_t at = std::exchange(written_to, written_to + bytes.size());
    return bytes.empty() ? Status::Ok() : file.file->WriteAt(at, bytes);
  };
  for (Pending* pending : leader_.group) {
    FrameHeader& frame = pending->frame;
    const Bytes& payload = *pending->payload;
    frame.first_offset = leader_.next_offset;
    leader_.next_offset += frame.count;
    frame.append_unix_ns = now_unix_ns;
    frame.position = end;
    frame.durable_to = file.end;
    PutFrameHeader(buffer, frame, file.salt);
    if (payload.size() < kDirectBytes) {
      buffer += payload;
    } else {
      CHROMA_TRY(write(buffer));
      buffer.clear();
      CHROMA_TEST_POINT("log.part_written");
      CHROMA_TRY(write(payload));
    }
    const uint64_t frame_bytes = FrameBytes(payload.size());
    buffer.append(static_cast<size_t>(frame_bytes - kFrameHeaderBytes - payload.size()), '\0');
    end += frame_bytes;
    chain = ExtendChain(chain, frame);
    if (buffer.size() >= kBufferBytes) {
      CHROMA_TRY(write(buffer));
      buffer.clear();
    }
  }
  return write(buffer);
}

// After a failure in the middle of a group, and before its callers are told: takes the group's
// bytes back, so that a crash does not bring them to life. A file is not trusted once its sync
// failed: the kernel may have dropped the pages and say nothing the next time.
void FileLog::CutGroup(LogFile& file, bool sync_failed) {
  Status cut = file.file->Truncate(file.end);
  if (cut.ok()) cut = file.file->Sync();
  leader_.room_end = file.end;
  if (!sync_failed && cut.ok()) return;
  leader_.active = nullptr;
  const std::string path = file.path;  // a trim may drop the file once it has a successor
  const uint64_t end = file.end;
  Status begun = BeginFile();
  runtime::Log(runtime::LogLevel::kError, "log file given up after a failed write",
               {{"path", path},
                {"position", end},
                {"cut", cut.ToString()},
                {"successor", begun.ToString()}});
}

// Makes leader_.active a file that takes a group of that size.
Status FileLog::PrepareFile(uint64_t group_bytes) {
  LogFile* file = leader_.active;
  const bool full = file != nullptr && file->end > kFileHeaderBytes &&
                    file->end + group_bytes > options_.file_bytes_max;
  if (full) file = nullptr;
  CHROMA_TRY(EnsureRoom(file, group_bytes));
  if (file != nullptr) return Status::Ok();
  CHROMA_TRY(BeginFile());
  return EnsureRoom(leader_.active, group_bytes);
}

// Refuses a group that would leave too little on the disk, and reserves space in steps, so that
// the file's blocks lie together. Whether there really is space the write itself finds out.
Status FileLog::EnsureRoom(LogFile* file, uint64_t group_bytes) {
  if (file != nullptr && file->end + group_bytes <= leader_.room_end) return Status::Ok();
  const Result<uint64_t> asked = env_.files->FreeBytes(directory_);
  const uint64_t free_bytes = asked.ok() ? *asked : UINT64_MAX;
  if (free_bytes < group_bytes || free_bytes - group_bytes < options_.free_bytes_min) {
    return Status::ResourceExhausted("less than the reserve is free");
  }
  if (file == nullptr) return Status::Ok();
  uint64_t room = std::clamp(file->end, kRoomBytesMin, kRoomBytesMax);
  room = std::min(room, options_.file_bytes_max - std::min(options_.file_bytes_max, file->end));
  room = std::min(room, free_bytes - options_.free_bytes_min);
  room = std::max(room, group_bytes);
  const Status reserved = file->file->Reserve(file->end, room);
  leader_.room_end = file->end + (reserved.ok() ? room : 0);
  return Status::Ok();
}

// Ends the newest file where it is and makes a new one the active file. When that fails the old
// one is not written any more either: a state that says where it ends may have become durable.
Status FileLog::BeginFile() {
  // Kept open: once it is not the newest file, a trim on another task may drop it.
  std::shared_ptr<runtime::File> previous;
  uint64_t previous_end = 0;
  if (const LogFile* active = std::exchange(leader_.active, nullptr); active != nullptr) {
    previous = active->file;
    previous_end = active->end;
  }
  if (leader_.candidate == nullptr) CHROMA_TRY(CreateFile());
  LogFile* const file = leader_.candidate.get();
  {
    runtime::MutexLock roster(roster_mutex_);
    LogState state = StateWith(nullptr);
    state.newest = file->number;
    state.next_offset = leader_.next_offset;
    CHROMA_TRY(state_file_.Store(std::move(state)));
    CHROMA_TEST_POINT("log.file_begun");
    closed_ = false;
    state_offset_ = leader_.next_offset;
    files_.emplace(file->number, std::move(leader_.candidate));
    runtime::MutexLock lock(mutex_);
    newest_ = file;
  }
  leader_.active = file;
  leader_.room_end = file->end;
  if (previous != nullptr) {
    // Gives back what was reserved and not used; of no other consequence.
    (void)previous->Truncate(previous_end).ok();
  }
  return Status::Ok();
}

// Makes leader_.candidate: a durable file that has a header only.
Status FileLog::CreateFile() {
  const LogFile* previous;
  {
    runtime::MutexLock lock(mutex_);
    previous = newest_;
  }
  CHROMA_TRY(CheckNumbers(leader_.next_offset, leader_.next_number + 1, directory_));
  FileHeader header;
  header.number = leader_.next_number++;
  header.first_offset = leader_.next_offset;
  header.salt = env_.random->Next();
  header.created_unix_ns = env_.clock->UnixNs();
  if (previous != nullptr) {
    header.previous_number = previous->number;
    header.previous_end = previous->end;
    header.previous_chain = previous->chain;
  }
  auto file = std::make_unique<LogFile>();
  file->number = header.number;
  file->path = runtime::JoinPath(directory_, LogFileName(header.number));
  file->salt = header.salt;
  file->end = kFileHeaderBytes;
  file->chain = StartChain(header.salt);
  CHROMA_ASSIGN(file->file, env_.files->Open(file->path, runtime::OpenMode::kCreateExclusive));
  CHROMA_TEST_POINT("log.file_created");
  Status status = file->file->WriteAt(0, EncodeFileHeader(header));
  if (status.ok()) status = file->file->Sync();
  CHROMA_TEST_POINT("log.file_header_synced");
  if (status.ok() && !CHROMA_PLANTED_BUG("log.skip_directory_sync")) {
    status = env_.files->SyncDirectory(directory_);
  }
  CHROMA_TEST_POINT("log.file_name_synced");
  if (!status.ok()) {
    (void)env_.files->Remove(file->path).ok();  // opening removes it otherwise
    return status;
  }
  leader_.candidate = std::move(file);
  return Status::Ok();
}

}  // namespace chroma::log
