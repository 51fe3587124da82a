#include "service/repeatable_request.h"

#include <utility>

#include "base/json_value.h"
#include "gateway/errors.h"
#include "gateway/peer.h"

namespace chroma::service {
namespace {

using gateway::Endpoint;

// Of a connection, or of this process's own front door: not passed on.
bool IsPassedOn(std::string_view name) {
  for (std::string_view own :
       {std::string_view("host"), std::string_view("connection"), std::string_view("keep-alive"),
        std::string_view("content-length"), std::string_view("transfer-encoding"),
        std::string_view("te"), std::string_view("upgrade"), std::string_view("expect"),
        std::string_view("origin"), gateway::kPeerIdHeader, gateway::kPeerResetHeader}) {
    if (name == own) return false;
  }
  return true;
}

// The text of a member of a JSON object; empty where there is none.
std::string TextIn(const std::string& body, std::string_view member) {
  const Result<JsonValue> json = ParseJson(body);
  const JsonValue* value = json.ok() ? json->Find(member) : nullptr;
  const std::string* text = value == nullptr ? nullptr : value->AsString();
  return text == nullptr ? std::string() : *text;
}

bool HasLimit(const std::string& body) {
  const Result<JsonValue> json = ParseJson(body);
  const JsonValue* limit = json.ok() ? json->Find("limit") : nullptr;
  return limit != nullptr && !limit->IsNull();
}

http::Response Done() {
  return gateway::JsonResponse(200, "{}");
}

}  // namespace

RepeatableRequest::RepeatableRequest(http::Request&& request, runtime::Random& random,
                                     bool allow_reset)
    : request_(std::move(request)) {
  const gateway::RouteResult route = gateway::FindRoute(request_.method, request_.path());
  if (route.match) endpoint_ = route.match->endpoint;
  std::erase_if(request_.headers, [](const auto& header) { return !IsPassedOn(header.first); });
  if (endpoint_ == Endpoint::kCreateCollection || endpoint_ == Endpoint::kCreateDatabase) {
    const uint64_t high = random.Next();
    id_ = Uuid::FromRandom(high, random.Next());
    request_.headers.emplace_back(gateway::kPeerIdHeader, id_.ToString());
  }
  if (endpoint_ == Endpoint::kReset) {
    request_.headers.emplace_back(gateway::kPeerResetHeader, allow_reset ? "true" : "false");
  }
  // The body of a HEAD's answer is counted by whoever answers the client.
  if (request_.method == http::Method::kHead) {
    request_.method = http::Method::kGet;
    request_.method_token = "GET";
  }
  std::string target(request_.path());
  if (request_.has_query()) target.append("?").append(request_.query());
  request_.target = std::move(target);
}

Result<http::Response> RepeatableRequest::Attempt(const Ask& ask) {
  attempted_ = true;
  if (endpoint_ == Endpoint::kDeleteCollection || endpoint_ == Endpoint::kDeleteDatabase) {
    return AttemptDeletion(ask);
  }
  CHROMA_ASSIGN(http::Response answer, Do(ask));
  if (!repeated_ || answer.status != 409) return answer;
  if (endpoint_ == Endpoint::kCreateTenant) return Done();
  return SettleCreation(std::move(answer), ask);
}

Result<http::Response> RepeatableRequest::Do(const Ask& ask) {
  Result<http::Response> answer = ask(request_);
  if (answer.status().code() == StatusCode::kAborted) {
    repeated_ = true;
    if (endpoint_ == Endpoint::kDelete) may_repeat_ = !HasLimit(request_.body);
  }
  return answer;
}

Result<http::Response> RepeatableRequest::AttemptDeletion(const Ask& ask) {
  CHROMA_ASSIGN(http::Response found, ask(Reading(request_.target)));
  std::optional<std::string> target_id;
  if (found.status == 200) target_id = TextIn(found.body, "id");
  if (!found_target_) {
    found_target_ = true;
    target_id_ = std::move(target_id);
  } else if (repeated_ && target_id_ && target_id != target_id_) {
    return Done();
  }
  return Do(ask);
}

Result<http::Response> RepeatableRequest::SettleCreation(http::Response answer, const Ask& ask) {
  if (endpoint_ == Endpoint::kCreateCollection) {
    CHROMA_ASSIGN(http::Response found,
                  ask(Reading(std::string(request_.path()) + "/by-id/" + id_.ToString())));
    return found.status == 200 ? std::move(found) : std::move(answer);
  }
  if (endpoint_ == Endpoint::kCreateDatabase) {
    // A name that is taken is one that needs no encoding.
    CHROMA_ASSIGN(http::Response found,
                  ask(Reading(std::string(request_.path()) + "/" + TextIn(request_.body, "name"))));
    if (TextIn(found.body, "id") == id_.ToString()) return Done();
  }
  return answer;
}

http::Request RepeatableRequest::Reading(std::string target) const {
  http::Request reading;
  reading.method = http::Method::kGet;
  reading.method_token = "GET";
  reading.target = std::move(target);
  reading.remote = request_.remote;
  return reading;
}

bool MakeReadOnly(http::Request& request) {
  const gateway::RouteResult route = gateway::FindRoute(request.method, request.path());
  if (!route.match) return true;
  switch (route.match->endpoint) {
    case Endpoint::kReset:
    case Endpoint::kCreateTenant:
    case Endpoint::kUpdateTenant:
    case Endpoint::kCreateDatabase:
    case Endpoint::kDeleteDatabase:
    case Endpoint::kModifyCollection:
    case Endpoint::kDeleteCollection:
    case Endpoint::kAdd:
    case Endpoint::kUpdate:
    case Endpoint::kUpsert:
    case Endpoint::kDelete:
    case Endpoint::kCompact:
    case Endpoint::kFork:
    case Endpoint::kAttachFunction:
    case Endpoint::kDetachFunction:
      return false;
    case Endpoint::kCreateCollection: {
      const Result<JsonValue> json = ParseJson(request.body);
      const JsonValue* get = json.ok() ? json->Find("get_or_create") : nullptr;
      if (get == nullptr || get->AsBool() == nullptr || !*get->AsBool()) return false;
      request.method = http::Method::kGet;
      request.method_token = "GET";
      request.target = std::string(request.path()) + "/" + TextIn(request.body, "name");
      request.body.clear();
      return true;
    }
    default:
      return true;
  }
}

}  // namespace chroma::service
