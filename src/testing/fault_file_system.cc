#include "testing/fault_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/split_mix.h"

namespace chroma::testing {
namespace {

using runtime::MutexLock;

constexpr size_t kSectorBytes = 512;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return std::string();
  return path.substr(0, slash == 0 ? 1 : slash);
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

class Mapping final : public runtime::MappedFile {
 public:
  explicit Mapping(Bytes bytes) : bytes_(std::move(bytes)) {}
  BytesView bytes() const override { return bytes_; }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  const Bytes bytes_;
};

}  // namespace

class FaultFile final : public runtime::File {
 public:
  FaultFile(FaultFileSystem& files, std::shared_ptr<FaultFileSystem::Node> node, std::string path,
            uint64_t life)
      : files_(files), node_(std::move(node)), path_(std::move(path)), life_(life) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    MutexLock lock(files_.mutex_);
    CHROMA_TRY(Alive());
    if (offset >= node_->content.bytes.size()) return size_t{0};
    n = std::min<size_t>(n, node_->content.bytes.size() - offset);
    std::memcpy(out, node_->content.bytes.data() + offset, n);
    return n;
  }
  Status WriteAt(uint64_t offset, BytesView bytes) override {
    return Observed([&]() CHROMA_REQUIRES(files_.mutex_) {
      return files_.Write(*node_, path_, offset, bytes);
    });
  }
  Status Truncate(uint64_t size_bytes) override {
    return Observed([&]() CHROMA_REQUIRES(files_.mutex_) {
      return files_.Truncate(*node_, path_, size_bytes);
    });
  }
  Status Sync() override {
    return Observed([&]() CHROMA_REQUIRES(files_.mutex_) { return files_.Sync(*node_, path_); });
  }
  Result<uint64_t> Size() const override {
    MutexLock lock(files_.mutex_);
    CHROMA_TRY(Alive());
    return uint64_t{node_->content.bytes.size()};
  }
  Status Reserve(uint64_t, uint64_t) override {
    MutexLock lock(files_.mutex_);
    CHROMA_TRY(Alive());
    return files_.Begin(FaultFileSystem::Call::kReserve, path_);
  }

 private:
  template <typename Change>
  Status Observed(const Change& change) {
    Status status;
    {
      MutexLock lock(files_.mutex_);
      CHROMA_TRY(Alive());
      status = change();
    }
    files_.Observe();
    return status;
  }
  Status Alive() const CHROMA_REQUIRES(files_.mutex_) {
    return life_ == files_.life_ ? Status::Ok() : Status::Internal(path_ + ": from before a crash");
  }

  FaultFileSystem& files_;
  const std::shared_ptr<FaultFileSystem::Node> node_;
  const std::string path_;
  const uint64_t life_;
};

void FaultFileSystem::SetFault(Fault fault) {
  MutexLock lock(mutex_);
  fault_ = std::move(fault);
}

void FaultFileSystem::SetObserver(std::function<void()> observer) {
  MutexLock lock(mutex_);
  observer_ = std::move(observer);
}

void FaultFileSystem::SetCapacity(uint64_t bytes) {
  MutexLock lock(mutex_);
  capacity_bytes_ = bytes;
}

void FaultFileSystem::CrashAfter(uint64_t calls) {
  MutexLock lock(mutex_);
  crash_at_ = calls_ + calls;
}

void FaultFileSystem::Restart() {
  MutexLock lock(mutex_);
  ++life_;
  crash_at_ = UINT64_MAX;
  LosePower();
}

