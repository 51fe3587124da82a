#include <set>
#include <utility>

#include "doctor/inspection.h"
#include "log/file_log.h"
#include "log/record_codec.h"
#include "log/verify.h"

namespace chroma::doctor {
namespace {

using log::LogDamage;

constexpr const char* kLog = "log";

// Stores the state that still counts once more, which writes the damaged slot.
Result<std::string> RestoreState(const runtime::Env& env, const std::string& directory,
                                 const std::string& place, Repairs& repairs) {
  CHROMA_TRY(repairs.Keep(place));
  log::StateFile state(env, runtime::JoinPath(directory, kLog));
  CHROMA_ASSIGN(std::optional<log::LogState> loaded, state.Load());
  if (!loaded) return Status::DataLoss(place + " is gone");
  CHROMA_TRY(state.Store(*std::move(loaded)));
  return std::string("the damaged slot was written anew");
}

// The new log is written beside the old one; its files take the place of the old ones, the state
// last: a log without it says that something is missing.
Result<std::string> SalvageLog(const runtime::Env& env, const std::string& directory,
                               const std::map<Uuid, uint64_t>& covered, Repairs& repairs) {
  const std::string beside = runtime::JoinPath(directory, "log.mended");
  const auto clear = [&]() -> Status {
    auto entries = env.files->List(runtime::JoinPath(beside, kLog));
    if (!entries.ok()) return Status::Ok();
    for (const runtime::DirectoryEntry& entry : *entries) {
      CHROMA_TRY(env.files->Remove(runtime::JoinPath(runtime::JoinPath(beside, kLog), entry.name)));
    }
    return Status::Ok();
  };
  CHROMA_TRY(clear());
  uint64_t kept = 0;
  const auto wanted = [&](const log::FrameHeader& frame) {
    const auto at = covered.find(frame.collection);
    const bool live = at != covered.end() && frame.first_offset >= at->second;
    kept += live ? frame.count : 0;
    return live;
  };
  const std::string old = runtime::JoinPath(directory, kLog);
  CHROMA_TRY(log::CopyWholeFrames(env, old, wanted, beside));
  CHROMA_ASSIGN(const auto entries, env.files->List(old));
  for (const runtime::DirectoryEntry& entry : entries) {
    if (!entry.is_directory) {
      CHROMA_TRY(repairs.MoveAside(runtime::JoinPath(kLog, entry.name)));
    }
  }
  const std::string fresh = runtime::JoinPath(beside, kLog);
  CHROMA_ASSIGN(const auto written, env.files->List(fresh));
  for (const runtime::DirectoryEntry& entry : written) {
    CHROMA_TRY(env.files->Rename(runtime::JoinPath(fresh, entry.name),
                                 runtime::JoinPath(old, entry.name)));
  }
  CHROMA_TRY(env.files->SyncDirectory(old));
  CHROMA_TRY(env.files->Remove(fresh));
  CHROMA_TRY(env.files->Remove(beside));
  return "the log was written anew with the " + std::to_string(kept) + " records that can be read";
}

}  // namespace

Status Inspection::CheckLog(Report* report) {
  std::map<Uuid, uint64_t> covered;
  for (const catalog::CatalogCollection& collection : catalog_.collections) {
    covered[collection.id] = collection.log_offset;
  }
  std::set<Uuid> undecodable;
  const auto visit = [&](const log::FrameHeader& frame, BytesView payload) {
    const auto at = covered.find(frame.collection);
    if (at == covered.end() || frame.first_offset < at->second) return;
    report->log_records += frame.count;
    const Bytes aligned(payload);
    const auto batch = log::DecodeBatch(aligned);
    bool whole = batch.ok() && batch->rows.size() == frame.count;
    for (size_t i = 0; whole && i < batch->rows.size(); ++i) {
      const BytesView metadata = batch->rows[i].metadata;
      whole = metadata.empty() || log::DecodeRowMetadata(metadata).ok();
    }
    if (!whole) undecodable.insert(frame.collection);
  };
  CHROMA_ASSIGN(log::LogExamination found, log::ExamineLog(env_, PathOf(kLog), visit));
  CHROMA_ASSIGN(const bool exists, env_.files->Exists(PathOf(kLog)));
  if (!exists && !catalog_.collections.empty()) {
    Add(Severity::kDamage, kLog, "the directory is missing, with what was not yet in segments");
    return Status::Ok();
  }
  bool salvageable = false;
  for (LogDamage& damage : found.damages) {
    const std::string place = Relative(damage.path);
    Case& added = Add(Severity::kDamage, place, damage.what);
    Finding& finding = added.finding;
    if (damage.mend != LogDamage::Mend::kNone) finding.cure = Cure::kByItself;
    switch (damage.mend) {
      case LogDamage::Mend::kNone:
        finding.cure = Cure::kBySalvage;
        finding.remedy =
            "restore the directory from a backup; --salvage writes the log anew with the entries "
            "that can be read";
        salvageable = true;
        break;
      case LogDamage::Mend::kPatch:
        finding.remedy = "the bit is flipped back, as a checksum proves";
        added.mend = [place, at = damage.position,
                      bytes = std::move(damage.bytes)](Repairs& repairs) -> Result<std::string> {
          CHROMA_TRY(repairs.Patch(place, {{at, bytes}}));
          return std::string("the bit was flipped back");
        };
        break;
      case LogDamage::Mend::kCut:
        finding.severity = Severity::kNote;
        finding.remedy = "they are cut off";
        added.mend = [place, at = damage.position](Repairs& repairs) -> Result<std::string> {
          CHROMA_TRY(repairs.Truncate(place, at));
          return "cut at byte " + std::to_string(at);
        };
        break;
      case LogDamage::Mend::kRemove:
        finding.severity = Severity::kNote;
        finding.remedy = "it is removed";
        added.mend = [place](Repairs& repairs) -> Result<std::string> {
          CHROMA_TRY(repairs.MoveAside(place));
          return std::string("removed");
        };
        break;
      case LogDamage::Mend::kRestore:
        finding.remedy = "it is written anew from the other";
        added.mend = [this_env = env_, directory = directory_, place](Repairs& repairs) {
          return RestoreState(this_env, directory, place, repairs);
        };
        break;
    }
  }
  for (const catalog::CatalogCollection& collection : catalog_.collections) {
    const bool ahead = collection.log_offset > found.next_offset;
    if (!ahead && !undecodable.contains(collection.id)) continue;
    Case& added =
        Add(Severity::kDamage, kLog,
            ahead ? "it ends at " + std::to_string(found.next_offset) + ", but was read up to " +
                        std::to_string(collection.log_offset) + ": files of it are missing"
                  : "it has entries that cannot be decoded");
    added.finding.collection = NameOf(collection);
  }
  if (!salvageable) return Status::Ok();
  // One mend for all of them.
  for (Case& damaged : cases_) {
    if (damaged.finding.cure != Cure::kBySalvage || damaged.mend != nullptr) continue;
    damaged.mend = [env = env_, directory = directory_, covered](Repairs& repairs) {
      return SalvageLog(env, directory, covered, repairs);
    };
    break;
  }
  return Status::Ok();
}

}  // namespace chroma::doctor
