// Decides whether the answers that concurrent callers of one object got could have come from some
// sequential order of their calls (linearizability: Herlihy and Wing, 1990), by keeping every
// state that the object may be in; calls are put in order only when an answer needs it ("just in
// time": Lowe, Testing for linearizability, 2017).
//
// Beyond that theory, calls end in one of four ways:
//   answered   its effect is between its beginning and its end
//   refused    no effect, and an answer that the caller of this class checked
//   failed     reported an error: no effect, but a crash may bring it to life, whole, unless a
//              call that began later was answered and did change something; with others only that
//              were under way at the same moment, since only what was written last can come back
//   lost       under way when the process died: an effect at any later moment, or none
// Crash() says that the process died, Settle() that a read has seen all of the object since: what
// it did not see has not happened and never will.
//
// State: a plain value with == and Hash().
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace chroma::simulation {

enum class Ending : uint8_t { kAnswered, kRefused, kFailed, kLost };

template <typename State>
class History {
 public:
  // Applies a call to a state, and says whether its answer, if one is known, is the state's.
  using Apply = std::function<bool(State& state, bool answered)>;

  struct Call {
    Apply apply;
    bool changes = false;
    bool idle = false;  // it may have found nothing to change, and so have written nothing
    std::string text;
    bool ended = false;
    Ending ending = Ending::kLost;
    uint64_t begun_at = 0;
    uint64_t failed_at = 0;
    int slot = -1;
  };
  using Handle = std::shared_ptr<Call>;

  History() { states_.push_back({}); }

  Handle Begin(bool changes, std::string text, Apply apply) {
    auto call = std::make_shared<Call>();
    call->apply = std::move(apply);
    call->changes = changes;
    call->text = std::move(text);
    events_.push_back({Kind::kBegin, call});
    return call;
  }
  // False when no order explains the answers so far; explanation() tells more.
  bool End(const Handle& call, Ending ending) {
    call->ended = true;
    call->ending = ending;
    events_.push_back({Kind::kEnd, call});
    return Process();
  }
  // No call may be under way at either.
  bool Crash() {
    events_.push_back({Kind::kCrash, nullptr});
    return Process();
  }
  bool Settle() {
    events_.push_back({Kind::kSettle, nullptr});
    return Process();
  }

  // How many states it may be in: large when nobody looked for long.
  size_t uncertainty() const { return states_.size(); }
  // There were too many to keep: nothing is checked any more.
  bool abandoned() const { return abandoned_; }
  const State& some_state() const { return states_.front().state; }
  const std::string& explanation() const { return explanation_; }

 private:
  static constexpr size_t kSlots = 320;  // a whole life of calls that failed, and some under way
  using Slots = std::bitset<kSlots>;
  static constexpr size_t kSeenMax = 100'000;
  enum class Kind : uint8_t { kBegin, kEnd, kCrash, kSettle };
  struct Event {
    Kind kind;
    Handle call;
  };
  // One state that the object may be in, and which of the pending calls have happened in it.
  struct Possible {
    State state;
    Slots happened;
    bool operator==(const Possible&) const = default;
  };
  struct PossibleHash {
    size_t operator()(const Possible& p) const {
      return p.state.Hash() * 31 + std::hash<Slots>()(p.happened);
    }
  };
  using Seen = std::unordered_set<Possible, PossibleHash>;

  // A call counts from its beginning on, but only once its answer is known.
  bool Process() {
    while (explanation_.empty() && !abandoned_ && !events_.empty()) {
      const Event event = events_.front();
      if (event.kind == Kind::kBegin && !event.call->ended) break;
      events_.pop_front();
      ++time_;
      switch (event.kind) {
        case Kind::kBegin:
          OnBegin(event.call);
          break;
        case Kind::kEnd:
          OnEnd(event.call);
          break;
        case Kind::kCrash:
          OnCrash();
          break;
        case Kind::kSettle:
          OnSettle();
          break;
      }
    }
    return explanation_.empty();
  }

  void OnBegin(const Handle& call) {
    call->begun_at = time_;
    if (call->ending == Ending::kFailed || call->ending == Ending::kRefused) return;
    if (call->ending == Ending::kLost && !call->changes) return;
    TakeSlot(call);
    if (call->changes) return;
    for (Possible& possible : states_) MarkReads(possible);
  }

  void OnEnd(const Handle& call) {
    if (call->ending == Ending::kFailed && call->changes) {
      call->failed_at = time_;
      failed_.push_back(call);
    }
    if (call->ending != Ending::kAnswered) return;
    std::vector<Possible> next;
    Seen seen;
    for (const Possible& possible : states_) Reach(possible, *call, seen, next);
    if (next.empty() && seen.size() <= kSeenMax) {
      Explain(*call);
      return;
    }
    abandoned_ |= seen.size() > kSeenMax;
    states_ = std::move(next);
    FreeSlot(call);
    if (call->changes && !call->idle) {
      std::erase_if(failed_, [&](const Handle& one) { return one->failed_at < call->begun_at; });
    }
  }

  // Calls that were under way may have happened in any order before the next life reads, though
  // none of its answers needs each of them: one may hide another, such as a reset a creation before
  // a read that finds what was created again.
  void OnCrash() {
    for (const Handle& call : failed_) TakeSlot(call);
    failed_.clear();
    std::vector<Possible> next;
    Seen seen;
    for (const Possible& possible : states_) LetLostHappen(possible, seen, next);
    if (seen.size() <= kSeenMax) states_ = std::move(next);
  }

  void OnSettle() {
    for (const Handle& call : std::vector<Handle>(pending_)) {
      if (call != nullptr) FreeSlot(call);
    }
    Seen seen;
    std::vector<Possible> distinct;
    for (Possible& possible : states_) {
      if (seen.insert(possible).second) distinct.push_back(possible);
    }
    states_ = std::move(distinct);
  }

  void TakeSlot(const Handle& call) {
    size_t slot = 0;
    while (slot < pending_.size() && pending_[slot] != nullptr) ++slot;
    abandoned_ |= slot == kSlots;
    if (abandoned_) return;
    if (slot == pending_.size()) pending_.push_back(nullptr);
    pending_[slot] = call;
    call->slot = static_cast<int>(slot);
  }

  void FreeSlot(const Handle& call) {
    if (call->slot < 0) return;
    for (Possible& possible : states_) possible.happened.reset(Slot(*call));
    pending_[static_cast<size_t>(call->slot)] = nullptr;
    call->slot = -1;
  }

  // Whether a failed call may come to life in a state, beside those that did.
  bool MayComeBack(const Call& call, const Possible& possible) const {
    for (const Handle& other : pending_) {
      if (other == nullptr || other->ending != Ending::kFailed) continue;
      if (!possible.happened[Slot(*other)]) continue;
      if (other->failed_at < call.begun_at || call.failed_at < other->begun_at) return false;
    }
    return true;
  }

  static size_t Slot(const Call& call) { return static_cast<size_t>(call.slot); }

  // Reads happen as soon as they can: that never excludes anything.
  void MarkReads(Possible& possible) const {
    for (const Handle& call : pending_) {
      if (call == nullptr || call->changes || possible.happened[Slot(*call)]) continue;
      if (call->apply(possible.state, true)) possible.happened.set(Slot(*call));
    }
  }

  // Adds to `out` every state in which `wanted` has happened, by letting pending calls happen.
  void Reach(const Possible& from, const Call& wanted, Seen& seen,
             std::vector<Possible>& out) const {
    if (seen.size() > kSeenMax || !seen.insert(from).second) return;
    if (from.happened[Slot(wanted)]) {
      out.push_back(from);
      return;
    }
    for (const Handle& call : pending_) {
      if (call == nullptr || !call->changes || from.happened[Slot(*call)]) continue;
      if (call->ending == Ending::kFailed && !MayComeBack(*call, from)) continue;
      Possible next = from;
      if (!call->apply(next.state, call->ending == Ending::kAnswered)) continue;
      call->idle |= next.state == from.state;
      next.happened.set(Slot(*call));
      MarkReads(next);
      Reach(next, wanted, seen, out);
    }
  }

  // Adds to `out` every state that lost calls lead to.
  void LetLostHappen(const Possible& from, Seen& seen, std::vector<Possible>& out) const {
    if (seen.size() > kSeenMax || !seen.insert(from).second) return;
    out.push_back(from);
    for (const Handle& call : pending_) {
      if (call == nullptr || !call->changes || from.happened[Slot(*call)]) continue;
      if (call->ending != Ending::kLost) continue;
      Possible next = from;
      call->apply(next.state, false);
      next.happened.set(Slot(*call));
      LetLostHappen(next, seen, out);
    }
  }

  void Explain(const Call& call) {
    explanation_ = "no order of calls explains: " + call.text + "\n";
    for (const Handle& other : pending_) {
      if (other != nullptr && other.get() != &call) {
        explanation_ += std::string("  ") +
                        (other->ending == Ending::kAnswered ? "meanwhile: " : "perhaps: ") +
                        other->text + "\n";
      }
    }
    for (size_t i = 0; i < std::min<size_t>(states_.size(), 3); ++i) {
      explanation_ += "  possible before it: " + states_[i].state.Describe() + "\n";
    }
    if (states_.size() > 3) {
      explanation_ += "  and " + std::to_string(states_.size() - 3) + " other states\n";
    }
  }

  std::deque<Event> events_;  // not processed yet
  uint64_t time_ = 0;         // events processed
  std::vector<Possible> states_;
  std::vector<Handle> pending_;  // by slot; null: free
  std::vector<Handle> failed_;
  std::string explanation_;
  bool abandoned_ = false;
};

}  // namespace chroma::simulation
