// What an old collection was configured as, in any of the ways that Chroma has stored it.
#pragma once

#include <string>
#include <vector>

#include "importer/old_collection.h"
#include "importer/old_tables.h"

namespace chroma::importer {

// Fills in shape->schema and shape->has_key_list, for shape->collection and its segments. What
// cannot be understood goes to `warnings`, and the defaults take its place.
void ResolveOldSchema(uint64_t num_threads, OldShape* shape, std::vector<std::string>* warnings);

}  // namespace chroma::importer
