// How --help looks.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace chroma::cli {

// Names and kind of value at the left, descriptions at the right, as wide as the terminal.
std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter();

}  // namespace chroma::cli
