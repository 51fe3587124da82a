// chroma db: the databases of a tenant.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/copy.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/signals.h"

namespace chroma::cli {
namespace {

const Registration kFamily(CommandFamily{"db", kGroupData, "Manage databases"});

// The name from the command line, or asked for.
Result<std::string> NameOrAsk(const Terminal& terminal, const std::string& given,
                              const std::string& question) {
  if (!given.empty()) return given;
  CHROMA_ASSIGN(std::string name, terminal.Ask(question + " "));
  if (name.empty()) return Status::InvalidArgument("the name of a database is needed");
  return name;
}

class Create final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The name of the database");
    place_.Define(app);
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const std::string name,
                  NameOrAsk(terminal, name_, "What is the name of the new database?"));
    // Before a directory is made for it: is the name one that would be taken?
    CHROMA_ASSIGN(const Client elsewhere, EphemeralClient());
    const Status allowed = elsewhere.CreateDatabase(name);
    if (allowed.code() == StatusCode::kInvalidArgument) return allowed;
    CHROMA_ASSIGN(const Client client, place_.OpenTenant(Access::kCreate));
    CHROMA_TRY(client.CreateDatabase(name));
    terminal.Say("Database " + name + " was created");
    return kExitOk;
  }

 private:
  std::string name_;
  PlaceOptions place_;
};

class List final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_flag("--json", json_, "Print one JSON array");
    place_.Define(app);
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const Client client, place_.OpenTenant(Access::kRead));
    CHROMA_ASSIGN(const std::vector<DatabaseInfo> databases, client.ListDatabases());
    std::string text;
    JsonWriter out(&text);
    TextTable table({{"DATABASE"}, {"COLLECTIONS", true}, {"ID"}});
    out.BeginArray();
    for (const DatabaseInfo& database : databases) {
      CHROMA_ASSIGN(const uint64_t collections,
                    client.At(database.tenant, database.name).CountCollections());
      table.Add({database.name, CountText(collections), database.id});
      out.BeginObject();
      out.StringField("name", database.name);
      out.StringField("id", database.id);
      out.StringField("tenant", database.tenant);
      out.Key("collections");
      out.Uint(collections);
      out.EndObject();
    }
    out.EndArray();
    terminal.Print(json_ ? text + "\n" : table.ToText(terminal));
    if (databases.empty())
      terminal.Say("There are no databases; `chroma db create NAME` makes one");
    return kExitOk;
  }

 private:
  bool json_ = false;
  PlaceOptions place_;
};

class Delete final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The name of the database");
    app.add_flag("--force,-y", force_, "Do not ask");
    place_.Define(app);
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const std::string name,
                  NameOrAsk(terminal, name_, "What is the name of the database to delete?"));
    CHROMA_ASSIGN(const Client client, place_.OpenTenant(Access::kWrite));
    CHROMA_TRY(client.GetDatabase(name).status());
    CHROMA_ASSIGN(const uint64_t collections, client.At(client.tenant(), name).CountCollections());
    if (!force_) {
      if (!terminal.asks_terminal()) {
        return Status::FailedPrecondition("deleting " + name + " and its " +
                                          CountText(collections) +
                                          " collections cannot be undone; say yes by --force");
      }
      CHROMA_ASSIGN(const std::string typed,
                    terminal.Ask("This deletes " + name + " and its " + CountText(collections) +
                                 " collections for good. Type the name to go on: "));
      if (typed != name) return Status::FailedPrecondition("that is another name; nothing is done");
    }
    CHROMA_TRY(client.DeleteDatabase(name));
    terminal.Say("Database " + name + " was deleted");
    return kExitOk;
  }

 private:
  std::string name_;
  bool force_ = false;
  PlaceOptions place_;
};

class Clone final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("FROM", from_, "The database to clone")->required();
    app.add_option("TO", to_, "The name of the new one")->required();
    place_.Define(app);
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const Client client, place_.OpenTenant(Access::kWrite));
    CHROMA_TRY(client.GetDatabase(from_).status());
    const Client from = client.At(client.tenant(), from_);
    const Client to = client.At(client.tenant(), to_);
    if (from_ == to_) return Status::InvalidArgument("a database cannot be its own clone");
    const Status made = client.CreateDatabase(to_);
    if (!made.ok() && made.code() != StatusCode::kAlreadyExists) return made;
    CHROMA_ASSIGN(const std::vector<Collection> collections, from.ListCollections());
    uint64_t records = 0;
    for (const Collection& collection : collections) {
      CopyOptions options;
      CHROMA_ASSIGN(const uint64_t count, collection.Count());
      Progress progress(terminal, collection.name(), count * PassesOf(options));
      options.on_progress = [&](uint64_t done) {
        progress.Advance(done);
        return !IsInterrupted();
      };
      CHROMA_ASSIGN(const CopyReport report,
                    CopyCollection(collection, to, collection.name(), options));
      records += report.records;
    }
    terminal.Say("Database " + to_ + " holds " + CountText(collections.size()) +
                 " collections and " + CountText(records) + " records, as " + from_ + " does");
    return kExitOk;
  }
  std::string WhatIsLeft() const override { return "; the same command goes on where it was"; }

 private:
  std::string from_;
  std::string to_;
  PlaceOptions place_;
};

const Registration kCreate({.path = "db create",
                            .summary = "Create a database",
                            .examples = "chroma db create drafts\n"
                                        "chroma db create drafts --at http://localhost:8000"},
                           Make<Create>);
const Registration kList({.path = "db list",
                          .summary = "List the databases of a tenant",
                          .examples = "chroma db list\n"
                                      "chroma db list --at ./chroma --tenant acme --json"},
                         Make<List>);
const Registration kDelete({.path = "db delete",
                            .summary = "Delete a database with all of its collections",
                            .examples = "chroma db delete drafts\n"
                                        "chroma db delete drafts --force"},
                           Make<Delete>);
const Registration kClone({.path = "db clone",
                           .summary = "Copy a database under another name",
                           .examples = "chroma db clone default_database backup",
                           .notes = "What is there already is compared and kept, so a clone that "
                                    "was interrupted goes on.",
                           .interruptible = true},
                          Make<Clone>);

}  // namespace
}  // namespace chroma::cli
