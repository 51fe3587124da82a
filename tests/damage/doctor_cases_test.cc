// Every kind of damage: found, named, mended or refused; and what the engine serves afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/coding.h"
#include "format/manifest.h"
#include "format/section_writer.h"
#include "segment/vector_index_blob.h"
#include "service/examine.h"
#include "small_directory.h"
#include "testing/memory_blobs.h"

namespace chroma::damage {
namespace {

using doctor::Cure;
using doctor::Report;
using doctor::Verdict;
using ::testing::HasSubstr;

class DoctorCasesTest : public ::testing::Test {
 protected:
  DoctorCasesTest() { Use(Whole().closed); }

  static const SmallDirectory& Whole() {
    static const SmallDirectory directory = MakeDirectory(1);
    return directory;
  }

  void Use(Files files) {
    files_ = std::move(files);
    memory_ = Put(files_);
  }
  // Changes a file of the directory.
  void Damage(const std::string& path, const std::function<void(Bytes&)>& change) {
    ASSERT_TRUE(files_.contains(path)) << path;
    change(files_[path]);
    memory_ = Put(files_);
  }
  std::string Find(const std::string& kind, size_t nth = 0) {
    for (const auto& [path, content] : files_) {
      if (!path.ends_with('/') && KindOf(path) == kind && nth-- == 0) return path;
    }
    ADD_FAILURE() << "no " << kind;
    return "";
  }

  // Also checks that a dry run says the same and changes nothing.
  Report Examine(bool salvage = false) {
    const Files before = Take(*memory_);
    const Report dry = Run({true, salvage});
    Files after = Take(*memory_);
    EXPECT_EQ(before, after);
    const Report report = Run({false, salvage});
    EXPECT_EQ(dry.verdict == Verdict::kHealthy, report.verdict == Verdict::kHealthy);
    if (report.verdict != Verdict::kHealthy) {
      EXPECT_FALSE(dry.findings.empty());
    }
    EXPECT_FALSE(doctor::ToText(report, false).empty());
    EXPECT_FALSE(doctor::ToJson(report).empty());
    return report;
  }
  Report Run(service::ExamineOptions options) {
    runtime::Context ctx;
    runtime::Env env;
    env.files = memory_.get();
    auto report = service::ExamineDirectory(ctx, env, kDirectory, options);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *std::move(report) : Report();
  }

  // What is wrong, mended, and right afterwards.
  Report ExpectMended(const std::string& what, bool salvage = false) {
    Report report = Examine(salvage);
    EXPECT_EQ(report.verdict, Verdict::kMended) << doctor::ToText(report, true);
    EXPECT_THAT(doctor::ToText(report, true), HasSubstr(what));
    EXPECT_EQ(Run({true, false}).verdict, Verdict::kHealthy) << "after mending";
    return report;
  }
  void ExpectAnswers(const Answers& right) {
    const auto answers = Ask(*memory_);
    ASSERT_TRUE(answers.ok()) << answers.status().ToString();
    ASSERT_EQ(answers->size(), right.size());
    for (size_t i = 0; i < right.size(); ++i) {
      EXPECT_EQ((*answers)[i].status.code(), right[i].status.code()) << i;
      EXPECT_EQ((*answers)[i].text, right[i].text) << i;
    }
  }
  void ExpectAllAnswers() { ExpectAnswers(Whole().history.back()); }

  // Damage that no checksum can undo, in the middle of `needle`.
  void Destroy(const std::string& path, const std::string& needle) {
    Damage(path, [&](Bytes& bytes) {
      const size_t at = bytes.find(needle);
      ASSERT_NE(at, Bytes::npos) << needle;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      bytes[at + 1] = static_cast<char>(bytes[at + 1] ^ 0x2a);
    });
  }

  Files files_;
  std::unique_ptr<runtime::FileSystem> memory_;
};

TEST_F(DoctorCasesTest, AHealthyDirectory) {
  for (const Files* files : {&Whole().closed, &Whole().running}) {
    Use(*files);
    const Report report = Examine();
    EXPECT_EQ(report.verdict, Verdict::kHealthy) << doctor::ToText(report, true);
    EXPECT_EQ(report.collections, 4u);
    EXPECT_EQ(report.segments, 2u);
    EXPECT_EQ(report.records, 12u);
    EXPECT_EQ(report.log_records, 10u);
    EXPECT_TRUE(report.kept_in.empty());
    ExpectAllAnswers();
  }
}

class DoctorIndexTest : public DoctorCasesTest {
 protected:
  DoctorIndexTest() { Use(Indexed().closed); }

