// catalog/sqlite_catalog.h: opening, reading and writing a catalog whose files hold any bytes. An
// input is one byte of choices, then either a whole database or changes of a real one, whose
// identity and page checksums are made right afterwards (what a malicious writer can do).
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "catalog/sqlite_catalog.h"
#include "catalog/sqlite_vfs.h"
#include "fuzz.h"
#include "runtime/log.h"

namespace chroma::fuzz {
namespace {

constexpr uint8_t kRepairHeader = 1;
constexpr uint8_t kRepairPages = 2;
constexpr uint8_t kChanges = 4;  // of a real catalog: u8 file, u16 offset, u8 length, bytes; …
constexpr size_t kChangesMax = 64;
constexpr size_t kPageBytesAt = 16;
constexpr size_t kReserveAt = 20;
constexpr size_t kApplicationIdAt = 68;
constexpr size_t kHeaderBytes = 100;
constexpr const char* kFile = "/catalog.sqlite3";

void RepairHeader(Bytes& file) {
  if (file.size() < kHeaderBytes) return;
  file.replace(0, 16, std::string_view("SQLite format 3\0", 16));
  file[kReserveAt] = catalog::kPageReserveBytes;
  file.replace(kApplicationIdAt, 4, "Chrm");
}

void RepairPages(Bytes& file) {
  if (file.size() < kHeaderBytes) return;
  const size_t page_bytes = static_cast<size_t>(static_cast<uint8_t>(file[kPageBytesAt])) << 8 |
                            static_cast<uint8_t>(file[kPageBytesAt + 1]);
  if (page_bytes < 512) return;
  for (size_t at = 0; at + page_bytes <= file.size(); at += page_bytes) {
    const size_t covered = page_bytes - catalog::kPageReserveBytes;
    Bytes checksum;
    PutFixed(checksum, Checksum(BytesView(file).substr(at, covered)));
    file.replace(at + covered, checksum.size(), checksum);
  }
}

void Put(runtime::FileSystem& files, const std::string& path, BytesView bytes) {
  const auto file = files.Open(path, runtime::OpenMode::kCreate);
  CHECK(file.ok());
  CHECK((*file)->WriteAt(0, bytes).ok());
}

Bytes Content(runtime::FileSystem& files, const std::string& path) {
  const auto file = files.Open(path, runtime::OpenMode::kRead);
  CHECK(file.ok());
  Bytes bytes(*(*file)->Size(), '\0');
  CHECK(*(*file)->ReadAt(0, bytes.data(), bytes.size()) == bytes.size());
  return bytes;
}

struct Files {
  Bytes database;
  Bytes log;
};

// A catalog with two collections: the tables in the database, what was published in the log.
Files RealCatalog() {
  const auto files = runtime::FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  runtime::Context ctx;
  CHECK(catalog::OpenSqliteCatalog(env, kFile).ok());
  const auto catalog = catalog::OpenSqliteCatalog(env, kFile);
  CHECK(catalog.ok());
  for (const char* name : {"one", "other"}) {
    model::Collection collection;
    collection.id = Uuid::FromRandom(1, std::string_view(name).size());
    collection.name = name;
    collection.tenant = model::kDefaultTenant;
    collection.database = model::kDefaultDatabase;
    collection.metadata.emplace();
    collection.metadata->Set("k", std::string("value"));
    CHECK((*catalog)->CreateCollection(ctx, collection, false).ok());
    CHECK((*catalog)->PublishVersion(ctx, {collection.id, 0, "m", 3, {"m", "s"}}).ok());
  }
  return {Content(*files, kFile), Content(*files, std::string(kFile) + "-wal")};
}

void Change(ByteReader& in, Files& files) {
  for (size_t i = 0; i < kChangesMax && !in.AtEnd(); ++i) {
    Bytes& file = in.Fixed<uint8_t>() % 4 == 3 ? files.log : files.database;
    const size_t offset = in.Fixed<uint16_t>();
    const BytesView bytes = in.Raw(in.Fixed<uint8_t>());
    if (!in.ok() || offset > file.size()) return;
    file.replace(offset, std::min(bytes.size(), file.size() - offset), bytes);
  }
}

void ReadAll(runtime::Context& ctx, catalog::Catalog& catalog) {
  (void)catalog.LiveBlobs(ctx);
  (void)catalog.GetTenant(ctx, model::kDefaultTenant);
  (void)catalog.ListDatabases(ctx, model::kDefaultTenant, {});
  (void)catalog.GetCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, "one");
  (void)catalog.ListCollections(ctx, model::kDefaultTenant, model::kDefaultDatabase, {});
  (void)catalog.CountCollections(ctx, model::kDefaultTenant, model::kDefaultDatabase);
  const auto heads = catalog.ListHeads(ctx);
  if (!heads.ok()) return;
  for (const auto& head : *heads) {
    (void)catalog.GetCollectionById(ctx, head.id);
    (void)catalog.IsBlobLive(ctx, head.manifest);
  }
}

void WriteAll(runtime::Context& ctx, catalog::Catalog& catalog) {
  const auto heads = catalog.ListHeads(ctx);
  if (heads.ok()) {
    for (const auto& head : *heads) {
      model::Metadata metadata;
      metadata.Set("fuzz", int64_t{1});
      (void)catalog.RegisterWrite(ctx, head.id, 2, {metadata});
      (void)catalog.PublishVersion(ctx, {head.id, head.version, "m", 1, {"m", "s"}});
    }
  }
  model::Collection collection;
  collection.id = Uuid::FromRandom(3, 4);
  collection.name = "new";
  collection.tenant = model::kDefaultTenant;
  collection.database = model::kDefaultDatabase;
  (void)catalog.CreateCollection(ctx, collection, true);
  (void)catalog.DeleteCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, "one");
  (void)catalog.DeleteDatabase(ctx, model::kDefaultDatabase, model::kDefaultTenant);
  (void)catalog.Reset(ctx);
}

}  // namespace

void Run(BytesView input) {
  if (input.empty()) return;
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  static const Files real = RealCatalog();
  ByteReader in(input);
  const auto choices = in.Fixed<uint8_t>();
  Files files;
  if ((choices & kChanges) != 0) {
    files = real;
    Change(in, files);
  } else {
    files.database = Bytes(in.Raw(in.remaining()));
  }
  if ((choices & kRepairHeader) != 0) RepairHeader(files.database);
  if ((choices & kRepairPages) != 0) RepairPages(files.database);
  auto memory = runtime::FileSystem::InMemory();
  Put(*memory, kFile, files.database);
  if (!files.log.empty()) Put(*memory, std::string(kFile) + "-wal", files.log);

  runtime::Env env;
  env.files = memory.get();
  runtime::Context ctx;
  const auto catalog = catalog::OpenSqliteCatalog(env, kFile);
  if (!catalog.ok()) {
    CHECK(!catalog.status().message().empty());
    return;
  }
  ReadAll(ctx, **catalog);
  WriteAll(ctx, **catalog);
  ReadAll(ctx, **catalog);
}

}  // namespace chroma::fuzz