void FaultFileSystem::LosePower() {
  for (const NameChange& change : pending_names_) {
    if (Coin()) Apply(change, durable_names_);
  }
  pending_names_.clear();
  std::set<Node*> done;
  for (auto& [path, node] : durable_names_) {
    if (!done.insert(node.get()).second) continue;
    if (node->pending.empty() && !node->sync_failed) continue;  // nothing differs
    for (const ByteChange& change : node->pending) ApplyTorn(change, node->durable);
    node->pending.clear();
    node->content = node->durable;
    node->sync_failed = false;
  }
  names_ = durable_names_;
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::AfterPowerLoss(uint64_t seed) const {
  auto after = std::make_unique<FaultFileSystem>(seed);
  MutexLock lock(mutex_);
  MutexLock after_lock(after->mutex_);
  std::map<const Node*, std::shared_ptr<Node>> copies;
  const auto copy = [&](const std::shared_ptr<Node>& node) {
    std::shared_ptr<Node>& own = copies[node.get()];
    if (own == nullptr && node != nullptr) own = std::make_shared<Node>(*node);
    return own;
  };
  after->directories_ = directories_;
  for (const auto& [path, node] : durable_names_) after->durable_names_[path] = copy(node);
  for (const NameChange& change : pending_names_) {
    after->pending_names_.push_back({change.from, change.to, copy(change.node)});
  }
  after->LosePower();
  return after;
}

uint64_t FaultFileSystem::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

uint64_t FaultFileSystem::syncs() const {
  MutexLock lock(mutex_);
  return syncs_;
}

uint64_t FaultFileSystem::used_bytes() const {
  MutexLock lock(mutex_);
  return Used();
}

std::vector<std::pair<std::string, uint64_t>> FaultFileSystem::Files() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<std::string, uint64_t>> files;
  for (const auto& [path, node] : names_) files.emplace_back(path, node->content.bytes.size());
  return files;
}

Bytes FaultFileSystem::Content(const std::string& path) const {
  MutexLock lock(mutex_);
  auto it = names_.find(path);
  return it == names_.end() ? Bytes() : it->second->content.bytes;
}

void FaultFileSystem::SetContent(const std::string& path, Bytes content) {
  MutexLock lock(mutex_);
  auto node = std::make_shared<Node>();
  node->content.bytes = std::move(content);
  node->durable = node->content;
  names_[path] = durable_names_[path] = node;
}

std::string_view FaultFileSystem::CallName(Call call) {
  constexpr std::string_view kNames[] = {"open",    "write",  "truncate", "sync",
                                         "reserve", "rename", "remove",   "sync directory"};
  return kNames[static_cast<size_t>(call)];
}

void FaultFileSystem::Observe() {
  std::function<void()> observer;
  {
    MutexLock lock(mutex_);
    observer = observer_;
  }
  if (observer) observer();
}

Status FaultFileSystem::Begin(Call call, const std::string& path) {
  if (calls_ >= crash_at_) return Status::Internal(path + ": the power is off");
  ++calls_;
  return fault_ ? fault_(call, path) : Status::Ok();
}

uint64_t FaultFileSystem::NextRandom() {
  return SplitMix(&random_state_);
}

uint64_t FaultFileSystem::Used() const {
  uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node->content.bytes.size();
  return used;
}

Status FaultFileSystem::Write(Node& node, const std::string& path, uint64_t offset,
                              BytesView bytes) {
  Status status = Begin(Call::kWrite, path);
  const uint64_t growth = std::max<uint64_t>(offset + bytes.size(), node.content.bytes.size()) -
                          node.content.bytes.size();
  if (status.ok() && growth > 0 && Used() + growth > capacity_bytes_) {
    status = Status::ResourceExhausted("write " + path + ": No space left on device");
  }
  if (!status.ok()) bytes = bytes.substr(0, NextRandom() % (bytes.size() + 1));
  ByteChange change{offset, Bytes(bytes), false};
  Apply(change, node.content);
  node.pending.push_back(std::move(change));
  return status;
}

Status FaultFileSystem::Truncate(Node& node, const std::string& path, uint64_t size_bytes) {
  CHROMA_TRY(Begin(Call::kTruncate, path));
  ByteChange change{size_bytes, {}, true};
  Apply(change, node.content);
  node.pending.push_back(std::move(change));
  return Status::Ok();
}

