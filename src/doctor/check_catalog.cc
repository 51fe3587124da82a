#include <utility>

#include "catalog/wal_check.h"
#include "doctor/inspection.h"

namespace chroma::doctor {
namespace {

constexpr const char* kCatalog = "catalog.sqlite3";
constexpr const char* kCatalogLog = "catalog.sqlite3-wal";

}  // namespace

std::string NameOf(const catalog::CatalogCollection& collection) {
  return collection.tenant + "/" + collection.database + "/" + collection.name + " (" +
         collection.id.ToString() + ")";
}

// Damaged pages are mended first, in a copy, so that what is behind them is seen at once.
Status Inspection::CheckCatalog() {
  CHROMA_ASSIGN(const auto pages, catalog::FindDamagedPages(*env_.files, PathOf(kCatalog)));
  // Opening a catalog recovers it: in memory here, so that looking changes nothing.
  const auto untouched = runtime::FileSystem::Overlay(*env_.files, *env_.clock);
  runtime::Env env = env_;
  env.files = untouched.get();
  std::vector<store::Patch> patches;
  size_t lost = 0;
  for (const catalog::DamagedPage& page : pages) {
    if (page.repaired.empty()) {
      ++lost;
      continue;
    }
    CHROMA_ASSIGN(const auto file,
                  untouched->Open(PathOf(kCatalog), runtime::OpenMode::kReadWrite));
    CHROMA_TRY(file->WriteAt(page.offset, page.repaired));
    patches.push_back({page.offset, page.repaired});
  }
  if (!patches.empty()) {
    Case& added = Add(Severity::kDamage, kCatalog,
                      std::to_string(patches.size()) + " pages have one flipped bit each");
    added.finding.cure = Cure::kByItself;
    added.finding.remedy = "the bits are flipped back, as the checksums of the pages prove";
    added.mend = [patches](Repairs& repairs) -> Result<std::string> {
      CHROMA_TRY(repairs.Patch(kCatalog, patches));
      return std::string("the bits were flipped back");
    };
  }
  CHROMA_TRY(CheckCatalogLog(*untouched));
  CHROMA_ASSIGN(catalog_, catalog::ExamineCatalog(env, PathOf(kCatalog)));
  for (const catalog::CatalogDamage& damage : catalog_.damages) {
    Case& added = Add(Severity::kDamage, kCatalog, damage.what);
    if (!damage.collection) continue;
    added.finding.collection = damage.collection->ToString();
    for (const catalog::CatalogCollection& collection : catalog_.collections) {
      if (collection.id == *damage.collection) added.finding.collection = NameOf(collection);
    }
  }
  if (!catalog_.opened || (lost == 0 && catalog_.damages.empty())) return Status::Ok();
  if (lost == 0 && catalog_.complete) return Status::Ok();
  return CopyNeeded(std::to_string(lost) + " pages have wrong checksums", env);
}

// The same for the frames of its write-ahead log.
Status Inspection::CheckCatalogLog(runtime::FileSystem& untouched) {
  constexpr size_t kRepairsMax = 16;
  std::vector<store::Patch> patches;
  while (patches.size() < kRepairsMax) {
    CHROMA_ASSIGN(auto repaired, catalog::RepairWriteAheadLog(untouched, PathOf(kCatalog)));
    if (!repaired) break;
    CHROMA_ASSIGN(const auto file,
                  untouched.Open(PathOf(kCatalogLog), runtime::OpenMode::kReadWrite));
    CHROMA_TRY(file->WriteAt(repaired->offset, repaired->bytes));
    patches.push_back({repaired->offset, std::move(repaired->bytes)});
  }
  if (patches.empty()) return Status::Ok();
  Case& added = Add(Severity::kDamage, kCatalogLog,
                    std::to_string(patches.size()) + " frames have one flipped bit each");
  added.finding.cure = Cure::kByItself;
  added.finding.remedy = "the bits are flipped back, as the checksums of the frames prove";
  added.mend = [patches](Repairs& repairs) -> Result<std::string> {
    CHROMA_TRY(repairs.Patch(kCatalogLog, patches));
    return std::string("the bits were flipped back");
  };
  return Status::Ok();
}

// All rows into a new file: without loss where only an index or a free page is damaged.
Status Inspection::CopyNeeded(const std::string& why, const runtime::Env& untouched) {
  const std::string copy = PathOf("catalog.mended");
  Result<int> lossy = catalog::CopyCatalog(untouched, PathOf(kCatalog), copy, false);
  const bool whole = lossy.ok();
  if (!whole) {
    if (Status removed = untouched.files->Remove(copy);
        !removed.ok() && removed.code() != StatusCode::kNotFound) {
      return removed;
    }
    lossy = catalog::CopyCatalog(untouched, PathOf(kCatalog), copy, true);
  }
  Case& added = Add(Severity::kDamage, kCatalog, why);
  if (!lossy.ok()) return Status::Ok();
  CHROMA_ASSIGN(const Bytes content, runtime::ReadWholeFile(*untouched.files, copy));
  added.finding.cure = whole ? Cure::kByItself : Cure::kBySalvage;
  added.finding.remedy =
      whole ? "no row is lost: the catalog is written anew"
            : "restore it from a backup; --salvage keeps the rows that can be read, and "
              "collections whose rows cannot are gone";
  added.mend = [content](Repairs& repairs) -> Result<std::string> {
    CHROMA_TRY(repairs.Keep(kCatalogLog));
    CHROMA_TRY(repairs.Replace(kCatalog, content));
    CHROMA_TRY(repairs.MoveAside(kCatalogLog));
    return std::string("the catalog was written anew from the rows that can be read");
  };
  return Status::Ok();
}

}  // namespace chroma::doctor
