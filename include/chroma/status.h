// Status and Result<T>: how every operation of Chroma reports failure.
//
// No function of this project throws. A function that can fail returns Status, or Result<T>
// when it also has a value. Codes are gRPC's canonical ones, so that they cross process and
// network boundaries unchanged. A message says what failed, on what, and what to do about it;
// messages of kInvalidArgument, kNotFound and kAlreadyExists are part of the wire contract.
//
// Success costs one null pointer. Both types are [[nodiscard]]: a dropped error is a warning,
// and warnings are errors here. Values are immutable and may be copied between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace chroma {

enum class StatusCode : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,  // Disk, memory or a quota is full; nothing was changed.
  kFailedPrecondition = 9,
  kAborted = 10,  // Lost a race (compare-and-swap); retry from a fresh read.
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,  // Not now; the same call may succeed later.
  kDataLoss = 15,     // Stored bytes are damaged; the message names them.
  kUnauthenticated = 16,
};

// The canonical name, e.g. "INVALID_ARGUMENT".
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message)
      : rep_(code == StatusCode::kOk ? nullptr
                                     : std::make_shared<const Rep>(Rep{code, std::move(message)})) {
  }

  static Status Ok() { return Status(); }
  static Status Cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status DeadlineExceeded(std::string m) {
    return {StatusCode::kDeadlineExceeded, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status AlreadyExists(std::string m) { return {StatusCode::kAlreadyExists, std::move(m)}; }
  static Status PermissionDenied(std::string m) {
    return {StatusCode::kPermissionDenied, std::move(m)};
  }
  static Status ResourceExhausted(std::string m) {
    return {StatusCode::kResourceExhausted, std::move(m)};
  }
  static Status FailedPrecondition(std::string m) {
    return {StatusCode::kFailedPrecondition, std::move(m)};
  }
  static Status OutOfRange(std::string m) { return {StatusCode::kOutOfRange, std::move(m)}; }
  static Status Aborted(std::string m) { return {StatusCode::kAborted, std::move(m)}; }
  static Status Unimplemented(std::string m) { return {StatusCode::kUnimplemented, std::move(m)}; }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }
  static Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status DataLoss(std::string m) { return {StatusCode::kDataLoss, std::move(m)}; }

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  std::string_view message() const {
    return rep_ ? std::string_view(rep_->message) : std::string_view();
  }
  // The same failure with "context: " before its message; OK stays OK.
  Status Annotate(std::string_view context) const;
  // "OK", or "DATA_LOSS: message".
  std::string ToString() const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

// A T, or the Status that says why there is none. value() and operator* require ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T value() && { return *std::move(value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  // By value, so that `for (auto& x : *Call())` does not dangle.
  T operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace chroma

// Returns from the enclosing function when `expr`, a Status, is a failure.
#define CHROMA_TRY(expr)                                                                       \
  do {                                                                                         \
    if (::chroma::Status chroma_status_ = (expr); !chroma_status_.ok()) return chroma_status_; \
  } while (false)

#define CHROMA_CONCAT_INNER(a, b) a##b
#define CHROMA_CONCAT(a, b) CHROMA_CONCAT_INNER(a, b)
#define CHROMA_ASSIGN_INNER(result, lhs, expr)         \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = *std::move(result)
// Evaluates `expr`, a Result; returns its Status on failure, else assigns the value to `lhs`,
// which may be a declaration: CHROMA_ASSIGN(auto file, fs.Open(path));
#define CHROMA_ASSIGN(lhs, expr) \
  CHROMA_ASSIGN_INNER(CHROMA_CONCAT(chroma_result_, __LINE__), lhs, expr)
