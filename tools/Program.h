// What every command of `nnc` shares: exit statuses, diagnostics, and how a
// model argument becomes an open plan.
#ifndef NNC_TOOLS_PROGRAM_H
#define NNC_TOOLS_PROGRAM_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// Exit statuses, as docs/commands.md promises them.
enum Exit { Done = 0, InputWrong = 1, CommandLineWrong = 2, MachineFailed = 3 };

/// InputWrong or MachineFailed: whose fault a failure is.
Exit exitFor(runtime::Code code);

/// Prints "error: MESSAGE" to standard error and gives the exit status.
int fail(const runtime::Status &status);

/// The same at a place of a source, "file:line:column". Where that is in
/// `model`, the program that the command was given, its line is shown with a
/// caret: a place comes from a file, and may name any other.
int failAt(const std::string &place, const runtime::Status &status,
           const std::string &model = "");

/// What the compiler is asked for, as words of its command line.
struct CompileRequest {
  std::string model;
  std::string target = "cpu";
  /// 0: the model's own batch.
  int64_t maxBatch = 0;
  /// 0: any; none: the model's own.
  std::optional<int64_t> memoryBudgetBytes;
  /// NAME=VALUE, for the model's `const`s.
  std::vector<std::string> settings;
  /// Shared libraries with passes or ops, and STAGE=PIPELINE.
  std::vector<std::string> plugins, passesAt;
  /// Patterns of the parameters that training leaves as they are.
  std::vector<std::string> freeze;
  /// Adds the entry point "gradients".
  bool gradients = false;
  /// Adds it and computes in f64.
  bool forGradientCheck = false;
  /// Adds the entry point "explain"; of which layer, if one is named.
  bool forExplaining = false;
  std::string explainLayer;
  /// Leaves out the training step, and adds the entry point "generate" for so
  /// many sequences; 0: none.
  int64_t sequences = 0;
  /// Its input and its output, if they are named.
  std::string generateInput, generateOutput;
  /// Leaves each op in a command of its own.
  bool eachOp = false;
  /// Schedules every kernel as upstream's plain loops.
  bool reference = false;
  /// Products of f32 on a GPU may round operands to TF32.
  bool allowTf32 = false;
};

/// A plan, or the exit status of a program that could not make one and has said
/// why.
struct PlanOrExit {
  std::shared_ptr<const runtime::Plan> plan;
  int exit = Done;
};

/// Opens `request.model` if it is a plan. Compiles it in a child process
/// otherwise: the compiler's memory is gone before the first step.
PlanOrExit openModel(const CompileRequest &request);

/// Replaces this process by the compiler, with these arguments. Returns only if
/// that fails.
int becomeCompiler(const std::vector<std::string> &arguments);

/// Runs a program that is installed beside this one and waits for it.
/// `output`: descriptor that becomes its standard output, or -1. Returns its
/// exit status; MachineFailed, after a message, if it could not run.
int runBeside(const std::string &program,
              const std::vector<std::string> &arguments, int output);

/// Draws the log or the explanations in `folder`, and prints the pictures'
/// names unless `isQuiet`. Returns an exit status.
int drawPictures(const std::string &folder, bool isQuiet);

/// The whole of `text` as a number; false where it is something else.
bool parseNumber(const std::string &text, int64_t &number);

/// The folder of `path`, "." if it names none.
std::string folderOf(const std::string &path);
/// The last part of `path` without its last extension.
std::string stemOf(const std::string &path);

} // namespace nnc::tools

#endif // NNC_TOOLS_PROGRAM_H
