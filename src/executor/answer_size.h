// What an answer takes in memory until it is sent, accounted for while it is made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chroma/status.h"
#include "runtime/context.h"

namespace chroma::executor {

// What is refused as too large an answer.
struct AnswerLimit {
  uint64_t bytes_max = UINT64_MAX;
  std::string_view advice = {};  // how to ask for less

  Status Check(uint64_t bytes) const {
    if (bytes <= bytes_max) return Status::Ok();
    return Status::InvalidArgument("The answer would be larger than " + std::to_string(bytes_max) +
                                   " bytes; " + std::string(advice));
  }
};

// One task at a time.
class AnswerSize {
 public:
  AnswerSize(runtime::Context& ctx, const AnswerLimit& limit) : ctx_(ctx), limit_(limit) {}

  // Fails where it is too much for one answer, or for all that are under way.
  Status Add(uint64_t bytes) {
    bytes_ += bytes;
    CHROMA_TRY(limit_.Check(bytes_));
    return ctx_.ReserveAnswer(bytes);
  }

 private:
  runtime::Context& ctx_;
  const AnswerLimit limit_;
  uint64_t bytes_ = 0;
};

}  // namespace chroma::executor
