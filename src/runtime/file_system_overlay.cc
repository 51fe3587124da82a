// Files that can be written although what is below them cannot: changes live in memory.
//
// Lock order: the names' mutex before a node's.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "runtime/errno_status.h"
#include "runtime/file_system.h"
#include "runtime/mutex.h"

namespace chroma::runtime {
namespace {

constexpr uint64_t kBlockBytes = 16 << 10;

// One file: bytes of the base up to a limit, with the blocks that were written over them.
class Node {
 public:
  // `base` may be null: a new file.
  Node(std::unique_ptr<File> base, uint64_t size_bytes, int64_t modified_unix_ns)
      : base_(std::move(base)),
        base_bytes_(size_bytes),
        size_bytes_(size_bytes),
        modified_unix_ns_(modified_unix_ns) {}

  Result<size_t> Read(uint64_t offset, char* out, size_t n) {
    const MutexLock lock(mutex_);
    return ReadLocked(offset, out, n);
  }

  Status Write(uint64_t offset, BytesView bytes, int64_t now_unix_ns) {
    const MutexLock lock(mutex_);
    const uint64_t end = offset + bytes.size();
    while (!bytes.empty()) {
      const uint64_t at = offset % kBlockBytes;
      const size_t n = std::min<uint64_t>(bytes.size(), kBlockBytes - at);
      CHROMA_ASSIGN(Bytes * block, ChangedBlock(offset / kBlockBytes));
      std::memcpy(block->data() + at, bytes.data(), n);
      bytes.remove_prefix(n);
      offset += n;
    }
    size_bytes_ = std::max(size_bytes_, end);
    modified_unix_ns_ = now_unix_ns;
    changed_ = true;
    return Status::Ok();
  }

  Status Truncate(uint64_t size_bytes, int64_t now_unix_ns) {
    const MutexLock lock(mutex_);
    if (size_bytes < size_bytes_ && size_bytes % kBlockBytes != 0) {
      // What is cut off must read as zero if the file grows again.
      CHROMA_ASSIGN(Bytes * last, ChangedBlock(size_bytes / kBlockBytes));
      const uint64_t kept = size_bytes % kBlockBytes;
      std::memset(last->data() + kept, 0, kBlockBytes - kept);
    }
    blocks_.erase(blocks_.lower_bound((size_bytes + kBlockBytes - 1) / kBlockBytes), blocks_.end());
    base_bytes_ = std::min(base_bytes_, size_bytes);
    size_bytes_ = size_bytes;
    modified_unix_ns_ = now_unix_ns;
    changed_ = true;
    return Status::Ok();
  }

  // All bytes, where they are not the base's of the same name.
  Result<std::optional<Bytes>> ContentIfChanged() {
    const MutexLock lock(mutex_);
    if (base_ != nullptr && !changed_) return std::optional<Bytes>();
    Bytes bytes(size_bytes_, '\0');
    CHROMA_TRY(ReadLocked(0, bytes.data(), bytes.size()).status());
    return std::optional<Bytes>(std::move(bytes));
  }

  // The base has it under another name.
  void Detach() {
    const MutexLock lock(mutex_);
    changed_ = true;
  }

  uint64_t size_bytes() {
    const MutexLock lock(mutex_);
    return size_bytes_;
  }
  int64_t modified_unix_ns() {
    const MutexLock lock(mutex_);
    return modified_unix_ns_;
  }

 private:
  Result<size_t> ReadLocked(uint64_t offset, char* out, size_t n) CHROMA_REQUIRES(mutex_) {
    if (offset >= size_bytes_) return size_t{0};
    n = std::min<uint64_t>(n, size_bytes_ - offset);
    for (size_t done = 0; done < n;) {
      const uint64_t position = offset + done;
      const uint64_t at = position % kBlockBytes;
      const size_t part = std::min<uint64_t>(n - done, kBlockBytes - at);
      const auto block = blocks_.find(position / kBlockBytes);
      if (block != blocks_.end()) {
        std::memcpy(out + done, block->second.data() + at, part);
      } else {
        CHROMA_TRY(ReadBase(position, out + done, part));
      }
      done += part;
    }
    return n;
  }

  // Zeros behind what of the base is left.
  Status ReadBase(uint64_t offset, char* out, size_t n) CHROMA_REQUIRES(mutex_) {
    size_t got = 0;
    if (base_ != nullptr && offset < base_bytes_) {
      CHROMA_ASSIGN(got, base_->ReadAt(offset, out, std::min<uint64_t>(n, base_bytes_ - offset)));
    }
    std::memset(out + got, 0, n - got);
    return Status::Ok();
  }

