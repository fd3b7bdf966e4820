// The driver. It links the runtime and no compiler: what needs one is handed to
// the program nnc-compiler beside it.
#include "tools/CommandLine.h"
#include "tools/Output.h"
#include "tools/commands/Commands.h"

#include "runtime/device/Device.h"
#include "runtime/nnc.h"

#include <csignal>
#include <cstring>
#include <iostream>
#include <string_view>

namespace nnc::tools {

/// As the compiler's help has it, of the targets that this build runs.
static std::string targetHelp() {
  static constexpr std::pair<std::string_view, std::string_view> texts[] = {
      {"cpu", "cpu (this machine), cpu:x86-64-v2, cpu:x86-64-v3, "
              "cpu:x86-64-v4"},
      {"cuda", "cuda (sm_80, sm_90 and later), cuda:sm_90 and others between "
               "commas, cuda:native (this machine)"},
      {"sim", "sim (a GPU, simulated), sim:fast"},
  };
  std::string help;
  for (const auto &[name, text] : texts)
    for (size_t i = 0; i < runtime::numTargets(); ++i)
      if (name == runtime::targetName(i))
        help.append(help.empty() ? "" : "; ").append(text);
  return help;
}

void addModelOptions(CLI::App &command, CompileRequest &request) {
  command
      .add_option("MODEL", request.model,
                  "a .nn, .graph, .mlir, .mlirbc or .plan file")
      ->required();
  command.add_option("--target", request.target, targetHelp())
      ->capture_default_str();
  addSetOption(command, request.settings);
  addPluginOption(command, request.plugins);
  addPassAtOption(command, request.passesAt);
  addMemoryBudgetOption(command, request.memoryBudgetBytes);
  command.add_flag("--reference", request.reference,
                   "run every kernel as plain loops: slow, to tell a fast "
                   "path's fault from the model's");
  command.add_flag("--allow-tf32", request.allowTf32,
                   "let a GPU round operands of f32 products to TF32");
}

void addThreadsOption(CLI::App &command, int &threads) {
  command
      .add_option("--threads", threads,
                  "threads to compute on; 0: one a processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

void addDataOption(CLI::App &command, std::string &folder, const char *what) {
  command
      .add_option("--data", folder,
                  std::string("folder of the data files (default: the model's, "
                              "the current one, those of NNC_DATA, the one "
                              "that the model names)") +
                      what)
      ->type_name("DIR");
}

void addWeightsOptions(CLI::App &command,
                       std::optional<runtime::WeightsOrder> &order,
                       std::string &names) {
  command
      .add_option_function<std::string>(
          "--weights-order",
          [&order](const std::string &name) {
            order = runtime::findOrder(name);
          },
          "how the dimensions of the weights' file stand: nnc or pytorch "
          "(default: as the file tells)")
      ->check(CLI::IsMember({"nnc", "pytorch"}))
      ->type_name("ORDER")
      ->needs("--weights");
  command
      .add_option("--weights-names", names,
                  "the model's table of names that the weights' file goes by, "
                  "or nnc for the model's own (default: as the file tells)")
      ->type_name("TABLE")
      ->needs("--weights");
}

void addRequiredWeightsOptions(CLI::App &command, std::string &file,
                               std::optional<runtime::WeightsOrder> &order,
                               std::string &names) {
  command.add_option("--weights", file, "a .safetensors file of this model")
      ->type_name("FILE")
      ->required();
  addWeightsOptions(command, order, names);
}

/// Commands that the compiler answers; the driver passes their words through.
struct CompilerCommand {
  const char *name, *summary;
};

static constexpr CompilerCommand compilerCommands[] = {
    {"compile", "compile a model to a plan, or show a stage on the way"},
    {"convert", "write a model in another form, nothing lost"},
    {"format", "write programs in the one style"},
    {"lsp", "serve an editor: what is wrong, what is what, what may follow"},
    {"summary",
     "show a model layer by layer: shapes, parameters, FLOP, memory"},
    {"ops", "list the ops: operands, attributes, gradient"},
};

static int runCommandLine(int argc, char **argv) {
  CLI::App app("nnc compiles a neural network's training step ahead of time "
               "and runs it.",
               "nnc");
  app.set_version_flag("--version", std::string("nnc ") + NNC_TOOLS_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);
  int exit = Done;
  for (const CompilerCommand &command : compilerCommands)
    app.add_subcommand(command.name, command.summary);
  addNewCommand(app, exit);
  addTrainCommand(app, exit);
  addEvalCommand(app, exit);
  addPredictCommand(app, exit);
  addTokenizeCommand(app, exit);
  addExplainCommand(app, exit);
  addFindRateCommand(app, exit);
  addGenerateCommand(app, exit);
  addInspectCommand(app, exit);
  addCheckGradientsCommand(app, exit);
  addBenchCommand(app, exit);
  addReportCommand(app, exit);
  app.add_subcommand("plot", "draw the log of a training run, or explanations");
  app.footer("`nnc COMMAND --help` says what a command takes.\n"
             "Exit status: 0 done, 1 the input is wrong, 2 the command line is "
             "wrong,\n"
             "3 the machine failed.");
  int wrong = Done;
  return runCommand(app, argc, argv, wrong) ? exit : wrong;
}

} // namespace nnc::tools

int main(int argc, char **argv) {
  using namespace nnc::tools;
  // A limit on the size of files is then an error of writing, with a message.
  std::signal(SIGXFSZ, SIG_IGN);
  std::vector<std::string> words(argv + 1, argv + argc);
  // `nnc help train` is `nnc train --help`.
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  for (const CompilerCommand &command : compilerCommands)
    if (!words.empty() && words[0] == command.name)
      return becomeCompiler(words);
  if (!words.empty() && words[0] == "plot")
    return runBeside("nnc-plot", {words.begin() + 1, words.end()}, -1);
  std::vector<char *> pointers = {argv[0]};
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return finishOutput(
      runCommandLine(int(pointers.size()) - 1, pointers.data()));
}
