// nnc inspect: what is in a plan or a file of tensors; of a model, the compiler
// says it.
#include "tools/GpuEstimate.h"
#include "tools/Json.h"
#include "tools/Text.h"
#include "tools/commands/Commands.h"

#include "runtime/Checkpoint.h"
#include "runtime/RecipeNumbers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string_view>

namespace nnc::tools {

using namespace runtime;
using nlohmann::json;

static const char *name(Role role) {
  static const char *const names[] = {"parameter", "buffer", "optimizer_state",
                                      "scalar", "generation"};
  return names[size_t(role)];
}

static json describeTensor(const TensorInfo &tensor) {
  json object = {{"name", tensor.name},
                 {"element_type", runtime::name(tensor.elementType)},
                 {"shape", tensor.shape}};
  if (tensor.indexLimit > 0)
    object["index_limit"] = tensor.indexLimit;
  if (!tensor.kind.empty())
    object["kind"] = tensor.kind;
  return object;
}

/// `gpu`: null for plans of no GPU.
static json describeCommand(const Plan &plan, const Command &command,
                            const GpuPeak *gpu) {
  if (command.kind == Command::Kind::Copy)
    return {{"copy_bytes", command.buffers[1].sizeBytes.at(plan.maxBatch)}};
  if (command.kind == Command::Kind::Loop)
    return {{"loop_steps", command.loop.steps},
            {"loop_commands", command.loop.length},
            {"reverse", command.loop.reverse},
            {"samples_a_thread", command.loop.rows},
            {"source", command.source}};
  json object = {{"kernel", plan.nameOf(command)},
                 {"kind", plan.kindOf(command)},
                 {"extent", command.extent.at(plan.maxBatch)},
                 {"flop", command.flop.at(plan.maxBatch)},
                 {"bytes", command.trafficBytes.at(plan.maxBatch)},
                 {"source", command.source}};
  if (const std::string &refusal = plan.refusalOf(command); !refusal.empty())
    object["refusal"] = refusal;
  if (command.isAgain)
    object["again"] = true;
  if (std::optional<double> time =
          gpu ? estimate(plan, command, *gpu) : std::nullopt)
    object["estimated_us"] = *time;
  return object;
}

/// The kernels of a unit of a GPU's code: what each uses, if that is known.
static json describeKernels(const Plan &plan, const CodeModule &module) {
  json kernels = json::array();
  for (const CodeModule::Resources &used : module.resources) {
    const Kernel &kernel = plan.code.kernels[used.kernel];
    kernels.push_back({{"name", kernel.name},
                       {"kind", kernel.kind},
                       {"threads", kernel.threads},
                       {"registers", used.registers},
                       {"stack_bytes", used.stackBytes},
                       {"spill_bytes", used.spillBytes},
                       {"shared_bytes", used.sharedBytes}});
  }
  return kernels;
}

static json describeModules(const Plan &plan) {
  json modules = json::array();
  for (const CodeModule &module : plan.code.modules)
    modules.push_back({{"unit", module.unit},
                       {"architecture", module.architecture},
                       {"bytes", module.image.sizeBytes},
                       {"kernels", describeKernels(plan, module)}});
  return modules;
}

/// For every architecture that the plan is for.
static int64_t codeBytes(const Plan &plan) {
  int64_t bytes = plan.code.image.sizeBytes;
  for (const CodeModule &module : plan.code.modules)
    bytes += module.image.sizeBytes;
  return bytes;
}

static json describeRecipe(const Recipe &recipe) {
  json object = {{"batch", recipe.batch},
                 {"epochs", recipe.epochs},
                 {"seed", recipe.seed},
                 {"validation", recipe.validation}};
  for (const Setting &setting : recipe.settings) {
    const RecipeNumber *number = findRecipeNumber(setting.name);
    object[setting.name] = number && number->isInteger ? json(setting.integer)
                                                       : json(setting.real);
  }
  for (const TrainingStep &step : recipe.steps)
    object["steps"].push_back(
        {{"entry_point", step.entryPoint}, {"times", step.times}});
  return object;
}

static json describePlan(const Plan &plan, const GpuPeak *gpu) {
  json object = {{"file", "plan"},
                 {"producer", plan.producer},
                 {"model", plan.model},
                 {"max_batch", plan.maxBatch},
                 {"target", plan.code.target},
                 {"features", plan.code.features},
                 {"code_bytes", codeBytes(plan)},
                 {"state_bytes", plan.stateBytes},
                 {"arena_bytes", plan.arenaBytes()},
                 {"constant_bytes", plan.constants.sizeBytes},
                 {"scratch_bytes_per_thread", plan.scratchBytes()},
                 {"recipe", describeRecipe(plan.recipe)}};
  if (gpu)
    object["gpu"] = gpu->title;
  if (!plan.code.modules.empty())
    object["modules"] = describeModules(plan);
  for (const StateTensor &tensor : plan.state)
    object["state"].push_back(
        {{"name", tensor.name},
         {"role", name(tensor.role)},
         {"element_type", runtime::name(tensor.elementType)},
         {"shape", tensor.shape},
         {"offset_bytes", tensor.offsetBytes},
         {"frozen", tensor.frozen}});
  for (const EntryPoint &entry : plan.entryPoints) {
    json inputs = json::array(), outputs = json::array(),
         commands = json::array();
    for (const TensorInfo &tensor : entry.inputs)
      inputs.push_back(describeTensor(tensor));
    for (const TensorInfo &tensor : entry.outputs)
      outputs.push_back(describeTensor(tensor));
    for (const Command &command : entry.commands)
      commands.push_back(describeCommand(plan, command, gpu));
    json described = {{"name", entry.name},
                      {"inputs", inputs},
                      {"outputs", outputs},
                      {"arena_bytes", entry.arenaBytes},
                      {"commands", commands}};
    int numLoops = 0;
    if (gpu)
      described["estimated_us"] = estimate(plan, entry, *gpu, numLoops);
    object["entry_points"].push_back(described);
  }
  return object;
}

static void printTensors(const char *title,
                         const std::vector<TensorInfo> &tensors) {
  for (const TensorInfo &tensor : tensors)
    std::printf("  %-8s %s: %s\n", title, printable(tensor.name).c_str(),
                describe(tensor.elementType, tensor.shape).c_str());
}

/// What the code of a plan for a GPU is: a line a unit and architecture, and
/// under it what each kernel uses.
static void printModules(const Plan &plan) {
  for (const CodeModule &module : plan.code.modules) {
    std::printf("  %-10s unit %u, %s\n", printable(module.architecture).c_str(),
                module.unit, sizeText(module.image.sizeBytes).c_str());
    for (const CodeModule::Resources &used : module.resources) {
      const Kernel &kernel = plan.code.kernels[used.kernel];
      std::printf("    %4lld threads %4u registers %6u B shared %5u B spilled  "
                  "%-12s %s\n",
                  (long long)kernel.threads, used.registers, used.sharedBytes,
                  used.spillBytes, printable(kernel.kind).c_str(),
                  printable(kernel.name).c_str());
    }
  }
}

static void printLoop(const Command &command) {
  const Loop &loop = command.loop;
  std::printf("  %12s  loop %s steps%s, a step:%s  %s\n", "",
              concat(loop.steps).c_str(), loop.reverse ? " backwards" : "",
              loop.rows > 0 ? " (each thread takes its samples through all)"
                            : "",
              printable(command.source).c_str());
}

/// `isInLoop`: the work is that of one step.
static void printCommand(const Plan &plan, const Command &command,
                         bool isInLoop, const GpuPeak *gpu) {
  std::string time = "";
  if (gpu) {
    char text[32] = "           -";
    if (std::optional<double> known = estimate(plan, command, *gpu))
      std::snprintf(text, sizeof text, "  %7.1f us", *known);
    time = text;
  }
  const char *indent = isInLoop ? "  " : "";
  if (command.kind == Command::Kind::Loop)
    return printLoop(command);
  if (command.kind == Command::Kind::Copy) {
    std::printf("  %14s %13s%s  %scopy\n", "", "", time.c_str(), indent);
    return;
  }
  std::printf("  %8.3f MFLOP %13s%s  %s%-12s %s  %s%s\n",
              command.flop.at(plan.maxBatch) / 1e6,
              sizeText(command.trafficBytes.at(plan.maxBatch)).c_str(),
              time.c_str(), indent, printable(plan.kindOf(command)).c_str(),
              printable(plan.nameOf(command)).c_str(),
              printable(command.source).c_str(),
              command.isAgain ? "  again" : "");
  if (const std::string &refusal = plan.refusalOf(command); !refusal.empty())
    std::printf("  %29s %splain loops: %s\n", "", indent,
                printable(refusal).c_str());
}

std::string describeAgain(const Plan &plan, const EntryPoint &entry) {
  double all = 0, again = 0;
  int64_t numAgain = 0;
  size_t bodyLeft = 0;
  double steps = 1;
  for (const Command &command : entry.commands) {
    if (command.kind == Command::Kind::Loop) {
      bodyLeft = command.loop.length;
      steps = double(command.loop.steps);
      continue;
    }
    double flop = double(command.flop.at(plan.maxBatch));
    if (bodyLeft > 0) {
      --bodyLeft;
      flop *= steps;
    }
    all += flop;
    again += command.isAgain ? flop : 0;
    numAgain += command.isAgain;
  }
  if (numAgain == 0)
    return "";
  char text[128];
  std::snprintf(text, sizeof text,
                "%lld commands compute again what was not kept: %.3f MFLOP of "
                "%.3f",
                (long long)numAgain, again / 1e6, all / 1e6);
  return text;
}

/// "at least 92.5 us on a H100, by estimate".
static std::string describeEstimate(const Plan &plan, const EntryPoint &entry,
                                    const GpuPeak &gpu) {
  int numLoops = 0;
  char text[128];
  std::snprintf(text, sizeof text, "on one %s at least %.1f us, by estimate",
                gpu.title, estimate(plan, entry, gpu, numLoops));
  std::string line = text;
  if (numLoops > 0)
    line += concat(", and ", numLoops, numLoops == 1 ? " loop" : " loops",
                   " whose steps wait for each other");
  return line;
}

static void printEntryPoint(const Plan &plan, const EntryPoint &entry,
                            const GpuPeak *gpu) {
  std::printf("\n%s: %zu commands, %s arena\n", printable(entry.name).c_str(),
              entry.commands.size(), sizeText(entry.arenaBytes).c_str());
  if (std::string again = describeAgain(plan, entry); !again.empty())
    std::printf("  %s\n", again.c_str());
  if (gpu)
    std::printf("  %s\n", describeEstimate(plan, entry, *gpu).c_str());
  printTensors("input", entry.inputs);
  printTensors("output", entry.outputs);
  size_t bodyLeft = 0;
  for (const Command &command : entry.commands) {
    printCommand(plan, command, bodyLeft > 0, gpu);
    if (command.kind == Command::Kind::Loop)
      bodyLeft = command.loop.length;
    else if (bodyLeft > 0)
      --bodyLeft;
  }
}

/// What a round of training runs, where that is not one step alone.
static void printRound(const std::vector<TrainingStep> &steps) {
  if (steps.size() <= 1)
    return;
  std::string round;
  for (const TrainingStep &step : steps)
    round += concat(round.empty() ? "" : ", ", printable(step.entryPoint), " ",
                    step.times);
  std::printf("\na round of training: %s\n", round.c_str());
}

static void printPlan(const Plan &plan, const GpuPeak *gpu) {
  std::printf("plan of model %s, by %s\n", printable(plan.model).c_str(),
              printable(plan.producer).c_str());
  std::string features;
  for (const std::string &feature : plan.code.features)
    features += " " + feature;
  std::printf(
      "target %s, needs%s; %s of code\n", printable(plan.code.target).c_str(),
      features.empty() ? " nothing special" : printable(features).c_str(),
      sizeText(codeBytes(plan)).c_str());
  printModules(plan);
  std::printf("batch 1 to %lld; memory: %s state, %s arena, %s scratch a "
              "thread, %s constants\n\n",
              (long long)plan.maxBatch, sizeText(plan.stateBytes).c_str(),
              sizeText(plan.arenaBytes()).c_str(),
              sizeText(plan.scratchBytes()).c_str(),
              sizeText(plan.constants.sizeBytes).c_str());
  for (const StateTensor &tensor : plan.state)
    std::printf("  %-16s %-32s %s%s\n", name(tensor.role),
                printable(tensor.name).c_str(),
                describe(tensor.elementType, tensor.shape).c_str(),
                tensor.frozen ? "  frozen" : "");
  printRound(plan.recipe.steps);
  for (const EntryPoint &entry : plan.entryPoints)
    printEntryPoint(plan, entry, gpu);
}

/// What a tensor of a file is for, by its name.
static const char *kindOf(const SavedTensor &tensor) {
  return startsWith(tensor.name, optimizerPrefix) ? name(Role::OptimizerState)
         : startsWith(tensor.name, scalarPrefix)  ? name(Role::Scalar)
                                                  : "weight";
}

namespace {
/// The values of a tensor at a glance; of those that are numbers.
struct Summary {
  int64_t count = 0, nans = 0;
  double least = HUGE_VAL, largest = -HUGE_VAL, sum = 0;