  static const SmallDirectory& Indexed() {
    static const SmallDirectory directory = MakeDirectory(1, /*indexed=*/true);
    return directory;
  }
  std::vector<std::string> Indexes() {
    std::vector<std::string> paths;
    for (const auto& [path, content] : files_) {
      if (path.ends_with(".index")) paths.push_back(path);
    }
    EXPECT_EQ(paths.size(), 2U);
    return paths;
  }
  // Puts an index that is of another space, or of one row less, in the place of one.
  void Replace(bool other_space) {
    const std::string blobs = std::string(kDirectory) + "/blobs/";
    const std::string manifest_path = Find("manifest");
    auto manifest = format::DecodeManifest(files_[manifest_path], "manifest");
    ASSERT_TRUE(manifest.ok());
    format::ManifestIndex& named = manifest->segments.at(0).indexes.at(0);
    runtime::Context ctx;
    const auto blob = std::make_shared<testing::MemoryBlob>("", files_[blobs + named.blob]);
    const auto index = segment::VectorIndexReader::Open(ctx, blob, nullptr);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    index::CodeSpace space = (*index)->space();
    index::Graph graph = (*index)->graph();
    ASSERT_EQ(space.space, model::Space::kL2);
    if (other_space) {
      space.space = model::Space::kCosine;
    } else {
      --graph.rows.n;
    }
    testing::MemoryBlobStore store;
    const auto written = segment::WriteVectorIndex(ctx, store, "index", space, graph, {},
                                                   (*index)->segment_checksum());
    ASSERT_TRUE(written.ok());
    files_[blobs + named.blob] = store.Content("index");
    named.size_bytes = written->size_bytes;
    named.checksum = written->checksum;
    files_[manifest_path] = format::EncodeManifest(*manifest);
    memory_ = Put(files_);
  }
  // Codes lie behind the first page.
  void DamageIndex(const std::string& path) {
    Damage(path, [](Bytes& bytes) { bytes[4100] = static_cast<char>(bytes[4100] ^ 0x55); });
  }
};

TEST_F(DoctorIndexTest, AHealthyDirectory) {
  EXPECT_EQ(Examine().verdict, Verdict::kHealthy);
  ExpectAnswers(Indexed().history.back());
}

TEST_F(DoctorIndexTest, DamagedIndexesAreDropped) {
  for (const size_t count : {1, 2}) {
    Use(Indexed().closed);
    for (size_t i = 0; i < count; ++i) DamageIndex(Indexes()[i]);
    const Report report = ExpectMended("the next start builds it again");
    EXPECT_EQ(report.findings.size(), count);
    for (const auto& finding : report.findings) EXPECT_EQ(finding.records, 0U);
    ExpectAnswers(Indexed().history.back());
  }
}

// Nothing about the blob itself is wrong, nor about the manifest.
TEST_F(DoctorIndexTest, AnIndexThatDoesNotFit) {
  for (const bool other_space : {true, false}) {
    Use(Indexed().closed);
    Replace(other_space);
    const Report report = ExpectMended(other_space ? "it is of another space than the collection"
                                                   : "it is of another number of rows");
    EXPECT_EQ(report.findings.size(), 1U);
    ExpectAnswers(Indexed().history.back());
  }
}

TEST_F(DoctorIndexTest, AnIndexOfAnEarlierProgramIsNoDamage) {
  testing::MemoryBlobStore store;
  runtime::Context ctx;
  auto blob = store.Create(ctx, "index");
  ASSERT_TRUE(blob.ok());
  format::SectionWriter out(*std::move(blob));
  Bytes info;
  PutFixed(info, uint32_t{3});  // its layout
  ASSERT_TRUE(out.Write(format::SectionType::kGraphInfo, {}, info).ok());
  ASSERT_TRUE(out.Finish(ctx).ok());
  files_[Indexes()[0]] = store.Content("index");
  memory_ = Put(files_);
  ExpectAnswers(Indexed().history.back());
  Use(files_);
  const Report report = ExpectMended("which an earlier program wrote");
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].severity, doctor::Severity::kNote);
  ExpectAnswers(Indexed().history.back());
}

TEST_F(DoctorIndexTest, AMissingIndex) {
  files_.erase(Indexes()[0]);
  memory_ = Put(files_);
  ExpectMended("it is missing");
  ExpectAnswers(Indexed().history.back());
}

