#include "doctor/repairs.h"

#include <algorithm>
#include <memory>

namespace chroma::doctor {
namespace {

using runtime::File;
using runtime::JoinPath;
using runtime::OpenMode;

constexpr uint64_t kCopyBytes = 1 << 20;
constexpr const char* kUnfinished = ".mending";

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string(".") : path.substr(0, slash);
}

}  // namespace

Result<std::string> Repairs::KeepingPath(const std::string& path) {
  if (kept_in_.empty()) {
    std::string candidate;
    bool taken = true;
    for (int number = 1; taken; ++number) {
      candidate = PathOf("damaged/" + std::to_string(number));
      CHROMA_ASSIGN(taken, env_.files->Exists(candidate));
    }
    CHROMA_TRY(env_.files->CreateDirectory(candidate));
    kept_in_ = candidate;
  }
  std::string target = JoinPath(kept_in_, path);
  CHROMA_TRY(env_.files->CreateDirectory(ParentOf(target)));
  return target;
}

Status Repairs::Copy(const std::string& from, const std::string& to) {
  CHROMA_ASSIGN(const std::unique_ptr<File> source, env_.files->Open(from, OpenMode::kRead));
  CHROMA_ASSIGN(const std::unique_ptr<File> target, env_.files->Open(to, OpenMode::kCreate));
  CHROMA_TRY(target->Truncate(0));
  Bytes buffer(kCopyBytes, '\0');
  for (uint64_t at = 0;;) {
    CHROMA_ASSIGN(const size_t n, source->ReadAt(at, buffer.data(), buffer.size()));
    if (n == 0) break;
    CHROMA_TRY(target->WriteAt(at, BytesView(buffer).substr(0, n)));
    at += n;
  }
  return target->Sync();
}

Status Repairs::Keep(const std::string& path) {
  CHROMA_ASSIGN(const bool exists, env_.files->Exists(PathOf(path)));
  if (!exists) return Status::Ok();
  CHROMA_ASSIGN(const std::string target, KeepingPath(path));
  CHROMA_ASSIGN(const bool kept, env_.files->Exists(target));
  if (kept) return Status::Ok();
  const std::string unfinished = target + kUnfinished;
  CHROMA_TRY(Copy(PathOf(path), unfinished));
  CHROMA_TRY(env_.files->Rename(unfinished, target));
  return env_.files->SyncDirectory(ParentOf(target));
}

Status Repairs::MoveAside(const std::string& path) {
  CHROMA_ASSIGN(const bool exists, env_.files->Exists(PathOf(path)));
  if (!exists) return Status::Ok();
  CHROMA_ASSIGN(const std::string target, KeepingPath(path));
  CHROMA_ASSIGN(const bool kept, env_.files->Exists(target));
  if (kept) {
    CHROMA_TRY(env_.files->Remove(PathOf(path)));
  } else {
    CHROMA_TRY(env_.files->Rename(PathOf(path), target));
    CHROMA_TRY(env_.files->SyncDirectory(ParentOf(target)));
  }
  return env_.files->SyncDirectory(ParentOf(PathOf(path)));
}

Status Repairs::PutInPlace(const std::string& unfinished, const std::string& path) {
  CHROMA_TRY(env_.files->Rename(unfinished, PathOf(path)));
  return env_.files->SyncDirectory(ParentOf(PathOf(path)));
}

Status Repairs::Patch(const std::string& path, const std::vector<store::Patch>& patches) {
  CHROMA_TRY(Keep(path));
  const std::string unfinished = PathOf(path) + kUnfinished;
  CHROMA_TRY(Copy(PathOf(path), unfinished));
  {
    CHROMA_ASSIGN(const auto file, env_.files->Open(unfinished, OpenMode::kReadWrite));
    for (const store::Patch& patch : patches) {
      CHROMA_TRY(file->WriteAt(patch.offset, patch.bytes));
    }
    CHROMA_TRY(file->Sync());
  }
  return PutInPlace(unfinished, path);
}

Status Repairs::Truncate(const std::string& path, uint64_t size_bytes) {
  CHROMA_TRY(Keep(path));
  CHROMA_ASSIGN(const auto file, env_.files->Open(PathOf(path), OpenMode::kReadWrite));
  CHROMA_TRY(file->Truncate(size_bytes));
  return file->Sync();
}

Status Repairs::Replace(const std::string& path, BytesView content) {
  CHROMA_TRY(Keep(path));
  const std::string unfinished = PathOf(path) + kUnfinished;
  {
    CHROMA_ASSIGN(const auto file, env_.files->Open(unfinished, OpenMode::kCreate));
    CHROMA_TRY(file->Truncate(0));
    CHROMA_TRY(file->WriteAt(0, content));
    CHROMA_TRY(file->Sync());
  }
  return PutInPlace(unfinished, path);
}

}  // namespace chroma::doctor
