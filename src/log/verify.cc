#include "log/verify.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/flipped_bit.h"
#include "log/file_log.h"

namespace chroma::log {
namespace {

using Mend = LogDamage::Mend;

// The size of the whole frame at `position`; 0 when there is none.
uint64_t WholeFrame(BytesView file, uint64_t position, uint64_t salt, FrameHeader* frame) {
  const BytesView rest = file.substr(position);
  if (!ReadFrameHeader(rest, salt, position, *frame)) return 0;
  const uint64_t size_bytes = FrameBytes(frame->payload_bytes);
  if (size_bytes > rest.size()) return 0;
  const BytesView payload = rest.substr(kFrameHeaderBytes, frame->payload_bytes);
  const uint64_t padding = kFrameHeaderBytes + frame->payload_bytes;
  const bool zeros =
      rest.substr(padding, size_bytes - padding).find_first_not_of('\0') == BytesView::npos;
  return zeros && Checksum(payload) == frame->payload_checksum ? size_bytes : 0;
}

class Examiner {
 public:
  Examiner(const runtime::Env& env, const std::string& directory, const FrameVisitor& visit)
      : files_(*env.files), directory_(directory), visit_(visit) {}

  Result<LogExamination> Run() {
    CHROMA_ASSIGN(const bool exists, files_.Exists(directory_));
    if (!exists) return std::move(found_);
    CHROMA_TRY(ListFiles());
    CHROMA_TRY(ReadState());
    for (const uint64_t number : present_) CHROMA_TRY(LoadFile(number));
    CHROMA_TRY(DecideFiles());
    for (const uint64_t number : alive_) {
      if (contents_.contains(number)) Walk(number);
    }
    return std::move(found_);
  }

 private:
  struct File {
    Bytes bytes;
    std::optional<FileHeader> header;  // none: unreadable
  };

  std::string PathOf(uint64_t number) const {
    return runtime::JoinPath(directory_, LogFileName(number));
  }
  std::string StatePath() const { return runtime::JoinPath(directory_, "state"); }
  void Add(const std::string& path, std::string what, Mend mend = Mend::kNone,
           uint64_t position = 0, Bytes bytes = {}) {
    found_.damages.push_back({path, std::move(what), mend, position, std::move(bytes)});
  }

  Status ListFiles() {
    CHROMA_ASSIGN(const auto entries, files_.List(directory_));
    for (const runtime::DirectoryEntry& entry : entries) {
      const uint64_t number = entry.is_directory ? 0 : ParseLogFileName(entry.name);
      if (number != 0) present_.push_back(number);
    }
    std::sort(present_.begin(), present_.end());
    return Status::Ok();
  }

  Status ReadState() {
    auto slots = ReadStateSlots(files_, StatePath());
    if (!slots.ok()) {
      return slots.status().code() == StatusCode::kNotFound ? Status::Ok() : slots.status();
    }
    bool damaged = false;
    for (StateSlot& slot : *slots) {
      if (slot.kind == StateSlot::Kind::kDamaged) {
        damaged = damaged || slot.repaired.empty();
        if (!slot.repaired.empty()) {
          Add(StatePath(), "one bit of a slot flipped", Mend::kPatch, slot.position,
              std::move(slot.repaired));
        }
      }
      const bool usable = slot.state.sequence > 0;
      if (usable && (!state_ || slot.state.sequence > state_->sequence)) state_ = slot.state;
    }
    if (damaged) {
      Add(StatePath(), state_ ? "one of its two slots is damaged" : "both of its slots are damaged",
          state_ ? Mend::kRestore : Mend::kNone);
    }
    state_lost_ = damaged && !state_;
    if (state_) found_.next_offset = std::max(found_.next_offset, state_->next_offset);
    return Status::Ok();
  }

  Status LoadFile(uint64_t number) {
    File file;
    CHROMA_ASSIGN(file.bytes, runtime::ReadWholeFile(files_, PathOf(number)));
    Result<FileHeader> header = DecodeFileHeader(file.bytes, number, PathOf(number));
    if (!header.ok() && header.status().code() != StatusCode::kDataLoss) return header.status();
    if (header.ok()) file.header = *header;
    contents_.emplace(number, std::move(file));
    return Status::Ok();
  }

  // Undoes one flipped bit of the header of a file that matters.
  bool RepairHeader(uint64_t number) {
    File& file = contents_.at(number);
    if (file.header) return true;
    Bytes bytes = file.bytes.substr(0, kFileHeaderBytes);
    const auto decodes = [&](BytesView tried) { return DecodeFileHeader(tried, number, "").ok(); };
    if (!FlipBack(bytes, decodes)) return false;
    file.header = *DecodeFileHeader(bytes, number, "");
    file.bytes.replace(0, bytes.size(), bytes);
    Add(PathOf(number), "one bit of its header flipped", Mend::kPatch, 0, std::move(bytes));
    return true;
  }

