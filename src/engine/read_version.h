// Engine::ReadVersion, for the files that the engine's reads are in.
#pragma once

#include <string>
#include <utility>

#include "engine/engine.h"

namespace chroma::engine {

inline segment::VersionRef VersionOf(const model::Collection& collection) {
  return {collection.id, collection.version, collection.manifest, collection.log_offset};
}

inline bool IsOutdated(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kOutOfRange;
}

template <typename Read>
auto Engine::ReadVersion(runtime::Context& ctx, const CollectionRef& collection, Read read)
    -> decltype(read(segment::VersionRef())) {
  for (CollectionRef known = collection;;) {
    auto result = read(VersionOf(*known));
    if (result.ok()) {
      // A deletion meanwhile may have taken a part of what there was from under the read.
      CHROMA_TRY(FindCollection(ctx, known->tenant, known->database, known->id).status());
      return result;
    }
    if (!IsOutdated(result.status())) return result;
    // A newer version was published and the one at hand swept: look it up again.
    CHROMA_TRY(ctx.Check());
    cache_.Erase(known->id);
    CHROMA_ASSIGN(CollectionRef newest, LoadCollection(ctx, known->id));
    if (newest->version == known->version) {
      return Status::DataLoss(
          "what the published version " + std::to_string(known->version) + " of collection " +
          known->id.ToString() +
          " needs is missing; restore it from a backup: " + std::string(result.status().message()));
    }
    known = std::move(newest);
  }
}

}  // namespace chroma::engine