  void add(double value) {
    if (std::isnan(value)) {
      ++nans;
      return;
    }
    ++count;
    least = std::min(least, value);
    largest = std::max(largest, value);
    sum += value;
  }
};
} // namespace

/// Reads a tensor in pieces, so that one larger than the memory is no matter.
static Status summarize(const SafetensorsFile &file, const SavedTensor &tensor,
                        Summary &summary) {
  constexpr int64_t pieceBytes = 1 << 20;
  const int64_t elementBytes = sizeBytes(tensor.elementType);
  std::vector<char> bytes(std::min(pieceBytes, tensor.sizeBytes));
  SavedTensor piece = tensor;
  for (int64_t done = 0; done < tensor.sizeBytes; done += piece.sizeBytes) {
    piece.offsetBytes = tensor.offsetBytes + done;
    piece.sizeBytes = std::min(pieceBytes, tensor.sizeBytes - done);
    if (Status status = file.read(piece, bytes.data()); !status.isOk())
      return status;
    for (int64_t at = 0; at < piece.sizeBytes; at += elementBytes)
      summary.add(toDouble(tensor.elementType, bytes.data() + at));
  }
  return {};
}

static json describeTensor(const SavedTensor &tensor, const Summary &summary) {
  json object = {{"name", tensor.name},
                 {"kind", kindOf(tensor)},
                 {"element_type", tensor.foreignType
                                      ? tensor.foreignType
                                      : runtime::name(tensor.elementType)},
                 {"shape", tensor.shape},
                 {"size_bytes", tensor.sizeBytes}};
  if (tensor.foreignType)
    return object;
  object["nan_count"] = summary.nans;
  if (summary.count > 0) {
    object["min"] = summary.least;
    object["max"] = summary.largest;
    object["mean"] = summary.sum / summary.count;
  }
  return object;
}

static void printTensor(const SavedTensor &tensor, const Summary &summary) {
  std::printf("  %-16s %-32s %-20s", kindOf(tensor),
              printable(tensor.name).c_str(), describe(tensor).c_str());
  if (tensor.foreignType || summary.count + summary.nans == 0)
    std::printf(" %14s", sizeText(tensor.sizeBytes).c_str());
  else if (tensor.shape.empty())
    std::printf(" = %.9g", summary.nans ? NAN : summary.sum);
  else
    std::printf(" %14s  %11.4g to %.4g, mean %.4g",
                sizeText(tensor.sizeBytes).c_str(), summary.least,
                summary.largest, summary.sum / summary.count);
  if (summary.nans > 0)
    std::printf("  %lld NaN", (long long)summary.nans);
  std::printf("\n");
}

/// A vocabulary has too many words for a line; --json has all of them.
static std::string shortened(const std::string &note) {
  constexpr size_t most = 400;
  std::string text = printable(note.substr(0, most));
  if (note.size() > most)
    text += concat("... (", note.size(), " bytes)");
  return text;
}

static void printTitle(const SafetensorsFile &file) {
  auto kind = file.metadata().find(kindKey);
  int64_t bytes = 0;
  for (const SavedTensor &tensor : file.tensors())
    bytes += tensor.sizeBytes;
  std::printf("%s: %zu tensors, %s\n",
              kind == file.metadata().end() ? "tensors"
                                            : printable(kind->second).c_str(),
              file.tensors().size(), sizeText(bytes).c_str());
  for (const auto &[key, value] : file.metadata())
    if (key != kindKey)
      std::printf("  %s = %s\n", printable(key).c_str(),
                  shortened(value).c_str());
  std::printf("\n");
}

static int inspectTensors(const std::string &path, bool asJson) {
  StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file.isOk())
    return fail(file.status());
  if (!asJson)
    printTitle(*file);
  json tensors = json::array();
  for (const SavedTensor &tensor : file->tensors()) {
    Summary summary;
    if (!tensor.foreignType)
      if (Status status = summarize(*file, tensor, summary); !status.isOk())
        return fail(status);
    if (asJson)
      tensors.push_back(describeTensor(tensor, summary));
    else
      printTensor(tensor, summary);
  }
  if (asJson)
    std::cout << toLine(json{{"file", "safetensors"},
                             {"metadata", file->metadata()},
                             {"tensors", tensors}})
              << '\n';
  return Done;
}

