#include "runtime/scheduler.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "runtime/processor_reserve.h"

namespace chroma::runtime {
namespace {

constexpr size_t kThreadNameBytesMax = 15;
// A nice value: about a thirtieth of the processor where others want all of it.
constexpr int kLowPriority = 15;

class ThreadTask final : public Task {
 public:
  ThreadTask(std::string name, std::function<void()> body)
      : thread_([name = std::move(name), body = std::move(body)] {
          pthread_setname_np(pthread_self(), name.c_str());
          body();
        }) {}
  ~ThreadTask() override { Join(); }

  void Join() override {
    if (!thread_.joinable()) return;
    CHECK(thread_.get_id() != std::this_thread::get_id());
    thread_.join();
  }

 private:
  std::thread thread_;
};

class ThreadScheduler final : public Scheduler {
 public:
  std::unique_ptr<Task> Start(std::string name, std::function<void()> body) override {
    if (name.size() > kThreadNameBytesMax) name.resize(kThreadNameBytesMax);
    // A thread inherits the mask: signals belong to the threads of the host program, whose
    // handlers and sigwait() must not find theirs delivered here.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (const std::optional<cpu_set_t> unconfined = reserve_.Unconfined()) {
      body = [unconfined, body = std::move(body)] {
        static_cast<void>(::sched_setaffinity(0, sizeof(*unconfined), &*unconfined));
        body();
      };
    }
    std::unique_ptr<Task> task;
    try {
      task = std::make_unique<ThreadTask>(std::move(name), std::move(body));
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return task;
  }

  void LowerPriority() override {
    // Linux has a nice value for each thread. Failure leaves the priority as it is.
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLowPriority));
  }

  void NoteShort(int64_t now_ns) override { reserve_.NoteShort(now_ns); }
  void BeginLong(int64_t now_ns) override { reserve_.BeginLong(now_ns); }
  void EndLong() override { reserve_.EndLong(); }

  int Parallelism() const override {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

 private:
  ProcessorReserve reserve_;
};

}  // namespace

Scheduler& Scheduler::System() {
  static auto* const scheduler = new ThreadScheduler;  // never destroyed, as the clock
  return *scheduler;
}

}  // namespace chroma::runtime
