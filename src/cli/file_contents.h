// What one file of a data directory holds, read without the directory's owner: segments, vector
// indexes, manifests and log files.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "cli/terminal.h"

namespace chroma::cli {

struct FileContents {
  std::string path;
  std::string kind;  // "segment", "vector index", "manifest", "log"
  uint64_t size_bytes = 0;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<TextTable::Column> columns;
  std::vector<std::vector<std::string>> rows;
};

// kDataLoss naming what is damaged; kInvalidArgument for a file that is none of these.
Result<FileContents> ReadContents(const std::string& path);
std::string ToJson(const FileContents& contents);
std::string ToText(const FileContents& contents, const Terminal& terminal);

// The parts of a data directory and their sizes: catalog, log, blobs, damaged.
std::vector<std::pair<std::string, uint64_t>> PartsOfDirectory(const std::string& path);

}  // namespace chroma::cli
