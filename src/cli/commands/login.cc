// chroma login: a key to a service, tried and kept as a profile.
#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "cli/command.h"
#include "cli/place.h"
#include "cli/profiles.h"

namespace chroma::cli {
namespace {

constexpr const char* kDefaultProfile = "default";

class Login final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("--profile", name_, "The name of the profile. Default: default")
        ->type_name(kTypeProfile);
    app.add_option("--api-key", api_key_, "The key. Default: $CHROMA_API_KEY, or asked for")
        ->envname("CHROMA_API_KEY")
        ->type_name("KEY");
    app.add_option("--service", service_,
                   "The URL of the service. Default: $CHROMA_SERVICE_URL, or "
                   "https://api.trychroma.com")
        ->type_name("URL");
    app.add_option("--tenant", tenant_, "The tenant. Default: the one that the key is for")
        ->type_name("NAME");
    app.add_flag("--force", force_, "Replace a profile of that name");
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
    CHROMA_ASSIGN(Profiles profiles, store.Load());
    const std::string name = name_.empty() ? kDefaultProfile : name_;
    if (OneLine(name, SIZE_MAX) != name) {
      return Status::InvalidArgument("the name of a profile must be one line of plain text");
    }
    if (profiles.contains(name) && !force_) {
      return Status::AlreadyExists("there is a profile " + name +
                                   " already; name another by --profile, or replace it by --force");
    }
    Profile profile;
    profile.service_url = service_;
    if (api_key_.empty()) {
      CHROMA_ASSIGN(api_key_, terminal.Ask("API key of " + profile.url() + ": ", true));
    }
    if (api_key_.empty()) return Status::InvalidArgument("a key is needed: --api-key");
    profile.api_key = api_key_;
    profile.tenant_id = tenant_;
    CHROMA_TRY(Try(&profile));
    const std::string tenant = profile.tenant_id;
    profiles[name] = std::move(profile);
    CHROMA_TRY(store.Save(profiles));
    CHROMA_ASSIGN(const std::string current, store.Current());
    if (current.empty() || !profiles.contains(current)) CHROMA_TRY(store.SetCurrent(name));
    terminal.Say("Logged in to tenant " + OneLine(tenant, SIZE_MAX) + "; profile " + name +
                 " is in " + store.credentials_path());
    if (!current.empty() && current != name) {
      terminal.Say("`chroma profile use " + name + "` makes it the one in use");
    }
    return kExitOk;
  }

 private:
  // Asks the service who the key's owner is.
  static Status Try(Profile* profile) {
    Place place;
    place.kind = Place::Kind::kServer;
    place.url = profile->url();
    place.headers["x-chroma-token"] = profile->api_key;
    CHROMA_ASSIGN(const Client client, OpenPlaceOutside(place, Access::kRead));
    CHROMA_ASSIGN(const UserIdentity identity, client.GetIdentity());
    if (profile->tenant_id.empty()) profile->tenant_id = identity.tenant;
    return client.At(profile->tenant_id).GetTenant(profile->tenant_id).status();
  }

  std::string name_;
  std::string api_key_;
  std::string service_;
  std::string tenant_;
  bool force_ = false;
};

const Registration kLogin(
    {.path = "login",
     .group = kGroupService,
     .summary = "Try a key to a service and keep it as a profile",
     .examples = "chroma login --api-key ck-…\n"
                 "chroma login --service http://localhost:8000 --profile local --api-key any",
     .notes = "Profiles are in ~/.chroma/credentials, where upstream's program keeps them. Any "
              "server of this\n"
              "API can be the service."},
    Make<Login>);

}  // namespace
}  // namespace chroma::cli
