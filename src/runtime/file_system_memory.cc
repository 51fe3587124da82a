// Files in memory, for collections that need not outlive the process and for tests. The
// namespace is one ordered map from normalised path to node, so that a directory's entries are a
// range of keys. Content is shared with mappings and copied by the first write after one.
//
// Lock order: the tree's mutex before a node's.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <new>
#include <utility>

#include "runtime/errno_status.h"
#include "runtime/file_system.h"
#include "runtime/mutex.h"

namespace chroma::runtime {
namespace {

struct Node {
  explicit Node(bool is_directory) : directory(is_directory) {}

  const bool directory;
  std::atomic<int64_t> modified_unix_ns{0};
  Mutex mutex;
  std::shared_ptr<Bytes> content CHROMA_GUARDED_BY(mutex) = std::make_shared<Bytes>();
};
using NodePtr = std::shared_ptr<Node>;

uint64_t PhysicalBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class MemoryFile final : public File {
 public:
  MemoryFile(NodePtr node, std::string path, bool writable, Clock& clock)
      : node_(std::move(node)), path_(std::move(path)), writable_(writable), clock_(clock) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    MutexLock lock(node_->mutex);
    const Bytes& content = *node_->content;
    if (offset >= content.size()) return size_t{0};
    n = std::min<uint64_t>(n, content.size() - offset);
    if (n > 0) std::memcpy(out, content.data() + offset, n);
    return n;
  }

  Status WriteAt(uint64_t offset, BytesView bytes) override {
    if (!writable_) return ErrnoStatus("write", path_, EBADF);
    if (bytes.empty()) return Status::Ok();
    if (offset > INT64_MAX - bytes.size()) return ErrnoStatus("write", path_, EINVAL);
    MutexLock lock(node_->mutex);
    const uint64_t end = offset + bytes.size();
    CHROMA_TRY(Own("write", std::max<uint64_t>(end, node_->content->size())));
    std::memcpy(node_->content->data() + offset, bytes.data(), bytes.size());
    return Status::Ok();
  }

  Status Truncate(uint64_t size_bytes) override {
    if (!writable_ || size_bytes > INT64_MAX) return ErrnoStatus("truncate", path_, EINVAL);
    MutexLock lock(node_->mutex);
    return Own("truncate", size_bytes);
  }

  Status Sync() override { return Status::Ok(); }

  Result<uint64_t> Size() const override {
    MutexLock lock(node_->mutex);
    return uint64_t{node_->content->size()};
  }

  Status Reserve(uint64_t, uint64_t) override { return Status::Ok(); }

 private:
  // Makes the content this file's alone and of this size; new bytes are zero.
  Status Own(std::string_view call, uint64_t size) CHROMA_REQUIRES(node_->mutex) {
    // The kernel promises memory that it does not have: refuse what cannot ever fit.
    if (size > PhysicalBytesOnce()) return ErrnoStatus(call, path_, ENOSPC);
    try {
      if (node_->content.use_count() > 1) node_->content = std::make_shared<Bytes>(*node_->content);
      node_->content->resize(size);
    } catch (const std::bad_alloc&) {
      return ErrnoStatus(call, path_, ENOSPC);
    }
    node_->modified_unix_ns = clock_.UnixNs();
    return Status::Ok();
  }

  static uint64_t PhysicalBytesOnce() {
    static const uint64_t bytes = PhysicalBytes();
    return bytes;
  }

  const NodePtr node_;
  const std::string path_;
  const bool writable_;
  Clock& clock_;
};

class MemoryMapping final : public MappedFile {
 public:
  explicit MemoryMapping(std::shared_ptr<const Bytes> content) : content_(std::move(content)) {}
  BytesView bytes() const override { return *content_; }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  const std::shared_ptr<const Bytes> content_;
};

// "/a/b" for "a//./b/", and "" for the root.
std::string Normalised(std::string_view path) {
  std::string key;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part == "..") {
      key.resize(key.empty() ? 0 : key.rfind('/'));
    } else if (!part.empty() && part != ".") {
      key.push_back('/');
      key.append(part);
    }
  }
  return key;
}

std::string ParentKey(const std::string& key) {
  return key.substr(0, key.rfind('/'));
}

// The names of one file system; shared with its locks, which may outlive it. Calls report with
// error numbers, 0 for success.
class Tree {
 public:
  explicit Tree(Clock& clock) : clock_(clock) { nodes_[""] = NewNode(/*directory=*/true); }

  // The node at `path`, or null with the reason.
  NodePtr Find(const std::string& path, int* error) const {
    MutexLock lock(mutex_);
    return FindKey(path, Normalised(path), error);
  }

