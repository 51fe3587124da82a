#include "service/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace chroma::service {
namespace {

using runtime::FileSystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kPath = "/config.yaml";

class ConfigTest : public ::testing::Test {
 protected:
  Result<ServerConfig> Load(const std::string& text, const Environment& environment = {}) {
    auto file = files_->Open(kPath, runtime::OpenMode::kCreate);
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE((*file)->Truncate(0).ok());
    EXPECT_TRUE((*file)->WriteAt(0, text).ok());
    return LoadConfig(*files_, kPath, environment);
  }
  std::string Error(const std::string& text, const Environment& environment = {}) {
    const Result<ServerConfig> config = Load(text, environment);
    if (config.ok()) return "no error";
    EXPECT_EQ(config.status().code(), StatusCode::kInvalidArgument);
    return std::string(config.status().message());
  }

  std::unique_ptr<FileSystem> files_ = FileSystem::InMemory();
};

TEST_F(ConfigTest, EmptyFileIsTheDefaults) {
  for (const char* text : {"", "# nothing\n", "---\n", "{}"}) {
    const Result<ServerConfig> config = Load(text);
    ASSERT_TRUE(config.ok()) << config.status().ToString();
    EXPECT_EQ(config->port, 8000);
    EXPECT_EQ(config->listen_address, "0.0.0.0");
    EXPECT_EQ(config->persist_path, "./chroma");
    EXPECT_FALSE(config->allow_reset);
    EXPECT_EQ(config->max_payload_size_bytes, 41'943'040u);
    EXPECT_TRUE(config->cors_allow_origins.empty());
    EXPECT_TRUE(config->ignored_keys.empty());
  }
}

TEST_F(ConfigTest, EveryKey) {
  const Result<ServerConfig> config = Load(R"(
listen_address: "::1"
port: 0
persist_path: /data/chroma
allow_reset: true
max_payload_size_bytes: 1000
cors_allow_origins: ["https://a.example", 'https://b.example']
unix_socket_path: /run/chroma.sock
log_level: warning
log_format: json
worker_threads: 3
search_threads: 2
connections_max: 10
header_timeout_ms: 11
body_timeout_ms: 12
idle_timeout_ms: 13
stop_timeout_ms: 0
)");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->listen_address, "::1");
  EXPECT_EQ(config->port, 0);
  EXPECT_EQ(config->persist_path, "/data/chroma");
  EXPECT_TRUE(config->allow_reset);
  EXPECT_EQ(config->max_payload_size_bytes, 1000u);
  EXPECT_THAT(config->cors_allow_origins, ElementsAre("https://a.example", "https://b.example"));
  EXPECT_EQ(config->unix_socket_path, "/run/chroma.sock");
  EXPECT_EQ(config->log_level, runtime::LogLevel::kWarning);
  EXPECT_EQ(config->log_format, runtime::LogFormat::kJson);
  EXPECT_EQ(config->worker_threads, 3);
  EXPECT_EQ(config->search_threads, 2);
  EXPECT_EQ(config->connections_max, 10u);
  EXPECT_EQ(config->header_timeout_ms, 11);
  EXPECT_EQ(config->body_timeout_ms, 12);
  EXPECT_EQ(config->idle_timeout_ms, 13);
  EXPECT_EQ(config->stop_timeout_ms, 0);
}

// The file that upstream ships as its full example.
TEST_F(ConfigTest, KeysOfUpstreamAreAcceptedAndReported) {
  const Result<ServerConfig> config = Load(R"(
open_telemetry:
  service_name: "chroma"
  endpoint: "http://otel-collector:4317"
port: 8001
cors_allow_origins: ["*"]
sqlitedb:
  hash_type: "md5"
  migration_mode: "apply"
sysdb:
  sqlite: {log_topic_namespace: "default"}
circuit_breaker: {requests: 100}
)");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->port, 8001);
  EXPECT_THAT(config->ignored_keys,
              ElementsAre("circuit_breaker", "open_telemetry", "sqlitedb", "sysdb"));
}

TEST_F(ConfigTest, NullIsAbsent) {
  const Result<ServerConfig> config = Load("cors_allow_origins: null\nport: ~\npersist_path:\n");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->port, 8000);
  EXPECT_EQ(config->persist_path, "./chroma");
}

TEST_F(ConfigTest, TheEnvironmentWins) {
  const Result<ServerConfig> config =
      Load("port: 1\npersist_path: /file\n", {{"CHROMA_PORT", "9000"},
                                              {"CHROMA_PERSIST_PATH", "/a: [b]"},
                                              {"chroma_allow_reset", "true"},
                                              {"CHROMA_ALLOW_RESET", "true"},
                                              {"CHROMA_CORS_ALLOW_ORIGINS", R"(["*", "x"])"},
                                              {"CHROMA_LOG_LEVEL", "debug"},
                                              {"CHROMA_OPEN_TELEMETRY__ENDPOINT", "x"},
                                              {"CHROMA_API_KEY", "somebody else's"},
                                              {"PORT", "1"}});
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->port, 9000);
  EXPECT_EQ(config->persist_path, "/a: [b]");
  EXPECT_TRUE(config->allow_reset);
  EXPECT_THAT(config->cors_allow_origins, ElementsAre("*", "x"));
  EXPECT_EQ(config->log_level, runtime::LogLevel::kDebug);
  EXPECT_THAT(config->ignored_keys, ElementsAre("open_telemetry"));
}

