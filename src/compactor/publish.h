// How a new version of a collection becomes the published one, and what it replaced is given back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "catalog/catalog.h"
#include "chroma/status.h"
#include "executor/local_node.h"
#include "format/manifest.h"
#include "log/log.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "segment/live_collection.h"
#include "store/blob_store.h"

namespace chroma::compactor {

// What a compaction works on. All outlive it.
struct Seams {
  runtime::Env env;
  catalog::Catalog* catalog;
  log::Log* log;
  store::BlobStore* store;
  executor::LocalNode* node;
  // Called when a version was published and before what it replaced is trimmed and deleted.
  std::function<void(const Uuid& collection)> on_published;
  // Called when the log of some collection became shorter; may be empty.
  std::function<void()> on_trimmed = nullptr;
};

std::string NewBlobName(runtime::Random& random, const Uuid& collection, std::string_view kind);

// Deletes blobs that were written for a version that certainly is not published, so that attempts
// that fail do not fill the disk. What cannot be deleted now is swept at the next start.
void Discard(const Seams& seams, const std::vector<std::string>& blobs);

// Writes the manifest and makes it the published version, in place of the one that `collection` is
// at. `written` are the blobs that were written for it; `settled`: nothing is left to be merged or
// indexed, by the schema of `collection`. Returns how the catalog names the version.
Result<segment::VersionRef> Publish(runtime::Context& ctx, const Seams& seams,
                                    const model::Collection& collection,
                                    const format::Manifest& manifest, bool settled,
                                    std::vector<std::string> written);

// The version that the catalog just named. Nobody else publishes while the caller has the
// collection locked, so what is not found has not been replaced: it is lost.
Result<std::shared_ptr<segment::LiveCollection>> OpenPublished(runtime::Context& ctx,
                                                               const Seams& seams,
                                                               const segment::VersionRef& ref);

// The log and the blobs of a collection may be gone because it was deleted meanwhile: kNotFound,
// else `status`.
Status IfStillThere(runtime::Context& ctx, const Seams& seams, const Uuid& id, Status status);

// The blobs that the old version named and the new one does not.
std::vector<std::string> Replaced(const model::Collection& collection,
                                  const format::Manifest& before, const format::Manifest& now);

// What follows a publication. The new version is the truth by now: a failure costs space or
// time, not data, and one step's does not keep the others from being tried.
Status GiveSpaceBack(runtime::Context& ctx, const Seams& seams, const Uuid& collection,
                     uint64_t log_offset, const std::vector<std::string>& replaced);

}  // namespace chroma::compactor
