#include "store/dir_store.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "runtime/log.h"
#include "runtime/mutex.h"
#include "runtime/test_points.h"

namespace chroma::store {
namespace {

constexpr std::string_view kUnfinished = ".tmp";
// Written as a whole, where such a block begins: then the system may keep it in a page of 2 MB,
// which whoever maps the file gets.
constexpr size_t kBlockBytes = 2 << 20;

// Lower case letters, digits, '.', '_', '-' in parts between '/'; no part that a file system
// takes for something else, and none that looks unfinished.
Status CheckName(std::string_view name) {
  const Status bad = Status::InvalidArgument("blob name \"" + std::string(name) +
                                             "\" is not one: use [a-z0-9._-] between slashes");
  if (name.ends_with(kUnfinished)) return bad;
  size_t part_start = 0;
  for (size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && name[i] != '/') {
      const char c = name[i];
      const bool fine =
          (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
      if (!fine) return bad;
      continue;
    }
    const std::string_view part = name.substr(part_start, i - part_start);
    if (part.empty() || part == "." || part == "..") return bad;
    part_start = i + 1;
  }
  return Status::Ok();
}

// "" when the name has no slash.
std::string_view ParentOf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

class MappedBlob final : public Blob {
 public:
  MappedBlob(std::string name, std::shared_ptr<const runtime::MappedFile> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  const std::string& name() const override { return name_; }
  uint64_t size_bytes() const override { return file_->bytes().size(); }

  Result<BlobSlice> Read(runtime::Context& ctx, uint64_t offset,
                         uint64_t size_bytes) const override {
    CHROMA_TRY(ctx.Check());
    const BytesView bytes = file_->bytes();
    if (offset > bytes.size() || size_bytes > bytes.size() - offset) {
      return Status::DataLoss("blob " + name_ + " has " + std::to_string(bytes.size()) +
                              " bytes; " + std::to_string(size_bytes) + " at " +
                              std::to_string(offset) + " were asked for");
    }
    return BlobSlice{bytes.substr(static_cast<size_t>(offset), static_cast<size_t>(size_bytes)),
                     file_};
  }
  Status Copy(uint64_t offset, uint64_t size_bytes, char* out) const override {
    return file_->Copy(offset, size_bytes, out);
  }
  Status CheckReadable(uint64_t offset, uint64_t size_bytes) const override {
    return file_->CheckReadable(offset, size_bytes);
  }
  void WillNeed(uint64_t offset, uint64_t size_bytes) const override {
    file_->WillNeed(offset, size_bytes);
  }
  void DontNeed(uint64_t offset, uint64_t size_bytes) const override {
    file_->DontNeed(offset, size_bytes);
  }

 private:
  const std::string name_;
  const std::shared_ptr<const runtime::MappedFile> file_;
};

class DirStore;

// Belongs to one task; the store outlives it.
class DirWriter final : public BlobWriter {
 public:
  DirWriter(DirStore& store, std::string name, std::string unfinished_path,
            std::unique_ptr<runtime::File> file)
      : store_(store),
        name_(std::move(name)),
        unfinished_path_(std::move(unfinished_path)),
        file_(std::move(file)) {}
  ~DirWriter() override;

  Status Append(BytesView bytes) override;
  uint64_t size_bytes() const override { return written_ + buffer_.size(); }
  Status Finish(runtime::Context& ctx) override;

 private:
  Status Write(BytesView bytes);

