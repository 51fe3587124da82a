// The table `requests`: tagged changes (model/request_tag.h) that have taken place.
#pragma once

#include "catalog/connection.h"
#include "model/request_tag.h"

namespace chroma::catalog {

// Steps of the transaction that makes the change.

// Whether it has taken place before; never without a tag. kDeadlineExceeded: it came again so late
// that this is not known any more.
Result<bool> WasDone(Connection& connection, const model::RequestTag& tag);
// It takes place now.
Status NoteDone(Connection& connection, const model::RequestTag& tag);

}  // namespace chroma::catalog
