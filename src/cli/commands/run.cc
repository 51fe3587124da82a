// chroma run: a server in the foreground.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/banner.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "runtime/env.h"
#include "runtime/log.h"
#include "service/config.h"
#include "service/import_directory.h"
#include "service/server.h"

namespace chroma::cli {
namespace {

using runtime::LogLevel;
using service::ServerConfig;

// What is given here wins over the configuration file, whose words it is in.
struct RunOptions {
  std::optional<std::string> config_path;
  std::optional<std::string> path;
  std::optional<std::string> host;
  std::optional<std::string> port;
  std::optional<std::string> memory_limit;  // bytes
  bool allow_reset = false;
  bool read_only = false;
  bool import = false;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  std::optional<std::string> log_path;
  bool test = false;  // start, then stop at once
};

int Fail(int exit_code, const std::string& what) {
  std::fprintf(stderr, "chroma: %s\n", what.c_str());
  return exit_code;
}

Result<ServerConfig> ConfigOf(const RunOptions& options, runtime::FileSystem& files) {
  ServerConfig config;
  if (options.config_path) {
    CHROMA_ASSIGN(config,
                  service::LoadConfig(files, *options.config_path, service::ProcessEnvironment()));
  } else {
    config.listen_address = "localhost";
  }
  const struct {
    const char* flag;
    const char* key;
    const std::optional<std::string>& value;
  } flags[] = {{"--path", "persist_path", options.path},
               {"--host", "listen_address", options.host},
               {"--port", "port", options.port},
               {"--memory-limit", "memory_limit_bytes", options.memory_limit},
               {"--log-level", "log_level", options.log_level},
               {"--log-format", "log_format", options.log_format}};
  for (const auto& [flag, key, value] : flags) {
    if (value) CHROMA_TRY(service::SetConfigKey(flag, key, *value, &config));
  }
  if (options.allow_reset) config.allow_reset = true;
  if (options.read_only) config.read_only = true;
  return config;
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

// The banner is for eyes; what scripts need is in the log.
void Announce(const ServerConfig& config, const service::Server& server) {
  const uint16_t port = server.port();
  const std::string path = AbsolutePath(config.persist_path);
  if (isatty(STDOUT_FILENO) == 1) {
    const char* no_color = std::getenv("NO_COLOR");
    const bool color = no_color == nullptr || *no_color == '\0';
    const std::string banner = Banner({CHROMA_VERSION, config.listen_address, port, path}, color);
    std::fputs(banner.c_str(), stdout);
    std::fflush(stdout);
  }
  if (config.read_only) {
    runtime::Log(LogLevel::kInfo, "directory is served for reading only", {{"path", path}});
  } else if (!server.is_owner()) {
    runtime::Log(LogLevel::kInfo,
                 "directory is open in another process, which is asked until this one takes over",
                 {{"path", path}});
  }
  for (const std::string& key : config.ignored_keys) {
    runtime::Log(LogLevel::kWarning, "configuration key has no effect here", {{"key", key}});
  }
  // The last of them: who waits for it has the whole beginning.
  runtime::Log(LogLevel::kInfo, "server started",
               {{"version", CHROMA_VERSION},
                {"address", LocalUrl(config.listen_address, port)},
                {"path", path},
                {"pid", static_cast<int64_t>(getpid())}});
}

// Says it once to whoever reads along: a log in a file or for programs is not the terminal.
int FailToStart(const ServerConfig& config, const RunOptions& options, const std::string& what) {
  const bool log_is_terminal = !options.log_path && config.log_format == runtime::LogFormat::kText;
  if (log_is_terminal) return Fail(kExitFailed, what);
  runtime::Log(LogLevel::kError, "server cannot start", {{"error", what}});
  if (options.log_path) std::printf("chroma: %s\n", what.c_str());
  return kExitFailed;
}

int Serve(const ServerConfig& config, const RunOptions& options, StopSignals* signals) {
  Result<std::unique_ptr<service::Server>> server = [&] {
    const StopSignals::Fatal opening(*signals);
    return service::StartServer(runtime::Env(), config);
  }();
  if (!server.ok()) return FailToStart(config, options, std::string(server.status().message()));
  Announce(config, **server);
  if (!options.test) {
    const int signal = signals->Wait();
    runtime::Log(LogLevel::kInfo, "server stopping", {{"signal", strsignal(signal)}});
  }
  signals->Release();
  (*server)->Stop();
  server->reset();
  runtime::Log(LogLevel::kInfo, "server stopped");
  return kExitOk;
}

// Returns the exit code once the server was told to stop, or could not start.
int RunServer(const RunOptions& options) {
  StopSignals signals;
  runtime::Env env;
  Result<ServerConfig> config = ConfigOf(options, *env.files);
  if (!config.ok()) return Fail(kExitUsage, std::string(config.status().message()));
  if (options.log_path && std::freopen(options.log_path->c_str(), "a", stderr) == nullptr) {
    std::printf("chroma: cannot open the log %s: %s\n", options.log_path->c_str(),
                std::strerror(errno));
    return kExitUsage;
  }
  runtime::ConfigureLog(config->log_level, config->log_format);
  if (options.import) {
    const StopSignals::Fatal importing(signals);
    runtime::Context ctx(*env.clock);
    const Result<std::string> path = service::ImportIfUpstream(ctx, env, config->persist_path, {});
    if (!path.ok()) {
      return FailToStart(*config, options, std::string(path.status().message()));
    }
    config->persist_path = *path;
  }
  return Serve(*config, options, &signals);
}

class RunCommand final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("CONFIG_PATH", run_.config_path,
                   "The path to the Chroma config file (YAML); the options below win over it")
        ->type_name(kTypeFile);
    app.add_option("--path", run_.path, "The directory of the data. Default: ./chroma")
        ->type_name(kTypeDirectory);
    app.add_option("--host", run_.host,
                   "The address to listen on. Default: localhost (with a config file: its "
                   "listen_address, or 0.0.0.0)");
    app.add_option("--port", run_.port, "The port to listen on; 0 is any free one. Default: 8000");
    app.add_option("--memory-limit", run_.memory_limit,
                   "What the server should keep in memory, as 800MB or 4GB. "
                   "Default: half of the machine's")
        ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false));
    app.add_flag("--allow-reset", run_.allow_reset,
                 "Let clients delete everything with POST /api/v2/reset");
    app.add_flag("--read-only", run_.read_only,
                 "Serve what is there, refuse writes, and write nothing in the directory");
    app.add_flag("--import", run_.import,
                 "Where the directory is one that Chroma itself wrote: import it into "
                 "PATH-imported, once, and serve that; PATH stays as it is");
    app.add_option("--log-level", run_.log_level,
                   "debug, info, warning, error or off. Default: info");
    app.add_option("--log-format", run_.log_format, "text or json. Default: text");
    app.add_option("--log-path", run_.log_path, "Append the log to this file. Default: stderr")
        ->type_name(kTypeFile);
    app.add_flag("--test", run_.test, "Start, then stop at once")->group("");
  }

  Result<int> Run(Terminal& terminal) override {
    static_cast<void>(terminal);
    return RunServer(run_);
  }

 private:
  RunOptions run_;
};

const Registration kRun(
    {.path = "run",
     .group = kGroupServer,
     .summary = "Start a local Chroma server",
     .examples = "chroma run\n"
                 "chroma run --path /srv/chroma --host 0.0.0.0 --port 8000\n"
                 "chroma run server.yaml",
     .notes = "SIGTERM or Ctrl-C lets running requests finish; a second one "
              "does not wait.\n"
              "Before the server is ready, or during an import, one is enough."},
    Make<RunCommand>);

}  // namespace
}  // namespace chroma::cli