// The other damage is not of a blob.
TEST_F(DoctorIndexTest, ADamagedIndexAndNoLog) {
  DamageIndex(Indexes()[0]);
  std::erase_if(files_, [](const auto& file) { return file.first.starts_with("/db/log"); });
  memory_ = Put(files_);
  const Report report = Examine();
  EXPECT_EQ(report.verdict, Verdict::kDamaged);
  EXPECT_THAT(doctor::ToText(report, true), HasSubstr("the next start builds it again"));
}

// One flipped bit comes back wherever it is.
TEST_F(DoctorCasesTest, FlippedBits) {
  for (const auto& [path, content] : Whole().closed) {
    const std::string kind = KindOf(path);
    if (content.empty() || kind == "LOCK") continue;
    // Behind what is used of a slot nothing matters.
    const size_t used = kind == "state" ? 64 : content.find_last_not_of('\0') + 1;
    for (const double where : {0.0, 0.31, 0.64, 0.97}) {
      const auto at = static_cast<size_t>(static_cast<double>(used) * where);
      SCOPED_TRACE(path + " byte " + std::to_string(at));
      Use(Whole().closed);
      Damage(path, [&](Bytes& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 4); });
      ExpectMended(kind == "FORMAT" ? "damaged" : "");
      ExpectAllAnswers();
      if (HasFailure()) return;
    }
  }
}

// Also in the log of a catalog that was killed, where SQLite would take it for the end.
TEST_F(DoctorCasesTest, FlippedBitsOfTheCatalogLog) {
  for (const double where : {0.0, 0.0002, 0.1, 0.3, 0.6, 0.9}) {
    Use(Whole().running);
    const std::string path = Find("catalog log");
    const auto at = static_cast<size_t>(static_cast<double>(files_[path].size()) * where);
    SCOPED_TRACE(at);
    Damage(path, [&](Bytes& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 2); });
    ExpectMended("flipped bit");
    ExpectAllAnswers();
  }
}

TEST_F(DoctorCasesTest, KeepsWhatItTouches) {
  const std::string path = Find("manifest");
  Damage(path, [](Bytes& bytes) { bytes[30] = static_cast<char>(bytes[30] ^ 1); });
  const Report report = ExpectMended("one bit of it flipped");
  EXPECT_EQ(report.kept_in, "/db/damaged/1");
  const Files now = Take(*memory_);
  EXPECT_EQ(now.at(path), Whole().closed.at(path));
  EXPECT_EQ(now.at("/db/damaged/1" + path.substr(3)), files_.at(path));
}

TEST_F(DoctorCasesTest, FilesThatNobodyNames) {
  Files files = Whole().closed;
  files["/db/blobs/x/"] = "";
  files["/db/blobs/x/left.segment"] = "anything";
  files["/db/blobs/x/half.segment.3.tmp"] = "anything";
  files["/db/log/0000000099.log"] = "";
  Use(files);
  const Report report = ExpectMended("no collection names it (8 bytes)");
  EXPECT_EQ(report.findings.size(), 3u);
  const Files now = Take(*memory_);
  EXPECT_FALSE(now.contains("/db/blobs/x/left.segment"));
  EXPECT_FALSE(now.contains("/db/log/0000000099.log"));
  ExpectAllAnswers();
}

TEST_F(DoctorCasesTest, AnUnfinishedWrite) {
  Use(Whole().running);
  std::string newest;
  for (const auto& [path, content] : files_) {
    if (KindOf(path) == "log") newest = path;
  }
  Damage(newest, [](Bytes& bytes) { bytes += Bytes(40, 'x'); });
  ExpectMended("40 bytes");
  ExpectAllAnswers();
}

TEST_F(DoctorCasesTest, DamagedRecordsOfASegment) {
  // Of the compacted collection: all documents are in one block.
  std::string path;
  for (size_t nth : {0, 1}) {
    path = Find("segment", nth);
    if (!files_[path].empty()) break;
  }
  Damage(path, [](Bytes& bytes) {
    // The block is compressed: the start of its literals stands as it is.
    const size_t at = bytes.find("document 0");
    ASSERT_NE(at, Bytes::npos);
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(bytes[at + i] ^ 0x55);
  });
  const Report refused = Examine();
  EXPECT_EQ(refused.verdict, Verdict::kDamaged);
  ASSERT_EQ(refused.findings.size(), 1u);
  EXPECT_EQ(refused.findings[0].cure, Cure::kBySalvage);
  EXPECT_EQ(refused.findings[0].records, 6u);
  EXPECT_THAT(refused.findings[0].ids,
              ::testing::ElementsAre("id0", "id1", "id2", "id3", "id4", "id5"));
  EXPECT_THAT(refused.findings[0].collection, HasSubstr("default_tenant/default_database/"));
  EXPECT_TRUE(refused.kept_in.empty());
  // Only when asked: then the other records are served, and the engine works.
  const Report report = ExpectMended("without 6 records", true);
  const auto answers = Ask(*memory_);
  ASSERT_TRUE(answers.ok());
  for (const Answer& answer : *answers) EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
}

