// Runs one fuzz target over files that are given by name or by their directory, with any
// compiler: how ctest replays the corpus.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "fuzz.h"
#include "runtime/file_system.h"

namespace {

using chroma::Status;
using chroma::runtime::FileSystem;

Status Replay(const std::string& path) {
  FileSystem& files = FileSystem::System();
  CHROMA_ASSIGN(auto file, files.Open(path, chroma::runtime::OpenMode::kRead));
  CHROMA_ASSIGN(const uint64_t size_bytes, file->Size());
  // Exactly as long as the input, so that a sanitizer sees the first byte read behind it.
  const auto input = std::make_unique<char[]>(size_bytes);
  CHROMA_ASSIGN(const size_t n, file->ReadAt(0, input.get(), size_bytes));
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  chroma::fuzz::Run({input.get(), n});
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  int replayed = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::string> paths;
    if (auto entries = FileSystem::System().List(argv[i]); entries.ok()) {
      for (const auto& entry : *entries) {
        paths.push_back(chroma::runtime::JoinPath(argv[i], entry.name));
      }
    } else {
      paths.push_back(argv[i]);
    }
    for (const std::string& path : paths) {
      if (const Status status = Replay(path); !status.ok()) {
        std::printf("%s\n", status.ToString().c_str());
        return 1;
      }
      ++replayed;
    }
  }
  std::printf("%d inputs\n", replayed);
  return replayed > 0 ? 0 : 1;
}
