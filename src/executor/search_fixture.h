// For the tests of searches: a snapshot of a tail with records of metadata.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/top_k.h"
#include "log/record_codec.h"
#include "segment/tail.h"

namespace chroma::executor {

// Record i has the i-th metadata, and row i of the only part.
inline segment::Snapshot SnapshotOf(std::vector<model::Metadata> metadatas) {
  segment::Tail tail({});
  for (size_t i = 0; i < metadatas.size(); ++i) {
    model::RecordBatch batch;
    batch.ids = {"id" + std::to_string(i)};
    batch.vectors = {1, {static_cast<float>(i)}};
    batch.metadatas = {std::move(metadatas[i])};
    EXPECT_TRUE(tail.Apply({i, 1, std::make_shared<const Bytes>(log::EncodeBatch(batch))}).ok());
  }
  segment::Snapshot snapshot;
  snapshot.parts = tail.Parts();
  snapshot.live = metadatas.size();
  return snapshot;
}

inline model::Metadata MetadataOf(std::vector<model::Metadata::Entry> entries) {
  return model::Metadata::FromEntries(std::move(entries));
}

}  // namespace chroma::executor
