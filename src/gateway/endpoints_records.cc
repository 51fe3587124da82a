// Record endpoints (rest-api.md §6.7, §7, §8).
#include <utility>

#include "gateway/call.h"
#include "gateway/decode.h"
#include "gateway/encode.h"
#include "model/validate.h"

namespace chroma::gateway {

Result<engine::CollectionRef> Gateway::FindCollection(Call& call) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(call.database()));
  const std::optional<Uuid> id = Uuid::Parse(call.collection());
  if (!id) return Status::InvalidArgument("Collection ID is not a valid UUIDv4");
  return engine_.FindCollection(call.ctx, call.tenant(), call.database(), *id);
}

http::Response Gateway::Records(Call& call) {
  switch (call.endpoint) {
    case Endpoint::kAdd:
      return Write(call, model::Operation::kAdd);
    case Endpoint::kUpdate:
      return Write(call, model::Operation::kUpdate);
    case Endpoint::kUpsert:
      return Write(call, model::Operation::kUpsert);
    case Endpoint::kDelete:
      return Delete(call);
    case Endpoint::kGet:
      return Get(call);
    case Endpoint::kQuery:
      return Query(call);
    case Endpoint::kSearch:
      return Search(call);
    case Endpoint::kRecall:
      return Recall(call);
    case Endpoint::kList:
      return List(call);
    case Endpoint::kExplain:
      return Explain(call);
    case Endpoint::kFacets:
      return Facets(call);
    case Endpoint::kDescribe:
      return Describe(call);
    case Endpoint::kCompact:
      return Compact(call);
    case Endpoint::kCount:
    case Endpoint::kIndexingStatus:
      return Count(call);
    default:
      return Functions(call);
  }
}

http::Response Gateway::Write(Call& call, model::Operation operation) {
  const auto decode = [operation](JsonReader& r) { return DecodeWrite(r, operation); };
  return WithBody(call.request.body, decode, [&](WriteBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    Result<engine::WriteRequest> request = ToWriteRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    request->tag = PeerTag(call);
    const Status written = engine_.Write(call.ctx, *collection, *std::move(request));
    if (!written.ok()) return ErrorResponse(written);
    return JsonResponse(operation == model::Operation::kAdd ? 201 : 200, "{}");
  });
}

http::Response Gateway::Delete(Call& call) {
  return WithBody(call.request.body, DecodeDelete, [&](DeleteBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    Result<engine::DeleteRequest> request = ToDeleteRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    request->tag = PeerTag(call);
    return Answer(engine_.Delete(call.ctx, *collection, *request), EncodeDeleted);
  });
}

http::Response Gateway::Get(Call& call) {
  return WithBody(call.request.body, DecodeGet, [&](GetBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    const std::vector<model::Include> include = body.include;
    Result<engine::GetRequest> request = ToGetRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(engine_.Get(call.ctx, *collection, *request),
                  [&](const executor::Records& records) { return EncodeGet(records, include); });
  });
}

http::Response Gateway::Query(Call& call) {
  return WithBody(call.request.body, DecodeQuery, [&](QueryBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    const std::vector<model::Include> include = body.include;
    Result<engine::QueryRequest> request = ToQueryRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(
        engine_.Query(call.ctx, *collection, *request),
        [&](const executor::QueryResult& result) { return EncodeQuery(result, include); });
  });
}

http::Response Gateway::Search(Call& call) {
  return WithBody(call.request.body, DecodeSearch, [&](const engine::SearchRequest& request) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    return Answer(engine_.Search(call.ctx, *collection, request),
                  [&](const executor::SearchResult& result) {
                    return EncodeSearch(result, request.searches);
                  });
  });
}

http::Response Gateway::Recall(Call& call) {
  return WithBody(call.request.body, DecodeRecall, [&](const RecallBody& body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    return Answer(engine_.MeasureRecall(call.ctx, *collection, body.queries, body.n_results),
                  EncodeRecall);
  });
}

http::Response Gateway::Count(Call& call) {
  Result<engine::CollectionRef> collection = FindCollection(call);
  if (!collection.ok()) return ErrorResponse(collection.status());
  if (call.endpoint == Endpoint::kCount) {
    return Answer(engine_.Count(call.ctx, *collection),
                  [](uint64_t count) { return std::to_string(count); });
  }
  return Answer(engine_.GetIndexingStatus(call.ctx, *collection), EncodeIndexingStatus);
}

namespace {

std::string TonicError(std::string_view code, std::string_view message) {
  return "Tonic error: code: '" + std::string(code) + "', message: \"" + std::string(message) +
         "\"";
}

// Function routes check the id's syntax in a service behind upstream's front door, which says so
// in words of its own.
Status CheckFunctionUuid(const std::string& text) {
  if (Uuid::Parse(text)) return Status::Ok();
  return Status::InvalidArgument(TonicError(
      "Client specified an invalid argument",
      "Client validation error: Invalid collection_id UUID format: invalid length: expected "
      "length 32 for simple format, found " +
          std::to_string(text.size())));
}

http::Response FunctionsUnimplemented(const std::string& collection, std::string_view message) {
  if (Status id = CheckFunctionUuid(collection); !id.ok()) return ErrorResponse(id);
  return ErrorResponse(
      Status::Unimplemented(TonicError("Operation is not implemented or not supported", message)));
}

}  // namespace

// Forks and functions: their routes answer as upstream's single node does.
http::Response Gateway::Functions(Call& call) {
  const std::string& body = call.request.body;
  const auto check = [](auto decode) {
    return [decode](JsonReader& r) {
      decode(r);
      return true;
    };
  };
  switch (call.endpoint) {
    case Endpoint::kFork:
      return WithBody(body, DecodeFork, [&](const std::string&) {
        Result<engine::CollectionRef> collection = FindCollection(call);
        if (!collection.ok()) return ErrorResponse(collection.status());
        return ErrorResponse(
            Status::Unimplemented("Collection forking is unsupported for local chroma"));
      });
    case Endpoint::kForkCount: {
      Result<engine::CollectionRef> collection = FindCollection(call);
      if (!collection.ok()) return ErrorResponse(collection.status());
      return ErrorResponse(Status::Unimplemented("Count forks is unsupported for local chroma"));
    }
    case Endpoint::kAttachFunction:
      return WithBody(body, check(CheckAttachFunction), [&](bool) {
        return FunctionsUnimplemented(
            call.collection(), " Attached Function operations not yet implemented in SqliteSysDb");
      });
    case Endpoint::kDetachFunction:
      return WithBody(body, check(CheckDetachFunction), [&](bool) {
        return FunctionsUnimplemented(call.collection(), "Not implemented");
      });
    default:
      return ErrorResponse(Status::NotFound("Attached function not found"));
  }
}

}  // namespace chroma::gateway
