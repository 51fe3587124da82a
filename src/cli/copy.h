// Copies a collection, record by record, over the public API: between directories, servers, tenants
// and databases alike.
//
// The copy grows under another name, NAME.copying-ID with the first eight digits of the original's
// id, and gets its own when it has been compared with the original. So a collection of that name is
// never half a copy, and a copy that was interrupted is found again and goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "chroma/client.h"
#include "chroma/status.h"

namespace chroma::cli {

struct CopyOptions {
  uint32_t batch = 1000;  // records of one request
  bool check = true;      // compare counts and contents at the end
  // An existing collection is made equal to the original; otherwise it has to be that already.
  bool update = false;
  // Of records looked at, in all passes together; false stops with kCancelled. May be empty.
  std::function<bool(uint64_t)> on_progress = {};
};

struct CopyReport {
  std::string name;
  uint64_t records = 0;  // of the original
  uint64_t written = 0;  // in this run
  uint64_t removed = 0;  // by an update
  bool resumed = false;
  bool existed = false;
};

// kAlreadyExists where there is another collection `name`, unless it is to be updated;
// kFailedPrecondition where one differs in what cannot be changed, or from the original after the
// copy (which was written to meanwhile).
Result<CopyReport> CopyCollection(const Collection& from, const Client& to, const std::string& name,
                                  const CopyOptions& options);

// Of the passes that CopyCollection makes over the records of the original.
uint64_t PassesOf(const CopyOptions& options);

}  // namespace chroma::cli
