#include "api/guard.h"

namespace chroma::api {

const Status& OutOfMemory() {
  static const Status status =
      Status::ResourceExhausted("Not enough memory for this request; ask for less at once");
  return status;
}

}  // namespace chroma::api
