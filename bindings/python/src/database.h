// A database as Python holds it: open until it is closed, in the process that opened it.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chroma/chroma.h"

namespace chroma::python {

// One collection of an open database. The GIL guards its members.
class Handle {
 public:
  explicit Handle(Collection collection) : collection_(std::move(collection)) {}
  // A copy to work with while the GIL is released. Throws when the database was closed, or lives
  // in the memory of another process.
  Collection Get() const;
  // That so many records were written through this handle.
  void CountWritten(size_t records) { written_ += records; }

 private:
  friend class Database;
  std::optional<Collection> collection_;  // none: closed
  size_t written_ = 0;
  pid_t memory_of_ = 0;  // whose memory the database is in; 0: nobody's
};

// The GIL guards its members. Everything that takes time is done without it.
class Database {
 public:
  static std::unique_ptr<Database> InMemory(const LocalOptions& options);
  static std::unique_ptr<Database> InDirectory(const std::string& path,
                                               const LocalOptions& options);
  ~Database() { Close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // To work with while the GIL is released. Throws as Handle::Get does.
  Client Get() const;
  Client At(const std::string& tenant, const std::string& database) const {
    return Get().At(tenant, database);
  }
  // Found by its id the first time, and kept.
  std::shared_ptr<Handle> Find(const std::string& tenant, const std::string& database,
                               const std::string& id);
  // Those through which so many records were written.
  std::vector<std::shared_ptr<Handle>> WrittenTo(size_t records_min) const;
  bool closed() const { return !client_.has_value(); }
  // Frees the engine when no call is under way any more. Later calls fail.
  void Close();

 private:
  explicit Database(Client client) : client_(std::move(client)) {}

  std::optional<Client> client_;  // none: closed
  pid_t memory_of_ = 0;
  std::map<std::string, std::shared_ptr<Handle>> handles_;  // by tenant, database and id
};

}  // namespace chroma::python
