#include "catalog/request_table.h"

namespace chroma::catalog {

Result<bool> WasDone(Connection& connection, const model::RequestTag& tag) {
  if (tag.id == 0) return false;
  {
    Statement known = connection.Query("SELECT 1 FROM requests WHERE id = ?");
    CHROMA_ASSIGN(const bool found, known.Uint(tag.id).Step());
    if (found) return true;
  }
  const int64_t now_ns = connection.env().clock->MonotonicNs();
  if (tag.repeated && now_ns - tag.sent_ns > model::kTagKeptNs) {
    return Status::DeadlineExceeded(
        "the request may or may not have taken place: it came again too late to tell");
  }
  return false;
}

Status NoteDone(Connection& connection, const model::RequestTag& tag) {
  if (tag.id == 0) return Status::Ok();
  const int64_t now_ns = connection.env().clock->MonotonicNs();
  // Some while longer than promised: a request may have waited. What is of the future is of an
  // earlier boot of the machine.
  CHROMA_TRY(connection.Query("DELETE FROM requests WHERE done_ns < ?")
                 .Int(now_ns - 10 * model::kTagKeptNs)
                 .Run());
  CHROMA_TRY(connection.Query("DELETE FROM requests WHERE done_ns > ?").Int(now_ns).Run());
  return connection.Query("INSERT INTO requests VALUES (?, ?)").Uint(tag.id).Int(now_ns).Run();
}

}  // namespace chroma::catalog
