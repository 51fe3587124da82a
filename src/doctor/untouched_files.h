// Files that can be written without a byte of the disk being changed: what is written stays in
// memory and hides what it replaces. So a catalog can be opened, which recovers it, to be looked
// at. Keeps `base` alive no longer than that lives; one task at a time.
#pragma once

#include <memory>

#include "runtime/env.h"

namespace chroma::doctor {

std::unique_ptr<runtime::FileSystem> UntouchedFiles(runtime::Env env);

}  // namespace chroma::doctor
