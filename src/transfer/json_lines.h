#pragma once

#include <memory>

#include "transfer/record_file.h"

namespace chroma::transfer {

std::unique_ptr<RecordWriter> MakeJsonLinesWriter();
std::unique_ptr<RecordReader> MakeJsonLinesReader();

// One line, without its end. kInvalidArgument, without the line's number.
Result<FileRecord> DecodeJsonLine(std::string_view line);

// What is wrong with a record whatever the file's format: text that is not UTF-8, an id that is
// empty, a number that is not finite.
Status CheckFileRecord(const FileRecord& record);

// Longer ones are refused: nobody knows what is in them.
inline constexpr size_t kRecordBytesMax = 256 << 20;

}  // namespace chroma::transfer
