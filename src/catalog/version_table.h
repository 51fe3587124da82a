// The tables `collection_versions` and `version_blobs`: what is published. Each function is a
// step of the caller's transaction.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/connection.h"

namespace chroma::catalog {

// Version 0 with no manifest.
Status InsertFirstVersion(Connection& connection, const Uuid& collection);
// See Catalog::PublishVersion.
Status Publish(Connection& connection, const VersionUpdate& update);
// Something is left to be done for what is published.
Status Unsettle(Connection& connection, const Uuid& collection);
Status DeleteVersion(Connection& connection, const Uuid& collection);

Result<std::vector<Catalog::CollectionHead>> SelectHeads(Connection& connection);
// Sorted, each once.
Result<std::vector<std::string>> SelectLiveBlobs(Connection& connection);
Result<bool> IsBlobNamed(Connection& connection, const std::string& name);

}  // namespace chroma::catalog
