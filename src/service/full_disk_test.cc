// A directory that is opened on a full disk.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service/test_support.h"
#include "service/wiring.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

using engine::CollectionRef;
using testing::FaultFileSystem;
using Call = FaultFileSystem::Call;

// There is room for names of files, as on real disks, and for nothing in them.
Status Full(Call call, const std::string&) {
  const bool needs_room = call == Call::kWrite || call == Call::kReserve;
  return needs_room ? Status::ResourceExhausted("no space left") : Status();
}

// The server died between publishing and trimming, so that what follows a publication is done by
// the start: giving the space back needs a new file of the log, for which there is no room.
TEST(FullDiskTest, ReadsAreServedAndWritesGoOnWhenThereIsRoom) {
  FaultFileSystem files(1);
  runtime::Env env;
  env.files = &files;
  LocalOptions options;
  options.path = "/db";
  options.log.file_bytes_max = 64 << 10;
  runtime::Context ctx;
  {
    auto service = LocalService::Open(env, options);
    ASSERT_TRUE(service.ok()) << service.status().ToString();
    const CollectionRef things = *GetOrCreate(**service, "things");
    ASSERT_TRUE(AddRows(**service, things, 0, 100).ok());
    files.SetFault([](Call call, const std::string& path) {
      const bool begins_log = call == Call::kOpen && path.ends_with(".log");
      return begins_log ? Status::ResourceExhausted("no space left") : Status();
    });
    EXPECT_FALSE((*service)->Compact(ctx, things->id).ok());
  }
  files.SetFault(Full);
  auto service = LocalService::Open(env, options);
  ASSERT_TRUE(service.ok()) << service.status().ToString();
  const CollectionRef things = *GetOrCreate(**service, "things");
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 100u);
  EXPECT_EQ(AddRows(**service, things, 100, 1).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 100u);
  files.SetFault({});
  EXPECT_TRUE(AddRows(**service, things, 100, 1).ok());
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 101u);
}

}  // namespace
}  // namespace chroma::service
