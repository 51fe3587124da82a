// System, tenant, database and collection endpoints (rest-api.md §5, §6).
#include <utility>

#include "gateway/call.h"
#include "gateway/decode.h"
#include "gateway/docs.h"
#include "gateway/encode.h"
#include "gateway/peer.h"
#include "gateway/url.h"

namespace chroma::gateway {
namespace {

// A CRN names a collection by tenant, database and name; none unless it has three parts.
struct Crn {
  std::string tenant, database, collection;
};
Result<Crn> ParseCrn(const std::string& text) {
  const size_t first = text.find(':');
  const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  const bool three_parts =
      second != std::string::npos && text.find(':', second + 1) == std::string::npos;
  if (three_parts) {
    Crn crn{text.substr(0, first), text.substr(first + 1, second - first - 1),
            text.substr(second + 1)};
    if (!crn.tenant.empty() && !crn.database.empty() && !crn.collection.empty()) return crn;
  }
  return Status::InvalidArgument(
      "Validation error: crn: CRN must be in the format "
      "<tenant_resource_name>:<database_name>:<collection_name> with non-empty parts");
}

std::string EncodeCollectionRef(const engine::CollectionRef& collection) {
  return EncodeCollection(*collection);
}

}  // namespace

std::optional<Uuid> Gateway::PeerId(const Call& call) const {
  const std::string* id = PeerHeader(call, kPeerIdHeader);
  return id == nullptr ? std::nullopt : Uuid::Parse(*id);
}

model::RequestTag Gateway::PeerTag(const Call& call) const {
  const std::string* tag = PeerHeader(call, kPeerTagHeader);
  return tag == nullptr ? model::RequestTag{} : ParseTag(*tag).value_or(model::RequestTag{});
}

http::Response Gateway::System(Call& call) {
  switch (call.endpoint) {
    case Endpoint::kHeartbeat:
      return JsonResponse(
          200, "{\"nanosecond heartbeat\":" + std::to_string(call.ctx.clock().UnixNs()) + "}");
    case Endpoint::kHealthcheck:
      return JsonResponse(200, R"({"is_executor_ready":true,"is_log_client_ready":true})");
    case Endpoint::kVersion:
      return JsonResponse(200, "\"1.0.0\"");
    case Endpoint::kPreFlightChecks:
      return JsonResponse(200, "{\"max_batch_size\":" + std::to_string(model::kBatchSizeMax) +
                                   ",\"supports_base64_encoding\":true}");
    case Endpoint::kIdentity:
      return JsonResponse(
          200, R"({"user_id":"","tenant":"default_tenant","databases":["default_database"]})");
    case Endpoint::kReset: {
      const std::string* allowed = PeerHeader(call, kPeerResetHeader);
      const Status reset = allowed == nullptr
                               ? engine_.Reset(call.ctx)
                               : engine_.Reset(call.ctx, *allowed == "true", PeerTag(call));
      return reset.ok() ? JsonResponse(200, "true") : ErrorResponse(reset);
    }
    case Endpoint::kGetCollectionByCrn: {
      Result<Crn> crn = ParseCrn(call.parameters[0]);
      if (!crn.ok()) return ErrorResponse(crn.status());
      return Answer(engine_.GetCollection(call.ctx, crn->tenant, crn->database, crn->collection),
                    EncodeCollectionRef);
    }
    case Endpoint::kDocsRedirect:
      return {303, {{"location", "/docs/"}}, ""};
    case Endpoint::kDocs:
      return {200, {{"content-type", "text/html; charset=utf-8"}}, std::string(DocsPage())};
    case Endpoint::kOpenApi:
      return JsonResponse(200, std::string(OpenApiDocument()));
    default:
      return ErrorResponse(410, "Unimplemented", "The v1 API is deprecated. Please use /v2 apis");
  }
}

http::Response Gateway::Tenants(Call& call) {
  const std::string& body = call.request.body;
  switch (call.endpoint) {
    case Endpoint::kCreateTenant:
      return WithBody(
          body, [](JsonReader& r) { return DecodeName(r, "CreateTenantPayload"); },
          [&](const std::string& name) {
            return Done(engine_.CreateTenant(call.ctx, name, PeerTag(call)));
          });
    case Endpoint::kGetTenant:
      return Answer(engine_.GetTenant(call.ctx, call.tenant()), EncodeTenant);
    case Endpoint::kUpdateTenant:
      return WithBody(body, DecodeUpdateTenant,
                      [](const std::string&) { return JsonResponse(200, "{}"); });
    case Endpoint::kCreateDatabase:
      return WithBody(
          body, [](JsonReader& r) { return DecodeName(r, "CreateDatabasePayload"); },
          [&](const std::string& name) {
            return Done(
                engine_.CreateDatabase(call.ctx, call.tenant(), name, PeerId(call), PeerTag(call)));
          });
    case Endpoint::kListDatabases:
      return Answer(
          engine_.ListDatabases(call.ctx, call.tenant(), *DecodePage(call.request.query())),
          EncodeDatabases);
    case Endpoint::kGetDatabase:
      return Answer(engine_.GetDatabase(call.ctx, call.tenant(), call.database()), EncodeDatabase);
    default:
      return Done(engine_.DeleteDatabase(call.ctx, call.tenant(), call.database(), PeerTag(call)));
  }
}

http::Response Gateway::Collections(Call& call) {
  switch (call.endpoint) {
    case Endpoint::kCreateCollection:
      return CreateCollection(call);
    case Endpoint::kListCollections:
      return Answer(engine_.ListCollections(call.ctx, call.tenant(), call.database(),
                                            *DecodePage(call.request.query())),
                    EncodeCollections);
    case Endpoint::kCountCollections:
      return Answer(engine_.CountCollections(call.ctx, call.tenant(), call.database()),
                    [](uint64_t count) { return std::to_string(count); });
    case Endpoint::kGetCollection:
      return Answer(
          engine_.GetCollection(call.ctx, call.tenant(), call.database(), call.collection()),
          EncodeCollectionRef);
    case Endpoint::kGetCollectionById: {
      const std::optional<Uuid> id = Uuid::Parse(call.collection());
      if (!id) {
        return ErrorResponse(Status::InvalidArgument(
            "Validation error: collection_id: Invalid collection ID format, expected UUID"));
      }
      Result<engine::CollectionRef> found =
          engine_.FindCollection(call.ctx, call.tenant(), call.database(), *id);
      if (!found.ok() && found.status().code() == StatusCode::kNotFound) {
        // Without the period of the record routes.
        return ErrorResponse(
            Status::NotFound("Collection [" + id->ToString() + "] does not exist"));
      }
      return Answer(found, EncodeCollectionRef);
    }
    case Endpoint::kModifyCollection:
      return ModifyCollection(call);
    default:
      return Done(engine_.DeleteCollection(call.ctx, call.tenant(), call.database(),
                                           call.collection(), PeerTag(call)));
  }
}

http::Response Gateway::CreateCollection(Call& call) {
  return WithBody(
      call.request.body, DecodeCreateCollection, [&](engine::CreateCollectionRequest request) {
        request.id = PeerId(call);
        request.tag = PeerTag(call);
        return Answer(engine_.CreateCollection(call.ctx, call.tenant(), call.database(), request),
                      EncodeCollectionRef);
      });
}

http::Response Gateway::ModifyCollection(Call& call) {
  return WithBody(call.request.body, DecodeModifyCollection,
                  [&](engine::ModifyCollectionRequest request) {
                    Result<engine::CollectionRef> collection = FindCollection(call);
                    if (!collection.ok()) return ErrorResponse(collection.status());
                    request.tag = PeerTag(call);
                    return Done(engine_.ModifyCollection(call.ctx, *collection, request));
                  });
}

}  // namespace chroma::gateway
