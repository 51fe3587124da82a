// The way in from directories that Chroma itself wrote, versions 0.5 to 1.5: chroma.sqlite3 and the
// HNSW files beside it. docs/import.md.
//
//   Result<ImportReport> report = ImportDirectory("./old", "./new");
//   if (report.ok() && !report->complete()) std::cerr << report->ToText();
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chroma/export.h"
#include "chroma/status.h"

namespace chroma {

struct ImportProgress {
  enum class Step : uint8_t { kReading, kWriting, kChecking, kIndexing };
  Step step = Step::kReading;
  std::string collection = {};  // empty: of the whole directory
  uint64_t done = 0;            // records of the collection
  uint64_t total = 0;           // 0: not known
};

struct ImportOptions {
  // Go on past damage and save what can be read. Without it damage is kDataLoss, and nothing is
  // written.
  bool salvage = false;
  // Read and report, write nothing.
  bool dry_run = false;
  // Read every record again after it was written, and compare it.
  bool check = true;
  // Build the vector indexes before returning. Without it queries are exact, and the indexes are
  // built when the new directory is opened.
  bool build_indexes = false;
  // Where records that cannot be saved go, most of them for want of an embedding, as JSON Lines
  // with what is left of them; empty: nowhere. Not in one of the directories, and not of a dry run.
  std::string rejects_path = {};
  // Called now and then by the thread that imports; false ends the import with kCancelled.
  std::function<bool(const ImportProgress&)> progress = {};
};

// Something that is in the old directory, or should be, and is not in the new one as it was.
struct ImportLoss {
  std::string tenant = {};
  std::string database = {};
  std::string collection = {};  // empty: not of one collection
  std::string record = {};      // its id; empty: not of one record
  bool saved = false;           // the record is there, without what `what` says
  std::string what = {};
};

struct ImportedCollection {
  std::string id = {};
  std::string name = {};
  std::string tenant = {};
  std::string database = {};
  uint64_t records = 0;   // in the old directory
  uint64_t imported = 0;  // of these, are in the new one
  uint64_t checked = 0;   // of these, were read again and found equal
};

struct ImportReport {
  std::vector<ImportedCollection> collections = {};
  std::vector<ImportLoss> losses = {};
  std::vector<std::string> damage = {};    // where the files are damaged
  std::vector<std::string> warnings = {};  // what to know; nothing is lost by it

  // Whether everything arrived.
  bool complete() const { return losses.empty(); }
  CHROMA_EXPORT std::string ToJson() const;
  // For people: lines of text.
  CHROMA_EXPORT std::string ToText() const;
};

// Imports all of `old_path`, which is only read and must not be open in a running Chroma, into the
// directory `new_path`: tenants, databases, collections with their ids, records in their order.
// `new_path` may be new, empty, or a directory of this project that has none of the collections;
// no other process may have it open. An import that was interrupted goes on when it is started
// again with the same paths; until then the directory cannot be opened otherwise.
//
// kNotFound when there is nothing to import; kAlreadyExists when a collection of that name, or id,
// is there; kDataLoss for damage (see ImportOptions::salvage); kFailedPrecondition when the old
// directory changes meanwhile; and the errors of PersistentClient.
CHROMA_EXPORT Result<ImportReport> ImportDirectory(const std::string& old_path,
                                                   const std::string& new_path,
                                                   ImportOptions options = {});

// Whether `path` is such a directory.
CHROMA_EXPORT Result<bool> IsUpstreamDirectory(const std::string& path);

}  // namespace chroma
