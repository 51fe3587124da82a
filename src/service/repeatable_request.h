// A request on its way to the owner of a directory, which may die before it answers: the request
// is then sent again, to the next owner, and its client must not notice.
//
// Whether the first attempt took place is not known. Until it is answered the request is under
// way, so that its effect may come at any time; all that matters is that a second effect changes
// nothing and that the answer is the one of a request that took place once:
//
//   reads                 have no effect
//   add, update, upsert,  name their records. An add of ids that are there is ignored, as it is in
//   delete by ids         one request; the others leave what they left the first time
//   delete by filter      matches nothing the second time; only the count it answers may be lower
//   modify, reset         set what they set before
//   creations             bring the id of what they create: 409 for our own id is success
//   deletions             of a collection or database: found out first which one the name means,
//                         and done again only while it still means that one
//   delete with a limit   would take others the second time: not repeated, kDeadlineExceeded
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/uuid.h"
#include "chroma/status.h"
#include "gateway/route.h"
#include "http/message.h"
#include "runtime/random.h"

namespace chroma::service {

// Not thread safe.
class RepeatableRequest {
 public:
  // Asks an owner; kAborted when it may or may not have done it.
  using Ask = std::function<Result<http::Response>(const http::Request&)>;

  // Takes from `request` what only this process may say (gateway/peer.h), and says it. `random`
  // makes the id of what the request creates.
  RepeatableRequest(http::Request&& request, runtime::Random& random, bool allow_reset);

  // What the owner answers. After kAborted or kUnavailable it may be called again for the next
  // one, unless may_repeat() is false.
  Result<http::Response> Attempt(const Ask& ask);
  bool may_repeat() const { return may_repeat_; }

  // For an owner in this process, when no other was asked before.
  bool is_fresh() const { return !attempted_; }
  http::Request& request() { return request_; }

 private:
  Result<http::Response> AttemptDeletion(const Ask& ask);
  Result<http::Response> Do(const Ask& ask);
  Result<http::Response> SettleCreation(http::Response answer, const Ask& ask);
  http::Request Reading(std::string target) const;

  http::Request request_;
  Uuid id_;  // of what it creates
  std::optional<gateway::Endpoint> endpoint_;
  bool attempted_ = false;
  bool repeated_ = false;  // an attempt may have taken place
  bool may_repeat_ = true;
  bool found_target_ = false;
  std::optional<std::string> target_id_;  // what a deletion's name meant at first
};

// For a process that only reads: whether the request changes nothing. A creation with
// "get_or_create" is turned into the reading of what is there.
bool MakeReadOnly(http::Request& request);

}  // namespace chroma::service
