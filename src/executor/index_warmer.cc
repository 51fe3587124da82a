#include "executor/index_warmer.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "runtime/memory_usage.h"

namespace chroma::executor {
namespace {

constexpr size_t kWaitingMax = 64;

// The columns that were read of any part of a version.
model::IncludeSet ColumnsRead(const segment::Version& version) {
  model::IncludeSet read = 0;
  for (const model::IncludeSet column :
       {model::kIncludeDocuments, model::kIncludeMetadatas, model::kIncludeUris}) {
    for (const segment::SnapshotPart& part : version.parts) {
      if (part.part->IsLoaded(column)) read |= column;
    }
  }
  return read;
}

bool HasPart(const segment::Version& version, const segment::Part* part) {
  return std::any_of(version.parts.begin(), version.parts.end(),
                     [part](const segment::SnapshotPart& one) { return one.part.get() == part; });
}

bool HasIndex(const segment::Version& version, const segment::VectorIndexReader* index) {
  for (const segment::SnapshotPart& part : version.parts) {
    if (part.indexes == nullptr) continue;
    for (const segment::PartIndex& one : part.indexes->list) {
      if (one.reader.get() == index) return true;
    }
  }
  return false;
}

// Sections that are loaded as a whole when they are first needed.
Status LoadColumns(const segment::Part& part, model::IncludeSet columns) {
  const uint32_t row = 0;
  CHROMA_TRY(part.FindId("").status());
  CHROMA_TRY(part.Id(row).status());
  CHROMA_TRY(part.InsertionOffset(row).status());
  std::vector<std::optional<std::string>> texts;
  if ((columns & model::kIncludeDocuments) != 0) CHROMA_TRY(part.ReadDocuments({&row, 1}, &texts));
  if ((columns & model::kIncludeUris) != 0) CHROMA_TRY(part.ReadUris({&row, 1}, &texts));
  std::vector<model::Metadata> metadata;
  if ((columns & model::kIncludeMetadatas) == 0) return Status::Ok();
  return part.ReadMetadata({&row, 1}, &metadata);
}

}  // namespace

IndexWarmer::IndexWarmer(const runtime::Env& env, uint64_t memory_bytes_max)
    : memory_bytes_max_(memory_bytes_max), context_(*env.clock), scheduler_(*env.scheduler) {
  task_ = scheduler_.Start("warm-indexes", [this] { Run(); });
}

IndexWarmer::~IndexWarmer() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
  }
  context_.Cancel();
  wake_.NotifyAll();
  task_.reset();
}

void IndexWarmer::NoteSearch(const segment::Snapshot& snapshot) {
  for (const segment::SnapshotPart& part : snapshot.parts) {
    if (part.indexes == nullptr) continue;
    for (const segment::PartIndex& index : part.indexes->list) {
      if (!index.reader->index().LacksNodes() || index.reader->damaged()) continue;
      runtime::MutexLock lock(mutex_);
      const bool known = warming_ == index.reader || std::find(waiting_.begin(), waiting_.end(),
                                                               index.reader) != waiting_.end();
      if (known || waiting_.size() >= kWaitingMax) continue;
      waiting_.push_back(index.reader);
      wake_.NotifyOne();
    }
  }
}

void IndexWarmer::NotePublished(const segment::Version& before, const segment::Version& after) {
  std::vector<Unread> found;
  const model::IncludeSet columns = ColumnsRead(before);
  for (const segment::SnapshotPart& part : after.parts) {
    Unread unread;
    unread.columns = columns;
    const bool is_new = !HasPart(before, part.part.get());
    if (is_new) unread.part = part.part;
    if (part.indexes != nullptr) {
      for (const segment::PartIndex& index : part.indexes->list) {
        if (!HasIndex(before, index.reader.get())) unread.indexes.push_back(index.reader);
      }
    }
    if (is_new || !unread.indexes.empty()) found.push_back(std::move(unread));
  }
  if (found.empty()) return;
  runtime::MutexLock lock(mutex_);
  for (Unread& unread : found) {
    if (unread_.size() < kWaitingMax) unread_.push_back(std::move(unread));
  }
  wake_.NotifyOne();
}

Status IndexWarmer::Read(const Unread& unread) {
  const std::shared_ptr<const segment::Part> part = unread.part.lock();
  const auto fits = [this](uint64_t bytes) {
    return memory_bytes_max_ == 0 || runtime::ResidentBytes() + bytes <= memory_bytes_max_;
  };
  for (const auto& one : unread.indexes) {
    const Index index = one.lock();
    if (index != nullptr && fits(index->size_bytes())) CHROMA_TRY(index->Load(context_));
  }
  if (part == nullptr || part->rows() == 0) return Status::Ok();
  CHROMA_TRY(LoadColumns(*part, unread.columns));
  if (!fits(uint64_t{part->rows()} * part->dimension() * sizeof(float))) return Status::Ok();
  for (uint32_t row = 0; row < part->rows() && part->dimension() > 0;) {
    CHROMA_TRY(context_.Check());
    CHROMA_ASSIGN(const segment::VectorRun run, part->Vectors(row));
    row += run.rows;
  }
  return Status::Ok();
}

void IndexWarmer::Run() {
  scheduler_.LowerPriority();
  for (;;) {
    Index index;
    Unread unread;
    {
      runtime::MutexLock lock(mutex_);
      warming_.reset();
      while (waiting_.empty() && unread_.empty() && !stopping_) wake_.Wait(mutex_);
      if (stopping_) return;
      if (!unread_.empty()) {
        unread = std::move(unread_.front());
        unread_.erase(unread_.begin());
      } else {
        index = warming_ = std::move(waiting_.back());
        waiting_.pop_back();
      }
    }
    try {
      // Damage is told by the readers, to the next search.
      if (index == nullptr) {
        (void)Read(unread);
      } else {
        (void)index->index().MakeNodes([this] { return context_.Check(); });
      }
    } catch (const std::bad_alloc&) {
      // Searches do without nodes.
    }
  }
}

}  // namespace chroma::executor