/// Whether a file begins as safetensors do, whatever its name: a length, and a
/// JSON object of it.
static bool isTensors(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char head[9] = {};
  file.read(reinterpret_cast<char *>(head), sizeof head);
  uint64_t length = 0;
  for (int i = 0; i < 8; ++i)
    length |= uint64_t(head[i]) << 8 * i;
  file.seekg(0, std::ios::end);
  return file && head[8] == '{' && length <= uint64_t(file.tellg()) - 8;
}

static bool endsWith(std::string_view path, std::string_view ending) {
  return path.size() > ending.size() &&
         path.substr(path.size() - ending.size()) == ending;
}

/// A model is the compiler's to read, and to refuse.
static bool isModel(std::string_view path) {
  return endsWith(path, ".graph") || endsWith(path, ".nn") ||
         endsWith(path, ".mlir") || endsWith(path, ".mlirbc");
}

static int printText(const Plan &plan) {
  if (plan.code.text.empty())
    return fail({Code::NotFound,
                 "the plan has no text of its kernels; `nnc "
                 "compile --target cuda --keep-text` keeps it"});
  std::cout << plan.code.text;
  return Done;
}

static int inspect(const std::string &path, bool asJson, bool showText,
                   const std::string &gpuName,
                   const std::vector<std::string> &plugins) {
  if (endsWith(path, ".safetensors") || isTensors(path))
    return inspectTensors(path, asJson);
  if (isModel(path)) {
    std::vector<std::string> words{"inspect", path};
    if (asJson)
      words.push_back("--json");
    for (const std::string &plugin : plugins)
      words.insert(words.end(), {"--load-pass-plugin", plugin});
    return becomeCompiler(words);
  }
  StatusOr<std::shared_ptr<const Plan>> plan = Plan::open(path);
  if (!plan.isOk())
    return fail(plan.status());
  if (showText)
    return printText(**plan);
  const GpuPeak *gpu = nullptr;
  if ((*plan)->code.target == "cuda")
    gpu = gpuName.empty() ? &gpuOf(**plan) : findGpu(gpuName);
  if (asJson)
    std::cout << toLine(describePlan(**plan, gpu)) << '\n';
  else
    printPlan(**plan, gpu);
  return Done;
}

