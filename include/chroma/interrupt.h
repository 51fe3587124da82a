// Giving up calls that are under way, as at a Ctrl-C.
//
//   static std::atomic<bool> interrupted = false;  // set by a handler of signals, or a thread
//   const InterruptScope scope(interrupted);
//   collection.Query(…);  // kCancelled, soon after `interrupted` is true
#pragma once

#include <atomic>

#include "chroma/export.h"

namespace chroma {

// While one lives, calls that its thread makes to databases in memory and in directories, and
// imports, are given up once `interrupted` is true: they end with kCancelled, or as they would have
// ended anyway. A write that is given up has written no record; but where another process does the
// work for this one it is kDeadlineExceeded, and may have.
// Scopes of a thread nest, of which the innermost holds. `interrupted` outlives the scope.
class CHROMA_EXPORT InterruptScope {
 public:
  explicit InterruptScope(const std::atomic<bool>& interrupted);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  const std::atomic<bool>* const outer_;
};

}  // namespace chroma
