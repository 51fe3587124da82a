// chroma profile: the profiles of services, and which one is in use.
#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/profiles.h"

namespace chroma::cli {
namespace {

const Registration kFamily(CommandFamily{"profile", kGroupService, "Manage profiles of services"});

constexpr const char* kHowToAdd = "`chroma login` adds one";

Status Unknown(const std::string& name) {
  return Status::NotFound("there is no profile " + name +
                          "; `chroma profile list` shows those there are, and " + kHowToAdd);
}

class List final : public Command {
 public:
  void Define(CLI::App& app) override { app.add_flag("--json", json_, "Print one JSON array"); }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(const Profiles profiles, store.Load());
    CHROMA_ASSIGN(const std::string current, store.Current());
    std::string text;
    JsonWriter out(&text);
    TextTable table({{"PROFILE"}, {"TENANT"}, {"SERVICE"}, {"IN USE"}});
    out.BeginArray();
    for (const auto& [name, profile] : profiles) {
      table.Add({name, profile.tenant_id, profile.url(), name == current ? "yes" : ""});
      out.BeginObject();
      out.StringField("name", name);
      out.StringField("tenant_id", profile.tenant_id);
      out.StringField("service_url", profile.url());
      out.Key("current");
      out.Bool(name == current);
      out.EndObject();
    }
    out.EndArray();
    terminal.Print(json_ ? text + "\n" : table.ToText(terminal));
    if (profiles.empty()) terminal.Say(std::string("There are no profiles; ") + kHowToAdd);
    return kExitOk;
  }

 private:
  bool json_ = false;
};

class Use final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The profile to use from now on")
        ->required()
        ->type_name(kTypeProfile);
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(const Profiles profiles, store.Load());
    if (!profiles.contains(name_)) return Unknown(name_);
    CHROMA_TRY(store.SetCurrent(name_));
    terminal.Say("Profile " + name_ + " is in use");
    return kExitOk;
  }

 private:
  std::string name_;
};

class Show final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_flag("--json", json_, "Print one JSON object");
    app.add_flag("--with-key", with_key_, "With its key");
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(const std::string current, store.Current());
    if (current.empty()) {
      return Status::NotFound("no profile is in use; `chroma profile use NAME` takes one, and " +
                              std::string(kHowToAdd));
    }
    CHROMA_ASSIGN(const Profiles profiles, store.Load());
    const auto found = profiles.find(current);
    if (found == profiles.end()) return Unknown(current);
    const Profile& profile = found->second;
    if (!json_) {
      terminal.Print(current + "\n");
      terminal.Say("tenant " + profile.tenant_id + " at " + profile.url());
      if (with_key_) terminal.Print(profile.api_key + "\n");
      return kExitOk;
    }
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    out.StringField("name", current);
    out.StringField("tenant_id", profile.tenant_id);
    out.StringField("service_url", profile.url());
    if (with_key_) out.StringField("api_key", profile.api_key);
    out.EndObject();
    terminal.Print(text + "\n");
    return kExitOk;
  }

 private:
  bool json_ = false;
  bool with_key_ = false;
};

class Rename final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("OLD", old_name_, "The profile")->required()->type_name(kTypeProfile);
    app.add_option("NEW", new_name_, "Its new name")->required();
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(Profiles profiles, store.Load());
    CHROMA_ASSIGN(const std::string current, store.Current());
    if (!profiles.contains(old_name_)) return Unknown(old_name_);
    if (profiles.contains(new_name_)) {
      return Status::AlreadyExists("there is a profile " + new_name_ + " already");
    }
    auto profile = profiles.extract(old_name_);
    profile.key() = new_name_;
    profiles.insert(std::move(profile));
    CHROMA_TRY(store.Save(profiles));
    if (current == old_name_) CHROMA_TRY(store.SetCurrent(new_name_));
    terminal.Say("Profile " + old_name_ + " is " + new_name_ + " now");
    return kExitOk;
  }

 private:
  std::string old_name_;
  std::string new_name_;
};

class Delete final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The profile to delete")->required()->type_name(kTypeProfile);
    app.add_flag("--force", force_, "Do not ask, though it is the one in use");
  }
  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(Profiles profiles, store.Load());
    CHROMA_ASSIGN(const std::string current, store.Current());
    if (!profiles.contains(name_)) return Unknown(name_);
    if (name_ == current && !force_) {
      CHROMA_ASSIGN(const bool yes,
                    terminal.Confirm("Profile " + name_ + " is in use. Delete it?", "--force"));
      if (!yes) return Status::FailedPrecondition("nothing is done");
    }
    profiles.erase(name_);
    CHROMA_TRY(store.Save(profiles));
    if (name_ == current) CHROMA_TRY(store.SetCurrent(""));
    terminal.Say("Profile " + name_ + " was deleted");
    return kExitOk;
  }

 private:
  std::string name_;
  bool force_ = false;
};

const Registration kList({.path = "profile list",
                          .summary = "List the profiles",
                          .examples = "chroma profile list\nchroma profile list --json"},
                         Make<List>);
const Registration kUse({.path = "profile use",
                         .summary = "Make a profile the place of commands that name none",
                         .examples = "chroma profile use work"},
                        Make<Use>);
const Registration kShow({.path = "profile show",
                          .summary = "Show the profile that is in use",
                          .examples = "chroma profile show\nchroma profile show --json"},
                         Make<Show>);
const Registration kRename({.path = "profile rename",
                            .summary = "Give a profile another name",
                            .examples = "chroma profile rename default work"},
                           Make<Rename>);
const Registration kDelete({.path = "profile delete",
                            .summary = "Delete a profile",
                            .examples = "chroma profile delete work\n"
                                        "chroma profile delete work --force"},
                           Make<Delete>);

}  // namespace
}  // namespace chroma::cli
