#pragma once

#include <cstddef>
#include <functional>

namespace chroma::index {

// Runs job(0) … job(n - 1), in any order and on any number of threads.
using ParallelFor = std::function<void(size_t n, const std::function<void(size_t)>& job)>;

// One after the other, on the thread that asks.
inline void InOrder(size_t n, const std::function<void(size_t)>& job) {
  for (size_t i = 0; i < n; ++i) job(i);
}

}  // namespace chroma::index
