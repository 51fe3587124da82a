#include "cli/open_page.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <initializer_list>

extern char** environ;

namespace chroma::cli {
namespace {

// Whether the program could be run, and took the page.
bool Try(const std::string& program, const std::string& url) {
  std::string name = program;
  std::string page = url;
  char* arguments[] = {name.data(), page.data(), nullptr};
  pid_t pid = 0;
  if (posix_spawnp(&pid, name.c_str(), nullptr, nullptr, arguments, environ) != 0) return false;
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Status OpenInBrowser(const std::string& url) {
  const char* browser = std::getenv("BROWSER");
  if (browser != nullptr && *browser != '\0' && Try(browser, url)) return Status::Ok();
  for (const char* program : {"xdg-open", "open"}) {
    if (Try(program, url)) return Status::Ok();
  }
  return Status::FailedPrecondition("no browser was found; set BROWSER, or open " + url +
                                    " yourself");
}

}  // namespace chroma::cli
