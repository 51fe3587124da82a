#include "service/repeatable_request.h"

#include <utility>

#include "base/json_value.h"
#include "base/uuid.h"
#include "gateway/errors.h"
#include "gateway/peer.h"
#include "gateway/route.h"

namespace chroma::service {
namespace {

using gateway::Endpoint;

// Of a connection, or of this process's own front door: not passed on.
bool IsPassedOn(std::string_view name) {
  for (std::string_view own :
       {std::string_view("host"), std::string_view("connection"), std::string_view("keep-alive"),
        std::string_view("content-length"), std::string_view("transfer-encoding"),
        std::string_view("te"), std::string_view("upgrade"), std::string_view("expect"),
        std::string_view("origin"), gateway::kPeerIdHeader, gateway::kPeerResetHeader,
        gateway::kPeerTagHeader}) {
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

// Whether a second time could change what the first has left.
bool ChangesSomething(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kReset:
    case Endpoint::kCreateTenant:
    case Endpoint::kCreateDatabase:
    case Endpoint::kDeleteDatabase:
    case Endpoint::kCreateCollection:
    case Endpoint::kModifyCollection:
    case Endpoint::kDeleteCollection:
    case Endpoint::kAdd:
    case Endpoint::kUpdate:
    case Endpoint::kUpsert:
    case Endpoint::kDelete:
      return true;
    default:
      return false;
  }
}

void SetHeader(http::Request& request, std::string_view name, std::string value) {
  std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
  request.headers.emplace_back(name, std::move(value));
}

}  // namespace

RepeatableRequest::RepeatableRequest(http::Request&& request, runtime::Env env, bool allow_reset)
    : clock_(*env.clock), request_(std::move(request)) {
  const gateway::RouteResult route = gateway::FindRoute(request_.method, request_.path());
  std::erase_if(request_.headers, [](const auto& header) { return !IsPassedOn(header.first); });
  if (route.match) {
    const Endpoint endpoint = route.match->endpoint;
    if (endpoint == Endpoint::kCreateCollection || endpoint == Endpoint::kCreateDatabase) {
      const uint64_t high = env.random->Next();
      const Uuid id = Uuid::FromRandom(high, env.random->Next());
      request_.headers.emplace_back(gateway::kPeerIdHeader, id.ToString());
    }
    if (endpoint == Endpoint::kReset) {
      request_.headers.emplace_back(gateway::kPeerResetHeader, allow_reset ? "true" : "false");
    }
    while (ChangesSomething(endpoint) && tag_.id == 0) tag_.id = env.random->Next();
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
  if (!std::exchange(attempted_, true)) tag_.sent_ns = clock_.MonotonicNs();
  // Not before: who asks no other process needs none.
  if (tag_.id != 0) SetHeader(request_, gateway::kPeerTagHeader, gateway::EncodeTag(tag_));
  Result<http::Response> answer = ask(request_);
  const bool was_sent_before =
      std::exchange(tag_.repeated, tag_.repeated || answer.status().code() == StatusCode::kAborted);
  const bool refused = answer.ok() && (answer->status == 429 || answer->status == 503);
  if (tag_.id == 0 || !was_sent_before || !refused) return answer;
  return gateway::ErrorResponse(Status::DeadlineExceeded(
      "the request may or may not have taken place: it was sent again, and refused for now"));
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
