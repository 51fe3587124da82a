// A BlobStore in a directory: one file per blob, mapped into memory to be read.
//
// A blob is written to "<name>.<number>.tmp" beside its place, synced, renamed, and the
// directory synced: whole or absent after any crash. Over FileSystem::InMemory() it is the store
// of the in-memory mode. Deleted blobs stay readable for those who have them open.
#pragma once

#include <memory>
#include <string>

#include "chroma/status.h"
#include "runtime/env.h"
#include "store/blob_store.h"

namespace chroma::store {

// `directory` is created when missing. Nothing is read or removed by opening.
Result<std::unique_ptr<BlobStore>> OpenDirStore(runtime::Env env, std::string directory);

}  // namespace chroma::store
