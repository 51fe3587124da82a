// Opening a page in the user's browser.
#pragma once

#include <string>

#include "chroma/status.h"

namespace chroma::cli {

// By $BROWSER, or what the desktop has for it. kFailedPrecondition where there is neither.
Status OpenInBrowser(const std::string& url);

}  // namespace chroma::cli
