// Records as text: JSON Lines and CSV (docs/import-export.md). Writers append to a string, readers
// are fed bytes as they come; neither holds more than what is not finished.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/metadata.h"
#include "chroma/status.h"
#include "chroma/types.h"

namespace chroma::transfer {

enum class FileFormat : uint8_t { kJsonLines, kCsv };

struct FileRecord {
  std::string id;
  std::vector<float> embedding;  // empty: none
  std::optional<std::string> document = {};
  std::optional<std::string> uri = {};
  Metadata metadata = {};
};

class RecordWriter {
 public:
  virtual ~RecordWriter() = default;
  // What stands before the first record.
  virtual void Begin(std::string* out) { static_cast<void>(out); }
  // Record `i` of a read that included everything.
  virtual void Write(const GetResult& records, size_t i, std::string* out) = 0;
};

// `metadata_keys`: the columns of a CSV file; records may have no others.
std::unique_ptr<RecordWriter> MakeRecordWriter(FileFormat format,
                                               std::vector<std::string> metadata_keys);

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // More of the file.
  virtual void Feed(std::string_view bytes) = 0;
  // There is no more.
  virtual void Finish() = 0;
  // The next record; none when it needs more bytes, or at the end. kInvalidArgument, naming the
  // line, for what is no record.
  virtual Result<std::optional<FileRecord>> Next() = 0;
  // The line on which the last record began, from 1.
  virtual uint64_t line() const = 0;
};

std::unique_ptr<RecordReader> MakeRecordReader(FileFormat format);

// By the ending of the name: .csv, or .jsonl, .ndjson and .json; else nothing.
std::optional<FileFormat> FormatOfName(std::string_view name);

}  // namespace chroma::transfer
