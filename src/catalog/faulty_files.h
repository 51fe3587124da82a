// For tests of this folder: a file system that fails on command.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/file_system.h"

namespace chroma::catalog {

// Asked before each call that changes something; a failure is returned instead of making it.
using FaultHook = std::function<Status(const char* call, const std::string& path)>;

class FaultyFile final : public runtime::File {
 public:
  FaultyFile(std::unique_ptr<runtime::File> file, std::string path, const FaultHook& hook)
      : file_(std::move(file)), path_(std::move(path)), hook_(hook) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    return file_->ReadAt(offset, out, n);
  }
  Status WriteAt(uint64_t offset, BytesView bytes) override {
    Status fault = hook_("write", path_);
    // A failed write leaves a prefix.
    if (!fault.ok()) (void)file_->WriteAt(offset, bytes.substr(0, bytes.size() / 2));
    return fault.ok() ? file_->WriteAt(offset, bytes) : fault;
  }
  Status Truncate(uint64_t size_bytes) override {
    Status fault = hook_("truncate", path_);
    return fault.ok() ? file_->Truncate(size_bytes) : fault;
  }
  Status Sync() override {
    Status fault = hook_("sync", path_);
    return fault.ok() ? file_->Sync() : fault;
  }
  Result<uint64_t> Size() const override { return file_->Size(); }
  Status Reserve(uint64_t offset, uint64_t size_bytes) override {
    return file_->Reserve(offset, size_bytes);
  }

 private:
  std::unique_ptr<runtime::File> file_;
  const std::string path_;
  const FaultHook& hook_;
};

class FaultyFileSystem final : public runtime::FileSystem {
 public:
  FaultyFileSystem(runtime::FileSystem& base, FaultHook hook)
      : base_(base), hook_(std::move(hook)) {}

  Result<std::unique_ptr<runtime::File>> Open(const std::string& path,
                                              runtime::OpenMode mode) override {
    CHROMA_TRY(hook_("open", path));
    CHROMA_ASSIGN(auto file, base_.Open(path, mode));
    return std::unique_ptr<runtime::File>(
        std::make_unique<FaultyFile>(std::move(file), path, hook_));
  }
  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string& path) override {
    return base_.Map(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    CHROMA_TRY(hook_("rename", from));
    return base_.Rename(from, to);
  }
  Status Remove(const std::string& path) override {
    CHROMA_TRY(hook_("remove", path));
    return base_.Remove(path);
  }
  Status CreateDirectory(const std::string& path) override { return base_.CreateDirectory(path); }
  Status SyncDirectory(const std::string& path) override {
    CHROMA_TRY(hook_("sync directory", path));
    return base_.SyncDirectory(path);
  }
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string& path) override {
    return base_.List(path);
  }
  Result<bool> Exists(const std::string& path) override { return base_.Exists(path); }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override {
    return base_.Lock(path);
  }
  Result<uint64_t> FreeBytes(const std::string& path) override { return base_.FreeBytes(path); }

 private:
  runtime::FileSystem& base_;
  const FaultHook hook_;
};

}  // namespace chroma::catalog
