// How commands name where data is: a directory, a server, or a profile.
//
//   ./data  /srv/chroma           a directory: what has a slash or a dot at its begin, or exists
//   http://localhost:8000         a server; https too
//   work                          a profile, where there is no such directory; also profile:work
//   …#database  …#tenant/database   in place of --tenant and --database
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/client.h"
#include "chroma/status.h"

namespace CLI {
class App;
}

namespace chroma::cli {

struct Place {
  enum class Kind { kDirectory, kServer };
  Kind kind = Kind::kDirectory;
  std::string path;  // of a directory
  std::string url;   // of a server
  std::string profile = {};
  // Empty: the default ones, or, with a profile, those of its key.
  std::string tenant = {};
  std::string database = {};
  std::map<std::string, std::string> headers = {};

  bool is_directory() const { return kind == Kind::kDirectory; }
  // For messages, e.g. "./data" or "http://localhost:8000#tenant/database".
  std::string name() const;
};

enum class Access {
  kRead,    // must exist; a directory is not written
  kWrite,   // must exist
  kCreate,  // a directory is made when missing
};

// kInvalidArgument for what names nothing; kNotFound for an unknown profile.
Result<Place> ParsePlace(std::string_view text);
// kNotFound where there is no database yet, saying how one is made.
Result<Client> OpenPlace(const Place& place, Access access);

// The options by which a command is told its place. Without any: $CHROMA_PLACE, the current
// profile, ./chroma, in this order.
class PlaceOptions {
 public:
  // --at, --path, --host; --tenant, --database, --api-key, --header.
  void Define(CLI::App& app);
  Result<Place> Find() const;
  Result<Client> Open(Access access) const;

 private:
  std::string at_;
  std::string path_;
  std::string host_;
  std::string tenant_;
  std::string database_;
  std::string api_key_;
  std::vector<std::string> headers_;
};

}  // namespace chroma::cli
