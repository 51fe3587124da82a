#include "cli/profiles.h"

#include <sys/stat.h>

#include <cstdlib>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "cli/toml.h"

namespace chroma::cli {
namespace {

constexpr const char* kUpstreamService = "https://api.trychroma.com";
constexpr const char* kCredentials = "credentials";
constexpr const char* kConfig = "config.json";
constexpr const char* kCurrentProfile = "current_profile";
constexpr const char* kServiceUrl = "service_url";
// What upstream's program insists on finding in config.json.
constexpr const char* kDefaultConfig =
    R"({"current_profile":"","sample_apps":{"show_updates":true,"installed":{}},"theme":"Dark"})";

Result<Profile> ToProfile(TomlTable table) {
  Profile profile;
  for (TomlEntry& entry : table.entries) {
    std::string* known = entry.key == "api_key"     ? &profile.api_key
                         : entry.key == "tenant_id" ? &profile.tenant_id
                         : entry.key == kServiceUrl ? &profile.service_url
                                                    : nullptr;
    if (known == nullptr) {
      profile.others.emplace_back(std::move(entry.key), std::move(entry.raw));
    } else if (!entry.is_string) {
      return Status::InvalidArgument("[" + table.name + "] " + entry.key + " must be a string");
    } else {
      *known = std::move(entry.text);
    }
  }
  return profile;
}

}  // namespace

std::string DefaultServiceUrl() {
  const char* url = std::getenv("CHROMA_SERVICE_URL");
  return url != nullptr && *url != '\0' ? url : kUpstreamService;
}

Result<Profiles> ParseProfiles(std::string_view toml) {
  CHROMA_ASSIGN(std::vector<TomlTable> tables, ParseToml(toml));
  Profiles profiles;
  for (TomlTable& table : tables) {
    std::string name = table.name;
    CHROMA_ASSIGN(profiles[name], ToProfile(std::move(table)));
  }
  return profiles;
}

std::string WriteProfiles(const Profiles& profiles) {
  std::string text;
  for (const auto& [name, profile] : profiles) {
    if (!text.empty()) text += '\n';
    text += "[" + TomlKey(name) + "]\n";
    text += "api_key = " + TomlString(profile.api_key) + "\n";
    text += "tenant_id = " + TomlString(profile.tenant_id) + "\n";
    if (!profile.service_url.empty()) {
      text += std::string(kServiceUrl) + " = " + TomlString(profile.service_url) + "\n";
    }
    for (const auto& [key, value] : profile.others) text += TomlKey(key) + " = " + value + "\n";
  }
  return text;
}

Result<ProfileStore> ProfileStore::Open(runtime::FileSystem& files) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    return Status::FailedPrecondition("profiles are kept in $HOME/.chroma, and HOME is not set");
  }
  return ProfileStore(files, runtime::JoinPath(home, ".chroma"));
}

std::string ProfileStore::credentials_path() const {
  return runtime::JoinPath(directory_, kCredentials);
}

Result<Profiles> ProfileStore::Load() const {
  const std::string path = credentials_path();
  CHROMA_ASSIGN(const bool exists, files_->Exists(path));
  if (!exists) return Profiles();
  CHROMA_ASSIGN(const Bytes text, runtime::ReadWholeFile(*files_, path));
  Result<Profiles> profiles = ParseProfiles(text);
  if (!profiles.ok()) {
    return Status::FailedPrecondition(path + ": " + std::string(profiles.status().message()));
  }
  return profiles;
}

Status ProfileStore::Save(const Profiles& profiles) const {
  return Replace(kCredentials, WriteProfiles(profiles));
}

Result<std::string> ProfileStore::Current() const {
  const std::string path = runtime::JoinPath(directory_, kConfig);
  CHROMA_ASSIGN(const bool exists, files_->Exists(path));
  if (!exists) return std::string();
  CHROMA_ASSIGN(const Bytes text, runtime::ReadWholeFile(*files_, path));
  const Result<JsonValue> config = ParseJson(text);
  const JsonValue* name = config.ok() ? config->Find(kCurrentProfile) : nullptr;
  if (name == nullptr || name->AsString() == nullptr) {
    return Status::FailedPrecondition(path + " is no JSON object with a " + kCurrentProfile +
                                      "; mend or remove it");
  }
  return *name->AsString();
}

Status ProfileStore::SetCurrent(const std::string& name) const {
  const std::string path = runtime::JoinPath(directory_, kConfig);
  CHROMA_ASSIGN(const bool exists, files_->Exists(path));
  Bytes text = kDefaultConfig;
  if (exists) {
    CHROMA_ASSIGN(text, runtime::ReadWholeFile(*files_, path));
  }
  const Result<JsonValue> config = ParseJson(text);
  if (!config.ok() || config->AsObject() == nullptr) {
    return Status::FailedPrecondition(path + " is no JSON object; mend or remove it");
  }
  std::string changed;
  JsonWriter out(&changed);
  out.BeginObject();
  out.StringField(kCurrentProfile, name);
  for (const auto& [key, value] : *config->AsObject()) {
    if (key == kCurrentProfile) continue;
    out.Key(key);
    WriteJson(out, value);
  }
  out.EndObject();
  return Replace(kConfig, changed + "\n");
}

Status ProfileStore::Replace(const std::string& name, std::string_view text) const {
  const std::string path = runtime::JoinPath(directory_, name);
  const std::string fresh = path + ".new";
  CHROMA_TRY(files_->CreateDirectory(directory_));
  const Status removed = files_->Remove(fresh);
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  const mode_t before = umask(S_IRWXG | S_IRWXO);
  Result<std::unique_ptr<runtime::File>> file =
      files_->Open(fresh, runtime::OpenMode::kCreateExclusive);
  umask(before);
  if (!file.ok()) return file.status();
  CHROMA_TRY((*file)->WriteAt(0, text));
  CHROMA_TRY((*file)->Sync());
  CHROMA_TRY(files_->Rename(fresh, path));
  return files_->SyncDirectory(directory_);
}

}  // namespace chroma::cli
