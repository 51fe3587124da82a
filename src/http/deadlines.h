// What a connection may wait for, and until when. Every kind of wait has one duration, so a
// queue in order of arming is in order of expiry: arming, re-arming and disarming cost a few
// pointers, and nothing ever scans the connections.
#pragma once

#include <array>
#include <cstdint>

namespace chroma::http {

enum class WaitKind : uint8_t { kKeepAlive, kHead, kBody, kWrite, kLinger };
constexpr size_t kWaitKinds = 5;

// Base of what can expire; in at most one queue. Unlinks itself when destroyed.
class DeadlineNode {
 public:
  DeadlineNode() { next_ = previous_ = this; }
  ~DeadlineNode() { Unlink(); }
  DeadlineNode(const DeadlineNode&) = delete;
  DeadlineNode& operator=(const DeadlineNode&) = delete;

  int64_t deadline_ns() const { return deadline_ns_; }
  void Unlink() {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }

 private:
  friend class Deadlines;
  DeadlineNode* next_;
  DeadlineNode* previous_;
  int64_t deadline_ns_ = INT64_MAX;
};

// Owned by one I/O thread. Does not own the nodes.
class Deadlines {
 public:
  // `deadline_ns` is not before any that was armed earlier with the same kind.
  void Arm(DeadlineNode& node, WaitKind kind, int64_t deadline_ns) {
    node.Unlink();
    node.deadline_ns_ = deadline_ns;
    DeadlineNode& head = heads_[static_cast<size_t>(kind)];
    node.previous_ = head.previous_;
    node.next_ = &head;
    head.previous_->next_ = &node;
    head.previous_ = &node;
  }
  // The longest armed node of a kind, or null.
  DeadlineNode* Oldest(WaitKind kind) {
    DeadlineNode& head = heads_[static_cast<size_t>(kind)];
    return head.next_ == &head ? nullptr : head.next_;
  }
  // The node that expires first, or null.
  DeadlineNode* First() {
    DeadlineNode* first = nullptr;
    for (DeadlineNode& head : heads_) {
      if (head.next_ == &head) continue;
      if (first == nullptr || head.next_->deadline_ns_ < first->deadline_ns_) first = head.next_;
    }
    return first;
  }

 private:
  std::array<DeadlineNode, kWaitKinds> heads_;
};

}  // namespace chroma::http
