#include "database.h"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "errors.h"

namespace chroma::python {
namespace {

// Handles are small, but a program may go through any number of collections.
constexpr size_t kHandlesMax = 4096;

void CheckUsable(bool open, pid_t memory_of) {
  if (!open) {
    Raise(Status::Internal("This client was closed. Make another one to go on."));
  }
  if (memory_of != 0 && memory_of != getpid()) {
    Raise(Status::Internal("A database in memory stays in the process that made it, here " +
                           std::to_string(memory_of) +
                           ". Forked processes can share a PersistentClient."));
  }
}

}  // namespace

Collection Handle::Get() const {
  CheckUsable(collection_.has_value(), memory_of_);
  return *collection_;
}

std::unique_ptr<Database> Database::InMemory(const LocalOptions& options) {
  Client client = Take(Unlocked([&] { return EphemeralClient(options); }));
  std::unique_ptr<Database> database(new Database(std::move(client)));
  database->memory_of_ = getpid();
  return database;
}

std::unique_ptr<Database> Database::InDirectory(const std::string& path,
                                                const LocalOptions& options) {
  Result<Client> opened = Unlocked([&] { return PersistentClient(path, options); });
  const bool may_be_upstream = opened.status().code() == StatusCode::kFailedPrecondition;
  const Result<bool> is_upstream = may_be_upstream ? IsUpstreamDirectory(path) : false;
  if (is_upstream.ok() && *is_upstream) {
    // The chroma in the path of who has chromadb installed is chromadb's.
    Raise(Status::FailedPrecondition(
        path +
        " holds a database that chromadb wrote. Import it into a new directory, which leaves "
        "it as it is: chroma_cpp.import_directory(\"" +
        path + "\", \"" + path + "-imported\")"));
  }
  Client client = Take(std::move(opened));
  return std::unique_ptr<Database>(new Database(std::move(client)));
}

Client Database::Get() const {
  CheckUsable(client_.has_value(), memory_of_);
  return *client_;
}

std::shared_ptr<Handle> Database::Find(const std::string& tenant, const std::string& database,
                                       const std::string& id) {
  const std::string key = tenant + '\n' + database + '\n' + id;
  if (const auto found = handles_.find(key); found != handles_.end()) return found->second;
  const Client client = At(tenant, database);
  Collection collection = Take(Unlocked([&] { return client.GetCollectionById(id); }));
  if (handles_.size() >= kHandlesMax) {
    // Those that somebody uses are found anew when they are asked for again.
    std::erase_if(handles_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  auto handle = std::make_shared<Handle>(std::move(collection));
  handle->memory_of_ = memory_of_;
  return handles_.emplace(key, std::move(handle)).first->second;
}

std::vector<std::shared_ptr<Handle>> Database::WrittenTo(size_t records_min) const {
  std::vector<std::shared_ptr<Handle>> written;
  for (const auto& [key, handle] : handles_) {
    if (handle->written_ >= records_min) written.push_back(handle);
  }
  return written;
}

void Database::Close() {
  if (!client_) return;
  std::vector<Collection> collections;
  for (auto& [key, handle] : handles_) {
    if (handle->collection_) collections.push_back(*std::exchange(handle->collection_, {}));
  }
  handles_.clear();
  Client client = *std::exchange(client_, {});
  if (memory_of_ != 0 && memory_of_ != getpid()) {
    // The engine's threads are not in this process: nothing would answer them. What is left of it
    // goes with the process.
    static std::vector<std::pair<Client, std::vector<Collection>>>* const kept =
        new std::vector<std::pair<Client, std::vector<Collection>>>();
    kept->emplace_back(std::move(client), std::move(collections));
    return;
  }
  const pybind11::gil_scoped_release released;
  collections.clear();
  { const Client last = std::move(client); }
}

}  // namespace chroma::python
