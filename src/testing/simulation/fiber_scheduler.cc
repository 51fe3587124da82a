#include "testing/simulation/fiber_scheduler.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "testing/simulation/sanitizer.h"

namespace chroma::testing {

namespace context = boost::context;

class FiberScheduler::FiberTask final : public runtime::Task {
 public:
  FiberTask(FiberScheduler& scheduler, std::shared_ptr<Fiber> fiber)
      : scheduler_(scheduler), fiber_(std::move(fiber)) {}
  ~FiberTask() override { Join(); }
  void Join() override { scheduler_.Join(*fiber_); }

 private:
  FiberScheduler& scheduler_;
  const std::shared_ptr<Fiber> fiber_;
};

FiberScheduler::FiberScheduler(uint64_t seed, FiberOptions options, Trace& trace)
    : options_(options), random_(seed), trace_(trace) {}

FiberScheduler::~FiberScheduler() {
  // The stacks of fibers that are stuck cannot be unwound: their destructors would wait again. They
  // are kept where a leak checker finds them.
  static auto& stuck = *std::make_unique<std::vector<std::shared_ptr<Fiber>>>().release();
  stuck.insert(stuck.end(), fibers_.begin(), fibers_.end());
}

std::shared_ptr<FiberScheduler::Fiber> FiberScheduler::NewFiber(std::string name,
                                                                std::function<void()> body) {
  auto fiber = std::make_shared<Fiber>();
  fiber->number = ++started_;
  fiber->name = std::move(name);
  fiber->body = std::move(body);
  Fiber* const raw = fiber.get();
  const auto on_stack = [this, raw](context::fiber&& loop) {
    loop_ = std::move(loop);
    EndSwitch(nullptr, &loop_lowest_, &loop_bytes_);
    raw->body();
    raw->body = nullptr;
    raw->done = true;
    Wake(raw, /*all=*/true);
    BeginSwitch(nullptr, loop_lowest_, loop_bytes_);
    return std::move(loop_);
  };
  const context::stack_context stack = stacks_.Take();
  fiber->stack_lowest = static_cast<char*>(stack.sp) - stack.size;
  fiber->stack_bytes = stack.size;
  fiber->context =
      context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack),
                     FiberStacks::Allocator(stacks_), on_stack);
  fibers_.push_back(fiber);
  runnable_.push_back(raw);
  return fiber;
}

Status FiberScheduler::Run(std::function<void()> body) {
  runtime::FiberHooks* const outer = runtime::FiberHooks::Current();
  runtime::FiberHooks::Install(this);
  const std::shared_ptr<Fiber> main = NewFiber("main", std::move(body));
  Status status;
  while (!main->done) {
    Fiber* const next = PickNext();
    if (next == nullptr || now_ns_ >= alarm_ns_) {
      status = Status::DeadlineExceeded("stuck for ever:\n" + Describe());
      break;
    }
    if (++steps_ > options_.steps_max) {
      status = Status::DeadlineExceeded("running on and on:\n" + Describe());
      break;
    }
    Resume(*next);
  }
  runtime::FiberHooks::Install(outer);
  if (status.ok()) CHECK(fibers_.empty() && "a task was not joined");
  return status;
}

FiberScheduler::Fiber* FiberScheduler::PickNext() {
  if (runnable_.empty() && !FireTimers()) return nullptr;
  const size_t i = runnable_.size() == 1 ? 0 : random_.Below(runnable_.size());
  Fiber* const next = runnable_[i];
  runnable_[i] = runnable_.back();
  runnable_.pop_back();
  return next;
}

// Moves time to the first instant that a fiber waits for; false when there is none.
bool FiberScheduler::FireTimers() {
  while (!timers_.empty()) {
    const Timer timer = timers_.top();
    const bool stale = timer.fiber->wait_number != timer.wait_number;
    if (!stale && !runnable_.empty() && timer.at_ns > now_ns_) return true;
    timers_.pop();
    if (stale) continue;
    if (timer.at_ns > now_ns_) {
      now_ns_ = timer.at_ns;
      steps_ = 0;
    }
    auto& waiting = waiters_[timer.fiber->waits_for];
    waiting.erase(std::find(waiting.begin(), waiting.end(), timer.fiber));
    if (waiting.empty()) waiters_.erase(timer.fiber->waits_for);
    timer.fiber->timed_out = true;
    MakeRunnable(*timer.fiber);
  }
  return !runnable_.empty();
}

void FiberScheduler::MakeRunnable(Fiber& fiber) {
  fiber.waits_for = nullptr;
  fiber.wait_number = 0;
  runnable_.push_back(&fiber);
}

