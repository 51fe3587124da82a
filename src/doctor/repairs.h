// Changes files of a data directory, each after it was kept as it is under damaged/NUMBER/ of the
// directory, and in such an order that a crash leaves the old file or the new one. One task.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/env.h"
#include "store/patched_blob.h"

namespace chroma::doctor {

class Repairs {
 public:
  Repairs(runtime::Env env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  // Paths are relative to the directory. Each OK means durable.
  // Copies the file to where it is kept; once, the oldest state wins.
  Status Keep(const std::string& path);
  // Moves the file there.
  Status MoveAside(const std::string& path);
  Status Patch(const std::string& path, const std::vector<store::Patch>& patches);
  Status Truncate(const std::string& path, uint64_t size_bytes);
  Status Replace(const std::string& path, BytesView content);

  // Where files are kept; empty while there are none.
  const std::string& kept_in() const { return kept_in_; }

 private:
  std::string PathOf(const std::string& path) const { return runtime::JoinPath(directory_, path); }
  // The path under which `path` is kept, whose directory exists.
  Result<std::string> KeepingPath(const std::string& path);
  Status Copy(const std::string& from, const std::string& to);
  // Renames the finished `unfinished` to `path`.
  Status PutInPlace(const std::string& unfinished, const std::string& path);

  const runtime::Env env_;
  const std::string directory_;
  std::string kept_in_;
};

}  // namespace chroma::doctor
