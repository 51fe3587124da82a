// CSV as RFC 4180 has it: cells with quotes around them may hold commas, line ends and, doubled,
// quotes. The first row names the columns: id, embedding, document, uri, metadata (a JSON object),
// and metadata.KEY for single values.
//
// Values keep their types: a cell of metadata that is a JSON number, true, false, an array, an
// object or a text in quotes is that; every other cell is the text that it shows. An empty cell is
// no value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "transfer/record_file.h"

namespace chroma::transfer {

std::unique_ptr<RecordWriter> MakeCsvWriter(std::vector<std::string> metadata_keys);
std::unique_ptr<RecordReader> MakeCsvReader();

}  // namespace chroma::transfer
