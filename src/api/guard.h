// The edge at which exceptions end: no call of the API throws.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "chroma/status.h"

namespace chroma::api {

// Made once, early, so that reporting exhausted memory needs none.
const Status& OutOfMemory();

// Runs `call`, which returns a Status or a Result.
template <typename Call>
auto Guard(Call&& call) -> decltype(call()) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  } catch (const std::exception& error) {
    return Status::Internal(error.what());
  }
}

}  // namespace chroma::api
