#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>

#include "cli/terminal.h"

namespace chroma::cli {
namespace {

constexpr size_t kLeftColumns = 26;
constexpr size_t kWidthMax = 100;
constexpr const char* kArguments = "Arguments";

// Of "TEXT:{a,b}" the choices, of "UINT:INT in [1 - 9]" the kind.
std::string KindOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() == 0) return "";
  const size_t brace = type.find('{');
  if (brace != std::string::npos && type.find('}', brace) - brace < kLeftColumns) {
    return type.substr(brace, type.find('}', brace) + 1 - brace);
  }
  return type.substr(0, type.find(':'));
}

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    // Every part brings its own blank lines.
    for (size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) {
      text.erase(at, 1);
    }
    return text;
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string left = is_positional ? option->get_name(true) : option->get_name(false, true);
    // Flags that switch off: "--no-check{false}".
    left = left.substr(0, left.find('{'));
    std::replace(left.begin(), left.end(), ',', ' ');
    const std::string kind = KindOf(*option);
    if (!kind.empty() && kind != left) left += " " + kind;
    return Line(left, option->get_description());
  }

  std::string make_subcommand(const CLI::App* sub) const override {
    return Line(sub->get_name(), sub->get_description());
  }

  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    if (is_positional) group = kArguments;
    std::string text = "\n" + group + ":\n";
    for (const CLI::Option* option : options) text += make_option(option, is_positional);
    return text;
  }

  std::string make_positionals(const CLI::App* app) const override {
    const auto arguments = app->get_options([](const CLI::Option* option) {
      return !option->get_group().empty() && option->get_positional();
    });
    return arguments.empty() ? std::string() : make_group(kArguments, true, arguments);
  }

  std::string make_footer(const CLI::App* app) const override {
    const std::string footer = app->get_footer();
    return footer.empty() ? std::string() : "\n" + footer + "\n";
  }

 private:
  static std::string Line(const std::string& left, const std::string& description) {
    const size_t width = std::min(kWidthMax, static_cast<size_t>(Terminal().width()));
    const size_t room = std::max<size_t>(width, kLeftColumns + 22) - kLeftColumns - 2;
    std::string text = "  " + left;
    size_t column = WidthOf(text);
    bool is_first = true;
    for (const std::string& line : WrapText(description, room)) {
      if (!is_first || column + 2 > kLeftColumns + 2) {
        text += "\n";
        column = 0;
      }
      text.append(kLeftColumns + 2 - column, ' ');
      text += line;
      is_first = false;
      column = kLeftColumns + 2;
    }
    return text + "\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter() {
  return std::make_shared<HelpFormatter>();
}

}  // namespace chroma::cli
