#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "cli/command.h"

namespace chroma::cli {
namespace {

struct OptionWords {
  std::vector<std::string> names;  // "--json", "-n"; none for an argument
  std::string description;
  bool takes_value = false;
  std::string type;
  std::vector<std::string> choices;
};

struct CommandWords {
  std::vector<std::string> path;  // without the program; empty: the program
  std::string description;
  std::vector<OptionWords> options;  // in order; arguments too
  std::vector<std::pair<std::string, std::string>> subcommands;
};

// The choices of CLI::IsMember, which are a part of the type's name: "TEXT:{a,b}".
std::vector<std::string> ChoicesIn(const std::string& type) {
  std::vector<std::string> choices;
  const size_t begin = type.find('{');
  const size_t end = type.find('}', begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return choices;
  std::string rest = type.substr(begin + 1, end - begin - 1);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    choices.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  return choices;
}

OptionWords WordsOf(const CLI::Option& option) {
  OptionWords words;
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  words.description = option.get_description();
  words.takes_value = option.get_items_expected_max() > 0;
  const std::string type = option.get_type_name();
  words.choices = ChoicesIn(type);
  words.type = type.substr(0, type.find(':'));
  return words;
}

void Collect(const CLI::App& app, const std::vector<std::string>& path,
             std::vector<CommandWords>* commands) {
  CommandWords words;
  words.path = path;
  words.description = app.get_description();
  const auto by_place = [](const CLI::Option*) { return true; };
  for (const CLI::Option* option : app.get_options(by_place)) {
    // Options without a group are for tests.
    if (option->get_group().empty()) continue;
    words.options.push_back(WordsOf(*option));
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : subcommands) {
    words.subcommands.emplace_back(sub->get_name(), sub->get_description());
  }
  commands->push_back(std::move(words));
  for (const CLI::App* sub : subcommands) {
    std::vector<std::string> longer = path;
    longer.push_back(sub->get_name());
    Collect(*sub, longer, commands);
  }
}

std::string Joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

// In single quotes, for any of the shells; `escape` is how a quote is written inside.
std::string Quoted(std::string_view text, std::string_view escape = "'\\''") {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// ---- bash

// What completes a value, as a command that fills COMPREPLY.
std::string BashValue(const OptionWords& option) {
  if (!option.choices.empty()) {
    return "COMPREPLY=($(compgen -W " + Quoted(Joined(option.choices, " ")) + " -- \"$word\"))";
  }
  if (option.type == kTypeDirectory) return "COMPREPLY=($(compgen -d -- \"$word\"))";
  if (option.type == kTypeFile) return "COMPREPLY=($(compgen -f -- \"$word\"))";
  if (option.type == kTypeProfile) {
    return "COMPREPLY=($(compgen -W \"$(_chroma_profiles)\" -- \"$word\"))";
  }
  if (option.type == kTypePlace) {
    return "COMPREPLY=($(compgen -d -- \"$word\") $(compgen -W \"$(_chroma_profiles) http://\" "
           "-- \"$word\"))";
  }
  return "COMPREPLY=()";
}

// The cases of one command: after an option that takes a value, that; else words.
std::string BashCase(const CommandWords& command) {
  std::string text = "    " + Quoted(Joined(command.path, " ")) + ")\n      case \"$before\" in\n";
  std::vector<std::string> words;
  const OptionWords* argument = nullptr;
  for (const OptionWords& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
    if (option.names.empty() && argument == nullptr) argument = &option;
    if (option.names.empty() || !option.takes_value) continue;
    text += "        " + Joined(option.names, "|") + ") " + BashValue(option) + "; return ;;\n";
  }
  for (const auto& [name, description] : command.subcommands) words.push_back(name);
  text += "      esac\n";
  if (argument != nullptr) {
    text += "      if [[ \"$word\" != -* ]]; then " + BashValue(*argument) + "; return; fi\n";
  }
  return text + "      COMPREPLY=($(compgen -W " + Quoted(Joined(words, " ")) +
         " -- \"$word\")) ;;\n";
}

std::string BashScript(const std::vector<CommandWords>& commands) {
  std::string text =
      "# Completion of chroma for bash: source this, or save it as\n"
      "# ~/.local/share/bash-completion/completions/chroma\n"
      "_chroma_profiles() {\n"
      "  sed -n 's/^\\[\"\\{0,1\\}\\([^]\"]*\\)\"\\{0,1\\}\\]$/\\1/p' ~/.chroma/credentials "
      "2>/dev/null\n"
      "}\n"
      "_chroma() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local command='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$command ${COMP_WORDS[i]}\" in\n";
  std::vector<std::string> paths;
  for (const CommandWords& command : commands) {
    if (command.path.empty()) continue;
    std::string path = Joined(command.path, " ");
    // At the top there is no command before the word.
    if (command.path.size() == 1) path.insert(0, " ");
    paths.push_back(Quoted(path));
  }
  text += "      " + Joined(paths, "|") +
          ")\n        command=\"$command ${COMP_WORDS[i]}\"\n"
          "        command=\"${command# }\" ;;\n    esac\n  done\n  case \"$command\" in\n";
  for (const CommandWords& command : commands) text += BashCase(command);
  return text + "  esac\n}\ncomplete -o filenames -o bashdefault -F _chroma chroma\n";
}

// ---- fish

std::string FishScript(const std::vector<CommandWords>& commands) {
  const auto quoted = [](std::string_view text) { return Quoted(text, "\\'"); };
  std::string text =
      "# Completion of chroma for fish: save this as ~/.config/fish/completions/chroma.fish\n"
      "function __chroma_profiles\n"
      "  string match -rg '^\\[\"?([^\\]\"]*)\"?\\]$' < ~/.chroma/credentials 2>/dev/null\n"
      "end\n"
      "complete -c chroma -f\n";
  for (const CommandWords& command : commands) {
    std::string condition;
    for (const std::string& word : command.path) {
      if (!condition.empty()) condition += "; and ";
      condition += "__fish_seen_subcommand_from " + word;
    }
    std::string none_of;
    for (const auto& [name, description] : command.subcommands) none_of += " " + name;
    const std::string at_word = "not __fish_seen_subcommand_from" + none_of;
    for (const auto& [name, description] : command.subcommands) {
      text += "complete -c chroma -n " +
              quoted(condition.empty() ? at_word : condition + "; and " + at_word) + " -a " + name +
              " -d " + quoted(description) + "\n";
    }
    if (command.path.empty()) continue;
    for (const OptionWords& option : command.options) {
      std::string line = "complete -c chroma -n " + quoted(condition);
      for (const std::string& name : option.names) {
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option.takes_value && !option.names.empty()) line += " -r";
      if (!option.choices.empty()) line += " -a " + quoted(Joined(option.choices, " "));
      if (option.type == kTypeProfile || option.type == kTypePlace) {
        line += " -a '(__chroma_profiles)'";
      }
      if (option.type == kTypeFile || option.type == kTypeDirectory || option.type == kTypePlace) {
        line += " -F";
      }
      if (!option.names.empty()) line += " -d " + quoted(option.description);
      text += line + "\n";
    }
  }
  return text;
}

// ---- zsh

// Of descriptions inside a specification of _arguments.
std::string ZshText(std::string text) {
  std::string clean;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') clean += '\\';
    clean += c;
  }
  return clean;
}

std::string ZshAction(const OptionWords& option) {
  if (!option.choices.empty()) return "(" + Joined(option.choices, " ") + ")";
  if (option.type == kTypeDirectory) return "_files -/";
  if (option.type == kTypeFile) return "_files";
  if (option.type == kTypeProfile) return "_chroma_profiles";
  if (option.type == kTypePlace) return "_chroma_places";
  return " ";
}

std::string ZshFunction(const CommandWords& command) {
  std::string text = "_chroma";
  for (const std::string& word : command.path) text += "_" + word;
  std::replace(text.begin(), text.end(), '-', '_');
  const std::string name = text;
  text += "() {\n  local -a words_here\n";
  if (!command.subcommands.empty()) {
    text +=
        "  local line state\n  _arguments -C '1: :->command' '*:: :->rest'\n"
        "  case $state in\n    command)\n      words_here=(";
    for (const auto& [sub, description] : command.subcommands) {
      text += "\n        " + Quoted(sub + ":" + ZshText(description));
    }
    text += ")\n      _describe command words_here ;;\n    rest)\n      case $line[1] in\n";
    for (const auto& [sub, description] : command.subcommands) {
      text += "        " + sub + ") " + name + "_" + sub + " ;;\n";
    }
    return text + "      esac ;;\n  esac\n}\n";
  }
  text += "  _arguments -s";
  size_t place = 0;
  for (const OptionWords& option : command.options) {
    if (option.names.empty()) {
      text += " \\\n    " + Quoted(std::to_string(++place) + ":" + ZshText(option.description) +
                                   ":" + ZshAction(option));
      continue;
    }
    for (const std::string& option_name : option.names) {
      text += " \\\n    " + Quoted(option_name + "[" + ZshText(option.description) + "]" +
                                   (option.takes_value ? ":value:" + ZshAction(option) : ""));
    }
  }
  return text + "\n}\n";
}

std::string ZshScript(const std::vector<CommandWords>& commands) {
  std::string text =
      "#compdef chroma\n"
      "# Completion of chroma for zsh: save this as _chroma in a directory of $fpath\n"
      "_chroma_profiles() {\n"
      "  local -a profiles\n"
      "  profiles=(${(f)\"$(sed -n 's/^\\[\"\\{0,1\\}\\([^]\"]*\\)\"\\{0,1\\}\\]$/\\1/p' "
      "~/.chroma/credentials 2>/dev/null)\"})\n"
      "  compadd -a profiles\n"
      "}\n"
      "_chroma_places() {\n  _chroma_profiles\n  _files -/\n}\n";
  for (const CommandWords& command : commands) text += ZshFunction(command);
  return text +
         "if [[ $funcstack[1] == _chroma ]]; then _chroma \"$@\"; else compdef _chroma "
         "chroma; fi\n";
}

}  // namespace

std::string CompletionScript(const CLI::App& program, Shell shell) {
  std::vector<CommandWords> commands;
  Collect(program, {}, &commands);
  switch (shell) {
    case Shell::kBash:
      return BashScript(commands);
    case Shell::kZsh:
      return ZshScript(commands);
    case Shell::kFish:
      break;
  }
  return FishScript(commands);
}

}  // namespace chroma::cli
