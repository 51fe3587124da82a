#include "runtime/errno_status.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace chroma::runtime {
namespace {

StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
      return StatusCode::kResourceExhausted;
    case ENOTEMPTY:
      return StatusCode::kFailedPrecondition;
    default:
      return StatusCode::kInternal;
  }
}

}  // namespace

Status ErrnoStatus(std::string_view call, std::string_view path, int error) {
  std::string message(call);
  message += ' ';
  message += path;
  message += ": ";
  message += std::generic_category().message(error);
  return Status(CodeOf(error), std::move(message));
}

}  // namespace chroma::runtime
