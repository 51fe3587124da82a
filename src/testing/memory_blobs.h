// Blobs in memory whose bytes a test can see, change and damage. Thread-compatible only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/blob_store.h"

namespace chroma::testing {

class MemoryBlob final : public store::Blob {
 public:
  MemoryBlob(std::string name, Bytes bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size_bytes() const override { return bytes_.size(); }
  Result<store::BlobSlice> Read(runtime::Context&, uint64_t offset,
                                uint64_t size_bytes) const override {
    if (offset > bytes_.size() || size_bytes > bytes_.size() - offset) {
      return Status::DataLoss("blob " + name_ + " is too short");
    }
    return store::BlobSlice{BytesView(bytes_).substr(offset, size_bytes), nullptr};
  }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  const std::string name_;
  const Bytes bytes_;
};

// Keeps finished blobs in a map. Writers must not outlive it.
class MemoryBlobStore final : public store::BlobStore {
 public:
  const Bytes& Content(const std::string& name) const { return blobs_.at(name); }

  Result<std::shared_ptr<const store::Blob>> Open(runtime::Context&,
                                                  const std::string& name) override {
    const auto at = blobs_.find(name);
    if (at == blobs_.end()) return Status::NotFound("no blob " + name);
    return std::shared_ptr<const store::Blob>(std::make_shared<MemoryBlob>(name, at->second));
  }
  Result<std::unique_ptr<store::BlobWriter>> Create(runtime::Context&,
                                                    const std::string& name) override {
    return std::unique_ptr<store::BlobWriter>(std::make_unique<Writer>(blobs_, name));
  }
  Status Delete(runtime::Context&, const std::string& name) override {
    blobs_.erase(name);
    return Status::Ok();
  }
  Result<std::vector<store::BlobInfo>> List(runtime::Context&, const std::string& prefix) override {
    std::vector<store::BlobInfo> infos;
    for (const auto& [name, bytes] : blobs_) {
      if (name.starts_with(prefix)) infos.push_back({name, bytes.size(), 0});
    }
    return infos;
  }
  Status RemoveUnfinished(runtime::Context&) override { return Status::Ok(); }

 private:
  using Blobs = std::map<std::string, Bytes>;

  class Writer final : public store::BlobWriter {
   public:
    Writer(Blobs& blobs, std::string name) : blobs_(blobs), name_(std::move(name)) {}
    Status Append(BytesView bytes) override {
      bytes_ += bytes;
      return Status::Ok();
    }
    uint64_t size_bytes() const override { return bytes_.size(); }
    Status Finish(runtime::Context&) override {
      if (!blobs_.emplace(name_, bytes_).second) return Status::AlreadyExists("blob " + name_);
      return Status::Ok();
    }

   private:
    Blobs& blobs_;
    const std::string name_;
    Bytes bytes_;
  };

  Blobs blobs_;
};

}  // namespace chroma::testing
