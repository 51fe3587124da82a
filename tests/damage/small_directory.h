// A small data directory in memory with something of everything, as a set of files that a test
// damages; and all that can be asked of it, as texts that a test compares.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/env.h"

namespace chroma::damage {

using Files = std::map<std::string, Bytes>;  // by path, with empty directories as "path/"

inline constexpr const char* kDirectory = "/db";

// The answers to a fixed list of questions. One that could not be answered has its error.
struct Answer {
  Status status;
  std::string text;
};
using Answers = std::vector<Answer>;

struct SmallDirectory {
  Files closed;   // after an orderly stop
  Files running;  // as a kill leaves them
  // After each write; the last are the answers that `closed` and `running` should give.
  std::vector<Answers> history;
};

// Directories of different seeds have the same shape and nothing in common. `indexed`: each segment
// has a vector index.
SmallDirectory MakeDirectory(uint64_t seed, bool indexed = false);

std::unique_ptr<runtime::FileSystem> Put(const Files& files);
Files Take(runtime::FileSystem& files);
// The kind of each file: "log", "state", "catalog", "manifest", "segment", "FORMAT", …
std::string KindOf(const std::string& path);

// Opens the directory and asks everything; the status of opening when that fails.
Result<Answers> Ask(runtime::FileSystem& files);

// Opens the directory, gives a record of the first collection another value of "n", and compacts
// the collection. What the record is but for its document.
Result<std::string> UpdateAndCompact(runtime::FileSystem& files, const std::string& id);

}  // namespace chroma::damage
