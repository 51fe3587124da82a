// Chroma from C++: everything. docs/cpp-api.md begins with an example.
#pragma once

#include "chroma/client.h"
#include "chroma/collection.h"
#include "chroma/extensions.h"
#include "chroma/filter.h"
#include "chroma/import.h"
#include "chroma/interrupt.h"
#include "chroma/metadata.h"
#include "chroma/search.h"
#include "chroma/status.h"
#include "chroma/types.h"