  DirStore& store_;
  const std::string name_;
  const std::string unfinished_path_;
  std::unique_ptr<runtime::File> file_;  // null once finished
  Bytes buffer_;
  uint64_t written_ = 0;
  Status failure_;  // the first; everything later reports it
};

class DirStore final : public BlobStore {
 public:
  DirStore(runtime::Env env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  Result<std::shared_ptr<const Blob>> Open(runtime::Context& ctx,
                                           const std::string& name) override {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(CheckName(name));
    auto file = env_.files->Map(PathOf(name));
    if (!file.ok()) {
      if (file.status().code() != StatusCode::kNotFound) return file.status();
      return Status::NotFound("there is no blob " + name + " in " + directory_);
    }
    return std::shared_ptr<const Blob>(std::make_shared<MappedBlob>(name, *std::move(file)));
  }

  Result<std::unique_ptr<BlobWriter>> Create(runtime::Context& ctx,
                                             const std::string& name) override {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(CheckName(name));
    CHROMA_TRY(CheckFree(name));
    // Creates and syncs missing levels; cheap when they are there.
    CHROMA_TRY(env_.files->CreateDirectory(PathOf(ParentOf(name))));
    // More than one writer may try the same name, and a dead one may have left a file.
    for (;;) {
      const uint64_t number = writers_.fetch_add(1, std::memory_order_relaxed);
      std::string path = PathOf(name) + "." + std::to_string(number).append(kUnfinished);
      auto file = env_.files->Open(path, runtime::OpenMode::kCreateExclusive);
      if (!file.ok() && file.status().code() == StatusCode::kAlreadyExists) continue;
      if (!file.ok() && file.status().code() == StatusCode::kNotFound) {
        // Whoever deleted the last blob of the directory removed it meanwhile.
        CHROMA_TRY(env_.files->CreateDirectory(PathOf(ParentOf(name))));
        file = env_.files->Open(path, runtime::OpenMode::kCreateExclusive);
      }
      CHROMA_TRY(file.status());
      CHROMA_TEST_POINT("store.file_created");
      return std::unique_ptr<BlobWriter>(
          std::make_unique<DirWriter>(*this, name, std::move(path), *std::move(file)));
    }
  }

  Status Delete(runtime::Context& ctx, const std::string& name) override {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(CheckName(name));
    Status removed = env_.files->Remove(PathOf(name));
    CHROMA_TEST_POINT("store.blob_removed");
    if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
    RemoveIfEmpty(ParentOf(name));
    return Status::Ok();
  }

  Result<std::vector<BlobInfo>> List(runtime::Context& ctx, const std::string& prefix) override {
    std::vector<BlobInfo> found;
    const std::string parent(ParentOf(prefix));
    if (!parent.empty()) CHROMA_TRY(CheckName(parent));
    CHROMA_TRY(Walk(ctx, parent, nullptr, [&](std::string name, const auto& entry) {
      if (name.starts_with(prefix) && !name.ends_with(kUnfinished)) {
        found.push_back({std::move(name), entry.size_bytes, entry.modified_unix_ns});
      }
      return Status::Ok();
    }));
    std::sort(found.begin(), found.end(),
              [](const BlobInfo& a, const BlobInfo& b) { return a.name < b.name; });
    return found;
  }

  Status RemoveUnfinished(runtime::Context& ctx) override {
    std::vector<std::string> empty;
    const auto remove = [&](const std::string& name, const auto&) {
      if (!name.ends_with(kUnfinished)) return Status::Ok();
      CHROMA_TRY(env_.files->Remove(PathOf(name)));
      CHROMA_TEST_POINT("store.unfinished_removed");
      return Status::Ok();
    };
    CHROMA_TRY(Walk(ctx, "", &empty, remove));
    for (const std::string& directory : empty) RemoveIfEmpty(directory);
    return Status::Ok();
  }

  // Gives the finished file its name.
  Status Publish(const std::string& unfinished_path, const std::string& name) {
    {
      runtime::MutexLock lock(publish_mutex_);
      CHROMA_TRY(CheckFree(name));
      CHROMA_TRY(env_.files->Rename(unfinished_path, PathOf(name)));
    }
    CHROMA_TEST_POINT("store.blob_named");
    if (CHROMA_PLANTED_BUG("store.skip_directory_sync")) return Status::Ok();
    Status synced = env_.files->SyncDirectory(PathOf(ParentOf(name)));
    CHROMA_TEST_POINT("store.name_synced");
    if (!synced.ok()) RemoveFile(PathOf(name));
    return synced;
  }

  void RemoveFile(const std::string& path) {
    Status removed = env_.files->Remove(path);
    if (removed.ok() || removed.code() == StatusCode::kNotFound) return;
    runtime::Log(runtime::LogLevel::kWarning, "unfinished blob not removed, the next start does it",
                 {{"path", path}, {"error", removed.message()}});
  }

 private:
  std::string PathOf(std::string_view name) const {
    return name.empty() ? directory_ : runtime::JoinPath(directory_, name);
  }

  Status CheckFree(const std::string& name) {
    CHROMA_ASSIGN(bool exists, env_.files->Exists(PathOf(name)));
    if (!exists) return Status::Ok();
    return Status::AlreadyExists("there is a blob " + name + " in " + directory_ + " already");
  }

  // A directory that no blob needs is created again by the next; a failure leaves it to the next
  // start.
  void RemoveIfEmpty(std::string_view directory) {
    if (!directory.empty()) static_cast<void>(env_.files->Remove(PathOf(directory)));
  }

  // Calls visit(name, entry) for every file below the directory `start`; adds those below it that
  // hold nothing to `empty`.
  template <typename Visit>
  Status Walk(runtime::Context& ctx, std::string start, std::vector<std::string>* empty,
              Visit visit) {
    std::vector<std::string> directories;
    directories.push_back(std::move(start));
    while (!directories.empty()) {
      CHROMA_TRY(ctx.Check());
      const std::string directory = std::move(directories.back());
      directories.pop_back();
      auto entries = env_.files->List(PathOf(directory));
      if (!entries.ok()) {
        if (entries.status().code() == StatusCode::kNotFound) continue;
        return entries.status();
      }
      if (entries->empty() && empty != nullptr) empty->push_back(directory);
      for (const runtime::DirectoryEntry& entry : *entries) {
        std::string name = directory.empty() ? entry.name : directory + "/" + entry.name;
        if (entry.is_directory) {
          directories.push_back(std::move(name));
        } else {
          CHROMA_TRY(visit(std::move(name), entry));
        }
      }
    }
    return Status::Ok();
  }

  const runtime::Env env_;
  const std::string directory_;
  std::atomic<uint64_t> writers_{0};
  runtime::Mutex publish_mutex_;  // between looking whether a name is free and taking it
};

DirWriter::~DirWriter() {
  if (file_ != nullptr) store_.RemoveFile(unfinished_path_);
}

Status DirWriter::Append(BytesView bytes) {
  CHROMA_TRY(failure_);
  if (file_ == nullptr) return Status::FailedPrecondition("blob " + name_ + " is finished");
  while (!bytes.empty()) {
    if (buffer_.empty() && bytes.size() >= kBlockBytes) {
      const size_t blocks = bytes.size() / kBlockBytes * kBlockBytes;
      CHROMA_TRY(Write(bytes.substr(0, blocks)));
      bytes.remove_prefix(blocks);
      continue;
    }
    if (buffer_.capacity() == 0) buffer_.reserve(kBlockBytes);
    const size_t part = std::min(bytes.size(), kBlockBytes - buffer_.size());
    buffer_ += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (buffer_.size() < kBlockBytes) continue;
    CHROMA_TRY(Write(buffer_));
    buffer_.clear();
  }
  return Status::Ok();
}

Status DirWriter::Write(BytesView bytes) {
  if (bytes.empty()) return Status::Ok();
  failure_ = file_->WriteAt(written_, bytes);
  if (failure_.ok()) written_ += bytes.size();
  return failure_;
}

Status DirWriter::Finish(runtime::Context& ctx) {
  CHROMA_TRY(failure_);
  if (file_ == nullptr) return Status::FailedPrecondition("blob " + name_ + " is finished");
  CHROMA_TRY(ctx.Check());
  CHROMA_TRY(Write(buffer_));
  buffer_ = Bytes();
  CHROMA_TEST_POINT("store.blob_written");
  if (!CHROMA_PLANTED_BUG("store.skip_sync")) failure_ = file_->Sync();
  CHROMA_TEST_POINT("store.blob_synced");
  if (failure_.ok()) failure_ = store_.Publish(unfinished_path_, name_);
  CHROMA_TRY(failure_);
  file_ = nullptr;
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<BlobStore>> OpenDirStore(runtime::Env env, std::string directory) {
  CHROMA_TRY(env.files->CreateDirectory(directory));
  return std::unique_ptr<BlobStore>(std::make_unique<DirStore>(env, std::move(directory)));
}

}  // namespace chroma::store
