// Gives space back: deletes blobs that no published version names.
//
// Invariants: a blob is deleted only when the catalog, asked after the blob was finished and its
// version had its chance to be published, does not name it. Names are never used again, so what a
// published version has replaced never comes back, and may be swept at any time. All blobs of a
// collection are looked at only when it is deleted, while nobody compacts it; those of the whole
// store before the first blob is written.
#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "catalog/catalog.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "store/blob_store.h"

namespace chroma::sweeper {

// Deletes those of `names` that no version names any more.
Status SweepBlobs(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store,
                  const std::vector<std::string>& names);

// Looks at the blobs of a collection that was deleted.
Status SweepCollection(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store,
                       const Uuid& collection);

// kDataLoss when the store holds none of the blobs that versions name, and others: they are those
// of another catalog. Looks at few blobs where all is well.
Status CheckBlobsBelong(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store);

// Looks at every blob of the store. Only while nobody writes blobs, and before this process wrote
// any: a version whose publication failed may come to life after a crash, and needs its blobs then.
// Deletes nothing when a version names a blob that is missing: a store that is damaged, or restored
// in part, may still hold what a repair needs. Vector indexes do not count: they are made of the
// segments alone.
Status SweepAll(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store);

}  // namespace chroma::sweeper
