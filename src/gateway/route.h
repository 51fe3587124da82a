// The table of endpoints: which path and method means what (rest-api.md §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace chroma::gateway {

enum class Endpoint : uint8_t {
  kHeartbeat,
  kHealthcheck,
  kVersion,
  kPreFlightChecks,
  kIdentity,
  kReset,
  kGetCollectionByCrn,
  kCreateTenant,
  kGetTenant,
  kUpdateTenant,
  kCreateDatabase,
  kListDatabases,
  kGetDatabase,
  kDeleteDatabase,
  kCreateCollection,
  kListCollections,
  kCountCollections,
  kGetCollection,
  kGetCollectionById,
  kModifyCollection,
  kDeleteCollection,
  kAdd,
  kUpdate,
  kUpsert,
  kDelete,
  kGet,
  kQuery,
  kSearch,
  kFork,
  kCount,
  kIndexingStatus,
  kRecall,
  kList,
  kExplain,
  kFacets,
  kDescribe,
  kCompact,
  kForkCount,
  kAttachFunction,
  kGetFunction,
  kDetachFunction,
  kDocsRedirect,
  kDocs,
  kOpenApi,
  kApiV1,
};

// How a body over the limit is refused, and whether there is one to decode.
enum class BodyKind : uint8_t { kNone, kBuffered, kStreamed };

struct RouteMatch {
  Endpoint endpoint = Endpoint::kHeartbeat;
  BodyKind body = BodyKind::kNone;
  // The path's parameters in order, percent-encoded, and their names for messages.
  std::vector<std::string_view> parameters;
  std::vector<std::string_view> names;
};

struct RouteResult {
  std::optional<RouteMatch> match;
  // Without a match: empty for an unknown path, else the "allow" header of the 405.
  std::string_view allow;
};

// Views into `path` and static text. HEAD is served wherever GET is.
RouteResult FindRoute(http::Method method, std::string_view path);

}  // namespace chroma::gateway
