// Profiles: a tenant of a service and the key to it, under a name, in the files that upstream's
// program keeps in ~/.chroma: credentials (TOML, a table for each profile) and config.json, which
// names the current one. Either program reads what the other wrote. What is in the files beyond
// that is kept.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "runtime/file_system.h"

namespace chroma::cli {

// The service of profiles that do not name one: $CHROMA_SERVICE_URL, or upstream's.
std::string DefaultServiceUrl();

struct Profile {
  std::string api_key;
  std::string tenant_id;
  // Where it is; empty: DefaultServiceUrl(). Upstream's program does not know this key: it reads
  // past it, and drops it when it writes the file.
  std::string service_url = {};
  // Other keys, with their values as TOML.
  std::vector<std::pair<std::string, std::string>> others = {};

  std::string url() const { return service_url.empty() ? DefaultServiceUrl() : service_url; }
};

using Profiles = std::map<std::string, Profile, std::less<>>;

// kInvalidArgument, with the line, for text that is not tables of strings.
Result<Profiles> ParseProfiles(std::string_view toml);
std::string WriteProfiles(const Profiles& profiles);

class ProfileStore {
 public:
  // kFailedPrecondition when there is no $HOME.
  static Result<ProfileStore> Open(runtime::FileSystem& files = runtime::FileSystem::System());

  // Empty when there is no file yet.
  Result<Profiles> Load() const;
  // Readable by nobody else.
  Status Save(const Profiles& profiles) const;
  // The name of the profile in use; empty: none.
  Result<std::string> Current() const;
  Status SetCurrent(const std::string& name) const;

  std::string credentials_path() const;

 private:
  ProfileStore(runtime::FileSystem& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}
  // By way of another file, which is renamed.
  Status Replace(const std::string& name, std::string_view text) const;

  runtime::FileSystem* files_;
  std::string directory_;
};

}  // namespace chroma::cli
