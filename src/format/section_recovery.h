// What of a damaged container can be made again exactly, because something else in it says the
// same: the file header and the zeros are always the same, a frame repeats the footer's entry, and
// the footer can be told from the frames. Nothing here guesses: bytes are right or there are none.
#pragma once

#include <memory>
#include <vector>

#include "chroma/status.h"
#include "format/section_reader.h"
#include "runtime/context.h"
#include "store/blob_store.h"
#include "store/patched_blob.h"

namespace chroma::format {

// Footer and trailer from the frames, when these account for every byte before it, it is as long
// as what is there, and mostly the same: so a container that was cut off, or lost a section, is
// kDataLoss.
Result<store::Patch> RecoverEnd(runtime::Context& ctx, const store::Blob& blob);

// What makes file header, frames and the zeros between sections right. `sections` knows all types.
Result<std::vector<store::Patch>> RecoverFraming(runtime::Context& ctx,
                                                 const SectionReader& sections);

// Opens the container, with its end recovered where it is damaged. `patches`, when
// given, gets what makes it right.
Result<SectionReader> OpenRecovered(runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
                                    bool (*known)(SectionType),
                                    std::vector<store::Patch>* patches = nullptr);

}  // namespace chroma::format
