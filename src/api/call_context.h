// The context of a call of the API.
#pragma once

#include "chroma/interrupt.h"
#include "runtime/context.h"

namespace chroma::api {

// Given up when the InterruptScope of the thread that makes it says so.
class CallContext : public runtime::Context {
 public:
  CallContext();
};

}  // namespace chroma::api
