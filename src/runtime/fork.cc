#include "runtime/fork.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <map>
#include <utility>

#include "base/check.h"

namespace chroma::runtime {
namespace {

constexpr int kWordBits = 64;
// As many descriptors as a process may have; pages of the table that are not used cost nothing.
constexpr int kDescriptorsMax = 1 << 20;

thread_local int no_fork_depth = 0;

class ForkState {
 public:
  ForkState() {
    InitLock();
    CHECK(pthread_atfork([] { Get().Prepare(); }, [] { Get().InParent(); },
                         [] { Get().InChild(); }) == 0);
  }

  static ForkState& Get() {
    static auto* const state = new ForkState;  // never destroyed: children come at any time
    return *state;
  }

  void Enter() { CHECK(pthread_rwlock_rdlock(&lock_) == 0); }
  void Leave() { CHECK(pthread_rwlock_unlock(&lock_) == 0); }

  void Mark(int fd, bool close) {
    if (fd < 0 || fd >= kDescriptorsMax) return;
    std::atomic<uint64_t>& word = words_[static_cast<size_t>(fd / kWordBits)];
    const uint64_t bit = uint64_t{1} << (fd % kWordBits);
    close ? word.fetch_or(bit) : word.fetch_and(~bit);
    int top = top_.load();
    while (close && top <= fd && !top_.compare_exchange_weak(top, fd + 1)) {
    }
  }

  uint64_t Add(std::function<void()> callback) {
    CHECK(pthread_rwlock_wrlock(&lock_) == 0);
    const uint64_t registration = ++registrations_;
    callbacks_.emplace(registration, std::move(callback));
    Leave();
    return registration;
  }
  void Remove(uint64_t registration) {
    CHECK(pthread_rwlock_wrlock(&lock_) == 0);
    callbacks_.erase(registration);
    Leave();
  }

 private:
  void InitLock() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    // Steady readers would keep fork() waiting for ever. Readers nest without a second rdlock.
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    CHECK(pthread_rwlock_init(&lock_, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
  }

  void Prepare() {
    CHECK(no_fork_depth == 0 && "fork() inside of NoFork");
    CHECK(pthread_rwlock_wrlock(&lock_) == 0);
  }
  void InParent() { Leave(); }

  void InChild() {
    // Those who wait for it do not exist here.
    Leave();
    pthread_rwlock_destroy(&lock_);
    InitLock();
    const int words = (top_.load() + kWordBits - 1) / kWordBits;
    for (int i = 0; i < words; ++i) {
      uint64_t bits = words_[static_cast<size_t>(i)].exchange(0);
      for (; bits != 0; bits &= bits - 1) close(i * kWordBits + std::countr_zero(bits));
    }
    top_.store(0);
    for (const auto& [registration, callback] : callbacks_) callback();
  }

  pthread_rwlock_t lock_;
  std::array<std::atomic<uint64_t>, kDescriptorsMax / kWordBits> words_{};
  std::atomic<int> top_{0};  // descriptors at and above were never marked
  uint64_t registrations_ = 0;
  std::map<uint64_t, std::function<void()>> callbacks_;
};

}  // namespace

NoFork::NoFork() {
  if (no_fork_depth++ == 0) ForkState::Get().Enter();
}

NoFork::~NoFork() {
  if (--no_fork_depth == 0) ForkState::Get().Leave();
}

void CloseInChild(int fd) {
  ForkState::Get().Mark(fd, /*close=*/true);
}
void ForgetDescriptor(int fd) {
  ForkState::Get().Mark(fd, /*close=*/false);
}

uint64_t OnForkedChild(std::function<void()> callback) {
  return ForkState::Get().Add(std::move(callback));
}

void CancelOnForkedChild(uint64_t registration) {
  ForkState::Get().Remove(registration);
}

}  // namespace chroma::runtime
