// What benchmarks do about failures: say what failed, and end.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "chroma/status.h"

namespace chroma {

inline void Require(const Status& status) {
  if (status.ok()) return;
  fmt::print("{}\n", status.ToString());
  std::exit(1);
}
template <typename T>
T Require(Result<T> result) {
  Require(result.status());
  return *std::move(result);
}

}  // namespace chroma
