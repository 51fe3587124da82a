// A log that hands every call on to another: for tests that change one of them.
#pragma once

#include <utility>
#include <vector>

#include "log/log.h"

namespace chroma::testing {

class ForwardingLog : public log::Log {
 public:
  // `log` outlives it.
  explicit ForwardingLog(log::Log& log) : log_(log) {}

  using Log::Append;
  Result<uint64_t> Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                          uint32_t count, const Prepare& prepare) override {
    return log_.Append(ctx, collection, std::move(payload), count, prepare);
  }
  Result<std::vector<log::Entry>> Read(runtime::Context& ctx, const Uuid& collection, uint64_t from,
                                       size_t bytes_max) override {
    return log_.Read(ctx, collection, from, bytes_max);
  }
  Result<uint64_t> End(runtime::Context& ctx, const Uuid& collection) override {
    return log_.End(ctx, collection);
  }
  Status Trim(runtime::Context& ctx, const Uuid& collection, uint64_t offset) override {
    return log_.Trim(ctx, collection, offset);
  }
  Status Forget(runtime::Context& ctx, const Uuid& collection) override {
    return log_.Forget(ctx, collection);
  }
  std::vector<Backlog> Backlogs() override { return log_.Backlogs(); }
  uint64_t BacklogBytes(const Uuid& collection) override { return log_.BacklogBytes(collection); }
  AllBacklogs SumBacklogs() override { return log_.SumBacklogs(); }

 private:
  log::Log& log_;
};

}  // namespace chroma::testing
