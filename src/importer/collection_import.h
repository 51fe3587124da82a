// Writes one old collection into an engine, and reads it again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chroma/import.h"
#include "importer/import.h"
#include "importer/old_collection.h"

namespace chroma::importer {

// The collection's name, or one made of its id where that name would be refused.
std::string NewNameOf(const OldCollection& collection);

// Records that could not be saved, as JSON Lines.
class Rejects {
 public:
  // An empty path: they go nowhere. Else the file is there from now on, empty: what an earlier
  // import left in it is none of this one's.
  static Result<std::unique_ptr<Rejects>> Open(const runtime::Env& env, const std::string& path);
  Status Append(const ImportedCollection& collection, const model::Record& record,
                const std::string& why);
  Status Close();

 private:
  explicit Rejects(std::unique_ptr<runtime::File> file) : file_(std::move(file)) {}
  Status Flush();

  const std::unique_ptr<runtime::File> file_;  // null: nowhere
  uint64_t size_ = 0;
  std::string pending_;
};

class CollectionImport {
 public:
  struct Parts {
    runtime::Context& ctx;
    const ImportTarget& target;
    const ImportOptions& options;
    const OldShape& shape;
    CollectionReader& reader;
    Rejects& rejects;
    std::function<Status(const ImportProgress&)> tell;
  };
  // `imported` has its names; the numbers are filled in. All outlive it.
  CollectionImport(Parts parts, ImportedCollection* imported, ImportReport* report)
      : parts_(std::move(parts)), imported_(*imported), report_(*report) {}

  Status Run();

 private:
  Status Create();
  // Gives every id that is no UTF-8 another one, which no other record has.
  void RepairIds();
  // Reads all records and, but in a dry run, writes them.
  Status WriteAll();
  Status WriteBatch(model::RecordBatch batch, std::vector<uint64_t> places);
  Status CheckAll();
  Status CheckBatch(const std::vector<model::Record>& expected, uint64_t offset);
  // Reads a record and makes it one that can be written. False when it cannot be saved.
  bool Load(uint64_t i, model::Record* record, std::vector<ImportLoss>* losses);
  void Add(std::vector<ImportLoss> losses);
  void LoseRecord(const std::string& id, std::string what, bool saved);
  uint64_t BatchRecords() const;

  Parts parts_;
  ImportedCollection& imported_;
  ImportReport& report_;
  engine::CollectionRef collection_;
  std::vector<bool> left_out_;
  std::map<uint64_t, std::string> repaired_ids_;  // by record
};

}  // namespace chroma::importer
