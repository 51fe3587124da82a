// Orders the writers of one collection where order matters: appends go on side by side (they
// share one fdatasync), while an operation that reads before it writes (delete by filter), and
// the deletion of the collection itself, has the collection's log for itself.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/uuid.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "runtime/mutex.h"

namespace chroma::engine {

class WriteGates {
  struct Gate;

 public:
  // Held for the duration of an append, or of an exclusive operation.
  class Hold {
   public:
    // Waits, and gives that up soon after `ctx` says so: then status() does too, and nothing is
    // held. Null: waits in any case.
    Hold(WriteGates& gates, const Uuid& collection, bool exclusive, const runtime::Context* ctx);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    const Status& status() const { return status_; }

   private:
    bool IsClosed(const Gate& gate) const;

    WriteGates& gates_;
    const Uuid collection_;
    const bool exclusive_;
    Status status_;
  };

 private:
  struct Gate {
    int shared = 0;
    int shared_waiting = 0;
    int exclusive_waiting = 0;
    bool exclusive = false;
  };
  // Wakes those who wait for the gate, or forgets it.
  void Leave(const Uuid& collection) CHROMA_REQUIRES(mutex_);

  runtime::Mutex mutex_;
  runtime::CondVar changed_;
  std::unordered_map<Uuid, Gate, UuidHash> gates_ CHROMA_GUARDED_BY(mutex_);  // only those in use
};

}  // namespace chroma::engine
