// From words to a command: what `nnc` and its compiler share.
#ifndef NNC_TOOLS_COMMANDLINE_H
#define NNC_TOOLS_COMMANDLINE_H

namespace CLI {
class App;
class Option;
} // namespace CLI

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// What stands below a command's options: examples, a command a line, and
/// what --json prints, where there is such an option.
void addHelp(CLI::App &command, const std::string &examples,
             const std::string &json = "");

/// An option that may be repeated, with one value each time.
CLI::Option *addRepeatedOption(CLI::App &command, const std::string &name,
                               std::vector<std::string> &values,
                               const std::string &type,
                               const std::string &help);

/// --set, --freeze, --pass-at and --load-pass-plugin.
void addSetOption(CLI::App &command, std::vector<std::string> &settings);
void addFreezeOption(CLI::App &command, std::vector<std::string> &patterns);
void addPassAtOption(CLI::App &command, std::vector<std::string> &passes);
void addPluginOption(CLI::App &command, std::vector<std::string> &plugins);

/// --memory-budget, in bytes.
void addMemoryBudgetOption(CLI::App &command, std::optional<int64_t> &budget);

/// Has `app` run the command that the words name. Returns whether one ran;
/// if not, `exit` receives the exit status, after help that was asked for or a
/// message with what was probably meant.
bool runCommand(CLI::App &app, int argc, char **argv, int &exit);

} // namespace nnc::tools

#endif // NNC_TOOLS_COMMANDLINE_H