TEST_F(ConfigTest, WrongVariableIsNamed) {
  EXPECT_THAT(Error("", {{"CHROMA_PORT", "many"}}),
              HasSubstr("environment variable CHROMA_PORT: port must be a whole number from 0 to "
                        "65535, not \"many\""));
  EXPECT_THAT(Error("", {{"CHROMA_CORS_ALLOW_ORIGINS", "[a"}}),
              HasSubstr("CHROMA_CORS_ALLOW_ORIGINS: cors_allow_origins must be a list of texts"));
  EXPECT_THAT(Error("", {{"CHROMA_PORT", ""}}), HasSubstr("CHROMA_PORT"));
}

TEST_F(ConfigTest, UnknownKeyIsNamedWithItsLine) {
  const std::string error = Error("port: 1\n\nprot: 2\n");
  EXPECT_THAT(error, HasSubstr("/config.yaml:3: unknown key \"prot\""));
  EXPECT_THAT(error, HasSubstr("listen_address"));
}

TEST_F(ConfigTest, WrongTypesAreNamedWithTheirLine) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"port: abc", ":1: port must be a whole number from 0 to 65535, not \"abc\""},
      {"port: \"8000\"", "port must be a whole number"},
      {"port: 65536", "port must be"},
      {"port: -1", "port must be"},
      {"port: 1.5", "port must be"},
      {"port: [1]", "not a list"},
      {"\nport: {a: 1}", ":2: port must be a whole number from 0 to 65535, not a map"},
      {"allow_reset: yes", "allow_reset must be true or false, not \"yes\""},
      {"allow_reset: 1", "allow_reset must be"},
      {"allow_reset: \"true\"", "allow_reset must be"},
      {"persist_path: \"\"", "persist_path must be a text"},
      {"persist_path: [a]", "persist_path must be a text"},
      {"cors_allow_origins: \"*\"", "cors_allow_origins must be a list of texts, not \"*\""},
      {"cors_allow_origins: [[a]]", "cors_allow_origins must be"},
      {"max_payload_size_bytes: 0", "max_payload_size_bytes must be"},
      {"max_payload_size_bytes: 99999999999999999999", "max_payload_size_bytes must be"},
      {"log_level: loud", "log_level must be one of debug info warning error off, not \"loud\""},
      {"worker_threads: 0", "worker_threads must be"},
      {"idle_timeout_ms: 0", "idle_timeout_ms must be"},
      {"port: 1\nport: 2", ":2: port is given twice"},
      {"[a]: 1", "a key must be a word"},
      {"- port", "expected lines of"},
      {"port", "expected lines of"},
  };
  for (const auto& c : cases) EXPECT_THAT(Error(c.text), HasSubstr(c.error)) << c.text;
}

TEST_F(ConfigTest, BrokenYamlIsNamedWithItsLine) {
  EXPECT_THAT(Error("port: 1\nlog_level: [a\n"), HasSubstr("/config.yaml:3: "));
  EXPECT_THAT(Error("a: *nobody\n"), HasSubstr("/config.yaml:1: "));
  EXPECT_THAT(Error(std::string(5000, '[')), HasSubstr("/config.yaml"));
}

TEST_F(ConfigTest, HugeFileIsRefused) {
  EXPECT_THAT(Error(std::string(2 << 20, '#')), HasSubstr("too large"));
}

TEST_F(ConfigTest, MissingFile) {
  const Result<ServerConfig> config = LoadConfig(*files_, "/none.yaml", {});
  EXPECT_EQ(config.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("/none.yaml"));
}

TEST(SetConfigKeyTest, SaysWhereTheTextStands) {
  ServerConfig config;
  ASSERT_TRUE(SetConfigKey("--port", "port", "0", &config).ok());
  EXPECT_EQ(config.port, 0);
  EXPECT_THAT(std::string(SetConfigKey("--port", "port", "x", &config).message()),
              HasSubstr("--port: port must be a whole number from 0 to 65535, not \"x\""));
  EXPECT_FALSE(SetConfigKey("--path", "persist_path", "", &config).ok());
  EXPECT_FALSE(SetConfigKey("--x", "x", "", &config).ok());
  EXPECT_EQ(config.persist_path, "./chroma");
}

TEST(EnvironmentTest, IsThatOfTheProcess) {
  ASSERT_EQ(setenv("CHROMA_CONFIG_TEST", "a=b", 1), 0);
  EXPECT_EQ(ProcessEnvironment().at("CHROMA_CONFIG_TEST"), "a=b");
}

}  // namespace
}  // namespace chroma::service
