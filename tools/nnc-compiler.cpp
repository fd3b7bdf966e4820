// The part of `nnc` that needs MLIR: `compile`, `convert`, `summary`, `ops`,
// `inspect` of a model, and what tools/language has. The driver starts it;
// nothing speaks against calling it by hand.
#include "tools/CommandLine.h"
#include "tools/Compiler.h"
#include "tools/Summary.h"
#include "tools/Text.h"
#include "tools/language/Language.h"

#include "codegen/Compile.h"
#include "codegen/EmbedPlan.h"
#include "codegen/Pipeline.h"
#include "frontend/Frontend.h"
#include "ir/Signature.h"
#include "runtime/Plan.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <map>

using namespace mlir;

namespace nnc::tools {

struct CompileArguments {
  std::string model, output, target = "cpu", stage = "plan";
  int64_t maxBatch = 0;
  std::optional<int64_t> memoryBudgetBytes;
  std::vector<std::string> settings, plugins, passesAt, freeze;
  std::string explainLayer;
  bool reference = false, gradients = false, gradientCheck = false;
  bool explain = false, noTraining = false;
  int64_t generate = 0;
  std::string generateInput, generateOutput;
  bool eachOp = false;
  bool quiet = false, keepText = false, allowTf32 = false, remarks = false;
  ProductChoice products = ProductChoice::Estimated;
  bool separateLaunches = false;
};

struct ConvertArguments {
  std::string input, output;
  std::vector<std::string> settings, plugins;
};

struct InspectArguments {
  std::string path;
  std::vector<std::string> plugins;
  bool asJson = false;
};

static std::string withEnding(const std::string &path, const char *ending) {
  size_t name = path.rfind('/') + 1;
  size_t dot = path.rfind('.');
  bool hasEnding = dot != std::string::npos && dot > name;
  return path.substr(0, hasEnding ? dot : path.size()) + ending;
}

/// Where a plan or object goes: by default in the working folder, as the
/// weights do, whatever folder the model is in.
static std::string outputPath(const CompileArguments &arguments) {
  if (!arguments.output.empty())
    return arguments.output;
  const std::string name =
      arguments.model.substr(arguments.model.rfind('/') + 1);
  return withEnding(name, arguments.stage == "object" ? ".o" : ".plan");
}

static int emit(ModuleOp module, const CompileArguments &arguments,
                const CompileOptions &options) {
  return writeOutput(
      arguments.output.empty() ? "-" : arguments.output,
      [&](llvm::raw_ostream &os) {
        return failed(emitStage(module, arguments.stage, options, os))
                   ? InputWrong
                   : Done;
      });
}

static int writeBytes(const std::string &path, llvm::ArrayRef<uint8_t> bytes) {
  return writeOutput(path, [&](llvm::raw_ostream &os) {
    os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return Done;
  });
}

/// Writes the object `path`, and its header beside it.
static int writeEmbedded(const std::string &path,
                         llvm::ArrayRef<uint8_t> plan) {
  EmbeddedPlan embedded = embedPlan(plan);
  if (int exit = writeBytes(path, embedded.object))
    return exit;
  return writeBytes(withEnding(path, ".h"),
                    llvm::arrayRefFromStringRef<uint8_t>(embedded.header));
}

/// Whether the runtime opens the plan: what it refuses is never written.
static bool readsBack(llvm::ArrayRef<uint8_t> bytes, const std::string &model) {
  auto plan = runtime::Plan::fromMemory(bytes.data(), bytes.size(), model);
  if (plan.isOk())
    return true;
  llvm::errs() << "error: a fault of the compiler: the runtime refuses the "
                  "plan that it made: "
               << plan.status().message() << "; please report the model\n";
  return false;
}

/// "  again   3 x  matmul_add_tanh_Bx64x64   1.573 MFLOP   48.0 KiB".
static void printLaunches(StringRef what,
                          llvm::ArrayRef<LaunchSummary> launches) {
  for (const LaunchSummary &launch : launches)
    llvm::outs() << llvm::formatv(
        "  {0,-5} {1,4} x {2,10:F3} MFLOP {3,11}  {4}\n", what,
        launch.numLaunches, launch.flop / 1e6, sizeText(launch.sizeBytes),
        printable(launch.kernel));
}

static void printBudget(const CompiledPlan &plan) {
  llvm::outs() << "budget: " << sizeText(plan.memoryBudgetBytes);
  if (plan.recomputations.empty())
    llvm::outs() << ", nothing is computed again";
  llvm::outs() << '\n';
  for (const Recomputation &step : plan.recomputations) {
    int64_t numAgain = 0;
    double flop = 0;
    for (const LaunchSummary &launch : step.again) {
      numAgain += launch.numLaunches;
      flop += launch.flop;
    }
    llvm::outs() << llvm::formatv(
        "{0}: {1} instead of {2}, {3} of {4} launches again, {5:F3} MFLOP "
        "beside {6:F3} ({7:F1}%)\n",
        step.entryPoint, sizeText(step.peakBytes),
        sizeText(step.peakBytesBefore), numAgain, step.numLaunches, flop / 1e6,
        step.flop / 1e6, 100 * flop / std::max(step.flop, 1.0));
    printLaunches("again", step.again);
    printLaunches("kept", step.kept);
  }
}

static int writePlan(ModuleOp module, const CompileArguments &arguments,
                     const CompileOptions &options,
                     ArrayRef<ShortModel> shorter) {
  auto begin = std::chrono::steady_clock::now();
  FailureOr<CompiledPlan> plan = compileToPlan(module, options, shorter);
  if (failed(plan))
    return InputWrong;
  if (!readsBack(plan->bytes, arguments.model))
    return MachineFailed;
  const std::string path = outputPath(arguments);
  int exit = arguments.stage == "object" ? writeEmbedded(path, plan->bytes)
                                         : writeBytes(path, plan->bytes);
  if (exit != Done || arguments.quiet || path == "-")
    return exit;
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  llvm::outs() << llvm::formatv(
                      "{0}: {1}, batch 1 to {2}, compiled in {3:F2} s\n", path,
                      sizeText(plan->bytes.size()), plan->maxBatch, seconds)
               << llvm::formatv("memory: {0} at its peak, {1} of it "
                                "parameters and optimizer state\n",
                                sizeText(plan->peakBytes),
                                sizeText(plan->stateBytes));
  if (plan->memoryBudgetBytes)
    printBudget(*plan);
  if (!plan->report.empty())
    llvm::outs() << "code: " << plan->report << '\n';
  return Done;
}

static int readExtraPasses(const std::vector<std::string> &passesAt,
                           PipelineOptions &options) {
  if (passesAt.empty())
    return Done;
  registerPasses();
  for (const std::string &text : passesAt) {
    llvm::Expected<ExtraPasses> extra = parseExtraPasses(text);
    if (!extra) {
      llvm::errs() << "error: --pass-at: " << llvm::toString(extra.takeError())
                   << '\n';
      return CommandLineWrong;
    }
    options.extraPasses.push_back(*extra);
  }
  return Done;
}

/// What `--emit` may name, plugins' targets included.
static std::vector<std::string> stageNames() {
  std::vector<std::string> names;
  for (const StageDescription &stage : stages())
    names.push_back(stage.name.str());
  names.insert(names.end(), {"object", "plan"});
  return names;
}

/// What CLI11 would say, which checks before plugins are there.
static void checkStage(const std::string &stage) {
  const std::vector<std::string> names = stageNames();
  if (!llvm::is_contained(names, stage))
    throw CLI::ValidationError("--emit", stage + " not in {" +
                                             llvm::join(names, ",") + "}");
}

/// Whether code is made at all: every other stage needs no tools.
static bool compilesCode(llvm::StringRef stage, const Target &target) {
  return stage == "plan" || stage == "object" || needsTools(stage, target);
}

namespace {
/// Shows what passes and schedulers remark as diagnostics are shown.
struct RemarkPrinter : remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    InFlightDiagnostic shown = emitRemark(remark.getLocation());
    shown << remark.getFunction() << ": " << remark.getRemarkName();
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      shown << ": " << argument.val;
  }
};
} // namespace