// After a sync that failed, what was pending counts as clean, and is lost by a crash: what the
// kernel does.
Status FaultFileSystem::Sync(Node& node, const std::string& path) {
  Status status = Begin(Call::kSync, path);
  ++syncs_;
  for (const ByteChange& change : node.pending) {
    if (status.ok()) {
      Apply(change, node.durable);
    } else {
      ApplyTorn(change, node.durable);
    }
  }
  node.pending.clear();
  node.sync_failed |= !status.ok();
  return status;
}

void FaultFileSystem::Apply(const ByteChange& change, Image& image) {
  Bytes& bytes = image.bytes;
  if (change.truncation) {
    bytes.resize(change.offset, '\0');
    std::erase_if(image.flips, [&](uint64_t bit) { return bit / 8 >= change.offset; });
    return;
  }
  const uint64_t end = change.offset + change.bytes.size();
  if (bytes.size() < end) bytes.resize(end, '\0');
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
  std::erase_if(image.flips,
                [&](uint64_t bit) { return bit / 8 >= change.offset && bit / 8 < end; });
}

void FaultFileSystem::Flip(Image& image, uint64_t bit) {
  if (bit / 8 >= image.bytes.size()) return;
  image.bytes[bit / 8] = static_cast<char>(image.bytes[bit / 8] ^ (1 << bit % 8));
  if (std::erase(image.flips, bit) == 0) image.flips.push_back(bit);
}

bool FaultFileSystem::FlipBit(const std::string& path, uint64_t bit) {
  MutexLock lock(mutex_);
  const auto it = names_.find(path);
  if (it == names_.end() || bit / 8 >= it->second->content.bytes.size()) return false;
  Flip(it->second->content, bit);
  Flip(it->second->durable, bit);
  return true;
}

template <typename Visit>
void FaultFileSystem::ForEachNode(const Visit& visit) const {
  std::set<Node*> nodes;
  for (const Names* names : {&names_, &durable_names_}) {
    for (const auto& [path, node] : *names) nodes.insert(node.get());
  }
  for (const NameChange& change : pending_names_) {
    if (change.node != nullptr) nodes.insert(change.node.get());
  }
  for (Node* const node : nodes) visit(*node);
}

size_t FaultFileSystem::MendFlips() {
  MutexLock lock(mutex_);
  size_t mended = 0;
  ForEachNode([&](Node& node) {
    for (Image* image : {&node.content, &node.durable}) {
      mended += image->flips.size();
      for (const uint64_t bit : std::vector<uint64_t>(image->flips)) Flip(*image, bit);
    }
  });
  return mended;
}

bool FaultFileSystem::HasFlips() const {
  MutexLock lock(mutex_);
  bool any = false;
  ForEachNode(
      [&](const Node& node) { any |= !node.content.flips.empty() || !node.durable.flips.empty(); });
  return any;
}

void FaultFileSystem::ApplyTorn(const ByteChange& change, Image& image) {
  if (change.truncation || Coin()) {
    if (Coin()) Apply(change, image);
    return;
  }
  size_t done = 0;
  while (done < change.bytes.size()) {
    const uint64_t at = change.offset + done;
    const size_t n = std::min<size_t>(kSectorBytes - at % kSectorBytes, change.bytes.size() - done);
    if (Coin()) Apply({at, change.bytes.substr(done, n), false}, image);
    done += n;
  }
}

void FaultFileSystem::Apply(const NameChange& change, Names& names) {
  if (!change.from.empty()) names.erase(change.from);
  if (!change.to.empty()) names[change.to] = change.node;
}

Result<std::shared_ptr<FaultFileSystem::Node>> FaultFileSystem::Find(const std::string& path,
                                                                     runtime::OpenMode mode) {
  const auto it = names_.find(path);
  if (it != names_.end()) {
    if (mode != runtime::OpenMode::kCreateExclusive) return it->second;
    return Status::AlreadyExists("open " + path + ": file exists");
  }
  if (mode == runtime::OpenMode::kRead || mode == runtime::OpenMode::kReadWrite) {
    return Status::NotFound("open " + path + ": no such file");
  }
  CHROMA_TRY(Begin(Call::kOpen, path));
  NameChange change{"", path, std::make_shared<Node>()};
  Apply(change, names_);
  pending_names_.push_back(change);
  return change.node;
}

