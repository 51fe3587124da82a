// The tasks, locks and time of a simulated process: every task is a fiber on one thread, a seed
// chooses who runs next wherever one gives way, and time is virtual.
//
// Fibers give way when they wait (mutex, condition, sleep, join) and, by chance, before they take
// a mutex. Time moves only when every fiber waits, and then to the first instant that one of them
// waits for. When nobody waits for time either, or fibers run on and on without time moving, the
// simulation is stuck: Run() says who waits for what.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "chroma/status.h"
#include "runtime/clock.h"
#include "runtime/mutex.h"
#include "runtime/scheduler.h"
#include "testing/simulation/fiber_stack.h"
#include "testing/seeded_random.h"
#include "testing/simulation/trace.h"

namespace chroma::testing {

struct FiberOptions {
  int parallelism = 2;              // what Parallelism() says
  uint32_t preempt_percent = 25;    // chance to give way before taking a mutex
  uint32_t spurious_percent = 1;    // chance of a wake-up that nobody caused
  uint64_t steps_max = 20'000'000;  // of fibers while time stands still
};

class FiberScheduler final : public runtime::Scheduler,
                             public runtime::Clock,
                             public runtime::FiberHooks {
 public:
  FiberScheduler(uint64_t seed, FiberOptions options, Trace& trace);
  ~FiberScheduler() override;
  FiberScheduler(const FiberScheduler&) = delete;
  FiberScheduler& operator=(const FiberScheduler&) = delete;

  // Runs `body` as a fiber, with all the tasks that it starts and joins, until it returns.
  // kDeadlineExceeded with the list of fibers when they are stuck; their stacks are lost then.
  Status Run(std::function<void()> body);

  // Run() ends as stuck at that moment.
  void SetAlarm(int64_t monotonic_ns) { alarm_ns_ = monotonic_ns; }
  // Gives way now.
  void YieldAlways();
  // One line for each fiber: its name and what it waits for.
  std::string Describe() const;
  uint64_t switches() const { return switches_; }

  std::unique_ptr<runtime::Task> Start(std::string name, std::function<void()> body) override;
  int Parallelism() const override { return options_.parallelism; }

  int64_t MonotonicNs() override { return now_ns_; }
  int64_t UnixNs() override { return kUnixStartNs + now_ns_; }
  void SleepNs(int64_t duration_ns) override;

  void Yield() override;
  bool Block(const void* key, int64_t timeout_ns) override;
  void Wake(const void* key, bool all) override;

 private:
  static constexpr int64_t kUnixStartNs = 1'700'000'000 * runtime::kSecond;

  struct Fiber {
    uint64_t number = 0;
    std::string name;
    std::function<void()> body;
    boost::context::fiber context;
    bool done = false;
    const void* waits_for = nullptr;
    uint64_t wait_number = 0;  // 0: it can run
    bool timed_out = false;
    int64_t waits_since_ns = 0;
    // Kept while another runs: exceptions being handled, and the sanitizer's view of the stack.
    uint64_t exception_state[2] = {0, 0};
    void* sanitizer_stack = nullptr;
    const void* stack_lowest = nullptr;
    size_t stack_bytes = 0;
  };
  class FiberTask;
  struct Timer {
    int64_t at_ns;
    uint64_t wait_number;  // of the fiber when it was set
    Fiber* fiber;
    bool operator>(const Timer& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : wait_number > other.wait_number;
    }
  };

  std::shared_ptr<Fiber> NewFiber(std::string name, std::function<void()> body);
  void Join(Fiber& fiber);
  Fiber* PickNext();
  bool FireTimers();
  void Resume(Fiber& fiber);
  // From the running fiber to the scheduler's loop, until it is resumed.
  void SwitchOut();
  void MakeRunnable(Fiber& fiber);

  const FiberOptions options_;
  SeededRandom random_;
  Trace& trace_;
  FiberStacks stacks_;
  std::vector<std::shared_ptr<Fiber>> fibers_;  // not done
  std::vector<std::shared_ptr<Fiber>> done_;    // timers may still name them
  std::vector<Fiber*> runnable_;
  std::unordered_map<const void*, std::vector<Fiber*>> waiters_;  // looked up, never walked
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Fiber* running_ = nullptr;
  boost::context::fiber loop_;
  void* loop_sanitizer_stack_ = nullptr;
  const void* loop_lowest_ = nullptr;
  size_t loop_bytes_ = 0;
  int64_t now_ns_ = 0;
  int64_t alarm_ns_ = INT64_MAX;
  uint64_t steps_ = 0;  // since time moved
  uint64_t switches_ = 0;
  uint64_t waits_ = 0;
  uint64_t started_ = 0;
};

}  // namespace chroma::testing
