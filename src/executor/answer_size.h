// What an answer takes in memory until it is sent, accounted for while it is made.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "chroma/status.h"
#include "runtime/context.h"

namespace chroma::executor {

// One task at a time.
class AnswerSize {
 public:
  // `advice`: how to ask for less.
  AnswerSize(runtime::Context& ctx, uint64_t bytes_max, std::string advice)
      : ctx_(ctx), bytes_max_(bytes_max), advice_(std::move(advice)) {}

  // Fails where it is too much for one answer, or for all that are under way.
  Status Add(uint64_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= bytes_max_) return ctx_.ReserveAnswer(bytes);
    return Status::InvalidArgument("The answer would be larger than " + std::to_string(bytes_max_) +
                                   " bytes; " + advice_);
  }

 private:
  runtime::Context& ctx_;
  const uint64_t bytes_max_;
  const std::string advice_;
  uint64_t bytes_ = 0;
};

}  // namespace chroma::executor