static LogicalResult printRemarks(MLIRContext &context) {
  const std::string any = ".*";
  remark::RemarkCategories categories = {std::nullopt, any, any, any, any};
  return remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkPrinter>(),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

/// The program once more for each bucket. False after a diagnostic.
static bool loadShorter(MLIRContext &context, const CompileArguments &arguments,
                        std::vector<std::vector<std::string>> buckets,
                        std::vector<ShortModel> &shorter) {
  for (std::vector<std::string> &overrides : buckets) {
    llvm::SourceMgr sources;
    ShortDiagnostics diagnostics(&context, overrides);
    std::vector<std::string> settings = arguments.settings;
    settings.insert(settings.end(), overrides.begin(), overrides.end());
    OwningOpRef<ModuleOp> module =
        loadModel(arguments.model, sources, &context, settings);
    if (!module)
      return false;
    shorter.push_back({std::move(overrides), std::move(module)});
  }
  return true;
}

/// What the command line says of the plan, its target and extra passes aside.
static void setOptions(const CompileArguments &arguments,
                       CompileOptions &options) {
  options.maxBatch = arguments.maxBatch;
  options.memoryBudgetBytes = arguments.memoryBudgetBytes;
  options.keepText = arguments.keepText;
  options.reproducerPath =
      (arguments.output == "-" ? arguments.model : outputPath(arguments)) +
      ".reproducer.mlir";
  options.passes.freeze = arguments.freeze;
  options.passes.gradientsEntry =
      arguments.gradients || arguments.gradientCheck;
  options.passes.explainEntry = arguments.explain;
  options.passes.explainLayer = arguments.explainLayer;
  options.passes.eachOp = arguments.eachOp;
  options.passes.trainingEntry = !arguments.noTraining;
  options.passes.generateSequences = arguments.generate;
  options.passes.generateInput = arguments.generateInput;
  options.passes.generateOutput = arguments.generateOutput;
  if (arguments.gradientCheck)
    options.passes.elementType = "f64";
}

static int compile(const CompileArguments &arguments) {
  const bool isHeader = llvm::StringRef(arguments.output).ends_with(".h");
  if (arguments.stage == "object" && (arguments.output == "-" || isHeader)) {
    llvm::errs() << "error: --emit object writes two files: -o names the "
                    "object, MODEL.o, and the header goes beside it\n";
    return CommandLineWrong;
  }
  MLIRContext context;
  prepareContext(context);
  if (int exit = loadPlugins(context, arguments.plugins))
    return exit;
  checkStage(arguments.stage);
  auto target = createTarget(arguments.target,
                             {arguments.reference, arguments.allowTf32,
                              arguments.products, arguments.separateLaunches});
  if (!target) {
    llvm::errs() << "error: " << llvm::toString(target.takeError()) << '\n';
    return CommandLineWrong;
  }
  if (compilesCode(arguments.stage, **target))
    if (llvm::Error missing = (*target)->checkTools()) {
      llvm::errs() << "error: " << llvm::toString(std::move(missing)) << '\n';
      return MachineFailed;
    }
  CompileOptions options;
  if (int exit = readExtraPasses(arguments.passesAt, options.passes))
    return exit;
  llvm::SourceMgr sources;
  DiagnosticPrinter printer(sources, &context);
  if (arguments.remarks && failed(printRemarks(context)))
    return MachineFailed;
  OwningOpRef<ModuleOp> module =
      loadModel(arguments.model, sources, &context, arguments.settings);
  if (!module)
    return InputWrong;
  const bool makesPlan =
      arguments.stage == "plan" || arguments.stage == "object";
  // Stages, single tokens and the search for a fault are of the whole program.
  std::vector<ShortModel> shorter;
  if (auto buckets = takeBuckets(*module);
      makesPlan && !arguments.generate && !arguments.eachOp &&
      !arguments.gradientCheck &&
      !loadShorter(context, arguments, std::move(buckets), shorter))
    return InputWrong;
  if (int exit = checkNoInput(outputPath(arguments), arguments.model))
    return exit;
  options.target = target->get();
  setOptions(arguments, options);
  if (makesPlan)
    return writePlan(*module, arguments, options, shorter);
  return emit(*module, arguments, options);
}

//===----------------------------------------------------------------------===//
// nnc ops
//===----------------------------------------------------------------------===//

static const char *name(Category category) {
  static const char *const names[] = {"op",        "loss",     "metric",
                                      "optimizer", "schedule", "internal"};
  return names[size_t(category)];
}

/// A default value as a program would write it: the records spell a keyword as
/// C++ does.
static llvm::StringRef defaultOf(const AttributeInfo &attribute) {
  llvm::StringRef value = attribute.defaultValue;
  return attribute.kind == AttributeKind::Enum
             ? value.substr(value.rfind(':') + 1)
             : value;
}

static llvm::json::Object describe(const Signature &signature) {
  llvm::json::Array operands, attributes;
  for (const OperandInfo &operand : signature.operands)
    if (!operand.hidden)
      operands.push_back(operand.name);
  for (const AttributeInfo &attribute : signature.attributes)
    if (!attribute.hidden)
      attributes.push_back(
          llvm::json::Object{{"name", attribute.name},
                             {"default", defaultOf(attribute)},
                             {"required", attribute.isRequired()}});
  llvm::json::Object op{{"name", signature.name},
                        {"summary", signature.summary},
                        {"category", name(signature.category)},
                        {"operands", std::move(operands)},
                        {"attributes", std::move(attributes)}};
  if (!signature.better.empty())
    op["better"] = signature.better;
  return op;
}

static std::string spell(const Signature &signature) {
  std::string text = signature.name.str() + "(";
  llvm::StringRef separator = "";
  for (const OperandInfo &operand : signature.operands)
    if (!operand.hidden)
      text += separator.str() + operand.name.str() +
              (operand.arity == Arity::Variadic ? "..." : ""),
          separator = ", ";
  for (const AttributeInfo &attribute : signature.attributes) {
    if (attribute.hidden)
      continue;
    llvm::StringRef value = defaultOf(attribute);
    text += separator.str() + attribute.name.str() +
            (value.empty() ? "" : " = " + value.str());
    separator = ", ";
  }
  return text + ")";
}

static int listOps(const std::vector<std::string> &plugins, bool asJson) {
  MLIRContext context;
  prepareContext(context);
  if (int exit = loadPlugins(context, plugins))
    return exit;
  llvm::json::Array array;
  for (const Signature *signature : allSignatures(&context)) {
    if (signature->category == Category::Internal)
      continue;
    if (asJson)
      array.push_back(describe(*signature));
    else
      llvm::outs() << llvm::formatv("{0,-10} {1,-64} {2}\n",
                                    name(signature->category),
                                    spell(*signature), signature->summary);
  }
  if (asJson)
    llvm::outs() << llvm::json::Value(std::move(array)) << '\n';
  return Done;
}

//===----------------------------------------------------------------------===//
// Command line
//===----------------------------------------------------------------------===//

static std::string targetHelp() {
  return llvm::join(
      llvm::map_range(targetFamilies(),
                      [](const TargetFamily *family) { return family->help; }),
      "; ");
}

static std::string stageHelp() {
  std::string help = "stop at a stage and show it:";
  for (const StageDescription &stage : stages()) {
    help += "\n  " + stage.name.str() + ": " + stage.summary.str();
    if (!stage.targets.empty())
      help += " (" + llvm::join(stage.targets, ", ") + ")";
  }
  return help + "\n  object: the plan as MODEL.o to link, with a C header";
}

/// What a plan may have beside the entry points that every plan has.
static void addEntryPointOptions(CLI::App &command,
                                 CompileArguments &arguments) {
  command.add_flag("--gradients", arguments.gradients,
                   "add the entry point `gradients`: of the loss, for every "
                   "parameter and floating-point input");
  command.add_flag("--gradient-check", arguments.gradientCheck,
                   "compute in f64 and add the entry point `gradients`, for "
                   "nnc check-gradients");
  command.add_flag("--explain", arguments.explain,
                   "add the entry point `explain`, for nnc explain of the "
                   "plan");
  command
      .add_option("--explain-layer", arguments.explainLayer,
                  "the layer that `explain` shows, by what its parameters' "
                  "names begin with (default: the last pictures)")
      ->type_name("NAME");
  command
      .add_option("--generate", arguments.generate,
                  "add the entry point `generate`, one token of so many "
                  "sequences side by side")
      ->check(CLI::Range(1, 1024))
      ->expected(0, 1)
      ->default_str("1")
      ->type_name("SEQUENCES");
  command
      .add_option("--generate-input", arguments.generateInput,
                  "the input of `generate` that has the tokens (default: the "
                  "only one that may)")
      ->type_name("NAME");
  command
      .add_option("--generate-output", arguments.generateOutput,
                  "the output of `generate` that has a number for each token "
                  "(default: logits)")
      ->type_name("NAME");
  command.add_flag("--no-training", arguments.noTraining,
                   "leave out training and evaluation, and so the "
                   "optimizer's state");
}

static void addCompile(CLI::App &app, CompileArguments &arguments, int &exit) {
  CLI::App *command = app.add_subcommand(
      "compile", "compile a model to a plan, or show a stage on the way");
  command
      ->add_option("MODEL", arguments.model,
                   "a .nn, .graph, .mlir or .mlirbc file")
      ->required();
  command->add_option(
      "-o,--output", arguments.output,
      "where to write (default: MODEL.plan or MODEL.o here; other stages: "
      "standard output)");
  command->add_option("--target", arguments.target, targetHelp())
      ->capture_default_str();
  command
      ->add_option("--max-batch", arguments.maxBatch,
                   "largest batch that the plan runs (default: the model's)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  addMemoryBudgetOption(*command, arguments.memoryBudgetBytes);
  command->add_option("--emit", arguments.stage, stageHelp())
      ->type_name("STAGE");
  addSetOption(*command, arguments.settings);
  addPluginOption(*command, arguments.plugins);
  addPassAtOption(*command, arguments.passesAt);
  addFreezeOption(*command, arguments.freeze);
  command->add_flag("--reference", arguments.reference,
                    "schedule every kernel as plain loops");
  command->add_flag("--each-op", arguments.eachOp,
                    "leave each op in a command of its own, which names it, "
                    "for --check-numerics");
  command->add_flag("--allow-tf32", arguments.allowTf32,
                    "let a GPU round operands of f32 products to TF32");
  command
      ->add_option("--products", arguments.products,
                   "who multiplies matrices on a GPU: estimated, the faster "
                   "one; library; generated, kernels of nnc's")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ProductChoice>{
          {"estimated", ProductChoice::Estimated},
          {"library", ProductChoice::Library},
          {"generated", ProductChoice::Generated}}));
  command->add_flag("--separate-launches", arguments.separateLaunches,
                    "give each of a GPU's phases a launch of its own, to time "
                    "it");
  command->add_flag("--keep-text", arguments.keepText,
                    "keep the kernels' CUDA C++ in the plan, for nnc inspect");
  command->add_flag("--remarks", arguments.remarks,
                    "say which kernels run as plain loops, and why");
  addEntryPointOptions(*command, arguments);
  command->add_flag("--quiet", arguments.quiet, "say nothing but errors");
  addHelp(*command, "nnc compile net.nn\n"
                    "nnc compile net.nn --target cpu:x86-64-v3 --max-batch 256 "
                    "-o net.plan\n"
                    "nnc compile net.nn --emit step\n");
  command->callback([&] { exit = compile(arguments); });
}

