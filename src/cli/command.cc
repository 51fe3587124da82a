#include "cli/command.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace chroma::cli {
namespace {

// Made by the first registration, in whatever order files are initialised.
struct Registry {
  std::vector<RegisteredCommand> commands;
  std::vector<CommandFamily> families;
};
Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

size_t PlaceOfGroup(std::string_view group) {
  constexpr std::string_view kOrder[] = {kGroupServer, kGroupData, kGroupMeasure, kGroupService,
                                         kGroupProgram};
  return static_cast<size_t>(std::find(std::begin(kOrder), std::end(kOrder), group) -
                             std::begin(kOrder));
}

}  // namespace

Registration::Registration(CommandSpec spec, MakeCommand make) {
  TheRegistry().commands.push_back({std::move(spec), make});
}

Registration::Registration(CommandFamily family) {
  TheRegistry().families.push_back(std::move(family));
}

std::vector<RegisteredCommand> AllCommands() {
  std::vector<RegisteredCommand> commands = TheRegistry().commands;
  std::sort(commands.begin(), commands.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(PlaceOfGroup(a.spec.group), std::string_view(a.spec.path)) <
           std::make_tuple(PlaceOfGroup(b.spec.group), std::string_view(b.spec.path));
  });
  return commands;
}

std::vector<CommandFamily> AllFamilies() {
  return TheRegistry().families;
}

}  // namespace chroma::cli