// The log is drained, and what was given is kept, with what is whole.
class DoctorCarriedTest : public DoctorCasesTest {
 protected:
  static constexpr const char* kUpdated = "id2|n=77|tag=even\n2.000000 2.125000 2.250000 2.375000 ";

  // Of the first collection, whose documents are in one block.
  void DamageDocuments(size_t bytes_damaged) {
    const std::string id = (*Ask(*memory_))[1].text;
    for (const auto& [path, content] : Whole().closed) {
      if (path.find(id) != std::string::npos && path.ends_with(".segment")) path_ = path;
    }
    Damage(path_, [&](Bytes& bytes) {
      const size_t at = bytes.find("document 0");
      ASSERT_NE(at, Bytes::npos);
      for (size_t i = 0; i < bytes_damaged; ++i) bytes[at + i] ^= bytes_damaged == 1 ? 1 : 0x55;
    });
  }
  void ExpectUpdate() {
    const auto updated = UpdateAndCompact(*memory_, "id2");
    ASSERT_TRUE(updated.ok()) << updated.status().ToString();
    EXPECT_EQ(*updated, kUpdated);
    files_ = Take(*memory_);
    ASSERT_TRUE(files_.contains(path_)) << "the damaged segment is kept";
  }
  std::string path_;
};

TEST_F(DoctorCarriedTest, AnUpdateOfADamagedRecord) {
  DamageDocuments(4);
  ExpectUpdate();
  const Report refused = Examine();
  EXPECT_EQ(refused.verdict, Verdict::kDamaged);
  ASSERT_EQ(refused.findings.size(), 1u) << doctor::ToText(refused, true);
  EXPECT_THAT(refused.findings[0].ids,
              ::testing::ElementsAre("id0", "id1", "id2", "id3", "id4", "id5"));
  ExpectMended("without 6 records", true);
  const auto answers = Ask(*memory_);
  ASSERT_TRUE(answers.ok());
  for (const Answer& answer : *answers) EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
}

TEST_F(DoctorCarriedTest, AnUpdateOfARecordThatIsMendedLater) {
  DamageDocuments(1);
  ExpectUpdate();
  ExpectMended("one flipped bit");
  const auto answers = Ask(*memory_);
  ASSERT_TRUE(answers.ok());
  const std::string& all = (*answers)[3].text;
  EXPECT_THAT(all, HasSubstr("id2|document 2 of 1|uri2|n=77|tag=even\n"));
  EXPECT_THAT(all, HasSubstr("id3|document 3 of 1|uri3|n=3|tag=odd\n"));
  // Merged now like any other.
  ASSERT_TRUE(UpdateAndCompact(*memory_, "id2").ok());
  EXPECT_FALSE(Take(*memory_).contains(path_));
  EXPECT_EQ(Examine().verdict, Verdict::kHealthy);
}

TEST_F(DoctorCasesTest, ALostMetadataKey) {
  const std::string path = Find("segment");
  Damage(path, [](Bytes& bytes) {
    const size_t at = bytes.find("evenodd");
    ASSERT_NE(at, Bytes::npos);
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(bytes[at + i] ^ 0x55);
  });
  EXPECT_EQ(Examine().verdict, Verdict::kDamaged);
  ExpectMended("\"tag\"", true);
  EXPECT_TRUE(Ask(*memory_).ok());
}

TEST_F(DoctorCasesTest, AMissingSegment) {
  Files files = Whole().closed;
  files.erase(Find("segment"));
  Use(files);
  const Report refused = Examine();
  EXPECT_EQ(refused.verdict, Verdict::kDamaged);
  EXPECT_THAT(doctor::ToText(refused, false), HasSubstr("it is missing"));
  ExpectMended("without 6 records", true);
  const auto answers = Ask(*memory_);
  ASSERT_TRUE(answers.ok());
  for (const Answer& answer : *answers) EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
}