void FiberScheduler::Resume(Fiber& fiber) {
  ++switches_;
  trace_.Add(fiber.number);
  running_ = &fiber;
  auto* const exceptions = reinterpret_cast<uint64_t*>(abi::__cxa_get_globals());
  uint64_t outer[2];
  std::memcpy(outer, exceptions, sizeof(outer));
  std::memcpy(exceptions, fiber.exception_state, sizeof(outer));
  BeginSwitch(&loop_sanitizer_stack_, fiber.stack_lowest, fiber.stack_bytes);
  fiber.context = std::move(fiber.context).resume();
  EndSwitch(loop_sanitizer_stack_, &fiber.stack_lowest, &fiber.stack_bytes);
  std::memcpy(fiber.exception_state, exceptions, sizeof(outer));
  std::memcpy(exceptions, outer, sizeof(outer));
  running_ = nullptr;
  if (!fiber.done) return;
  fiber.context = context::fiber();
  const auto at = std::find_if(fibers_.begin(), fibers_.end(),
                               [&fiber](const auto& one) { return one.get() == &fiber; });
  done_.push_back(std::move(*at));
  fibers_.erase(at);
}

void FiberScheduler::SwitchOut() {
  Fiber& self = *running_;
  BeginSwitch(&self.sanitizer_stack, loop_lowest_, loop_bytes_);
  loop_ = std::move(loop_).resume();
  EndSwitch(self.sanitizer_stack, &loop_lowest_, &loop_bytes_);
}

std::unique_ptr<runtime::Task> FiberScheduler::Start(std::string name, std::function<void()> body) {
  return std::make_unique<FiberTask>(*this, NewFiber(std::move(name), std::move(body)));
}

void FiberScheduler::Join(Fiber& fiber) {
  while (!fiber.done) Block(&fiber, -1);
}

void FiberScheduler::YieldAlways() {
  runnable_.push_back(running_);
  SwitchOut();
}

void FiberScheduler::Yield() {
  if (runnable_.empty() || !random_.Chance(options_.preempt_percent, 100)) return;
  YieldAlways();
}

bool FiberScheduler::Block(const void* key, int64_t timeout_ns) {
  if (options_.spurious_percent > 0 && random_.Chance(options_.spurious_percent, 100)) {
    YieldAlways();
    return true;
  }
  Fiber& self = *running_;
  self.waits_for = key;
  self.wait_number = ++waits_;
  self.timed_out = false;
  self.waits_since_ns = now_ns_;
  waiters_[key].push_back(&self);
  if (timeout_ns >= 0) timers_.push({now_ns_ + timeout_ns, self.wait_number, &self});
  SwitchOut();
  return !self.timed_out;
}

void FiberScheduler::Wake(const void* key, bool all) {
  const auto found = waiters_.find(key);
  if (found == waiters_.end()) return;
  std::vector<Fiber*>& waiting = found->second;
  if (all) {
    for (Fiber* fiber : waiting) MakeRunnable(*fiber);
    waiting.clear();
  } else {
    const size_t i = waiting.size() == 1 ? 0 : random_.Below(waiting.size());
    MakeRunnable(*waiting[i]);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (waiting.empty()) waiters_.erase(found);
}

void FiberScheduler::SleepNs(int64_t duration_ns) {
  const int64_t end_ns = now_ns_ + std::max<int64_t>(duration_ns, 0);
  while (now_ns_ < end_ns) Block(&timers_, end_ns - now_ns_);
}

std::string FiberScheduler::Describe() const {
  std::vector<const void*> keys;
  std::string text;
  for (const auto& fiber : fibers_) {
    text += "  " + fiber->name + ": ";
    if (fiber->wait_number == 0) {
      text += "can run\n";
      continue;
    }
    const void* key = fiber->waits_for;
    const auto joined = std::find_if(fibers_.begin(), fibers_.end(),
                                     [key](const auto& other) { return other.get() == key; });
    if (joined != fibers_.end()) {
      text += "joins " + (*joined)->name;
    } else if (key == &timers_) {
      text += "sleeps";
    } else {
      auto at = std::find(keys.begin(), keys.end(), key);
      if (at == keys.end()) at = keys.insert(at, key);
      text += "waits for lock or condition " + std::to_string(at - keys.begin());
    }
    text += " since " + std::to_string((now_ns_ - fiber->waits_since_ns) / runtime::kMillisecond) +
            " ms\n";
  }
  return text;
}

}  // namespace chroma::testing
