// Files of records as commands name them: a path, or "-" for stdin and stdout.
#pragma once

#include <memory>
#include <string>

#include "chroma/status.h"
#include "transfer/transfer.h"

namespace chroma::cli {

class Terminal;

// `format` is what the user said, or empty: then the file's name tells it. kInvalidArgument where
// neither does.
Result<transfer::FileFormat> FormatOf(const std::string& format, const std::string& file);

Result<std::unique_ptr<transfer::ByteSource>> OpenRecords(const std::string& file);
// Whether what is written there is gone, as into a pipe, a device, or what is open already: "-",
// /dev/stdout and links to them.
bool IsStream(const std::string& file);
// kInvalidArgument where it names a descriptor that is not open. To be asked before anything is
// opened here, which would get its number.
Status CheckDescriptor(const std::string& file);
// A stream becomes stdout; a file appears when it is whole, in place of what was there.
// kInvalidArgument for a directory. The terminal outlives it.
Result<std::unique_ptr<transfer::ByteSink>> CreateRecords(const std::string& file,
                                                          Terminal& terminal);

}  // namespace chroma::cli