TEST_F(DoctorCasesTest, AMissingManifestIsRefused) {
  Files files = Whole().closed;
  files.erase(Find("manifest"));
  Use(files);
  for (const bool salvage : {false, true}) {
    const Report report = Examine(salvage);
    EXPECT_EQ(report.verdict, Verdict::kDamaged);
    EXPECT_THAT(doctor::ToText(report, false), HasSubstr("it is missing"));
  }
}

TEST_F(DoctorCasesTest, DamagedEntriesOfTheLog) {
  // The first file that still has entries that nobody compacted.
  std::string path;
  for (size_t nth = 0; path.empty(); ++nth) {
    const std::string candidate = Find("log", nth);
    ASSERT_FALSE(candidate.empty());
    if (files_[candidate].find("document 0") != Bytes::npos &&
        files_[candidate].find("document 6") != Bytes::npos) {
      path = candidate;
    }
  }
  Destroy(path, "document 6");
  const Report refused = Examine();
  EXPECT_EQ(refused.verdict, Verdict::kDamaged);
  EXPECT_THAT(doctor::ToText(refused, false), HasSubstr("are damaged, with the entries there"));
  ExpectMended("the log was written anew", true);
  const auto answers = Ask(*memory_);
  ASSERT_TRUE(answers.ok()) << answers.status().ToString();
  for (const Answer& answer : *answers) EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
}

TEST_F(DoctorCasesTest, ADamagedSlotOfTheState) {
  for (const size_t slot : {0, 1}) {
    Use(Whole().closed);
    Damage("/db/log/state", [&](Bytes& bytes) {
      for (size_t i = 0; i < 8; ++i) bytes[slot * 65536 + 24 + i] ^= 0x77;
    });
    const Report report = Examine();
    // The newer slot is the truth: without it the log may be ahead of what the older one says.
    if (report.verdict == Verdict::kMended) ExpectAllAnswers();
  }
}

TEST_F(DoctorCasesTest, ADamagedPageOfTheCatalog) {
  const std::string path = "/db/catalog.sqlite3";
  int mended = 0;
  int refused = 0;
  const size_t pages = files_[path].size() / 4096;
  for (size_t page = 0; page < pages; ++page) {
    SCOPED_TRACE("page " + std::to_string(page));
    Use(Whole().closed);
    Damage(path, [&](Bytes& bytes) { bytes.replace(page * 4096 + 100, 1000, 1000, '\x5a'); });
    const Report report = Examine();
    EXPECT_NE(report.verdict, Verdict::kHealthy);
    if (report.verdict == Verdict::kMended) {
      ExpectAllAnswers();
      ++mended;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(mended, 2);   // indexes
  EXPECT_GT(refused, 2);  // rows
}

// The process that made the directory died before the catalog had its name.
TEST_F(DoctorCasesTest, ADirectoryThatWasNeverUsed) {
  Files files;
  files["/db/FORMAT"] = Whole().closed.at("/db/FORMAT");
  files["/db/catalog.sqlite3.new"] = Whole().closed.at("/db/catalog.sqlite3");
  Use(files);
  const Report report = Examine();
  EXPECT_EQ(report.verdict, Verdict::kHealthy) << doctor::ToText(report, true);
  EXPECT_EQ(report.collections, 0u);
  EXPECT_TRUE(Ask(*memory_).ok());
}

TEST_F(DoctorCasesTest, AMissingCatalogKeepsTheBlobs) {
  Files files = Whole().closed;
  files.erase("/db/catalog.sqlite3");
  Use(files);
  const Report report = Examine(true);
  EXPECT_EQ(report.verdict, Verdict::kDamaged);
  const Files now = Take(*memory_);
  EXPECT_TRUE(now.contains(Find("segment")));
  EXPECT_FALSE(now.contains("/db/catalog.sqlite3"));
}

TEST_F(DoctorCasesTest, RefusesWhatItMustNotTouch) {
  runtime::Context ctx;
  runtime::Env env;
  env.files = memory_.get();
  EXPECT_EQ(service::ExamineDirectory(ctx, env, "/none", {}).status().code(),
            StatusCode::kNotFound);
  {
    auto lock = memory_->Lock("/db/LOCK");
    ASSERT_TRUE(lock.ok());
    for (const bool dry_run : {false, true}) {
      const Status status =
          service::ExamineDirectory(ctx, env, kDirectory, {dry_run, false}).status();
      EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    }
  }
  Damage("/db/FORMAT", [](Bytes& bytes) { bytes = "chroma-cpp 99\n"; });
  env.files = memory_.get();
  EXPECT_EQ(service::ExamineDirectory(ctx, env, kDirectory, {}).status().code(),
            StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace chroma::damage
