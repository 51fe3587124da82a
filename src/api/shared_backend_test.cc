// One directory, several clients and processes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/clients_fixture.h"
#include "chroma/client.h"
#include "chroma/import.h"
#include "chroma/interrupt.h"
#include "testing/quiet_fork.h"

namespace chroma::api {
namespace {

Records One(const std::string& id, float x) {
  Records records;
  records.ids = {id};
  records.embeddings = {{x, 1.0F}};
  return records;
}

TEST(SharedBackend, ClientsOfOneDirectorySeeEachOthersWrites) {
  TemporaryDirectory directory;
  Result<Client> one = PersistentClient(directory.path());
  Result<Client> two = PersistentClient(directory.path());
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  ASSERT_TRUE(two.ok()) << two.status().ToString();
  Collection a = *one->CreateCollection("things");
  Collection b = *two->GetCollection("things");
  EXPECT_TRUE(b.Add(One("x", 1)).ok());
  EXPECT_EQ(*a.Count(), 1u);
  EXPECT_EQ(two->CreateCollection("things").status().code(), StatusCode::kAlreadyExists);
  // The first, which did the work, ends: the second does it from then on.
  { Client ended = *std::move(one); }
  one = Status::Unavailable("closed");
  a = b;
  EXPECT_EQ(*b.Count(), 1u);
  EXPECT_TRUE(b.Upsert(One("y", 2)).ok());
  EXPECT_EQ(*b.Count(), 2u);
}

TEST(SharedBackend, ReadOnlyClientsReadBothWays) {
  TemporaryDirectory directory;
  LocalOptions options;
  options.read_only = true;
  EXPECT_EQ(PersistentClient(directory.path(), options).status().code(), StatusCode::kNotFound);
  Result<Client> writer = PersistentClient(directory.path());
  ASSERT_TRUE(writer->CreateCollection("things")->Add(One("x", 1)).ok());
  for (const bool owned : {true, false}) {
    if (!owned) writer = Status::Unavailable("closed");
    Result<Client> reader = PersistentClient(directory.path(), options);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    Result<Collection> things = reader->GetOrCreateCollection("things");
    ASSERT_TRUE(things.ok()) << things.status().ToString();
    EXPECT_EQ(*things->Count(), 1u);
    EXPECT_EQ(things->Get()->ids, std::vector<std::string>{"x"});
    EXPECT_EQ(things->Add(One("y", 1)).code(), StatusCode::kPermissionDenied);
    EXPECT_EQ(reader->CreateCollection("other").status().code(), StatusCode::kPermissionDenied);
    EXPECT_EQ(reader->DeleteCollection("things").code(), StatusCode::kPermissionDenied);
  }
}

TEST(SharedBackend, CallsAreGivenUp) {
  const TemporaryDirectory directory;
  for (Result<Client> client : {PersistentClient(directory.path()), EphemeralClient()}) {
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    Collection things = *client->CreateCollection("things");
    ASSERT_TRUE(things.Add(One("x", 1)).ok());
    std::atomic<bool> interrupted = false;
    const QueryOptions query = {.query_embeddings = {{1.0F, 1.0F}}};
    {
      const InterruptScope scope(interrupted);
      EXPECT_TRUE(things.Add(One("y", 1)).ok());
      interrupted = true;
      EXPECT_EQ(things.Query(query).status().code(), StatusCode::kCancelled);
      EXPECT_EQ(things.Add(One("z", 1)).code(), StatusCode::kCancelled);
      const std::atomic<bool> never = false;
      {
        const InterruptScope inner(never);
        EXPECT_EQ(things.Query(query)->ids[0].size(), 2u);
      }
      EXPECT_EQ(things.Query(query).status().code(), StatusCode::kCancelled);
    }
    EXPECT_EQ(*things.Count(), 2u);
  }
}

TEST(SharedBackend, AnInterruptedImportGoesOn) {
  TemporaryDirectory directory;
  const std::string unpack =
      "tar -xf " CHROMA_IMPORT_TESTDATA "/chroma-1.5.9.tar.xz -C " + directory.path();
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  const std::string old = directory.path() + "/db";
  const std::string imported = directory.path() + "/new";
  std::atomic<bool> interrupted = false;
  {
    const InterruptScope scope(interrupted);
    ImportOptions options;
    options.progress = [&](const ImportProgress& now) {
      interrupted = now.step == ImportProgress::Step::kWriting;
      return true;
    };
    EXPECT_EQ(ImportDirectory(old, imported, options).status().code(), StatusCode::kCancelled);
  }
  EXPECT_EQ(PersistentClient(imported).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ImportDirectory(old, imported)->complete());
  EXPECT_EQ(*PersistentClient(imported)->GetCollection("mixed")->Count(), 62u);
}

TEST(SharedBackend, ImportsOnceWhatChromaWrote) {
  TemporaryDirectory directory;
  const std::string unpack =
      "tar -xf " CHROMA_IMPORT_TESTDATA "/chroma-1.5.9.tar.xz -C " + directory.path();
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  const std::string old = directory.path() + "/db";
  EXPECT_EQ(PersistentClient(old).status().code(), StatusCode::kFailedPrecondition);
  LocalOptions options;
  options.import_upstream = true;
  for (const uint64_t before : {62, 63}) {
    Result<Client> client = PersistentClient(old, options);
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    const Collection mixed = *client->GetCollection("mixed");
    EXPECT_EQ(*mixed.Count(), before);
    Records records;
    records.ids = {"later"};
    records.embeddings.Append(std::vector<float>(*mixed.info().dimension, 0.5F));
    EXPECT_TRUE(mixed.Add(std::move(records)).ok());
  }
  EXPECT_EQ(PersistentClient(old).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(PersistentClient(old + "-imported").ok());
}

TEST(SharedBackend, AFailedImportIsNoEmptyDatabase) {
  TemporaryDirectory directory;
  const std::string old = directory.path() + "/db";
  std::filesystem::create_directory(old);
  std::ofstream(old + "/chroma.sqlite3") << std::string(8192, 'x');
  LocalOptions options;
  options.import_upstream = true;
  EXPECT_EQ(PersistentClient(old, options).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(PersistentClient(old, options).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(PersistentClient(old + "-imported").status().code(), StatusCode::kFailedPrecondition);
}

TEST(SharedBackend, WhatAnImportByCommandLeftIsNoEmptyDatabaseEither) {
  TemporaryDirectory directory;
  const std::string old = directory.path() + "/db";
  std::filesystem::create_directory(old);
  std::ofstream(old + "/chroma.sqlite3") << std::string(8192, 'x');
  EXPECT_EQ(ImportDirectory(old, old + "-imported").status().code(), StatusCode::kDataLoss);
  LocalOptions options;
  options.import_upstream = true;
  EXPECT_EQ(PersistentClient(old, options).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(PersistentClient(old + "-imported").status().code(), StatusCode::kFailedPrecondition);
}

#if !defined(CHROMA_THREAD_SANITIZER)
TEST(SharedBackend, AForkedChildUsesTheClientOfItsParent) {
  TemporaryDirectory directory;
  Result<Client> client = PersistentClient(directory.path());
  Collection things = *client->CreateCollection("things");
  ASSERT_TRUE(things.Add(One("parent", 1)).ok());
  const pid_t child = testing::QuietFork();
  if (child == 0) {
    const bool ok =
        things.Add(One("child", 2)).ok() && *things.Count() == 2 &&
        things.Query({.query_embeddings = {{2.0F, 1.0F}}, .n_results = 1})->ids[0][0] == "child";
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*things.Count(), 2u);
}
#endif

}  // namespace
}  // namespace chroma::api