  NodePtr FindOrCreate(const std::string& path, bool exclusive, int* error) {
    MutexLock lock(mutex_);
    const std::string key = Normalised(path);
    NodePtr node = FindKey(path, key, error);
    if (node != nullptr && exclusive) *error = EEXIST;
    if (node != nullptr) return exclusive ? nullptr : node;
    if (*error != ENOENT || path.empty()) return nullptr;
    const NodePtr parent = FindKey(path, ParentKey(key), error);
    if (parent == nullptr) return nullptr;
    *error = 0;
    return nodes_[key] = NewNode(/*directory=*/false);
  }

  int Rename(const std::string& from_path, const std::string& to_path) {
    MutexLock lock(mutex_);
    const std::string from = Normalised(from_path);
    const std::string to = Normalised(to_path);
    int error = 0;
    const NodePtr node = FindKey(from_path, from, &error);
    if (node == nullptr) return error;
    if (from.empty() || to.empty()) return EBUSY;
    if (from == to) return 0;
    if (to.starts_with(from + "/")) return EINVAL;
    if (FindKey(to_path, ParentKey(to), &error) == nullptr) return error;
    if (const NodePtr old = FindKey(to_path, to, &error)) {
      if (old->directory && !node->directory) return EISDIR;
      if (!old->directory && node->directory) return ENOTDIR;
      if (HasEntries(to)) return ENOTEMPTY;
    } else if (error != ENOENT) {
      return error;
    }
    std::vector<std::pair<std::string, NodePtr>> moved;
    for (auto at = nodes_.lower_bound(from + "/");
         at != nodes_.end() && at->first.starts_with(from + "/"); at = nodes_.erase(at)) {
      moved.emplace_back(to + at->first.substr(from.size()), at->second);
    }
    nodes_.erase(from);
    nodes_[to] = node;
    for (auto& [key, entry] : moved) nodes_[key] = std::move(entry);
    return 0;
  }

  int Remove(const std::string& path) {
    MutexLock lock(mutex_);
    const std::string key = Normalised(path);
    int error = 0;
    if (FindKey(path, key, &error) == nullptr) return error;
    if (key.empty()) return EBUSY;
    if (HasEntries(key)) return ENOTEMPTY;
    nodes_.erase(key);
    return 0;
  }

  int CreateDirectory(const std::string& path) {
    MutexLock lock(mutex_);
    if (path.empty()) return ENOENT;
    const std::string key = Normalised(path);
    for (size_t end = 0; end < key.size();) {
      end = std::min(key.find('/', end + 1), key.size());
      NodePtr& node = nodes_[key.substr(0, end)];
      if (node == nullptr) node = NewNode(/*directory=*/true);
      if (!node->directory) return end == key.size() ? EEXIST : ENOTDIR;
    }
    return 0;
  }

  int List(const std::string& path, std::vector<DirectoryEntry>* entries) const {
    MutexLock lock(mutex_);
    const std::string key = Normalised(path);
    int error = 0;
    const NodePtr node = FindKey(path, key, &error);
    if (node == nullptr) return error;
    if (!node->directory) return ENOTDIR;
    const std::string prefix = key + "/";
    for (auto at = nodes_.lower_bound(prefix); at != nodes_.end() && at->first.starts_with(prefix);
         ++at) {
      if (at->first.find('/', prefix.size()) != std::string::npos) continue;
      Node& child = *at->second;
      DirectoryEntry entry;
      entry.name = at->first.substr(prefix.size());
      entry.is_directory = child.directory;
      entry.modified_unix_ns = child.modified_unix_ns;
      MutexLock content_lock(child.mutex);
      entry.size_bytes = child.content->size();
      entries->push_back(std::move(entry));
    }
    // Keys are ordered with what follows a name: "a-b" stands before "a/b", but after "a".
    std::sort(entries->begin(), entries->end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return 0;
  }

  // False when it is held already.
  bool Acquire(const NodePtr& node) {
    MutexLock lock(mutex_);
    return locked_.emplace(node.get(), node).second;
  }
  void Release(const NodePtr& node) {
    MutexLock lock(mutex_);
    locked_.erase(node.get());
  }

 private:
  NodePtr NewNode(bool directory) const {
    auto node = std::make_shared<Node>(directory);
    node->modified_unix_ns = clock_.UnixNs();
    return node;
  }

  NodePtr FindKey(const std::string& path, const std::string& key, int* error) const
      CHROMA_REQUIRES(mutex_) {
    *error = ENOENT;
    if (path.empty()) return nullptr;
    const auto at = nodes_.find(key);
    for (std::string parent = key; !parent.empty();) {
      parent = ParentKey(parent);
      const auto above = nodes_.find(parent);
      if (above != nodes_.end() && !above->second->directory) *error = ENOTDIR;
    }
    if (at == nodes_.end()) return nullptr;
    *error = 0;
    return at->second;
  }

  bool HasEntries(const std::string& key) const CHROMA_REQUIRES(mutex_) {
    const auto at = nodes_.lower_bound(key + "/");
    return at != nodes_.end() && at->first.starts_with(key + "/");
  }

  Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, NodePtr> nodes_ CHROMA_GUARDED_BY(mutex_);
  std::map<const Node*, NodePtr> locked_ CHROMA_GUARDED_BY(mutex_);
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(std::shared_ptr<Tree> tree, NodePtr node)
      : tree_(std::move(tree)), node_(std::move(node)) {}
  ~MemoryLock() override { tree_->Release(node_); }
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

 private:
  const std::shared_ptr<Tree> tree_;
  const NodePtr node_;
};

// MemAvailable of /proc/meminfo: what can be had without swapping.
uint64_t AvailableBytes() {
  constexpr std::string_view kKey = "MemAvailable:";
  char text[512];
  auto file = FileSystem::System().Open("/proc/meminfo", OpenMode::kRead);
  const auto n = file.ok() ? (*file)->ReadAt(0, text, sizeof(text)) : Result<size_t>(size_t{0});
  const std::string_view info(text, n.ok() ? *n : 0);
  const size_t key = info.find(kKey);
  if (key == std::string_view::npos) return PhysicalBytes();
  const size_t digits = info.find_first_not_of(' ', key + kKey.size());
  uint64_t kilobytes = 0;
  if (digits == std::string_view::npos ||
      std::from_chars(text + digits, text + info.size(), kilobytes).ec != std::errc()) {
    return PhysicalBytes();
  }
  return kilobytes * 1024;
}

class MemoryFileSystem final : public FileSystem {
 public:
  explicit MemoryFileSystem(Clock& clock) : clock_(clock), tree_(std::make_shared<Tree>(clock)) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const bool create = mode == OpenMode::kCreate || mode == OpenMode::kCreateExclusive;
    CHROMA_ASSIGN(NodePtr node, FileNode(path, create, mode == OpenMode::kCreateExclusive));
    return std::unique_ptr<File>(
        std::make_unique<MemoryFile>(std::move(node), path, mode != OpenMode::kRead, clock_));
  }

