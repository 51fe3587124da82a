// Where tests interfere with the engine: places at which the process dies or the simulated power
// fails, and bugs that are there on purpose, to prove that the tests would find them. All of it is
// compiled to nothing unless CHROMA_TEST_POINTS is on (presets test, debug, asan and tsan; never in
// what users run).
//
//   CHROMA_TEST_POINT("log.synced");                          a place with a name
//   if (!CHROMA_PLANTED_BUG("log.skip_sync")) CHROMA_TRY(file->Sync());
//
// Names are "folder.what_has_just_happened" and "folder.what_goes_wrong".
#pragma once

#ifdef CHROMA_TEST_POINTS

#include <functional>
#include <string_view>

namespace chroma::runtime {

// Called at each point passed; one at a time for the process, null for none. Set it while nothing
// else runs. Without one, a process started with CHROMA_KILL_AT=NAME:N in its environment kills
// itself (SIGKILL) when it passes the point NAME for the N-th time.
using TestPointObserver = std::function<void(std::string_view name)>;
void SetTestPointObserver(TestPointObserver observer);
void PassTestPoint(std::string_view name);

// At most one bug is planted; "" for none; at the start the one that CHROMA_PLANT_BUG in the
// environment names. `bug` must outlive its being planted.
void PlantBug(std::string_view bug);
bool IsBugPlanted(std::string_view bug);

}  // namespace chroma::runtime

#define CHROMA_TEST_POINT(name) ::chroma::runtime::PassTestPoint(name)
#define CHROMA_PLANTED_BUG(name) ::chroma::runtime::IsBugPlanted(name)

#else

#define CHROMA_TEST_POINT(name) static_cast<void>(0)
#define CHROMA_PLANTED_BUG(name) false

#endif
