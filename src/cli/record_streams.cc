#include "cli/record_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "cli/signals.h"
#include "cli/terminal.h"

namespace chroma::cli {
namespace {

constexpr const char* kStandard = "-";
constexpr int kPollMs = 50;

class StandardInput final : public transfer::ByteSource {
 public:
  Result<size_t> Read(char* out, size_t n) override {
    for (;;) {
      // Who writes there may take long, and a signal is heeded meanwhile.
      struct pollfd input = {STDIN_FILENO, POLLIN, 0};
      while (poll(&input, 1, kPollMs) == 0) {
        if (IsInterrupted()) return Status::Cancelled("stopped");
      }
      const ssize_t got = ::read(STDIN_FILENO, out, n);
      // Ctrl-C also ends who writes there, maybe first: a half is not taken for the whole.
      if (got == 0 && poll(nullptr, 0, kPollMs) == 0 && IsInterrupted()) {
        return Status::Cancelled("stopped");
      }
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Status::Internal(std::string("read stdin: ") + strerror(errno));
    }
  }
};

// Which open descriptor a path names, if any. The file that is open there may be anything.
std::optional<int> DescriptorOf(std::string file) {
  constexpr int kLinksMax = 8;
  for (int links = 0; links < kLinksMax; ++links) {
    for (const std::string_view directory : {"/proc/self/fd/", "/dev/fd/"}) {
      if (!file.starts_with(directory)) continue;
      int descriptor = -1;
      const char* const end = file.data() + file.size();
      const auto read = std::from_chars(file.data() + directory.size(), end, descriptor);
      if (read.ec == std::errc() && read.ptr == end) return descriptor;
    }
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(file.c_str(), target.data(), target.size());
    if (size <= 0) return std::nullopt;
    const std::string next(target.data(), static_cast<size_t>(size));
    const size_t slash = file.rfind('/');
    const bool whole = next.starts_with('/') || slash == std::string::npos;
    file = whole ? next : file.substr(0, slash + 1) + next;
  }
  return std::nullopt;
}

class StandardOutput final : public transfer::ByteSink {
 public:
  explicit StandardOutput(Terminal& terminal) : terminal_(terminal) {}
  Status Write(std::string_view bytes) override {
    terminal_.Print(bytes);
    // Whoever has stopped reading spares us the rest.
    return terminal_.Flush();
  }
  Status Finish() override { return terminal_.Flush(); }

 private:
  Terminal& terminal_;
};

}  // namespace

Result<transfer::FileFormat> FormatOf(const std::string& format, const std::string& file) {
  if (format == "csv") return transfer::FileFormat::kCsv;
  if (format == "jsonl") return transfer::FileFormat::kJsonLines;
  const std::optional<transfer::FileFormat> named = transfer::FormatOfName(file);
  if (named) return *named;
  return Status::InvalidArgument("say by --format whether " +
                                 (file == kStandard ? std::string("it") : file) +
                                 " is jsonl or csv");
}

Result<std::unique_ptr<transfer::ByteSource>> OpenRecords(const std::string& file) {
  if (file == kStandard) {
    return std::unique_ptr<transfer::ByteSource>(std::make_unique<StandardInput>());
  }
  return transfer::OpenSourceFile(runtime::Env(), file);
}

bool IsStream(const std::string& file) {
  struct stat there;
  if (file == kStandard || DescriptorOf(file)) return true;
  return ::stat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode);
}

Status CheckDescriptor(const std::string& file) {
  const std::optional<int> descriptor = DescriptorOf(file);
  if (!descriptor || ::fcntl(*descriptor, F_GETFD) >= 0) return Status::Ok();
  return Status::InvalidArgument("open " + file + ": whoever started this program opened no " +
                                 std::to_string(*descriptor));
}

Result<std::unique_ptr<transfer::ByteSink>> CreateRecords(const std::string& file,
                                                          Terminal& terminal) {
  struct stat there;
  if (file != kStandard && ::stat(file.c_str(), &there) == 0 && S_ISDIR(there.st_mode)) {
    return Status::InvalidArgument(file + " is a directory; name a file in it");
  }
  if (!IsStream(file)) return transfer::CreateSinkFile(runtime::Env(), file);
  // A file put in the place of a stream would be no use to who reads that.
  const std::optional<int> open_already = file == kStandard ? STDOUT_FILENO : DescriptorOf(file);
  const bool is_stdout = open_already ? ::dup2(*open_already, STDOUT_FILENO) >= 0
                                      : std::freopen(file.c_str(), "w", stdout) != nullptr;
  if (!is_stdout) return Status::InvalidArgument("open " + file + ": " + strerror(errno));
  return std::unique_ptr<transfer::ByteSink>(std::make_unique<StandardOutput>(terminal));
}

}  // namespace chroma::cli
