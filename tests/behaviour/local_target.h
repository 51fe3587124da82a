// A gateway in this process, asked as the HTTP server would ask it, over an engine that is shaken
// after each request: compacted, or closed and opened again.
#pragma once

#include <memory>
#include <string>

#include "behaviour/target.h"
#include "gateway/gateway.h"
#include "service/wiring.h"

namespace chroma::behaviour {

struct LocalSetting {
  bool on_disk = false;
  bool compact_after_write = false;
  bool reopen_after_request = false;  // only on disk
  bool allow_reset = false;
};

class LocalTarget : public Target {
 public:
  explicit LocalTarget(LocalSetting setting);
  ~LocalTarget() override;

  Answer Ask(const Question& question) override;
  // Closes the engine and opens it again over the same directory.
  void Reopen();

 private:
  void CompactTarget(const std::string& path);

  LocalSetting setting_;
  std::string directory_;  // empty in memory
  std::unique_ptr<service::LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
};

}  // namespace chroma::behaviour
