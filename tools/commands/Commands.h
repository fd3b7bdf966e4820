// The commands of `nnc`, one file each. Each adds itself to the command line
// and leaves its exit status in `exit` when it has run.
#ifndef NNC_TOOLS_COMMANDS_COMMANDS_H
#define NNC_TOOLS_COMMANDS_COMMANDS_H

#include "tools/CommandLine.h"
#include "tools/Program.h"

#include "runtime/WeightsOrder.h"

#include <CLI/CLI.hpp>

namespace nnc::tools {

void addBenchCommand(CLI::App &app, int &exit);
void addCheckGradientsCommand(CLI::App &app, int &exit);
void addEvalCommand(CLI::App &app, int &exit);
void addExplainCommand(CLI::App &app, int &exit);
void addFindRateCommand(CLI::App &app, int &exit);
void addGenerateCommand(CLI::App &app, int &exit);
void addInspectCommand(CLI::App &app, int &exit);
void addNewCommand(CLI::App &app, int &exit);
void addPredictCommand(CLI::App &app, int &exit);
void addReportCommand(CLI::App &app, int &exit);
void addTokenizeCommand(CLI::App &app, int &exit);
void addTrainCommand(CLI::App &app, int &exit);

/// MODEL, --target and the like, which every command that runs a model takes.
void addModelOptions(CLI::App &command, CompileRequest &request);
/// --threads, with its range.
void addThreadsOption(CLI::App &command, int &threads);
/// --data; `what` ends the help.
void addDataOption(CLI::App &command, std::string &folder,
                   const char *what = "");
/// --weights-order and --weights-names, of the file that --weights names.
void addWeightsOptions(CLI::App &command,
                       std::optional<runtime::WeightsOrder> &order,
                       std::string &names);
/// The same and --weights, of a command that needs them.
void addRequiredWeightsOptions(CLI::App &command, std::string &file,
                               std::optional<runtime::WeightsOrder> &order,
                               std::string &names);

/// What an entry point computes again to fit into a memory budget, at the
/// largest batch: "12 commands compute again what was not kept: 1.5 MFLOP of
/// 22.8". Empty where none does.
std::string describeAgain(const runtime::Plan &plan,
                          const runtime::EntryPoint &entry);

} // namespace nnc::tools

#endif // NNC_TOOLS_COMMANDS_COMMANDS_H
