#include "cli/place.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "cli/command.h"
#include "cli/profiles.h"
#include "service/data_directory.h"

namespace chroma::cli {
namespace {

constexpr std::string_view kProfilePrefix = "profile:";
constexpr const char* kTokenHeader = "x-chroma-token";
constexpr const char* kDefaultDirectory = "./chroma";

bool IsUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

bool LooksLikePath(std::string_view text) {
  return text.starts_with('.') || text.find('/') != std::string_view::npos;
}

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

Place DirectoryAt(std::string path) {
  Place place;
  place.path = std::move(path);
  return place;
}

Place ServerAt(std::string url) {
  Place place;
  place.kind = Place::Kind::kServer;
  while (url.ends_with('/')) url.pop_back();
  place.url = std::move(url);
  return place;
}

Place OfProfile(const std::string& name, const Profile& profile) {
  Place place = ServerAt(profile.url());
  place.profile = name;
  place.tenant = profile.tenant_id;
  if (!profile.api_key.empty()) place.headers[kTokenHeader] = profile.api_key;
  return place;
}

Result<std::optional<Place>> FindProfile(const std::string& name) {
  CHROMA_ASSIGN(const ProfileStore store, ProfileStore::Open());
  CHROMA_ASSIGN(const Profiles profiles, store.Load());
  const auto found = profiles.find(name);
  if (found == profiles.end()) return std::optional<Place>();
  return std::optional<Place>(OfProfile(name, found->second));
}

// Without the part behind '#'.
Result<Place> ParseWhere(const std::string& text) {
  if (text.empty()) {
    return Status::InvalidArgument(
        "a place is a directory, http://host:port, or a profile; it must not be empty");
  }
  if (IsUrl(text)) return ServerAt(text);
  if (text.starts_with(kProfilePrefix)) {
    const std::string name = text.substr(kProfilePrefix.size());
    CHROMA_ASSIGN(std::optional<Place> found, FindProfile(name));
    if (!found) {
      return Status::NotFound("there is no profile \"" + name +
                              "\"; `chroma profile list` shows those there are");
    }
    return *std::move(found);
  }
  if (!LooksLikePath(text) && !IsDirectory(text)) {
    Result<std::optional<Place>> found = FindProfile(text);
    if (found.ok() && *found) return **std::move(found);
  }
  return DirectoryAt(text);
}

// "host", "host:port" or a URL, as upstream's --host.
std::string UrlOfHost(const std::string& host) {
  if (IsUrl(host)) return host;
  const bool has_port = host.rfind(':') != std::string::npos && !host.ends_with(']');
  return "http://" + host + (has_port ? "" : ":8000");
}

Result<Place> DefaultPlace() {
  const char* named = std::getenv("CHROMA_PLACE");
  if (named != nullptr && *named != '\0') return ParsePlace(named);
  if (const Result<ProfileStore> store = ProfileStore::Open(); store.ok()) {
    CHROMA_ASSIGN(const std::string current, store->Current());
    if (!current.empty()) return ParsePlace(std::string(kProfilePrefix) + current);
  }
  if (IsDirectory(kDefaultDirectory)) return DirectoryAt(kDefaultDirectory);
  return Status::InvalidArgument(
      "where? Name a directory, http://host:port, or a profile by --at, or set CHROMA_PLACE");
}

Result<Client> OpenDirectory(const Place& place, Access access) {
  if (access != Access::kCreate) {
    CHROMA_ASSIGN(const bool exists, service::DataDirectory::Check(runtime::Env(), place.path));
    if (!exists) {
      return Status::NotFound(place.path + " holds no database; `chroma run --path " + place.path +
                              "` would make one");
    }
  }
  LocalOptions options;
  if (!place.tenant.empty()) options.tenant = place.tenant;
  if (!place.database.empty()) options.database = place.database;
  options.read_only = access == Access::kRead;
  return PersistentClient(place.path, std::move(options));
}

Result<Client> OpenServer(const Place& place) {
  HttpOptions options;
  if (!place.tenant.empty()) options.tenant = place.tenant;
  if (!place.database.empty()) options.database = place.database;
  options.headers = place.headers;
  return HttpClient(place.url, std::move(options));
}

}  // namespace

std::string Place::name() const {
  std::string text = is_directory() ? path : profile.empty() ? url : profile;
  if (tenant.empty() && database.empty()) return text;
  text += '#';
  if (!tenant.empty() && profile.empty()) text += tenant + "/";
  return text + (database.empty() ? kDefaultDatabase : database);
}

Result<Place> ParsePlace(std::string_view text) {
  const size_t hash = text.rfind('#');
  if (hash == std::string_view::npos || IsDirectory(std::string(text))) {
    return ParseWhere(std::string(text));
  }
  CHROMA_ASSIGN(Place place, ParseWhere(std::string(text.substr(0, hash))));
  std::string_view inside = text.substr(hash + 1);
  const size_t slash = inside.find('/');
  if (slash != std::string_view::npos) {
    place.tenant = inside.substr(0, slash);
    inside.remove_prefix(slash + 1);
  }
  place.database = inside;
  if (place.database.empty() || (slash == 0)) {
    return Status::InvalidArgument("behind '#' in " + std::string(text) +
                                   " is the name of a database, or tenant/database");
  }
  return place;
}

Result<Client> OpenPlace(const Place& place, Access access) {
  return place.is_directory() ? OpenDirectory(place, access) : OpenServer(place);
}

void PlaceOptions::Define(CLI::App& app) {
  constexpr const char* kGroup = "Where";
  CLI::Option* at =
      app.add_option("--at", at_,
                     "A directory, http://host:port, or a profile; with #database or "
                     "#tenant/database behind it. Default: $CHROMA_PLACE, the current profile, "
                     "./chroma")
          ->type_name(kTypePlace)
          ->group(kGroup);
  CLI::Option* path = app.add_option("--path", path_, "A directory")
                          ->type_name(kTypeDirectory)
                          ->group(kGroup)
                          ->excludes(at);
  app.add_option("--host", host_, "A server: host, host:port or its URL")
      ->type_name("HOST")
      ->group(kGroup)
      ->excludes(at)
      ->excludes(path);
  app.add_option("--tenant", tenant_, "The tenant. Default: default_tenant, or the profile's")
      ->type_name("NAME")
      ->group(kGroup);
  app.add_option("--database,--db", database_, "The database. Default: default_database")
      ->type_name("NAME")
      ->group(kGroup);
  app.add_option("--api-key", api_key_, "The key to a server, sent as x-chroma-token")
      ->type_name("KEY")
      ->group(kGroup)
      ->envname("CHROMA_API_KEY");
  app.add_option("--header", headers_, "\"name: value\", sent with every request to a server")
      ->type_name("HEADER")
      ->group(kGroup)
      ->take_all();
}

Result<Place> PlaceOptions::Find() const {
  Place place;
  if (!path_.empty()) {
    place = DirectoryAt(path_);
  } else if (!host_.empty()) {
    place = ServerAt(UrlOfHost(host_));
  } else if (!at_.empty()) {
    CHROMA_ASSIGN(place, ParsePlace(at_));
  } else {
    CHROMA_ASSIGN(place, DefaultPlace());
  }
  if (!tenant_.empty()) place.tenant = tenant_;
  if (!database_.empty()) place.database = database_;
  if (place.is_directory()) return place;
  if (!api_key_.empty()) place.headers[kTokenHeader] = api_key_;
  for (const std::string& header : headers_) {
    const size_t colon = header.find(':');
    if (colon == 0 || colon == std::string::npos) {
      return Status::InvalidArgument("--header " + header + ": expected \"name: value\"");
    }
    const size_t begin = std::min(header.find_first_not_of(' ', colon + 1), header.size());
    place.headers[header.substr(0, colon)] = header.substr(begin);
  }
  return place;
}

Result<Client> PlaceOptions::Open(Access access) const {
  CHROMA_ASSIGN(const Place place, Find());
  return OpenPlace(place, access);
}

}  // namespace chroma::cli
