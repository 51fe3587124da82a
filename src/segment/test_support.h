// For the tests of segments: blobs in memory that can be damaged, random rows, and an oracle.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/metadata.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "store/blob_store.h"

namespace chroma::segment {

class BytesBlob : public store::Blob {
 public:
  explicit BytesBlob(Bytes bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size_bytes() const override { return bytes_.size(); }
  Result<store::BlobSlice> Read(runtime::Context&, uint64_t offset, uint64_t n) const override {
    if (offset > bytes_.size() || n > bytes_.size() - offset) {
      return Status::DataLoss("blob test is too short");
    }
    return store::BlobSlice{BytesView(bytes_).substr(offset, n), nullptr};
  }
  void WillNeed(uint64_t, uint64_t) const override {}
  void DontNeed(uint64_t, uint64_t) const override {}

 private:
  std::string name_ = "test";
  Bytes bytes_;
};

// Keeps finished blobs in a map.
class BytesStore : public store::BlobStore {
 public:
  Result<std::shared_ptr<const store::Blob>> Open(runtime::Context&,
                                                  const std::string& name) override {
    if (!blobs.contains(name)) return Status::NotFound("no blob " + name);
    return std::shared_ptr<const store::Blob>(std::make_shared<BytesBlob>(blobs[name]));
  }
  Result<std::unique_ptr<store::BlobWriter>> Create(runtime::Context&,
                                                    const std::string& name) override {
    return std::unique_ptr<store::BlobWriter>(std::make_unique<Writer>(this, name));
  }
  Status Delete(runtime::Context&, const std::string&) override { return Status::Ok(); }
  Result<std::vector<store::BlobInfo>> List(runtime::Context&, const std::string&) override {
    return std::vector<store::BlobInfo>();
  }
  Status RemoveUnfinished(runtime::Context&) override { return Status::Ok(); }

  std::map<std::string, Bytes> blobs;

 private:
  class Writer : public store::BlobWriter {
   public:
    Writer(BytesStore* store, std::string name) : store_(store), name_(std::move(name)) {}
    Status Append(BytesView bytes) override {
      bytes_ += bytes;
      return Status::Ok();
    }
    uint64_t size_bytes() const override { return bytes_.size(); }
    Status Finish(runtime::Context&) override {
      store_->blobs[name_] = bytes_;
      return Status::Ok();
    }

   private:
    BytesStore* store_;
    std::string name_;
    Bytes bytes_;
  };
};

struct OracleRow {
  std::string id;
  uint64_t insertion_offset = 0;
  std::vector<float> vector;
  std::optional<std::string> document;
  std::optional<std::string> uri;
  model::Metadata metadata;
};

class RowGenerator {
 public:
  explicit RowGenerator(uint64_t seed) : state_(seed) {}

  // 64 uniform bits: SplitMix64 (Steele, Lea, Flood 2014).
  uint64_t Next();
  uint64_t Below(uint64_t n) { return Next() % n; }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  std::string Text();
  int64_t Integer();
  double Float();
  // Any type but kNull; arrays are not empty.
  model::MetadataValue Value(model::ValueType type);
  model::MetadataValue AnyValue() { return Value(static_cast<model::ValueType>(1 + Below(9))); }
  std::vector<OracleRow> Rows(uint32_t n, uint32_t dimension);

 private:
  uint64_t state_;
};

// A segment made of the rows; fails the test when writing fails.
Bytes WriteSegment(const std::vector<OracleRow>& rows, uint32_t dimension);

// Reads everything and compares. OK when all is as in `rows`; the first failure otherwise. A wrong
// answer fails the test.
Status CompareWithRows(const SegmentReader& segment, const std::vector<OracleRow>& rows,
                       uint32_t dimension);

}  // namespace chroma::segment
