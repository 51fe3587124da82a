// What a server is told about itself: from a YAML file, with CHROMA_<KEY> environment variables
// over it, or from the program's flags. docs/configuration.md lists the keys.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "runtime/file_system.h"
#include "runtime/log.h"

namespace chroma::service {

// A member has the name of its key.
struct ServerConfig {
  // As upstream's.
  std::string listen_address = "0.0.0.0";
  uint16_t port = 8000;  // 0: any free one
  std::string persist_path = "./chroma";
  bool allow_reset = false;
  uint64_t max_payload_size_bytes = 41'943'040;
  std::vector<std::string> cors_allow_origins;  // {"*"} is all, none turns CORS off

  // Ours.
  std::string unix_socket_path;  // serves there too; empty: no
  bool read_only = false;        // serve what is there, and write nothing in the directory
  runtime::LogLevel log_level = runtime::LogLevel::kInfo;
  runtime::LogFormat log_format = runtime::LogFormat::kText;
  int worker_threads = 64;          // requests that run or wait for the disk at once
  int search_threads = 0;           // 0: one per processor
  uint64_t memory_limit_bytes = 0;  // 0: half of the machine's
  uint64_t connections_max = 16'384;
  int64_t header_timeout_ms = 15'000;         // for the head of a request to arrive
  int64_t body_timeout_ms = 30'000;           // for every 16 KB of its body
  int64_t request_timeout_ms = 0;             // from head to answer; 0: as long as it takes
  int64_t idle_timeout_ms = 300'000;          // between requests of a connection
  int64_t stop_timeout_ms = 30'000;           // for running requests, when the server is stopped
  uint64_t compaction_tail_records = 16'384;  // a collection with more in the log is compacted
  int64_t compaction_idle_ms = 1'000;         // or one that was not written to for so long
  int64_t compaction_settle_ms = 15'000;      // then its segments are merged into one
  uint64_t log_file_bytes = 64 << 20;         // a file of the log is ended beyond

  // Keys of upstream that were given and mean nothing here, sorted.
  std::vector<std::string> ignored_keys;
};

// Names and values of environment variables.
using Environment = std::map<std::string, std::string>;
// That of this process.
Environment ProcessEnvironment();

// Reads the file, then the variables CHROMA_<KEY>, which win. kNotFound for a missing file, and
// kInvalidArgument with file and line (or variable) for text that is no YAML, an unknown key, or
// a value of the wrong type or range. Unknown variables are somebody else's.
Result<ServerConfig> LoadConfig(runtime::FileSystem& files, const std::string& path,
                                const Environment& environment);

// Sets one key, named as in the file, to `text`, written as in a variable. `source` says in
// messages where the text stands.
Status SetConfigKey(std::string_view source, std::string_view name, const std::string& text,
                    ServerConfig* config);

}  // namespace chroma::service
