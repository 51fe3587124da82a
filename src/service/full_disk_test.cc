// A directory that is opened on a full disk.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "service/wiring.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

using engine::CollectionRef;
using testing::FaultFileSystem;
using Call = FaultFileSystem::Call;

Status Add(LocalService& service, const CollectionRef& collection, int first, int n) {
  engine::WriteRequest request;
  model::RecordBatch& batch = request.batch;
  batch.vectors.dimension = 64;
  for (int i = first; i < first + n; ++i) {
    batch.ids.push_back("id" + std::to_string(i));
    batch.has_vector.push_back(1);
    for (int d = 0; d < 64; ++d) batch.vectors.values.push_back(static_cast<float>(i + d));
  }
  request.shape = model::ShapeOf(batch);
  runtime::Context ctx;
  return service.engine().Write(ctx, collection, std::move(request));
}

Result<CollectionRef> Find(LocalService& service) {
  engine::CreateCollectionRequest request;
  request.name = "things";
  request.get_or_create = true;
  runtime::Context ctx;
  return service.engine().CreateCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase,
                                           request);
}

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
    const CollectionRef things = *Find(**service);
    ASSERT_TRUE(Add(**service, things, 0, 100).ok());
    files.SetFault([](Call call, const std::string& path) {
      const bool begins_log = call == Call::kOpen && path.ends_with(".log");
      return begins_log ? Status::ResourceExhausted("no space left") : Status();
    });
    EXPECT_FALSE((*service)->Compact(ctx, things->id).ok());
  }
  files.SetFault(Full);
  auto service = LocalService::Open(env, options);
  ASSERT_TRUE(service.ok()) << service.status().ToString();
  const CollectionRef things = *Find(**service);
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 100u);
  EXPECT_EQ(Add(**service, things, 100, 1).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 100u);
  files.SetFault({});
  EXPECT_TRUE(Add(**service, things, 100, 1).ok());
  EXPECT_EQ(*(*service)->engine().Count(ctx, things), 101u);
}

}  // namespace
}  // namespace chroma::service
