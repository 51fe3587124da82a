// Completion of command lines by shells, made from the commands that there are.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace chroma::cli {

enum class Shell { kBash, kZsh, kFish };

// A script for the shell to read.
std::string CompletionScript(const CLI::App& program, Shell shell);

}  // namespace chroma::cli