Result<std::unique_ptr<runtime::File>> FaultFileSystem::Open(const std::string& path,
                                                             runtime::OpenMode mode) {
  std::unique_ptr<runtime::File> file;
  {
    MutexLock lock(mutex_);
    CHROMA_ASSIGN(auto node, Find(path, mode));
    file = std::make_unique<FaultFile>(*this, std::move(node), path, life_);
  }
  Observe();
  return file;
}

Result<std::shared_ptr<const runtime::MappedFile>> FaultFileSystem::Map(const std::string& path) {
  MutexLock lock(mutex_);
  auto it = names_.find(path);
  if (it == names_.end()) return Status::NotFound("open " + path + ": no such file");
  return std::shared_ptr<const runtime::MappedFile>(
      std::make_shared<Mapping>(it->second->content.bytes));
}

Status FaultFileSystem::ChangeName(Call call, const std::string& from, const std::string& to) {
  CHROMA_TRY(Begin(call, from));
  const auto it = names_.find(from);
  if (it == names_.end()) {
    return Status::NotFound(std::string(CallName(call)) + " " + from + ": no such file");
  }
  NameChange change{from, to, to.empty() ? nullptr : it->second};
  Apply(change, names_);
  pending_names_.push_back(std::move(change));
  return Status::Ok();
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  Status status;
  {
    MutexLock lock(mutex_);
    status = ChangeName(Call::kRename, from, to);
  }
  Observe();
  return status;
}

Status FaultFileSystem::Remove(const std::string& path) {
  Status status;
  {
    MutexLock lock(mutex_);
    status = ChangeName(Call::kRemove, path, "");
  }
  Observe();
  return status;
}

Status FaultFileSystem::CreateDirectory(const std::string& path) {
  MutexLock lock(mutex_);
  for (std::string level = path; directories_.insert(level).second;) level = ParentOf(level);
  return Status::Ok();
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  Status status;
  {
    MutexLock lock(mutex_);
    status = SyncNames(path);
  }
  Observe();
  return status;
}

Status FaultFileSystem::SyncNames(const std::string& path) {
  CHROMA_TRY(Begin(Call::kSyncDirectory, path));
  std::vector<NameChange> others;
  for (NameChange& change : pending_names_) {
    const std::string& name = change.to.empty() ? change.from : change.to;
    if (ParentOf(name) == path) {
      Apply(change, durable_names_);
    } else {
      others.push_back(std::move(change));
    }
  }
  pending_names_ = std::move(others);
  return Status::Ok();
}

Result<std::vector<runtime::DirectoryEntry>> FaultFileSystem::List(const std::string& path) {
  MutexLock lock(mutex_);
  if (!directories_.contains(path)) return Status::NotFound("list " + path + ": none");
  std::vector<runtime::DirectoryEntry> entries;
  for (const std::string& directory : directories_) {
    if (directory == path || ParentOf(directory) != path) continue;
    entries.push_back({BaseName(directory), true, 0, 0});
  }
  for (const auto& [name, node] : names_) {
    if (ParentOf(name) != path) continue;
    entries.push_back({BaseName(name), false, node->content.bytes.size(), 0});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<bool> FaultFileSystem::Exists(const std::string& path) {
  MutexLock lock(mutex_);
  return names_.contains(path) || directories_.contains(path);
}

Result<std::unique_ptr<runtime::FileLock>> FaultFileSystem::Lock(const std::string&) {
  return std::make_unique<runtime::FileLock>();
}

Result<uint64_t> FaultFileSystem::FreeBytes(const std::string&) {
  MutexLock lock(mutex_);
  const uint64_t used = Used();
  return capacity_bytes_ > used ? capacity_bytes_ - used : 0;
}

}  // namespace chroma::testing
