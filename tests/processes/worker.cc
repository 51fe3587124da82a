// Writes to a directory, or to a server, until it is told to stop (SIGTERM) or killed, and keeps a
// journal of what it asked for and what was answered, which survives it:
//
//   worker dir|http PLACE NAME JOURNAL
//
//   B <ns> add|upsert|delete <id> <version>      a request begins …
//   B <ns> make|drop <collection> 0
//   E <ns> ok|<error>                            … and ends; times are of the monotonic clock
//
// It reads its own writes back now and then; what it misses is an error of the request "read".
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "chroma/chroma.h"
#include "runtime/clock.h"

namespace {

volatile std::sig_atomic_t stop = 0;

class Journal {
 public:
  explicit Journal(const char* path)
      : fd_(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  void Begin(const std::string& what) { Write("B", what); }
  // False when the request failed.
  bool End(const chroma::Status& status) {
    Write("E", status.ok() ? "ok" : status.ToString());
    return status.ok();
  }

 private:
  void Write(const char* kind, const std::string& what) const {
    const std::string line = std::string(kind) + " " +
                             std::to_string(chroma::runtime::Clock::System().MonotonicNs()) + " " +
                             what + "\n";
    if (write(fd_, line.data(), line.size()) < 0) _exit(3);
  }
  int fd_;
};

chroma::Records Record(const std::string& id, int version) {
  chroma::Records records;
  records.ids = {id};
  records.embeddings = {{static_cast<float>(version), 1.0F, 2.0F, 3.0F}};
  records.documents = {"version " + std::to_string(version)};
  records.metadatas = {{{"v", version}}};
  return records;
}

chroma::Status Missing(const std::string& what) {
  return chroma::Status::DataLoss("an acknowledged write is missing: " + what);
}

// One round over a few ids of its own; false at the first failure.
bool Round(const chroma::Client& client, chroma::Collection& kept, Journal& journal,
           const std::string& name, int round) {
  const std::string id = name + "-" + std::to_string(round);
  journal.Begin("add " + id + " 1");
  if (!journal.End(kept.Add(Record(id, 1)))) return false;
  if (round % 3 == 0) {
    journal.Begin("upsert " + id + " 2");
    if (!journal.End(kept.Upsert(Record(id, 2)))) return false;
  }
  if (round % 5 == 0) {
    journal.Begin("delete " + id + " 0");
    if (!journal.End(kept.Delete({.ids = {{id}}}).status())) return false;
  }
  if (round % 7 == 1) {
    const auto got = kept.Get({.ids = {{id}}});
    journal.Begin("read " + id + " 0");
    const bool is_there = round % 5 != 0;
    if (!journal.End(!got.ok()                                 ? got.status()
                     : got->ids.size() == (is_there ? 1u : 0u) ? chroma::Status::Ok()
                                                               : Missing(id))) {
      return false;
    }
  }
  if (round % 10 != 0) return true;
  const std::string made = "made-" + id;
  journal.Begin("make " + made + " 0");
  if (!journal.End(client.CreateCollection(made).status())) return false;
  if (round % 20 != 0) return true;
  journal.Begin("drop " + made + " 0");
  return journal.End(client.DeleteCollection(made));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::signal(SIGTERM, [](int) { stop = 1; });
  const std::string place = argv[2];
  Journal journal(argv[4]);
  journal.Begin("open - 0");
  const chroma::Result<chroma::Client> client =
      argv[1] == std::string("dir") ? chroma::PersistentClient(place) : chroma::HttpClient(place);
  if (!journal.End(client.status())) return 1;
  journal.Begin("collection - 0");
  chroma::Result<chroma::Collection> kept = client->GetOrCreateCollection("kept");
  if (!journal.End(kept.status())) return 1;
  for (int round = 1; stop == 0; ++round) {
    if (!Round(*client, *kept, journal, argv[3], round)) return 1;
    chroma::runtime::Clock::System().SleepNs(2 * chroma::runtime::kMillisecond);
  }
  return 0;
}
