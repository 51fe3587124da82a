// What a doctor says of a data directory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chroma::doctor {

enum class Severity : uint8_t {
  kNote,    // what a killed process leaves behind; the next start deals with it, too
  kDamage,  // bytes that are not as they were written
};

enum class Cure : uint8_t {
  kNone,
  kByItself,   // without losing a record
  kBySalvage,  // leaves out what cannot be read: only when asked for
};

struct Finding {
  Severity severity = Severity::kDamage;
  std::string place;  // a file, relative to the directory
  std::string what;
  std::string collection;        // "tenant/database/name (id)", where one is concerned
  uint64_t records = 0;          // that cannot be read, as far as known
  std::vector<std::string> ids;  // of them, as far as they can be named
  Cure cure = Cure::kNone;
  std::string remedy;   // what would be done, or what can be
  std::string outcome;  // what was done; empty: nothing
  bool mended = false;  // and the damage is gone
};

enum class Verdict : uint8_t {
  kHealthy,
  kMended,   // everything that was found is gone (in a dry run: would be)
  kDamaged,  // something remains
};

struct Report {
  std::string path;
  bool dry_run = false;
  Verdict verdict = Verdict::kHealthy;
  std::vector<Finding> findings;
  std::string kept_in;  // where files are kept as they were; empty: none was touched
  // What was looked at.
  uint64_t collections = 0;
  uint64_t segments = 0;
  uint64_t records = 0;      // live ones in segments
  uint64_t log_records = 0;  // above the segments
};

// Lines for people, and one JSON object for programs. `verbose` names all ids.
std::string ToText(const Report& report, bool verbose);
std::string ToJson(const Report& report);

}  // namespace chroma::doctor
