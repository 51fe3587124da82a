// Sections of a segment that are derived from its other sections, made again from these.
#pragma once

#include <cstdint>

#include "chroma/status.h"
#include "format/section_reader.h"
#include "runtime/context.h"

namespace chroma::segment {

// Whether a section holds nothing that others do not hold.
bool IsDerived(format::SectionType type);

// The payload of a damaged derived section, when its checksum says that it is the one that was
// written; kDataLoss else, or when it is not derived. `rows` and `dimension` are the segment's;
// they do not matter for the segment info.
Result<Bytes> RebuildSection(runtime::Context& ctx, const format::SectionReader& sections,
                             const format::SectionInfo& section, uint32_t rows, uint32_t dimension);

// The payload of a derived section, by type and key alone, as what it is derived from gives it.
Result<Bytes> MakeSection(runtime::Context& ctx, const format::SectionReader& sections,
                          const format::SectionInfo& section, uint32_t rows, uint32_t dimension);

// The id index of whole ids, whatever the section of it looks like.
Result<Bytes> RebuildIdIndex(runtime::Context& ctx, const format::SectionReader& sections,
                             uint32_t rows);

}  // namespace chroma::segment
