#include "log/state_file.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/flipped_bit.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {

constexpr uint64_t kStateMagic = 0x3154534c4d524843;  // "CHRMLST1"
constexpr uint32_t kStateVersion = 1;
constexpr uint64_t kSlotBytes = 64 << 10;
constexpr uint64_t kSlots = 2;
constexpr size_t kFileEndBytes = 24;
constexpr size_t kChecksumBytes = 8;

// magic u64, version u32, bytes u32, sequence, next_offset, newest u64, closed u32, files u32,
// {number, end, chain} …, checksum
Bytes EncodeSlot(const LogState& state) {
  Bytes out;
  PutFixed(out, kStateMagic);
  PutFixed(out, kStateVersion);
  PutFixed(out, uint32_t{0});
  PutFixed(out, state.sequence);
  PutFixed(out, state.next_offset);
  PutFixed(out, state.newest);
  PutFixed(out, static_cast<uint32_t>(state.closed ? 1 : 0));
  PutFixed(out, static_cast<uint32_t>(state.ended.size()));
  for (const FileEnd& file : state.ended) {
    PutFixed(out, file.number);
    PutFixed(out, file.end);
    PutFixed(out, file.chain);
  }
  const auto size_bytes = static_cast<uint32_t>(out.size() + kChecksumBytes);
  std::memcpy(out.data() + 12, &size_bytes, sizeof(size_bytes));
  PutFixed(out, Checksum(out));
  return out;
}

// Absent when the slot is empty, torn or damaged.
Result<std::optional<LogState>> DecodeSlot(BytesView slot, const std::string& path) {
  ByteReader reader(slot);
  const auto magic = reader.Fixed<uint64_t>();
  const auto version = reader.Fixed<uint32_t>();
  const auto size_bytes = reader.Fixed<uint32_t>();
  if (!reader.ok() || magic != kStateMagic) return std::optional<LogState>();
  if (size_bytes < reader.position() + kChecksumBytes || size_bytes > slot.size()) {
    return std::optional<LogState>();
  }
  BytesView covered = slot.substr(0, size_bytes - kChecksumBytes);
  if (LoadFixed<uint64_t>(covered.data() + covered.size()) != Checksum(covered)) {
    return std::optional<LogState>();
  }
  if (version > kStateVersion) {
    return Status::FailedPrecondition(path + " was written by a newer version of this program");
  }
  LogState state;
  state.sequence = reader.Fixed<uint64_t>();
  state.next_offset = reader.Fixed<uint64_t>();
  state.newest = reader.Fixed<uint64_t>();
  state.closed = reader.Fixed<uint32_t>() != 0;
  const auto files = reader.Fixed<uint32_t>();
  if (!reader.ok() || files > reader.remaining() / kFileEndBytes) return std::optional<LogState>();
  uint64_t previous = 0;
  for (uint32_t i = 0; i < files; ++i) {
    FileEnd file;
    file.number = reader.Fixed<uint64_t>();
    file.end = reader.Fixed<uint64_t>();
    file.chain = reader.Fixed<uint64_t>();
    const bool in_place = state.closed ? file.number <= state.newest : file.number < state.newest;
    if (!reader.ok() || file.number <= previous || !in_place) return std::optional<LogState>();
    previous = file.number;
    state.ended.push_back(file);
  }
  if (state.closed && previous != state.newest) return std::optional<LogState>();
  return std::optional<LogState>(std::move(state));
}

}  // namespace

Result<std::vector<StateSlot>> ReadStateSlots(runtime::FileSystem& files, const std::string& path) {
  CHROMA_ASSIGN(const auto file, files.Open(path, runtime::OpenMode::kRead));
  Bytes bytes(kSlots * kSlotBytes, '\0');
  CHROMA_TRY(file->ReadAt(0, bytes.data(), bytes.size()).status());
  std::vector<StateSlot> slots;
  for (uint64_t i = 0; i < kSlots; ++i) {
    StateSlot slot;
    slot.position = i * kSlotBytes;
    const BytesView all = BytesView(bytes).substr(slot.position, kSlotBytes);
    const size_t used = all.find_last_not_of('\0') + 1;
    CHROMA_ASSIGN(std::optional<LogState> state, DecodeSlot(all, path));
    if (state) {
      slot.kind = StateSlot::Kind::kWhole;
      slot.state = *std::move(state);
    } else if (used > 0) {
      slot.kind = StateSlot::Kind::kDamaged;
      // Its checksum may end in zeros.
      Bytes tried(all.substr(0, std::min<size_t>(all.size(), used + kChecksumBytes)));
      const auto decodes = [&](BytesView slot_bytes) {
        const auto decoded = DecodeSlot(slot_bytes, path);
        return decoded.ok() && decoded->has_value();
      };
      if (FlipBack(tried, decodes)) {
        slot.state = **DecodeSlot(tried, path);
        slot.repaired = std::move(tried);
      }
    }
    slots.push_back(std::move(slot));
  }
  return slots;
}

