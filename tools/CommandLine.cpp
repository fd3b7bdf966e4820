// Prints help and finds the command that is meant.
#include "tools/CommandLine.h"

#include "tools/Text.h"

#include "runtime/data/Suggestion.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <new>
#include <sstream>

namespace nnc::tools {

// As docs/commands.md promises it.
static constexpr int commandLineWrong = 2, machineFailed = 3;

static std::vector<std::string> commandsOf(CLI::App &app) {
  std::vector<std::string> names;
  for (const CLI::App *command :
       app.get_subcommands([](CLI::App *) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// The options of a command as they are written.
static std::vector<std::string> optionsOf(const CLI::App &command) {
  std::vector<std::string> names;
  for (const CLI::Option *option : command.get_options())
    for (const std::string &name : option->get_lnames())
      names.push_back("--" + name);
  return names;
}

/// What is wrong, in our words where CLI11's do not say what was meant.
static std::string describe(CLI::App &app, const CLI::ParseError &error) {
  const std::vector<CLI::App *> commands = app.get_subcommands();
  constexpr int tooMuch = static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (error.get_exit_code() != tooMuch || commands.empty())
    return error.what();
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  for (const std::string &word : words)
    if (word.size() > 1 && word[0] == '-')
      return "there is no option '" + printable(word) + "'" +
             runtime::suggestion(word, optionsOf(*commands[0]));
  return words.empty() ? error.what()
                       : "'" + printable(words[0]) +
                             "' is one argument more than the command takes";
}

/// `text` with two spaces before each of its lines.
static std::string indented(const std::string &text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    result += "  " + line + "\n";
  return result;
}

void addHelp(CLI::App &command, const std::string &examples,
             const std::string &json) {
  std::string text = "Examples:\n" + indented(examples);
  if (!json.empty())
    text += "\n--json prints\n" + indented(json);
  // The formatter ends the last line.
  text.pop_back();
  command.footer(text);
}

CLI::Option *addRepeatedOption(CLI::App &command, const std::string &name,
                               std::vector<std::string> &values,
                               const std::string &type,
                               const std::string &help) {
  return command.add_option(name, values, help)
      ->type_name(type)
      ->take_all()
      ->allow_extra_args(false);
}

void addSetOption(CLI::App &command, std::vector<std::string> &settings) {
  addRepeatedOption(command, "--set", settings, "NAME=VALUE",
                    "override a const of the model");
}

void addFreezeOption(CLI::App &command, std::vector<std::string> &patterns) {
  addRepeatedOption(command, "--freeze", patterns, "PATTERN",
                    "leave parameters as they are, by a pattern of their names "
                    "such as 'encoder.*'");
}

void addPassAtOption(CLI::App &command, std::vector<std::string> &passes) {
  addRepeatedOption(command, "--pass-at", passes, "STAGE=PIPELINE",
                    "run passes at a stage: written, step, expanded, fused, "
                    "kernels");
}

void addPluginOption(CLI::App &command, std::vector<std::string> &plugins) {
  addRepeatedOption(command, "--load-pass-plugin", plugins, "FILE",
                    "a shared library with passes or ops");
}

void addMemoryBudgetOption(CLI::App &command, std::optional<int64_t> &budget) {
  command
      .add_option("--memory-budget", budget,
                  "what the plan may take of memory, as 40GiB: what does not "
                  "fit is computed again; 0: any (default: the model's)")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->check(CLI::Range(int64_t(0), (int64_t(1) << 53) - 1))
      ->option_text("SIZE");
}

bool runCommand(CLI::App &app, int argc, char **argv, int &exit) {
  const std::vector<std::string> commands = commandsOf(app);
  const std::string first = argc > 1 ? argv[1] : "";
  const bool isKnown =
      std::find(commands.begin(), commands.end(), first) != commands.end();
  exit = commandLineWrong;
  if (argc < 2) {
    std::cerr << "error: a command is missing\n" << app.help();
    return false;
  }
  if (!isKnown && first.substr(0, 1) != "-") {
    std::string known;
    for (const std::string &name : commands)
      known += (known.empty() ? "" : ", ") + name;
    std::cerr << "error: there is no command '" << printable(first) << "'"
              << runtime::suggestion(first, commands) << "\nthe commands are "
              << known << '\n';
    return false;
  }
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError &error) {
    // Help and the version are errors to CLI11, of status 0.
    if (error.get_exit_code() == 0) {
      exit = app.exit(error);
      return false;
    }
    std::cerr << "error: " << describe(app, error) << "\n`nnc"
              << (isKnown ? " " + first : "")
              << " --help` says what there is\n";
  } catch (const std::bad_alloc &) {
    std::cerr << "error: the memory is not enough for this\n";
    exit = machineFailed;
  }
  return false;
}

} // namespace nnc::tools
