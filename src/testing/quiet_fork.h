// fork() of a process that has threads, for tests.
//
// The child has the heap as it was at that moment. The C library sees to it that its locks are free
// then; the address sanitizer's heap does not, and a child whose parent was allocating waits for
// ever. So with it the fork waits until every other thread sleeps.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/file_system.h"

namespace chroma::testing {

// Whether every thread of this process but the calling one sleeps.
inline bool OthersSleep() {
  constexpr const char* kTasks = "/proc/self/task";
  DIR* const tasks = ::opendir(kTasks);
  if (tasks == nullptr) return true;
  bool all = true;
  while (const dirent* entry = ::readdir(tasks)) {
    const long id = std::atol(entry->d_name);
    if (id == 0 || id == ::gettid()) continue;
    const std::string path = std::string(kTasks) + "/" + entry->d_name + "/stat";
    const auto file = runtime::FileSystem::System().Open(path, runtime::OpenMode::kRead);
    char bytes[256];
    const Result<size_t> n =
        file.ok() ? (*file)->ReadAt(0, bytes, sizeof(bytes)) : Result<size_t>(file.status());
    // The state follows the name, which is in parentheses.
    const std::string_view text(bytes, n.ok() ? *n : 0);
    const size_t name_end = text.rfind(')');
    all &= name_end == std::string_view::npos || text.substr(name_end).starts_with(") S");
  }
  ::closedir(tasks);
  return all;
}

inline pid_t QuietFork() {
#if defined(CHROMA_ADDRESS_SANITIZER)
  constexpr int kTriesMax = 2'000;
  constexpr int kQuietLooks = 3;
  constexpr useconds_t kPauseUs = 5'000;
  for (int tries = 0, quiet = 0; tries < kTriesMax && quiet < kQuietLooks; ++tries) {
    quiet = OthersSleep() ? quiet + 1 : 0;
    ::usleep(kPauseUs);
  }
#endif
  return ::fork();
}

}  // namespace chroma::testing
