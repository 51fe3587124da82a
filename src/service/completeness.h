// Whether a data directory lacks a part without which opening it would begin anew, and so lose
// what the other parts hold.
#pragma once

#include "catalog/catalog.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "service/data_directory.h"

namespace chroma::service {

// Before anything is created. kDataLoss when the catalog is missing or empty, and log or blobs are not.
Status CheckNothingMissing(runtime::Env env, const DataDirectory& directory);

// kDataLoss when there are collections and no log directory.
Status CheckLogExists(runtime::Context& ctx, runtime::Env env, const DataDirectory& directory,
                      catalog::Catalog& catalog);

}  // namespace chroma::service
