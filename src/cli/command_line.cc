#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>

#include "cli/help.h"
#include "cli/signals.h"

namespace chroma::cli {
namespace {

std::string FooterOf(const CommandSpec& spec) {
  std::string text;
  if (!spec.examples.empty()) {
    text = "Examples:\n";
    std::istringstream lines(spec.examples);
    for (std::string line; std::getline(lines, line);) text += "  " + line + "\n";
  }
  if (!spec.notes.empty()) text += (text.empty() ? "" : "\n") + spec.notes;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

int ReportFailure(Terminal& terminal, const std::string& command, const Status& status) {
  if (status.code() == StatusCode::kCancelled) return kExitFailed;
  terminal.Say("chroma " + command + ": " + PlainText(status.message()));
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

// Whether it failed since it was told to stop. Another process that works for this one is given a
// deadline.
bool IsCutOff(const Status& status) {
  return IsInterrupted() && (status.code() == StatusCode::kCancelled ||
                             status.code() == StatusCode::kDeadlineExceeded);
}

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>("Chroma, the vector database", "chroma")) {
  app_->set_version_flag("--version,-V", "chroma " CHROMA_VERSION, "Print version");
  app_->set_help_flag("--help,-h", "Print help");
  app_->require_subcommand(1);
  app_->formatter(MakeHelpFormatter());
  app_->footer("`chroma COMMAND --help` tells more of each, with examples.");
  for (const RegisteredCommand& registered : AllCommands()) Add(registered);
}

CommandLine::~CommandLine() = default;

CLI::App* CommandLine::Family(const std::string& name) {
  const auto named = [&](const CLI::App* app) { return app->get_name() == name; };
  if (const auto made = app_->get_subcommands(named); !made.empty()) return made.front();
  CLI::App* family = app_->add_subcommand(name)->require_subcommand(1);
  for (const CommandFamily& known : AllFamilies()) {
    if (known.path != name) continue;
    family->description(known.summary)->group(known.group);
    family->footer("`chroma " + name + " COMMAND --help` tells more of each, with examples.");
  }
  return family;
}

void CommandLine::Add(const RegisteredCommand& registered) {
  const CommandSpec& spec = registered.spec;
  CLI::App* parent = app_.get();
  std::string name = spec.path;
  if (const size_t blank = name.find(' '); blank != std::string::npos) {
    const std::string family = name.substr(0, blank);
    name.erase(0, blank + 1);
    parent = Family(family);
  }
  Entry entry;
  entry.spec = spec;
  entry.command = registered.make();
  entry.app = parent->add_subcommand(name, spec.summary);
  entry.app->group(parent == app_.get() ? spec.group : "Commands");
  entry.app->footer(FooterOf(spec));
  entry.command->Define(*entry.app);
  entries_.push_back(std::move(entry));
}

const CommandLine::Entry* CommandLine::Chosen() const {
  for (const Entry& entry : entries_) {
    if (entry.app->parsed()) return &entry;
  }
  return nullptr;
}

int CommandLine::Run(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app_->exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app_->exit(e);
  } catch (const CLI::ParseError& e) {
    if (argc > 1) {
      app_->exit(e);
    } else {
      std::cerr << app_->help();
    }
    const Entry* entry = Chosen();
    return entry != nullptr ? entry->spec.usage_exit : kExitUsage;
  }
  const Entry* entry = Chosen();
  if (entry == nullptr) return kExitUsage;
  // A reader or a server that goes away is an error of the write to it.
  std::signal(SIGPIPE, SIG_IGN);
  Terminal terminal;
  std::optional<Interruption> interruption;
  if (entry->spec.interruptible) {
    interruption.emplace([entry] {
      const std::string left = PlainText(entry->command->WhatIsLeft());
      // What is printed may be what the command waits for: it is neither flushed nor locked.
      std::fprintf(stderr, "chroma %s: interrupted%s\n", entry->spec.path.c_str(), left.c_str());
    });
  }
  const Result<int> code = entry->command->Run(terminal);
  if (interruption && IsCutOff(code.status())) interruption->End();
  if (!code.ok()) return ReportFailure(terminal, entry->spec.path, code.status());
  const Status written = terminal.Flush();
  return written.ok() ? *code : ReportFailure(terminal, entry->spec.path, written);
}

}  // namespace chroma::cli
