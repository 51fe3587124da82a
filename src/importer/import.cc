#include "importer/import.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/json_string.h"
#include "importer/collection_import.h"
#include "importer/old_directory.h"
#include "model/validate.h"

namespace chroma::importer {
namespace {

constexpr const char* kAdvice =
    ". Nothing was imported; to save what can be read, import it with salvage (chroma import "
    "--salvage)";

class Importer {
 public:
  Importer(runtime::Context& ctx, const runtime::Env& env, std::string old_path,
           const ImportTarget& target, const ImportOptions& options)
      : ctx_(ctx), env_(env), old_path_(std::move(old_path)), target_(target), options_(options) {}

  Result<ImportReport> Run() {
    CHROMA_TRY(Tell({ImportProgress::Step::kReading, {}, 0, 0}));
    const std::string file = runtime::JoinPath(old_path_, kDatabaseFile);
    CHROMA_ASSIGN(const uint64_t mark, ReadChangeMark(env_, file));
    auto opened = OpenOldDirectory(ctx_, env_, old_path_, options_.salvage, &damage_);
    if (opened.status().code() == StatusCode::kDataLoss) {
      return Status::DataLoss(std::string(opened.status().message()) + kAdvice);
    }
    CHROMA_TRY(opened.status());
    old_ = *std::move(opened);
    CHROMA_TRY(RefuseDamage());
    shapes_ =
        FindCollections(static_cast<uint64_t>(env_.scheduler->Parallelism()), old_.get(), &report_);
    CHROMA_TRY(ctx_.Check());
    if (!options_.salvage) CHROMA_TRY(CheckReadable());
    if (target_.engine != nullptr) CHROMA_TRY(CheckNothingInTheWay());
    CHROMA_ASSIGN(std::unique_ptr<Rejects> rejects, Rejects::Open(env_, options_.rejects_path));
    CHROMA_TRY(ctx_.Check());
    if (target_.engine != nullptr) {
      if (target_.begin) CHROMA_TRY(target_.begin());
      CHROMA_TRY(CreateDatabases());
    }
    for (const OldShape& shape : shapes_) CHROMA_TRY(ImportOne(shape, rejects.get()));
    CHROMA_TRY(rejects->Close());
    CHROMA_ASSIGN(const uint64_t mark_now, ReadChangeMark(env_, file));
    if (mark_now != mark) {
      return Status::FailedPrecondition(
          old_path_ +
          " was written to while it was imported; stop the program that has it open and import "
          "it again into a new directory");
    }
    LoseWhatIsUnknown();
    report_.damage = damage_.Texts();
    RepairTexts();
    return std::move(report_);
  }

 private:
  Status Tell(const ImportProgress& progress) {
    CHROMA_TRY(ctx_.Check());
    if (!options_.progress || options_.progress(progress)) return Status();
    return Status::Cancelled("the import was stopped");
  }

  // Nothing is written where something is damaged, unless that was asked for.
  Status RefuseDamage() const {
    if (options_.salvage || damage_.empty()) return Status();
    std::string text = old_path_ + " is damaged: ";
    const std::vector<std::string> places = damage_.Texts();
    for (size_t i = 0; i < places.size() && i < 3; ++i) text += (i == 0 ? "" : "; ") + places[i];
    return Status::DataLoss(text + kAdvice);
  }

  Status CheckReadable() {
    for (const OldShape& shape : shapes_) {
      const auto reader = CollectionReader::Open(*old_, shape, &damage_);
      CHROMA_TRY(ctx_.Check());
      if (!reader.ok()) {
        damage_.Add(shape.collection->name + ": " + std::string(reader.status().message()));
      }
    }
    return RefuseDamage();
  }

  Status CheckNothingInTheWay() {
    for (const OldShape& shape : shapes_) {
      const OldScope scope = ScopeOf(old_->tables, *shape.collection);
      const std::string name = NewNameOf(*shape.collection);
      auto found = target_.engine->GetCollection(ctx_, scope.tenant, scope.database, name);
      const std::optional<Uuid> id = Uuid::Parse(shape.collection->id);
      if (!found.ok() && id) {
        found = target_.engine->FindCollection(ctx_, scope.tenant, scope.database, *id);
      }
      if (!found.ok()) continue;
      if (target_.resume && (*found)->id == id && (*found)->name == name) continue;
      return Status::AlreadyExists("the new directory has a collection " + (*found)->name + " in " +
                                   scope.tenant + "/" + scope.database +
                                   " already; delete it there, or import into another "
                                   "directory");
    }
    return Status();
  }

