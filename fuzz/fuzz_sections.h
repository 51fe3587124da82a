// Sections as a flat text of their own, for the fuzzer of segments: what it mutates are the
// payloads, and the container around them, with its checksums, is made afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "format/section_format.h"

namespace chroma::fuzz {

struct Section {
  format::SectionType type;
  std::string key;
  uint64_t block_size = 0;  // 0: not in blocks
  Bytes payload;
};

// Per section: varint type, string key, varint block size, string payload. Stops at the first
// that cannot be read.
std::vector<Section> DecodeSections(BytesView bytes);
Bytes EncodeSections(const std::vector<Section>& sections);

// A container with them; their checksums are right.
Bytes WriteSections(const std::vector<Section>& sections);
// What an input is to be taken for, by its first byte: the rest as it is, or as sections that get a
// right container around them. None: not a call that the writer takes.
std::optional<Bytes> ContainerOf(BytesView input);
// The sections of a container.
Result<std::vector<Section>> ReadSections(BytesView container);

}  // namespace chroma::fuzz