static void addConvert(CLI::App &app, ConvertArguments &arguments, int &exit) {
  CLI::App *command = app.add_subcommand(
      "convert", "write a model in another form, nothing lost");
  command
      ->add_option("IN", arguments.input,
                   "a .nn, .graph, .mlir or .mlirbc file")
      ->required();
  command
      ->add_option("OUT", arguments.output,
                   "a .nn, .graph, .mlir (text) or .mlirbc (bytecode) file")
      ->required();
  addSetOption(*command, arguments.settings);
  addPluginOption(*command, arguments.plugins);
  addHelp(*command, "nnc convert net.nn net.graph\n"
                    "nnc convert net.graph net.mlir\n"
                    "nnc convert net.graph again.nn\n");
  command->callback([&] {
    exit = convert(arguments.input, arguments.output, arguments.settings,
                   arguments.plugins);
  });
}

static void addInspect(CLI::App &app, InspectArguments &arguments, int &exit) {
  CLI::App *command = app.add_subcommand("inspect", "show what is in a model");
  command
      ->add_option("FILE", arguments.path,
                   "a .nn, .graph, .mlir or .mlirbc file")
      ->required();
  command->add_flag("--json", arguments.asJson, "one JSON object on one line");
  addPluginOption(*command, arguments.plugins);
  command->callback([&] {
    exit = inspectModel(arguments.path, arguments.asJson, arguments.plugins);
  });
}