void addInspectCommand(CLI::App &app, int &exit) {
  auto path = std::make_shared<std::string>();
  auto asJson = std::make_shared<bool>(false);
  auto showText = std::make_shared<bool>(false);
  CLI::App *command = app.add_subcommand(
      "inspect", "show what is in a model, a plan or a file of tensors");
  command->add_option("FILE", *path, "a model, a .plan or a .safetensors file")
      ->required();
  command->add_flag("--json", *asJson, "one JSON object on one line");
  auto gpu = std::make_shared<std::string>();
  command
      ->add_option(
          "--gpu", *gpu,
          "of a plan for a GPU, on which one commands are estimated: " +
              gpuNames() + "; by default by its architecture")
      ->check([](const std::string &name) {
        return findGpu(name)
                   ? std::string()
                   : "there is no GPU '" + name + "', only " + gpuNames();
      });
  auto plugins = std::make_shared<std::vector<std::string>>();
  addPluginOption(*command, *plugins);
  command->add_flag("--text", *showText,
                    "the CUDA C++ of a plan that was made with --keep-text");
  addHelp(
      *command,
      "nnc inspect net.nn\n"
      "nnc inspect net.plan\n"
      "nnc inspect net.safetensors --json\n",
      "one object, in which file is model, plan or safetensors:\n"
      "of a model: model, parameters, parameter_elements, inputs, outputs, "
      "ops\n"
      "of a plan: producer, model, max_batch, target, features, code_bytes,\n"
      "state_bytes, arena_bytes, constant_bytes, scratch_bytes_per_thread, "
      "recipe,\n"
      "modules, state, entry_points; for a GPU gpu, and estimated_us of "
      "commands\n"
      "of tensors: metadata, tensors\n");
  command->callback([path, asJson, showText, gpu, plugins, &exit] {
    exit = inspect(*path, *asJson, *showText, *gpu, *plugins);
  });
}

} // namespace nnc::tools