StateFile::StateFile(runtime::Env env, std::string log_directory)
    : env_(env),
      directory_(std::move(log_directory)),
      path_(runtime::JoinPath(directory_, "state")) {}

Result<std::optional<LogState>> StateFile::Load() {
  auto opened = env_.files->Open(path_, runtime::OpenMode::kReadWrite);
  if (!opened.ok()) {
    if (opened.status().code() == StatusCode::kNotFound) return std::optional<LogState>();
    return opened.status();
  }
  std::unique_ptr<runtime::File> file = *std::move(opened);
  Bytes slots(kSlots * kSlotBytes, '\0');
  CHROMA_TRY(file->ReadAt(0, slots.data(), slots.size()).status());
  std::optional<LogState> best;
  for (uint64_t slot = 0; slot < kSlots; ++slot) {
    BytesView bytes = BytesView(slots).substr(slot * kSlotBytes, kSlotBytes);
    CHROMA_ASSIGN(std::optional<LogState> state, DecodeSlot(bytes, path_));
    if (!state && bytes.find_first_not_of('\0') != BytesView::npos) unread_slot_ = true;
    if (!state || (best && best->sequence > state->sequence)) continue;
    best = std::move(state);
    good_slot_ = slot;
    loaded_slot_ = bytes.substr(0, LoadFixed<uint32_t>(bytes.data() + 12));
  }
  if (!best) {
    return Status::DataLoss(path_ +
                            " is damaged; remove it to go on with what the log files beside it "
                            "hold (a log file that lost its end is not noticed then)");
  }
  file_ = std::move(file);
  sequence_ = best->sequence;
  loaded_ = *best;
  return best;
}

Status StateFile::MakeDurable() {
  CHROMA_TRY(RewriteLoaded());
  return unread_slot_ ? Store(loaded_) : Status::Ok();
}

Status StateFile::RewriteLoaded() {
  if (loaded_slot_.empty()) return Status::Ok();
  CHROMA_TRY(file_->WriteAt(good_slot_ * kSlotBytes, loaded_slot_));
  CHROMA_TRY(file_->Sync());
  loaded_slot_.clear();
  return Status::Ok();
}

Status StateFile::Store(LogState state) {
  state.sequence = ++sequence_;
  Bytes slot = EncodeSlot(state);
  if (slot.size() > kSlotBytes) {
    return Status::ResourceExhausted("the log in " + directory_ + " has " +
                                     std::to_string(state.ended.size()) +
                                     " files, the most there can be; wait for the compaction");
  }
  if (file_ == nullptr) return CreateWith(slot);
  CHROMA_TRY(RewriteLoaded());  // the other slot is about to be overwritten
  const uint64_t target = 1 - good_slot_;
  CHROMA_TRY(file_->WriteAt(target * kSlotBytes, slot));
  CHROMA_TEST_POINT("log.state_written");
  CHROMA_TRY(file_->Sync());
  CHROMA_TEST_POINT("log.state_synced");
  good_slot_ = target;
  unread_slot_ = false;
  return Status::Ok();
}

// Whole or absent: a crash in here must not look like damage.
Status StateFile::CreateWith(const Bytes& slot) {
  const std::string unfinished = path_ + ".tmp";
  CHROMA_ASSIGN(auto file, env_.files->Open(unfinished, runtime::OpenMode::kCreate));
  Bytes slots = slot;
  slots.resize(kSlots * kSlotBytes, '\0');
  CHROMA_TRY(file->WriteAt(0, slots));
  CHROMA_TEST_POINT("log.first_state_written");
  CHROMA_TRY(file->Sync());
  CHROMA_TRY(env_.files->Rename(unfinished, path_));
  CHROMA_TEST_POINT("log.first_state_named");
  CHROMA_TRY(env_.files->SyncDirectory(directory_));
  file_ = std::move(file);
  good_slot_ = 0;
  return Status::Ok();
}

}  // namespace chroma::log
