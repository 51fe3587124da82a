// A request on its way to the owner of a directory, which may die before it answers: the request
// is then sent again, to the next owner, and its client must not notice.
//
// Whether the first attempt took place is not known to this process. But what changes something
// carries a tag (model/request_tag.h), which the owner keeps with what it changed, and the next one
// finds: the second time changes nothing, and is answered as the first would have been. A creation
// brings the id of what it creates besides. Reads are done again.
#pragma once

#include <functional>

#include "chroma/status.h"
#include "http/message.h"
#include "model/request_tag.h"
#include "runtime/env.h"

namespace chroma::service {

// Not thread safe.
class RepeatableRequest {
 public:
  // Asks an owner; kAborted when it may or may not have done it.
  using Ask = std::function<Result<http::Response>(const http::Request&)>;

  // Takes from `request` what only this process may say (gateway/peer.h), and says it. Its tag and
  // the id of what it creates are of `env.random`.
  RepeatableRequest(http::Request&& request, runtime::Env env, bool allow_reset);

  // What the owner answers. After kAborted or kUnavailable it may be called again for the next
  // one. kDeadlineExceeded: it may have taken place before, and this owner cannot tell.
  Result<http::Response> Attempt(const Ask& ask);

  // Whether it changes something, and an attempt of which no answer came may have done that.
  bool may_have_taken_place() const { return tag_.id != 0 && tag_.repeated; }

  // For an owner in this process, when no other was asked before.
  bool is_fresh() const { return !attempted_; }
  http::Request& request() { return request_; }

 private:
  runtime::Clock& clock_;
  http::Request request_;
  model::RequestTag tag_;  // of what changes something; repeated: an attempt may have taken place
  bool attempted_ = false;
};

// For a process that only reads: whether the request changes nothing. A creation with
// "get_or_create" is turned into the reading of what is there.
bool MakeReadOnly(http::Request& request);

}  // namespace chroma::service
