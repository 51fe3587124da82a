#include "doctor/untouched_files.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace chroma::doctor {
namespace {

using runtime::File;
using runtime::FileSystem;
using runtime::OpenMode;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

class Untouched;

// Reads the file of the disk until the first change.
class LazyFile final : public File {
 public:
  LazyFile(Untouched& files, std::string path, std::unique_ptr<File> base)
      : files_(files), path_(std::move(path)), file_(std::move(base)) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    return file_->ReadAt(offset, out, n);
  }
  Status WriteAt(uint64_t offset, BytesView bytes) override {
    CHROMA_TRY(Copy());
    return file_->WriteAt(offset, bytes);
  }
  Status Truncate(uint64_t size_bytes) override {
    CHROMA_TRY(Copy());
    return file_->Truncate(size_bytes);
  }
  Status Sync() override { return Status::Ok(); }
  Result<uint64_t> Size() const override { return file_->Size(); }
  Status Reserve(uint64_t, uint64_t) override { return Status::Ok(); }

 private:
  Status Copy();

  Untouched& files_;
  const std::string path_;
  std::unique_ptr<File> file_;
  bool copied_ = false;
};

class Untouched final : public FileSystem {
 public:
  explicit Untouched(runtime::Env env)
      : base_(*env.files), memory_(FileSystem::InMemory(*env.clock)) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    CHROMA_ASSIGN(const bool hidden, IsHidden(path));
    if (!hidden) {
      CHROMA_ASSIGN(const bool exists, base_.Exists(path));
      if (exists && mode == OpenMode::kCreateExclusive) {
        return Status::AlreadyExists("open " + path + ": it exists");
      }
      if (exists || mode == OpenMode::kRead || mode == OpenMode::kReadWrite) {
        CHROMA_ASSIGN(auto file, base_.Open(path, OpenMode::kRead));
        if (mode == OpenMode::kRead) return file;
        return std::unique_ptr<File>(std::make_unique<LazyFile>(*this, path, std::move(file)));
      }
    }
    if (mode == OpenMode::kCreate || mode == OpenMode::kCreateExclusive) {
      CHROMA_TRY(memory_->CreateDirectory(ParentOf(path)));
      removed_.insert(path);
    }
    return memory_->Open(path, mode);
  }

  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string& path) override {
    CHROMA_ASSIGN(const bool hidden, IsHidden(path));
    return hidden ? memory_->Map(path) : base_.Map(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    CHROMA_TRY(CopyToMemory(from).status());
    CHROMA_TRY(memory_->CreateDirectory(ParentOf(to)));
    CHROMA_TRY(memory_->Rename(from, to));
    removed_.insert(to);
    return Status::Ok();
  }
  Status Remove(const std::string& path) override {
    CHROMA_ASSIGN(const bool hidden, IsHidden(path));
    if (hidden) return memory_->Remove(path);
    CHROMA_ASSIGN(const bool exists, base_.Exists(path));
    if (!exists) return Status::NotFound("remove " + path + ": there is none");
    removed_.insert(path);
    return Status::Ok();
  }
  Status CreateDirectory(const std::string& path) override {
    return memory_->CreateDirectory(path);
  }
  Status SyncDirectory(const std::string&) override { return Status::Ok(); }
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string& path) override {
    std::vector<runtime::DirectoryEntry> entries;
    auto base = base_.List(path);
    auto memory = memory_->List(path);
    if (!base.ok() && !memory.ok()) return base.status();
    if (base.ok()) {
      for (auto& entry : *base) {
        if (!removed_.contains(runtime::JoinPath(path, entry.name))) entries.push_back(entry);
      }
    }
    if (memory.ok()) entries.insert(entries.end(), memory->begin(), memory->end());
    const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
    const auto same = [](const auto& a, const auto& b) { return a.name == b.name; };
    std::sort(entries.begin(), entries.end(), by_name);
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
    return entries;
  }
  Result<bool> Exists(const std::string& path) override {
    CHROMA_ASSIGN(const bool hidden, IsHidden(path));
    return hidden ? memory_->Exists(path) : base_.Exists(path);
  }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override {
    return memory_->Lock(path);
  }
  Result<uint64_t> FreeBytes(const std::string& path) override { return base_.FreeBytes(path); }

  // The copy in memory of a file, made when it is not there yet.
  Result<std::unique_ptr<File>> CopyToMemory(const std::string& path) {
    CHROMA_ASSIGN(const bool hidden, IsHidden(path));
    if (hidden) return memory_->Open(path, OpenMode::kReadWrite);
    CHROMA_ASSIGN(const auto source, base_.Open(path, OpenMode::kRead));
    CHROMA_TRY(memory_->CreateDirectory(ParentOf(path)));
    CHROMA_ASSIGN(auto copy, memory_->Open(path, OpenMode::kCreate));
    CHROMA_ASSIGN(const uint64_t size_bytes, source->Size());
    Bytes bytes(size_bytes, '\0');
    CHROMA_ASSIGN(const size_t got, source->ReadAt(0, bytes.data(), bytes.size()));
    bytes.resize(got);
    CHROMA_TRY(copy->WriteAt(0, bytes));
    removed_.insert(path);
    return copy;
  }

 private:
  // Whether what is on the disk does not count any more.
  Result<bool> IsHidden(const std::string& path) {
    if (removed_.contains(path)) return true;
    return memory_->Exists(path);
  }

  FileSystem& base_;
  const std::unique_ptr<FileSystem> memory_;
  std::set<std::string> removed_;  // from the disk's view: removed, replaced or copied
};

Status LazyFile::Copy() {
  if (copied_) return Status::Ok();
  CHROMA_ASSIGN(file_, files_.CopyToMemory(path_));
  copied_ = true;
  return Status::Ok();
}

}  // namespace

std::unique_ptr<FileSystem> UntouchedFiles(runtime::Env env) {
  return std::make_unique<Untouched>(env);
}

}  // namespace chroma::doctor
