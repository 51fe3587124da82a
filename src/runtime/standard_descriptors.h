// Programs that are started without standard input, output or error.
#pragma once

namespace chroma::runtime {

// Opens those of the descriptors 0, 1 and 2 that are closed, so that no file that is opened later
// gets one of them, into which messages would then be written. What they are opened on refuses to
// be read and written as a closed descriptor does. Call it before anything else is opened.
void FillStandardDescriptors();

}  // namespace chroma::runtime
