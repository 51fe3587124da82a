// service/config.h: the YAML file of a server.
#include "service/config.h"

#include <memory>
#include <string>

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  auto files = runtime::FileSystem::InMemory();
  {
    const auto file = files->Open("/config.yaml", runtime::OpenMode::kCreate);
    CHECK(file.ok());
    CHECK((*file)->WriteAt(0, input).ok());
  }
  const auto config = service::LoadConfig(*files, "/config.yaml", {});
  CHECK(config.ok() || config.status().code() == StatusCode::kInvalidArgument);

  const auto [name, text] = SplitFirstLine(input);
  service::ServerConfig one;
  (void)service::SetConfigKey("--flag", name, std::string(text), &one);
}

}  // namespace chroma::fuzz