  Status CreateDatabases() {
    engine::Engine& engine = *target_.engine;
    const auto lose = [this](const std::string& tenant, const std::string& what) {
      report_.losses.push_back({.tenant = tenant, .what = what});
    };
    for (const std::string& tenant : old_->tables.tenants) {
      const Status made = engine.CreateTenant(ctx_, tenant);
      if (made.code() == StatusCode::kInvalidArgument) {
        lose(tenant, "the tenant cannot be made: " + std::string(made.message()));
      } else if (!made.ok() && made.code() != StatusCode::kAlreadyExists) {
        return made;
      }
    }
    for (const OldDatabase& database : old_->tables.databases) {
      // The id of the default database is every server's.
      std::optional<Uuid> id = Uuid::Parse(database.id);
      if (id == Uuid()) id.reset();
      const Status made = engine.CreateDatabase(ctx_, database.tenant, database.name, id);
      if (made.code() == StatusCode::kInvalidArgument) {
        lose(database.tenant,
             "the database " + database.name + " cannot be made: " + std::string(made.message()));
      } else if (!made.ok() && made.code() != StatusCode::kAlreadyExists) {
        return made;
      }
    }
    return Status();
  }

  Status ImportOne(const OldShape& shape, Rejects* rejects) {
    const OldScope scope = ScopeOf(old_->tables, *shape.collection);
    ImportedCollection imported;
    imported.id = shape.collection->id;
    imported.name = NewNameOf(*shape.collection);
    imported.tenant = scope.tenant;
    imported.database = scope.database;
    if (imported.name != shape.collection->name) {
      Lose(imported,
           "its name " + shape.collection->name + " is not allowed; it is now called " +
               imported.name,
           true);
    }
    if (scope.database_id.empty()) {
      Lose(imported, "its database is lost; it is in the default one now", true);
    }
    auto reader = CollectionReader::Open(*old_, shape, &damage_);
    CHROMA_TRY(ctx_.Check());
    if (!reader.ok()) {
      if (!options_.salvage) return reader.status();
      damage_.Add(std::string(reader.status().message()));
      Lose(imported, "it cannot be read", false);
      report_.collections.push_back(std::move(imported));
      return Status();
    }
    if (old_->tables.losses_unknown) {
      Lose(imported,
           "parts of chroma.sqlite3 are lost together with the indexes that tell what they held: "
           "records may be missing, or lack documents and metadata, without being named",
           true);
    }
    for (const std::string& warning : (*reader)->warnings()) {
      report_.warnings.push_back(imported.name + ": " + warning);
    }
    CollectionImport import({ctx_, target_, options_, shape, **reader, *rejects,
                             [this](const ImportProgress& progress) { return Tell(progress); }},
                            &imported, &report_);
    CHROMA_TRY(import.Run().Annotate("collection " + imported.name));
    report_.collections.push_back(std::move(imported));
    return Status();
  }

  // Where nothing is left that could be named either.
  void LoseWhatIsUnknown() {
    if (damage_.empty()) return;
    for (const ImportedCollection& collection : report_.collections) {
      if (collection.imported != 0) return;
    }
    report_.losses.push_back({.what = "no record could be saved, whatever there was"});
  }

  // What the report names may be damaged itself.
  void RepairTexts() {
    const auto repair = [](std::string& text) {
      if (!IsValidUtf8(text)) text = RepairUtf8(text);
    };
    for (ImportLoss& loss : report_.losses) {
      repair(loss.record);
      repair(loss.what);
    }
    for (std::string& text : report_.damage) repair(text);
    for (std::string& text : report_.warnings) repair(text);
  }

  void Lose(const ImportedCollection& collection, std::string what, bool saved) {
    report_.losses.push_back(
        {collection.tenant, collection.database, collection.name, "", saved, std::move(what)});
  }

  runtime::Context& ctx_;
  const runtime::Env env_;
  const std::string old_path_;
  const ImportTarget& target_;
  const ImportOptions& options_;
  DamageList damage_;
  std::unique_ptr<OldDirectory> old_;
  std::vector<OldShape> shapes_;
  ImportReport report_;
};

}  // namespace

Result<ImportReport> Import(runtime::Context& ctx, const runtime::Env& env,
                            const std::string& old_path, const ImportTarget& target,
                            const ImportOptions& options) {
  return Importer(ctx, env, old_path, target, options).Run();
}

}  // namespace chroma::importer
