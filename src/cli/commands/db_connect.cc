// chroma db connect: what a program needs to connect to a database.
#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/place.h"
#include "runtime/file_system.h"

namespace chroma::cli {
namespace {

constexpr const char* kEnvFile = ".env";

// A string literal of any of the languages.
std::string Quoted(const std::string& text) {
  std::string quoted;
  JsonWriter(&quoted).String(text);
  return quoted;
}

struct ServerAddress {
  std::string host;
  std::string port;
  bool ssl = false;
};
ServerAddress SplitUrl(const std::string& url) {
  ServerAddress address;
  address.ssl = url.starts_with("https://");
  std::string rest = url.substr(url.find("//") + 2);
  rest = rest.substr(0, rest.find('/'));
  const size_t colon = rest.rfind(':');
  if (colon != std::string::npos && rest.find(']', colon) == std::string::npos) {
    address.port = rest.substr(colon + 1);
    rest.erase(colon);
  } else {
    address.port = address.ssl ? "443" : "80";
  }
  address.host = rest;
  return address;
}

// One connection, told in any language.
class Snippet {
 public:
  Snippet(const Place& place, std::string tenant, std::string database)
      : place_(place), tenant_(std::move(tenant)), database_(std::move(database)) {
    if (const auto key = place.headers.find("x-chroma-token"); key != place.headers.end()) {
      api_key_ = key->second;
    }
  }

  std::string In(const std::string& language) const {
    if (language == "python") return Python();
    if (language == "cpp") return Cpp();
    if (language == "shell") return Shell();
    return JavaScript();
  }

  // Of upstream's clients, and CHROMA_PLACE of this program.
  std::string Variables() const {
    std::string text;
    if (!api_key_.empty()) text += "CHROMA_API_KEY=" + api_key_ + "\n";
    text += "CHROMA_TENANT=" + tenant_ + "\nCHROMA_DATABASE=" + database_ + "\n";
    return text + "CHROMA_PLACE=" + Where() + "\n";
  }

 private:
  std::string Where() const {
    return (place_.is_directory() ? place_.path : place_.url) + "#" + tenant_ + "/" + database_;
  }
  std::string Names(const std::string& assign, const std::string& indent) const {
    return indent + "tenant" + assign + Quoted(tenant_) + ",\n" + indent + "database" + assign +
           Quoted(database_);
  }

  std::string Python() const {
    if (place_.is_directory()) {
      return "import chroma_cpp\n\nclient = chroma_cpp.PersistentClient(\n    " +
             Quoted(place_.path) + ",\n" + Names("=", "    ") + ")\n";
    }
    const ServerAddress at = SplitUrl(place_.url);
    return "import chromadb\n\nclient = chromadb.HttpClient(\n    host=" + Quoted(at.host) +
           ",\n    port=" + at.port + ",\n    ssl=" + (at.ssl ? "True" : "False") + ",\n" +
           (api_key_.empty() ? ""
                             : "    headers={\"x-chroma-token\": " + Quoted(api_key_) + "},\n") +
           Names("=", "    ") + ")\n";
  }

  std::string JavaScript() const {
    if (place_.is_directory()) {
      return "// Run `chroma run --path " + place_.path +
             "` first: JavaScript clients talk to a server.\n" +
             JavaScriptOf({"localhost", "8000", false});
    }
    return JavaScriptOf(SplitUrl(place_.url));
  }
  std::string JavaScriptOf(const ServerAddress& at) const {
    return "import { ChromaClient } from \"chromadb\";\n\nconst client = new ChromaClient({\n"
           "  host: " +
           Quoted(at.host) + ",\n  port: " + at.port + ",\n  ssl: " + (at.ssl ? "true" : "false") +
           ",\n" +
           (api_key_.empty() ? ""
                             : "  headers: { \"x-chroma-token\": " + Quoted(api_key_) + " },\n") +
           Names(": ", "  ") + ",\n});\n";
  }

  std::string Cpp() const {
    const std::string names =
        "{.tenant = " + Quoted(tenant_) + ", .database = " + Quoted(database_) +
        (api_key_.empty() || place_.is_directory()
             ? "}"
             : ", .headers = {{\"x-chroma-token\", " + Quoted(api_key_) + "}}}");
    return "#include <chroma/chroma.h>\n\nauto client = chroma::" +
           (place_.is_directory() ? "PersistentClient(" + Quoted(place_.path)
                                  : "HttpClient(" + Quoted(place_.url)) +
           ", " + names + ");\n";
  }

  std::string Shell() const { return "chroma browse --at " + Quoted(Where()) + "\n"; }

  const Place& place_;
  std::string tenant_;
  std::string database_;
  std::string api_key_;
};

class Connect final : public Command {
 public:
  void Define(CLI::App& app) override {
    app.add_option("NAME", name_, "The name of the database. Default: that of the place");
    app.add_option("--language", language_, "Default: python")
        ->check(CLI::IsMember(
            {"python", "javascript", "typescript", "java-script", "type-script", "cpp", "shell"}));
    CLI::Option* variables =
        app.add_flag("--env-vars", variables_, "Print environment variables instead");
    app.add_flag("--env-file", env_file_, "Add them to the file .env in the current directory")
        ->excludes(variables);
    place_.Define(app);
  }

  Result<int> Run(Terminal& terminal) override {
    CHROMA_ASSIGN(const Place place, place_.Find());
    CHROMA_ASSIGN(const Client client, place_.OpenTenant(Access::kRead));
    const std::string name = name_.empty() ? client.database() : name_;
    CHROMA_TRY(client.GetDatabase(name).status());
    const Snippet snippet(place, client.tenant(), name);
    if (env_file_) {
      CHROMA_TRY(AddToEnvFile(snippet.Variables()));
      terminal.Say(std::string(kEnvFile) + " has them now");
    } else {
      terminal.Print(variables_ ? snippet.Variables() : snippet.In(language_));
    }
    return kExitOk;
  }

 private:
  // Lines of variables that are there already are replaced.
  static Status AddToEnvFile(const std::string& variables) {
    runtime::FileSystem& files = runtime::FileSystem::System();
    CHROMA_ASSIGN(const bool exists, files.Exists(kEnvFile));
    Bytes before;
    if (exists) {
      CHROMA_ASSIGN(before, runtime::ReadWholeFile(files, kEnvFile));
    }
    std::string after;
    while (!before.empty()) {
      const size_t end = std::min(before.find('\n'), before.size() - 1);
      const std::string line = before.substr(0, end + 1);
      before.erase(0, end + 1);
      const std::string name = line.substr(0, line.find('='));
      if (("\n" + variables).find("\n" + name + "=") == std::string::npos) after += line;
    }
    if (!after.empty() && !after.ends_with('\n')) after += '\n';
    after += variables;
    CHROMA_ASSIGN(const auto file, files.Open(kEnvFile, runtime::OpenMode::kCreate));
    CHROMA_TRY(file->WriteAt(0, after));
    return file->Truncate(after.size());
  }

  std::string name_;
  std::string language_ = "python";
  bool variables_ = false;
  bool env_file_ = false;
  PlaceOptions place_;
};

const Registration kConnect({.path = "db connect",
                             .summary = "Print what a program needs to connect to a database",
                             .examples = "chroma db connect default_database\n"
                                         "chroma db connect drafts --language typescript\n"
                                         "chroma db connect drafts --at work --env-file"},
                            Make<Connect>);

}  // namespace
}  // namespace chroma::cli
