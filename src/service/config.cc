#include "service/config.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

namespace chroma::service {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;
constexpr std::string_view kVariablePrefix = "CHROMA_";
constexpr int64_t kTimeoutMsMax = 24 * 3600 * 1000;

// Sets one member from its value; false when the value is not what `expected` says.
struct Key {
  std::string_view name;
  std::string expected;
  std::function<bool(const YAML::Node&, ServerConfig*)> set;
  bool is_text = false;  // a variable holds the text itself, not YAML
};

// A scalar without quotes: in YAML "8000" is a text, 8000 a number.
bool IsPlain(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

template <typename T>
Key Number(std::string_view name, T ServerConfig::*member, T min, T max) {
  const auto set = [=](const YAML::Node& node, ServerConfig* config) {
    if (!IsPlain(node)) return false;
    const std::string& text = node.Scalar();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    if (value < min || value > max) return false;
    config->*member = value;
    return true;
  };
  return {name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), set};
}

Key Text(std::string_view name, std::string ServerConfig::*member) {
  const auto set = [=](const YAML::Node& node, ServerConfig* config) {
    if (!node.IsScalar() || node.Scalar().empty()) return false;
    config->*member = node.Scalar();
    return true;
  };
  return {name, "a text", set, true};
}

Key Flag(std::string_view name, bool ServerConfig::*member) {
  const auto set = [=](const YAML::Node& node, ServerConfig* config) {
    if (!IsPlain(node)) return false;
    config->*member = node.Scalar() == "true";
    return node.Scalar() == "true" || node.Scalar() == "false";
  };
  return {name, "true or false", set};
}

Key Texts(std::string_view name, std::vector<std::string> ServerConfig::*member) {
  const auto set = [=](const YAML::Node& node, ServerConfig* config) {
    if (!node.IsSequence()) return false;
    std::vector<std::string> texts;
    for (const YAML::Node& element : node) {
      if (!element.IsScalar()) return false;
      texts.push_back(element.Scalar());
    }
    config->*member = std::move(texts);
    return true;
  };
  return {name, "a list of texts", set};
}

// One of a few words, in the order of the enumeration's values.
template <typename T>
Key Choice(std::string_view name, T ServerConfig::*member, std::vector<std::string> words) {
  std::string expected = "one of";
  for (const std::string& word : words) expected += " " + word;
  const auto set = [member, words = std::move(words)](const YAML::Node& node,
                                                      ServerConfig* config) {
    if (!node.IsScalar()) return false;
    const auto found = std::find(words.begin(), words.end(), node.Scalar());
    config->*member = static_cast<T>(found - words.begin());
    return found != words.end();
  };
  return {name, std::move(expected), set, true};
}

const std::vector<Key>& Keys() {
  using C = ServerConfig;
  static const std::vector<Key> keys = {
      Text("listen_address", &C::listen_address),
      Number<uint16_t>("port", &C::port, 0, 65'535),
      Text("persist_path", &C::persist_path),
      Flag("allow_reset", &C::allow_reset),
      Flag("read_only", &C::read_only),
      Number<uint64_t>("max_payload_size_bytes", &C::max_payload_size_bytes, 1, 1ull << 34),
      Texts("cors_allow_origins", &C::cors_allow_origins),
      Text("unix_socket_path", &C::unix_socket_path),
      Choice("log_level", &C::log_level, {"debug", "info", "warning", "error", "off"}),
      Choice("log_format", &C::log_format, {"text", "json"}),
      Number<int>("worker_threads", &C::worker_threads, 1, 4096),
      Number<int>("search_threads", &C::search_threads, 0, 1024),
      Number<uint64_t>("memory_limit_bytes", &C::memory_limit_bytes, 0, 1ull << 50),
      Number<uint64_t>("connections_max", &C::connections_max, 1, 1 << 20),
      Number<int64_t>("header_timeout_ms", &C::header_timeout_ms, 1, kTimeoutMsMax),
      Number<int64_t>("body_timeout_ms", &C::body_timeout_ms, 1, kTimeoutMsMax),
      Number<int64_t>("request_timeout_ms", &C::request_timeout_ms, 0, kTimeoutMsMax),
      Number<int64_t>("idle_timeout_ms", &C::idle_timeout_ms, 1, kTimeoutMsMax),
      Number<int64_t>("stop_timeout_ms", &C::stop_timeout_ms, 0, kTimeoutMsMax),
      Number<uint64_t>("compaction_tail_records", &C::compaction_tail_records, 1, 1 << 24),
      Number<int64_t>("compaction_idle_ms", &C::compaction_idle_ms, 1, kTimeoutMsMax),
      Number<int64_t>("compaction_settle_ms", &C::compaction_settle_ms, 1, kTimeoutMsMax),
      Number<uint64_t>("log_file_bytes", &C::log_file_bytes, 1 << 16, 1ull << 32),
  };
  return keys;
}

// What upstream's server also knows: its own storage, its distributed parts and telemetry.
constexpr std::string_view kIgnoredKeys[] = {
    "circuit_breaker",
    "collections_with_segments_provider",
    "default_knn_index",
    "enable_log_scouting",
    "enable_schema",
    "enable_span_indexing",
    "executor",
    "log",
    "mcmr_sysdb",
    "min_records_for_invocation",
    "open_telemetry",
    "region",
    "scorecard",
    "scorecard_enabled",
    "segment_manager",
    "sqlite_filename",
    "sqlitedb",
    "sysdb",
    "tenants_to_migrate_immediately",
    "tenants_to_migrate_immediately_threshold",
    "tenants_with_maxscore_enabled",
    "tenants_with_quantization_enabled",
};

const Key* FindKey(std::string_view name) {
  const std::vector<Key>& keys = Keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

bool IsIgnored(std::string_view name) {
  return std::find(std::begin(kIgnoredKeys), std::end(kIgnoredKeys), name) !=
         std::end(kIgnoredKeys);
}

// For messages: a scalar as it was written, bounded.
std::string Describe(const YAML::Node& node) {
  constexpr size_t kLengthMax = 60;
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a map";
  if (!node.IsScalar()) return "nothing";
  const std::string& text = node.Scalar();
  return "\"" + (text.size() <= kLengthMax ? text : text.substr(0, kLengthMax) + "…") + "\"";
}

std::string At(const std::string& path, const YAML::Mark& mark) {
  return mark.is_null() ? path : path + ":" + std::to_string(mark.line + 1);
}

Status WrongValue(const std::string& where, const Key& key, const YAML::Node& value) {
  return Status::InvalidArgument(where + ": " + std::string(key.name) + " must be " + key.expected +
                                 ", not " + Describe(value));
}

std::string KnownKeys() {
  std::string names;
  for (const Key& key : Keys()) {
    if (!names.empty()) names += ", ";
    names += key.name;
  }
  return names;
}

Status ApplyFile(const std::string& path, const YAML::Node& root, ServerConfig* config,
                 std::set<std::string>* ignored) {
  if (root.IsNull()) return Status::Ok();
  if (!root.IsMap()) {
    return Status::InvalidArgument(At(path, root.Mark()) + ": expected lines of \"key: value\"");
  }
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string where = At(path, entry.first.Mark());
    if (!entry.first.IsScalar()) {
      return Status::InvalidArgument(where + ": a key must be a word, not " +
                                     Describe(entry.first));
    }
    const std::string& name = entry.first.Scalar();
    if (!seen.insert(name).second) {
      return Status::InvalidArgument(where + ": " + name + " is given twice");
    }
    if (IsIgnored(name)) {
      ignored->insert(name);
      continue;
    }
    const Key* key = FindKey(name);
    if (key == nullptr) {
      return Status::InvalidArgument(where + ": unknown key \"" + name + "\"; the keys are " +
                                     KnownKeys());
    }
    if (entry.second.IsNull()) continue;  // as if it were not there
    if (!key->set(entry.second, config)) return WrongValue(where, *key, entry.second);
  }
  return Status::Ok();
}

Status ApplyEnvironment(const Environment& environment, ServerConfig* config,
                        std::set<std::string>* ignored) {
  for (const auto& [variable, text] : environment) {
    if (!variable.starts_with(kVariablePrefix)) continue;
    std::string name = variable.substr(kVariablePrefix.size());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string first = name.substr(0, name.find("__"));
    if (IsIgnored(first)) ignored->insert(first);
    if (FindKey(name) == nullptr) continue;
    CHROMA_TRY(SetConfigKey("environment variable " + variable, name, text, config));
  }
  return Status::Ok();
}

Result<std::string> ReadFile(runtime::FileSystem& files, const std::string& path) {
  CHROMA_ASSIGN(std::unique_ptr<runtime::File> file, files.Open(path, runtime::OpenMode::kRead));
  CHROMA_ASSIGN(uint64_t size, file->Size());
  if (size > kFileBytesMax) {
    return Status::InvalidArgument(path + ": too large for a configuration (" +
                                   std::to_string(size) + " bytes)");
  }
  std::string text(size, '\0');
  CHROMA_ASSIGN(size_t read, file->ReadAt(0, text.data(), text.size()));
  text.resize(read);
  return text;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<ServerConfig> LoadConfig(runtime::FileSystem& files, const std::string& path,
                                const Environment& environment) {
  CHROMA_ASSIGN(std::string text, ReadFile(files, path));
  ServerConfig config;
  std::set<std::string> ignored;
  try {
    CHROMA_TRY(ApplyFile(path, YAML::Load(text), &config, &ignored));
    CHROMA_TRY(ApplyEnvironment(environment, &config, &ignored));
  } catch (const YAML::Exception& e) {
    return Status::InvalidArgument(At(path, e.mark) + ": " + e.msg);
  } catch (const std::exception& e) {
    return Status::InvalidArgument(path + ": " + e.what());
  }
  config.ignored_keys.assign(ignored.begin(), ignored.end());
  return config;
}

Status SetConfigKey(std::string_view source, std::string_view name, const std::string& text,
                    ServerConfig* config) {
  const Key* key = FindKey(name);
  if (key == nullptr) {
    return Status::InvalidArgument(std::string(source) + ": unknown key \"" + std::string(name) +
                                   "\"");
  }
  // Texts stand for themselves; the others are YAML, so that a list can be written.
  YAML::Node value(text);
  try {
    if (!key->is_text) value = YAML::Load(text);
  } catch (const YAML::Exception&) {
    return WrongValue(std::string(source), *key, value);
  }
  if (!key->set(value, config)) return WrongValue(std::string(source), *key, YAML::Node(text));
  return Status::Ok();
}

}  // namespace chroma::service
