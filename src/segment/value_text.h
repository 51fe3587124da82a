// The text index of a metadata column's strings (index/text/text_index.h), whose rows are here the
// entries of the column: of its dictionary, or else its values or elements, in order. With it the
// strings that contain a text, or have its words, are found without a look at the others.
//
//   u64 bytes of terms, u64 bytes of postings, then terms, postings, trigrams
//
// A section of no bytes says that the column does without: such an index would be larger than
// kShareMax of its strings, as that of strings without common words is, or exceed its limits.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "format/metadata_column.h"
#include "index/text/text_index.h"

namespace chroma::segment {

// Whether a column that is written gets such a section. Fewer bytes of strings are searched as
// quickly.
bool HasValueText(const format::MetadataColumnReader& column);
Bytes EncodeValueText(const format::StringReader& entries);

// Of a section that is not empty. Does not own the bytes. kDataLoss when they are not of `entries`
// strings.
Result<index::TextIndexReader> OpenValueText(BytesView section, uint64_t entries);

}  // namespace chroma::segment