  Status DecideFiles() {
    if (state_) {
      DecideByState();
    } else {
      DecideByHeaders();
    }
    return Status::Ok();
  }

  void DecideByState() {
    for (const FileEnd& file : state_->ended) {
      ends_.emplace(file.number, file);
      alive_.push_back(file.number);
    }
    if (!state_->closed && state_->newest != 0) alive_.push_back(state_->newest);
    for (const uint64_t number : alive_) {
      if (!contents_.contains(number)) {
        Add(PathOf(number), "it is missing, with every entry that it held");
      } else if (!RepairHeader(number)) {
        Add(PathOf(number), "its header is damaged, so none of its entries can be verified");
        contents_.erase(number);
      }
    }
    for (const uint64_t number : present_) {
      if (std::binary_search(alive_.begin(), alive_.end(), number)) continue;
      const File& file = contents_.at(number);
      FrameHeader frame;
      const bool used = number > state_->newest && file.header &&
                        file.bytes.size() > kFileHeaderBytes &&
                        WholeFrame(file.bytes, kFileHeaderBytes, file.header->salt, &frame) > 0;
      if (!used) {
        // Dropped by the log, or begun and not used: each start removes such files.
        Add(PathOf(number), "it is not part of the log any more", Mend::kRemove);
      } else {
        Add(StatePath(), "it is older than " + PathOf(number) + ", which it does not name");
        alive_.push_back(number);
      }
    }
  }

  void DecideByHeaders() {
    const auto is_unused = [this](uint64_t number) {
      return contents_.at(number).bytes.size() <= kFileHeaderBytes;
    };
    const bool all_unused = std::all_of(present_.begin(), present_.end(), is_unused);
    for (const uint64_t number : present_) {
      File& file = contents_.at(number);
      if (!RepairHeader(number)) {
        if (all_unused || (number == present_.back() && is_unused(number))) {
          Add(PathOf(number), "it was begun and not used", Mend::kRemove);
        } else {
          Add(PathOf(number), "its header is damaged, so none of its entries can be verified");
        }
        contents_.erase(number);
        continue;
      }
      alive_.push_back(number);
      const FileHeader& header = *file.header;
      if (header.previous_number != 0 && header.previous_number < number) {
        ends_[header.previous_number] = {header.previous_number, header.previous_end,
                                         header.previous_chain};
      }
    }
    if (present_.size() > 1 && !state_lost_) {
      Add(StatePath(), "it is missing; the log files say the same", Mend::kNone);
    }
  }

  void Walk(uint64_t number) {
    File& file = contents_.at(number);
    const auto end = ends_.find(number);
    const bool ended = end != ends_.end();
    uint64_t limit = file.bytes.size();
    bool lost = false;
    if (ended && limit < end->second.end) {
      Add(PathOf(number), "it ends at byte " + std::to_string(limit) + " and was " +
                              std::to_string(end->second.end) + " bytes long");
      lost = true;
    } else if (ended) {
      limit = end->second.end;
    }
    found_.next_offset = std::max(found_.next_offset, file.header->first_offset);
    const uint64_t salt = file.header->salt;
    uint64_t position = kFileHeaderBytes;
    uint64_t chain = StartChain(salt);
    while (position < limit) {
      FrameHeader frame;
      uint64_t size_bytes =
          WholeFrame(BytesView(file.bytes).substr(0, limit), position, salt, &frame);
      if (size_bytes == 0) size_bytes = RepairFrame(file, number, position, limit, &frame);
      if (size_bytes == 0) {
        const uint64_t next = NextFrame(file, position, limit);
        if (!ended && next == limit && !WasDurable(file, position)) {
          Add(PathOf(number),
              "its last write was not finished: " + std::to_string(limit - position) +
                  " bytes, which nobody was told of",
              Mend::kCut, position);
          return;
        }
        Add(PathOf(number), "bytes " + std::to_string(position) + " to " +
                                std::to_string(next - 1) + " are damaged, with the entries there");
        lost = true;
        position = next;
        continue;
      }
      TakeFrame(number, frame,
                BytesView(file.bytes).substr(position + kFrameHeaderBytes, frame.payload_bytes));
      chain = ExtendChain(chain, frame);
      position += size_bytes;
    }
    if (ended && !lost && chain != end->second.chain) {
      Add(PathOf(number), "its frames are not those that " + StatePath() + " knows of");
    }
  }