  Result<Bytes*> ChangedBlock(uint64_t index) CHROMA_REQUIRES(mutex_) {
    const auto found = blocks_.find(index);
    if (found != blocks_.end()) return &found->second;
    Bytes block(kBlockBytes, '\0');
    CHROMA_TRY(ReadBase(index * kBlockBytes, block.data(), block.size()));
    return &blocks_.emplace(index, std::move(block)).first->second;
  }

  Mutex mutex_;
  const std::unique_ptr<File> base_;
  uint64_t base_bytes_ CHROMA_GUARDED_BY(mutex_);
  uint64_t size_bytes_ CHROMA_GUARDED_BY(mutex_);
  int64_t modified_unix_ns_ CHROMA_GUARDED_BY(mutex_);
  bool changed_ CHROMA_GUARDED_BY(mutex_) = false;
  std::map<uint64_t, Bytes> blocks_ CHROMA_GUARDED_BY(mutex_);  // whole, by index
};
using NodePtr = std::shared_ptr<Node>;

class OverlayFile final : public File {
 public:
  OverlayFile(NodePtr node, std::string path, bool writable, Clock& clock)
      : node_(std::move(node)), path_(std::move(path)), writable_(writable), clock_(clock) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    return node_->Read(offset, out, n);
  }
  Status WriteAt(uint64_t offset, BytesView bytes) override {
    if (!writable_) return ErrnoStatus("write", path_, EBADF);
    return node_->Write(offset, bytes, clock_.UnixNs());
  }
  Status Truncate(uint64_t size_bytes) override {
    if (!writable_) return ErrnoStatus("truncate", path_, EINVAL);
    return node_->Truncate(size_bytes, clock_.UnixNs());
  }
  Status Sync() override { return Status::Ok(); }
  Result<uint64_t> Size() const override { return node_->size_bytes(); }
  Status Reserve(uint64_t, uint64_t) override { return Status::Ok(); }

 private:
  const NodePtr node_;
  const std::string path_;
  const bool writable_;
  Clock& clock_;
};

class OverlayMapping final : public MappedFile {
 public:
  explicit OverlayMapping(Bytes bytes) : bytes_(std::move(bytes)) {}
  BytesView bytes() const override { return bytes_; }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  const Bytes bytes_;
};

class OverlayLock final : public FileLock {};

std::string WithoutEndSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class OverlayFileSystem final : public FileSystem {
 public:
  OverlayFileSystem(FileSystem& base, Clock& clock) : base_(base), clock_(clock) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const MutexLock lock(mutex_);
    const bool create = mode == OpenMode::kCreate || mode == OpenMode::kCreateExclusive;
    CHROMA_ASSIGN(NodePtr node, FindNode(path));
    if (node != nullptr && mode == OpenMode::kCreateExclusive) {
      return ErrnoStatus("open", path, EEXIST);
    }
    if (node == nullptr) {
      CHROMA_ASSIGN(bool has_parent, ExistsLocked(ParentOf(path)));
      if (!create || !has_parent) return ErrnoStatus("open", path, ENOENT);
      node = std::make_shared<Node>(nullptr, 0, clock_.UnixNs());
      nodes_[path] = node;
      removed_.erase(path);
    }
    return std::unique_ptr<File>(
        std::make_unique<OverlayFile>(std::move(node), path, mode != OpenMode::kRead, clock_));
  }

  Result<std::shared_ptr<const MappedFile>> Map(const std::string& path) override {
    const MutexLock lock(mutex_);
    if (const auto found = nodes_.find(path); found != nodes_.end()) {
      CHROMA_ASSIGN(std::optional<Bytes> content, found->second->ContentIfChanged());
      if (content) {
        return std::shared_ptr<const MappedFile>(
            std::make_shared<OverlayMapping>(*std::move(content)));
      }
    }
    if (removed_.contains(path)) return ErrnoStatus("open", path, ENOENT);
    return base_.Map(path);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    const MutexLock lock(mutex_);
    CHROMA_ASSIGN(NodePtr node, FindNode(from));
    if (node == nullptr) return ErrnoStatus("rename", from + " to " + to, ENOENT);
    if (from == to) return Status::Ok();
    node->Detach();
    nodes_.erase(from);
    removed_.insert(from);
    removed_.erase(to);
    nodes_[to] = std::move(node);
    return Status::Ok();
  }