static int runCommandLine(int argc, char **argv) {
  CLI::App app("nnc's compiler", "nnc");
  app.require_subcommand(1);
  int exit = Done;
  CompileArguments arguments;
  addCompile(app, arguments, exit);
  ConvertArguments conversion;
  addConvert(app, conversion, exit);
  InspectArguments inspection;
  addInspect(app, inspection, exit);
  addLanguageCommands(app, exit);
  addSummaryCommand(app, exit);
  bool asJson = false;
  CLI::App *ops =
      app.add_subcommand("ops", "list the ops: operands, attributes, gradient");
  ops->add_flag("--json", asJson, "one JSON array");
  std::vector<std::string> plugins;
  addPluginOption(*ops, plugins);
  addHelp(*ops, "nnc ops\n",
          "one array, an object an op: name, summary, category, operands, "
          "attributes\n"
          "(name, default, required), and of a loss or a metric better: larger "
          "or smaller\n");
  ops->callback([&] { exit = listOps(plugins, asJson); });
  int wrong = Done;
  return runCommand(app, argc, argv, wrong) ? exit : wrong;
}

} // namespace nnc::tools

int main(int argc, char **argv) {
  // A limit on the size of files is then an error of writing, with a message.
  std::signal(SIGXFSZ, SIG_IGN);
  return nnc::tools::finishOutput(nnc::tools::runCommandLine(argc, argv));
}
