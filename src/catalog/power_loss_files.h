// For tests of this folder: files in memory that know what is durable, so that a test can ask what
// a disk may hold if the power fails now. Not synced writes survive or not, sector by sector;
// names not synced with their directory exist or not. One task at a time.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/file_system.h"
#include "runtime/random.h"

namespace chroma::catalog {

class PowerLossFileSystem final : public runtime::FileSystem {
 public:
  // Called after each change.
  std::function<void()> on_change = [] {};

  // What may be on the disk if the power fails now.
  std::unique_ptr<PowerLossFileSystem> AfterPowerLoss(runtime::Random& random) const {
    auto after = std::make_unique<PowerLossFileSystem>();
    std::set<std::string> paths;
    for (const auto& [path, node] : names_) paths.insert(path);
    for (const auto& [path, node] : durable_names_) paths.insert(path);
    for (const std::string& path : paths) {
      NodePtr node = Find(random.Next() % 2 == 0 ? names_ : durable_names_, path);
      if (node == nullptr) continue;
      auto copy = std::make_shared<Node>();
      copy->content = copy->durable = Torn(*node, random);
      after->names_[path] = after->durable_names_[path] = copy;
    }
    return after;
  }

  Result<std::unique_ptr<runtime::File>> Open(const std::string& path,
                                              runtime::OpenMode mode) override {
    NodePtr node = Find(names_, path);
    if (node == nullptr) {
      if (mode == runtime::OpenMode::kRead || mode == runtime::OpenMode::kReadWrite) {
        return Status::NotFound(path);
      }
      node = names_[path] = std::make_shared<Node>();
      on_change();
    }
    return std::unique_ptr<runtime::File>(std::make_unique<Handle>(*this, node));
  }
  Status Remove(const std::string& path) override {
    if (names_.erase(path) == 0) return Status::NotFound(path);
    on_change();
    return Status();
  }
  Status SyncDirectory(const std::string&) override {
    durable_names_ = names_;
    on_change();
    return Status();
  }
  Result<bool> Exists(const std::string& path) override { return names_.contains(path); }
  Status CreateDirectory(const std::string&) override { return Status(); }

  // Not used by a catalog.
  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string&) override {
    return Status::Unimplemented("Map");
  }
  Status Rename(const std::string&, const std::string&) override {
    return Status::Unimplemented("Rename");
  }
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string&) override {
    return Status::Unimplemented("List");
  }
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string&) override {
    return Status::Unimplemented("Lock");
  }
  Result<uint64_t> FreeBytes(const std::string&) override { return uint64_t{1} << 40; }

 private:
  static constexpr size_t kSector = 512;

  struct Node {
    Bytes content;
    Bytes durable;
  };
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;

  class Handle final : public runtime::File {
   public:
    Handle(PowerLossFileSystem& files, NodePtr node) : files_(files), node_(std::move(node)) {}

    Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
      if (offset >= node_->content.size()) return size_t{0};
      return node_->content.copy(out, n, offset);
    }
    Status WriteAt(uint64_t offset, BytesView bytes) override {
      Bytes& content = node_->content;
      content.resize(std::max<size_t>(content.size(), offset + bytes.size()));
      content.replace(offset, bytes.size(), bytes);
      files_.on_change();
      return Status();
    }
    Status Truncate(uint64_t size_bytes) override {
      node_->content.resize(size_bytes);
      files_.on_change();
      return Status();
    }
    Status Sync() override {
      node_->durable = node_->content;
      files_.on_change();
      return Status();
    }
    Result<uint64_t> Size() const override { return node_->content.size(); }
    Status Reserve(uint64_t, uint64_t) override { return Status(); }

   private:
    PowerLossFileSystem& files_;
    const NodePtr node_;
  };

  static NodePtr Find(const Names& names, const std::string& path) {
    auto at = names.find(path);
    return at == names.end() ? nullptr : at->second;
  }

  // Each sector is old or new; so is the size.
  static Bytes Torn(const Node& node, runtime::Random& random) {
    Bytes torn = node.durable;
    torn.resize(std::max(node.durable.size(), node.content.size()));
    for (size_t at = 0; at < node.content.size(); at += kSector) {
      size_t n = std::min(kSector, node.content.size() - at);
      if (random.Next() % 2 == 0) torn.replace(at, n, node.content, at, n);
    }
    torn.resize(random.Next() % 2 == 0 ? node.content.size() : node.durable.size());
    return torn;
  }

  Names names_;
  Names durable_names_;
};

}  // namespace chroma::catalog