  Status Remove(const std::string& path) override {
    {
      const MutexLock lock(mutex_);
      CHROMA_ASSIGN(bool exists, ExistsLocked(path));
      if (!exists) return ErrnoStatus("remove", path, ENOENT);
      if (nodes_.contains(path)) {
        nodes_.erase(path);
        removed_.insert(path);
        return Status::Ok();
      }
    }
    // A directory, or a file that is not open.
    const auto entries = List(path);
    if (entries.ok() && !entries->empty()) return ErrnoStatus("remove", path, ENOTEMPTY);
    const MutexLock lock(mutex_);
    directories_.erase(path);
    removed_.insert(path);
    return Status::Ok();
  }

  Status CreateDirectory(const std::string& path) override {
    const MutexLock lock(mutex_);
    for (std::string level = WithoutEndSlash(path);; level = ParentOf(level)) {
      CHROMA_ASSIGN(bool exists, ExistsLocked(level));
      if (exists) return Status::Ok();
      directories_.insert(level);
    }
  }

  Status SyncDirectory(const std::string& path) override {
    CHROMA_ASSIGN(bool exists, Exists(path));
    return exists ? Status::Ok() : ErrnoStatus("open", path, ENOENT);
  }

  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    const MutexLock lock(mutex_);
    const std::string directory = WithoutEndSlash(path);
    CHROMA_ASSIGN(bool exists, ExistsLocked(directory));
    if (!exists) return ErrnoStatus("list", path, ENOENT);
    std::map<std::string, DirectoryEntry> entries;
    if (!directories_.contains(directory)) {
      CHROMA_ASSIGN(std::vector<DirectoryEntry> below, base_.List(path));
      for (DirectoryEntry& entry : below) {
        if (removed_.contains(JoinPath(directory, entry.name))) continue;
        std::string name = entry.name;
        entries.emplace(std::move(name), std::move(entry));
      }
    }
    for (const auto& [file, node] : nodes_) {
      if (ParentOf(file) != directory) continue;
      const std::string name = file.substr(file.rfind('/') + 1);
      entries[name] = {name, false, node->size_bytes(), node->modified_unix_ns()};
    }
    for (const std::string& level : directories_) {
      if (ParentOf(level) != directory) continue;
      const std::string name = level.substr(level.rfind('/') + 1);
      entries[name] = {name, true, 0, 0};
    }
    std::vector<DirectoryEntry> sorted;
    sorted.reserve(entries.size());
    for (auto& [name, entry] : entries) sorted.push_back(std::move(entry));
    return sorted;
  }

  Result<bool> Exists(const std::string& path) override {
    const MutexLock lock(mutex_);
    return ExistsLocked(WithoutEndSlash(path));
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string&) override {
    return std::unique_ptr<FileLock>(std::make_unique<OverlayLock>());
  }
  Result<uint64_t> FreeBytes(const std::string&) override { return memory_->FreeBytes("/"); }

 private:
  // The file's node, made from the base where it is there; null where there is no such file.
  Result<NodePtr> FindNode(const std::string& path) CHROMA_REQUIRES(mutex_) {
    const auto found = nodes_.find(path);
    if (found != nodes_.end()) return found->second;
    if (removed_.contains(path)) return NodePtr();
    Result<std::unique_ptr<File>> file = base_.Open(path, OpenMode::kRead);
    if (file.status().code() == StatusCode::kNotFound) return NodePtr();
    CHROMA_TRY(file.status());
    CHROMA_ASSIGN(uint64_t size_bytes, (*file)->Size());
    auto node = std::make_shared<Node>(*std::move(file), size_bytes, clock_.UnixNs());
    nodes_[path] = node;
    return node;
  }

  Result<bool> ExistsLocked(const std::string& path) CHROMA_REQUIRES(mutex_) {
    if (nodes_.contains(path) || directories_.contains(path)) return true;
    if (removed_.contains(path)) return false;
    return base_.Exists(path);
  }

  FileSystem& base_;
  Clock& clock_;
  const std::unique_ptr<FileSystem> memory_ = FileSystem::InMemory();
  Mutex mutex_;
  std::map<std::string, NodePtr> nodes_ CHROMA_GUARDED_BY(mutex_);  // that were opened, by path
  std::set<std::string> removed_ CHROMA_GUARDED_BY(mutex_);
  std::set<std::string> directories_ CHROMA_GUARDED_BY(mutex_);  // that were created
};

}  // namespace

std::unique_ptr<FileSystem> FileSystem::Overlay(FileSystem& base, Clock& clock) {
  return std::make_unique<OverlayFileSystem>(base, clock);
}

}  // namespace chroma::runtime