  void TakeFrame(uint64_t number, const FrameHeader& frame, BytesView payload) {
    if (frame.count == 0 || frame.first_offset > UINT64_MAX - frame.count ||
        frame.first_offset < last_end_) {
      Add(PathOf(number),
          "the entry at byte " + std::to_string(frame.position) + " is out of order");
      return;
    }
    last_end_ = frame.first_offset + frame.count;
    found_.next_offset = std::max(found_.next_offset, last_end_);
    visit_(frame, payload);
  }

  // Undoes one flipped bit of the frame at `position`; its size then, else 0.
  uint64_t RepairFrame(File& file, uint64_t number, uint64_t position, uint64_t limit,
                       FrameHeader* frame) {
    if (limit - position < kFrameHeaderBytes) return 0;
    const uint64_t salt = file.header->salt;
    Bytes header = file.bytes.substr(position, kFrameHeaderBytes);
    const auto reads = [&](BytesView tried) {
      return ReadFrameHeader(tried, salt, position, *frame);
    };
    const bool header_whole = reads(header);
    if (!header_whole && !FlipBack(header, reads)) return 0;
    reads(header);
    const uint64_t size_bytes = FrameBytes(frame->payload_bytes);
    if (size_bytes > limit - position) return 0;
    Bytes whole = file.bytes.substr(position, size_bytes);
    whole.replace(0, header.size(), header);
    // The rest: payload, then zeros.
    Bytes payload = whole.substr(kFrameHeaderBytes, frame->payload_bytes);
    const bool payload_whole = Checksum(payload) == frame->payload_checksum;
    if (!payload_whole && (!header_whole || !FlipBack(payload, frame->payload_checksum))) return 0;
    const size_t end = kFrameHeaderBytes + payload.size();
    whole.replace(kFrameHeaderBytes, payload.size(), payload);
    whole.replace(end, whole.size() - end, whole.size() - end, '\0');
    file.bytes.replace(position, whole.size(), whole);
    Add(PathOf(number), "one bit of the entry at byte " + std::to_string(position) + " flipped",
        Mend::kPatch, position, std::move(whole));
    return size_bytes;
  }

  // The next whole frame after `position`, or `limit`.
  static uint64_t NextFrame(const File& file, uint64_t position, uint64_t limit) {
    FrameHeader frame;
    const BytesView bytes = BytesView(file.bytes).substr(0, limit);
    for (uint64_t at = position + kFrameAlignment; at + kFrameHeaderBytes <= limit;
         at += kFrameAlignment) {
      if (LoadFixed<uint32_t>(bytes.data() + at) != kFrameMagic) continue;
      if (WholeFrame(bytes, at, file.header->salt, &frame) > 0) return at;
    }
    return limit;
  }

  static bool WasDurable(const File& file, uint64_t position) {
    FrameHeader frame;
    for (uint64_t at = position; at < file.bytes.size();) {
      at = NextFrame(file, at, file.bytes.size());
      if (WholeFrame(file.bytes, std::min<uint64_t>(at, file.bytes.size()), file.header->salt,
                     &frame) > 0 &&
          frame.durable_to > position) {
        return true;
      }
    }
    return false;
  }

  runtime::FileSystem& files_;
  const std::string& directory_;
  const FrameVisitor& visit_;
  std::vector<uint64_t> present_;
  std::map<uint64_t, File> contents_;
  std::optional<LogState> state_;
  bool state_lost_ = false;
  std::vector<uint64_t> alive_;
  std::map<uint64_t, FileEnd> ends_;
  uint64_t last_end_ = 0;
  LogExamination found_;
};

}  // namespace

Result<LogExamination> ExamineLog(const runtime::Env& env, const std::string& log_directory,
                                  const FrameVisitor& visit) {
  return Examiner(env, log_directory, visit).Run();
}

Status CopyWholeFrames(const runtime::Env& env, const std::string& log_directory,
                       const std::function<bool(const FrameHeader&)>& wanted,
                       const std::string& directory) {
  struct Kept {
    Uuid collection;
    uint32_t count;
    Bytes payload;
  };
  std::vector<Kept> kept;
  CHROMA_ASSIGN(const LogExamination found,
                ExamineLog(env, log_directory, [&](const FrameHeader& frame, BytesView payload) {
                  if (wanted(frame))
                    kept.push_back({frame.collection, frame.count, Bytes(payload)});
                }));
  const std::string target = runtime::JoinPath(directory, "log");
  CHROMA_TRY(env.files->CreateDirectory(target));
  LogState state;
  state.next_offset = found.next_offset;
  CHROMA_TRY(StateFile(env, target).Store(state));
  CHROMA_ASSIGN(const auto log, FileLog::Open(env, directory));
  runtime::Context ctx;
  for (Kept& entry : kept) {
    CHROMA_TRY(log->Append(ctx, entry.collection, std::move(entry.payload), entry.count).status());
  }
  return Status::Ok();
}

}  // namespace chroma::log
