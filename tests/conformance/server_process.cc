#include "server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

#include "behaviour/temporary_directory.h"

namespace chroma::conformance {
namespace {

constexpr int kStartPolls = 1200;
constexpr useconds_t kPollMicroseconds = 50'000;

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& flags)
    : directory_(behaviour::MakeTemporaryDirectory("conformance")) {
  std::vector<std::string> arguments = {CHROMA_BINARY, "run",       "--path", directory_ + "/data",
                                        "--host",      "127.0.0.1", "--port", "0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (directory_ + "/log").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int error = posix_spawn(&pid_, CHROMA_BINARY, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(std::string(CHROMA_BINARY) + " cannot be started");

  for (int poll = 0; poll < kStartPolls && port_ == 0; ++poll) {
    usleep(kPollMicroseconds);
    port_ = PortInLog();
    if (port_ == 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) break;
  }
  if (port_ == 0) throw std::runtime_error("the server did not start:\n" + Log());
}

ServerProcess::~ServerProcess() {
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "the server ended with wait status " << status << "\n"
      << Log();
  behaviour::RemoveTemporaryDirectory(directory_);
}

std::string ServerProcess::Log() const {
  std::ifstream file(directory_ + "/log");
  return {std::istreambuf_iterator<char>(file), {}};
}

uint16_t ServerProcess::PortInLog() const {
  const std::string log = Log();
  std::smatch match;
  if (!std::regex_search(log, match, std::regex("server started.*http://127\\.0\\.0\\.1:(\\d+)"))) {
    return 0;
  }
  return static_cast<uint16_t>(std::stoi(match[1]));
}

}  // namespace chroma::conformance
