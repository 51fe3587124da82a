// What travels with one request: its deadline, whether its caller has gone, its trace id, and what
// its answer takes of the memory that all answers share.
// Long loops call Check() every few thousand rows. Cancel() may be called from any thread; the
// rest belongs to the request's own task.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "chroma/status.h"
#include "runtime/clock.h"
#include "runtime/memory_budget.h"
#include "runtime/slots.h"

namespace chroma::runtime {

class Context {
 public:
  static constexpr int64_t kNoDeadline = INT64_MAX;

  // `answers` and `long_waits` outlive the context; null: no limit.
  explicit Context(Clock& clock = Clock::System(), int64_t deadline_ns = kNoDeadline,
                   MemoryBudget* answers = nullptr, Slots* long_waits = nullptr)
      : clock_(clock), deadline_ns_(deadline_ns), answers_(answers), long_waits_(long_waits) {}
  ~Context() {
    if (answers_ != nullptr) answers_->GiveBack(reserved_bytes_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // kCancelled, kDeadlineExceeded, or OK.
  Status Check() const;
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  // Cancelled also while `flag`, which outlives the context, is set; null: none. For who makes it.
  void CancelWhen(const std::atomic<bool>* flag) { cancel_flag_ = flag; }
  // kUnavailable inside an AtOnce. Called before waiting for a disk or for a lock that is held
  // meanwhile, and before work of more than some 100 µs.
  Status CheckMayWait() const;
  bool at_once() const { return at_once_; }
  // Takes so much more for the answer, held until the context is destroyed. kUnavailable when the
  // answers under way leave no room.
  Status ReserveAnswer(uint64_t bytes);
  int64_t deadline_ns() const { return deadline_ns_; }  // of Clock::MonotonicNs
  Clock& clock() const { return clock_; }

  std::string trace_id;  // 32 hex digits or empty

  // While one lives, the request is answered at once or not at all: whoever tries it, a thread that
  // others wait for, has it done elsewhere when that fails.
  class AtOnce {
   public:
    explicit AtOnce(Context& context) : context_(context) { context_.at_once_ = true; }
    ~AtOnce() { context_.at_once_ = false; }
    AtOnce(const AtOnce&) = delete;
    AtOnce& operator=(const AtOnce&) = delete;

   private:
    Context& context_;
  };

  // While one lives, the request waits for what may take many seconds. Of the requests that share a
  // set of threads only some may, so that the others are answered meanwhile.
  class LongWait {
   public:
    explicit LongWait(Context& context)
        : slots_(context.long_waits_), granted_(slots_ == nullptr || slots_->TryTake()) {}
    ~LongWait() {
      if (slots_ != nullptr && granted_) slots_->GiveBack();
    }
    LongWait(const LongWait&) = delete;
    LongWait& operator=(const LongWait&) = delete;
    bool granted() const { return granted_; }

   private:
    Slots* const slots_;
    const bool granted_;
  };

 private:
  Clock& clock_;
  int64_t deadline_ns_;
  MemoryBudget* const answers_;
  Slots* const long_waits_;
  uint64_t reserved_bytes_ = 0;
  bool at_once_ = false;
  std::atomic<bool> cancelled_{false};
  const std::atomic<bool>* cancel_flag_ = nullptr;
};

}  // namespace chroma::runtime
