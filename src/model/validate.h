// The checks of requests beyond their JSON shape, with the wire contract's exact texts
// (rest-api.md §5.4, §6, §7). Pure functions; kInvalidArgument on failure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "model/collection.h"
#include "model/filter.h"
#include "model/metadata.h"
#include "model/record.h"

namespace chroma::model {

// The name rule of databases and collections, bare text (§5.4).
Status ValidateName(std::string_view name);
// "database name must be at least 3 characters": the check that routes make first.
Status ValidateDatabaseNameLength(std::string_view name);
// At least three Unicode scalar values, else
// `Validation error: name: Validation error: length [{"value": String("ab"), "min": Number(3)}]`.
Status ValidateTenantName(std::string_view name);

// Key rules and sparse vectors; the bare text of the first problem.
Status ValidateMetadata(const Metadata& metadata);
// Lists of one length, indices that ascend.
Status ValidateSparseVector(const SparseVector& vector);
// And finite values: others are no JSON, so nobody could read the record.
Status ValidateStoredSparseVector(const SparseVector& vector);
// All failing fields of a create or modify request, joined:
// "Validation error: name: …\nmetadata: …".
Status ValidateCreateCollection(std::string_view name, const std::optional<Metadata>& metadata,
                                const std::optional<Schema>& schema);
Status ValidateModifyCollection(const std::optional<std::string>& new_name,
                                const std::optional<Metadata>& new_metadata);

// A write request before its collection's dimension is known (§7.2): empty vectors, non-finite
// components, metadata keys, reserved metadata keys whose value is not a string.
// `vector_lengths` are the lengths as given, in order; they may differ, which is reported after
// the payload checks.
Status ValidateRecordPayload(const RecordBatch& batch, const std::vector<uint32_t>& vector_lengths);
// Equal lengths among themselves, then equal to `dimension` when that is set, else within
// kDimensionMax.
Status ValidateDimensions(const std::vector<uint32_t>& vector_lengths,
                          std::optional<uint32_t> dimension);
// Column lengths, empty ids. The shape tells an empty column from an absent one; without it empty
// columns count as absent.
Status ValidateRecords(const RecordBatch& batch, const BatchShape& shape);
Status ValidateRecords(const RecordBatch& batch);

// `ids`, `where`, `limit` of a delete request (§7.4).
Status ValidateDelete(const std::optional<std::vector<std::string>>& ids, bool has_where,
                      bool has_where_document, bool has_limit);

// Refuses predicates on keys whose index the schema disables (§9.1).
Status ValidateFilterAgainstSchema(const Filter& filter, const Schema& schema);

}  // namespace chroma::model