  Result<std::shared_ptr<const MappedFile>> Map(const std::string& path) override {
    CHROMA_ASSIGN(const NodePtr node, FileNode(path, /*create=*/false, /*exclusive=*/false));
    MutexLock lock(node->mutex);
    std::shared_ptr<Bytes>& content = node->content;
    // What is mapped has been published and grows no more: give back the room for growth.
    if (content->capacity() - content->size() > content->size() / 8) {
      content = std::make_shared<Bytes>(content->data(), content->size());
    }
    return std::shared_ptr<const MappedFile>(std::make_shared<MemoryMapping>(content));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    return Report("rename", from + " to " + to, tree_->Rename(from, to));
  }
  Status Remove(const std::string& path) override {
    return Report("remove", path, tree_->Remove(path));
  }
  Status CreateDirectory(const std::string& path) override {
    return Report("create directory", path, tree_->CreateDirectory(path));
  }

  Status SyncDirectory(const std::string& path) override {
    int error = 0;
    const NodePtr node = tree_->Find(path, &error);
    return Report("open", path, node != nullptr && !node->directory ? ENOTDIR : error);
  }

  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    std::vector<DirectoryEntry> entries;
    CHROMA_TRY(Report("list", path, tree_->List(path, &entries)));
    return entries;
  }

  Result<bool> Exists(const std::string& path) override {
    int error = 0;
    return tree_->Find(path, &error) != nullptr;
  }

  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    CHROMA_ASSIGN(NodePtr node, FileNode(path, /*create=*/true, /*exclusive=*/false));
    if (!tree_->Acquire(node)) {
      return Status::Unavailable("lock " + path + ": held by process " + std::to_string(getpid()));
    }
    return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(tree_, std::move(node)));
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    int error = 0;
    (void)tree_->Find(path, &error);
    CHROMA_TRY(Report("statvfs", path, error));
    return AvailableBytes();
  }

 private:
  static Status Report(std::string_view call, std::string_view path, int error) {
    return error == 0 ? Status::Ok() : ErrnoStatus(call, path, error);
  }

  Result<NodePtr> FileNode(const std::string& path, bool create, bool exclusive) {
    int error = 0;
    NodePtr node =
        create ? tree_->FindOrCreate(path, exclusive, &error) : tree_->Find(path, &error);
    if (node != nullptr && node->directory) error = EISDIR;
    if (error != 0) return ErrnoStatus("open", path, error);
    return node;
  }

  Clock& clock_;
  const std::shared_ptr<Tree> tree_;
};

}  // namespace

std::unique_ptr<FileSystem> FileSystem::InMemory(Clock& clock) {
  return std::make_unique<MemoryFileSystem>(clock);
}

}  // namespace chroma::runtime
