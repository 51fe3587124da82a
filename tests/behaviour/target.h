// Who answers the requests of a case: a gateway in this process, or a server behind a socket.
#pragma once

#include <optional>
#include <string>

#include "behaviour/case.h"

namespace chroma::behaviour {

struct Question {
  std::string method;
  std::string path;
  Pairs headers;  // names in lower case
  std::optional<std::string> body;
};

struct Answer {
  int status = 0;  // 0: there was none; the body then says why
  Pairs headers;   // names in lower case
  std::string body;

  const std::string* Header(const std::string& name) const;
};

class Target {
 public:
  virtual ~Target() = default;
  virtual Answer Ask(const Question& question) = 0;
};

}  // namespace chroma::behaviour
