// For tests of directories that several processes use.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "service/shared_directory.h"

namespace chroma::service {

inline const std::string kCollections =
    "/api/v2/tenants/default_tenant/databases/default_database/collections";

// A process of its own, which runs `body(ready)` and then waits to be killed; `ready()` lets
// Started() return.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void(const std::function<void()>&)>& body) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      body([&] { (void)!::write(ends[1], "x", 1); });
      for (;;) ::pause();
    }
    ::close(ends[1]);
    ready_ = ends[0];
  }
  ~ChildProcess() {
    Kill();
    ::close(ready_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool Started() {
    char byte = 0;
    return ::read(ready_, &byte, 1) == 1;
  }
  // Returns when every thread stands still: the signal alone lets them answer for a while.
  void Stop() {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void Continue() { ::kill(pid_, SIGCONT); }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  int ready_ = -1;
};

class DirectoryFixture : public ::testing::Test {
 protected:
  DirectoryFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chroma-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    path_ = root_ + "/db";
  }
  ~DirectoryFixture() override {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(root_, ignored);
  }

  Result<std::shared_ptr<SharedDirectory>> TryOpen(bool read_only = false) const {
    LocalOptions options;
    options.path = path_;
    options.read_only = read_only;
    options.search_threads = 1;
    return SharedDirectory::Open(runtime::Env(), options);
  }
  std::shared_ptr<SharedDirectory> Open(bool read_only = false) const {
    auto directory = TryOpen(read_only);
    EXPECT_TRUE(directory.ok()) << directory.status().ToString();
    return directory.ok() ? *directory : nullptr;
  }

  static http::Request Make(const std::string& method, const std::string& target,
                            std::string body = "") {
    http::Request request;
    request.method_token = method;
    request.method = http::ParseMethod(method);
    request.target = target;
    request.headers = {{"content-type", "application/json"}};
    request.body = std::move(body);
    return request;
  }
  static http::Response Send(SharedDirectory& directory, const std::string& method,
                             const std::string& target, std::string body = "") {
    runtime::Context context;
    return directory.Send(Make(method, target, std::move(body)), context);
  }
  // The path of the collection "things", made when missing.
  static std::string Things(SharedDirectory& directory) {
    const http::Response made =
        Send(directory, "POST", kCollections, R"({"name":"things","get_or_create":true})");
    EXPECT_EQ(made.status, 200) << made.body;
    const size_t at = made.body.find("\"id\":\"");
    return at == std::string::npos ? "" : kCollections + "/" + made.body.substr(at + 6, 36);
  }
  static int Add(SharedDirectory& directory, const std::string& collection, int id) {
    const std::string n = std::to_string(id);
    return Send(directory, "POST", collection + "/add",
                R"({"ids":["i)" + n + R"("],"embeddings":[[)" + n + ",1]]}")
        .status;
  }
  static std::string Count(SharedDirectory& directory, const std::string& collection) {
    return Send(directory, "GET", collection + "/count").body;
  }

  // A child that owns the directory, with `records` in its collection.
  std::unique_ptr<ChildProcess> Owner(int records = 0) {
    return std::make_unique<ChildProcess>([this, records](const std::function<void()>& ready) {
      const std::shared_ptr<SharedDirectory> directory = Open();
      const std::string things = Things(*directory);
      for (int i = 0; i < records; ++i) Add(*directory, things, i);
      ready();
      for (;;) ::pause();
    });
  }

  std::string root_;
  std::string path_;
};

}  // namespace chroma::service
