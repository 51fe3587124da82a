// chroma install: sample applications, written out and told where the data is.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/place.h"
#include "cli/samples.h"
#include "runtime/file_system.h"

namespace chroma::cli {
namespace {

struct SampleFacts {
  std::string_view name;
  std::string_view summary;
  std::string_view first_command;
  bool needs_server;
};
constexpr SampleFacts kSamples[] = {
    {"notes", "C++: notes in a directory, found by likeness",
     "cmake -B build && cmake --build build && ./build/notes add \"buy oranges\"", false},
    {"text-search", "Python without packages: full text search (BM25) over text files",
     "python3 search.py load README.md && python3 search.py find \"vectors of words\"", true},
};

constexpr const char* kLocalServer = "http://localhost:8000";

class Install final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The sample application")
        ->check(CLI::IsMember({"notes", "text-search"}));
    app.add_flag("--list", list_, "List what there is");
    app.add_option("--directory,-d", directory_, "Where to. Default: ./NAME")
        ->type_name(kTypeDirectory);
    app.add_flag("--local", local_, "Use http://localhost:8000, where no other place is given");
    app.add_flag("--json", json_, "With --list: print one JSON array");
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    if (list_ || name_.empty()) return List(terminal);
    for (const SampleFacts& sample : kSamples) {
      if (sample.name == name_) return Write(terminal, sample);
    }
    return Status::NotFound("there is no sample " + name_);
  }

 private:
  Result<int> List(Terminal& terminal) const {
    TextTable table({{"SAMPLE"}, {"WHAT IT IS"}});
    std::string text;
    JsonWriter out(&text);
    out.BeginArray();
    for (const SampleFacts& sample : kSamples) {
      table.Add({std::string(sample.name), std::string(sample.summary)});
      out.BeginObject();
      out.StringField("name", sample.name);
      out.StringField("summary", sample.summary);
      out.EndObject();
    }
    out.EndArray();
    terminal.Print(json_ ? text + "\n" : table.ToText(terminal));
    if (!json_) terminal.Say("`chroma install NAME` sets one up");
    return kExitOk;
  }

  Result<int> Write(Terminal& terminal, const SampleFacts& sample) const {
    runtime::FileSystem& files = runtime::FileSystem::System();
    const std::string directory = directory_.empty() ? name_ : directory_;
    CHROMA_ASSIGN(const bool exists, files.Exists(directory));
    if (exists && !std::filesystem::is_empty(directory)) {
      return Status::AlreadyExists(directory +
                                   " is there and not empty; name another by "
                                   "--directory");
    }
    CHROMA_TRY(files.CreateDirectory(directory));
    for (const SampleFile& file : SampleFiles()) {
      if (file.sample != name_) continue;
      CHROMA_TRY(WriteFile(files, runtime::JoinPath(directory, file.path), file.text));
    }
    std::string start;
    if (sample.needs_server) {
      CHROMA_ASSIGN(const Place place, ServerPlace());
      CHROMA_TRY(WriteFile(files, runtime::JoinPath(directory, "chroma.json"), Config(place)));
      if (place.url == kLocalServer) start = "  chroma run &\n";
    }
    terminal.Say("The sample is in " + directory + ". To begin:\n" + start + "  cd " + directory +
                 "\n  " + std::string(sample.first_command));
    return kExitOk;
  }

  // Samples of clients that need a server use the one that is named, or the usual one.
  Result<Place> ServerPlace() const {
    Result<Place> found = place_.Find();
    if (!local_ && found.ok() && !found->is_directory()) return found;
    if (place_.is_given() && !found.ok()) return found;
    Place place;
    if (found.ok()) {
      place.tenant = found->tenant;
      place.database = found->database;
    }
    place.kind = Place::Kind::kServer;
    place.url = kLocalServer;
    return place;
  }

  static std::string Config(const Place& place) {
    std::string text;
    JsonWriter out(&text);
    out.BeginObject();
    out.StringField("url", place.url);
    out.StringField("tenant", place.tenant.empty() ? kDefaultTenant : place.tenant);
    out.StringField("database", place.database.empty() ? kDefaultDatabase : place.database);
    out.Key("headers");
    out.BeginObject();
    for (const auto& [name, value] : place.headers) out.StringField(name, value);
    out.EndObject();
    out.EndObject();
    return text + "\n";
  }

  static Status WriteFile(runtime::FileSystem& files, const std::string& path,
                          std::string_view text) {
    CHROMA_ASSIGN(const auto file, files.Open(path, runtime::OpenMode::kCreate));
    CHROMA_TRY(file->WriteAt(0, text));
    return file->Truncate(text.size());
  }

  std::string name_;
  std::string directory_;
  bool list_ = false;
  bool local_ = false;
  bool json_ = false;
  PlaceOptions place_;
};

const Registration kInstall({.path = "install",
                             .summary = "Set up a sample application that comes with this program",
                             .examples = "chroma install --list\n"
                                         "chroma install text-search --at http://localhost:8000\n"
                                         "chroma install notes --directory ~/notes",
                             .notes = "Nothing is downloaded."},
                            Make<Install>);

}  // namespace
}  // namespace chroma::cli
