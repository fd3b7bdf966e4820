// nnc inspect: what is in a plan or a file of weights; of a model, the compiler
// says it.
#include "tools/commands/Commands.h"

#include "runtime/Checkpoint.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>
#include <string_view>

namespace nnc::tools {

using namespace runtime;
using nlohmann::json;

static const char *name(Role role) {
  static const char *const names[] = {"parameter", "buffer", "optimizer_state",
                                      "scalar"};
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

static json describeCommand(const Plan &plan, const Command &command) {
  if (command.kind == Command::Kind::Copy)
    return {{"copy_bytes", command.buffers[1].sizeBytes.at(plan.maxBatch)}};
  return {{"kernel", plan.nameOf(command)},
          {"kind", plan.kindOf(command)},
          {"extent", command.extent.at(plan.maxBatch)},
          {"flop", command.flop.at(plan.maxBatch)},
          {"bytes", command.trafficBytes.at(plan.maxBatch)},
          {"source", command.source}};
}

static json describePlan(const Plan &plan) {
  json object = {{"file", "plan"},
                 {"producer", plan.producer},
                 {"model", plan.model},
                 {"max_batch", plan.maxBatch},
                 {"target", plan.code.target},
                 {"features", plan.code.features},
                 {"code_bytes", plan.code.image.sizeBytes},
                 {"state_bytes", plan.stateBytes},
                 {"arena_bytes", plan.arenaBytes()},
                 {"constant_bytes", plan.constants.sizeBytes},
                 {"scratch_bytes_per_thread", plan.scratchBytes()}};
  for (const StateTensor &tensor : plan.state)
    object["state"].push_back(
        {{"name", tensor.name},
         {"role", name(tensor.role)},
         {"element_type", runtime::name(tensor.elementType)},
         {"shape", tensor.shape},
         {"offset_bytes", tensor.offsetBytes}});
  for (const EntryPoint &entry : plan.entryPoints) {
    json inputs = json::array(), outputs = json::array(),
         commands = json::array();
    for (const TensorInfo &tensor : entry.inputs)
      inputs.push_back(describeTensor(tensor));
    for (const TensorInfo &tensor : entry.outputs)
      outputs.push_back(describeTensor(tensor));
    for (const Command &command : entry.commands)
      commands.push_back(describeCommand(plan, command));
    object["entry_points"].push_back({{"name", entry.name},
                                      {"inputs", inputs},
                                      {"outputs", outputs},
                                      {"arena_bytes", entry.arenaBytes},
                                      {"commands", commands}});
  }
  return object;
}

static double kib(int64_t bytes) { return bytes / 1024.0; }

static void printTensors(const char *title,
                         const std::vector<TensorInfo> &tensors) {
  for (const TensorInfo &tensor : tensors)
    std::printf("  %-8s %s: %s\n", title, tensor.name.c_str(),
                describe(tensor.elementType, tensor.shape).c_str());
}

static void printPlan(const Plan &plan) {
  std::printf("plan of model %s, by %s\n", plan.model.c_str(),
              plan.producer.c_str());
  std::string features;
  for (const std::string &feature : plan.code.features)
    features += " " + feature;
  std::printf("target %s, needs%s; %.1f KiB of code\n",
              plan.code.target.c_str(),
              features.empty() ? " nothing special" : features.c_str(),
              kib(plan.code.image.sizeBytes));
  std::printf("batch 1 to %lld; memory: %.1f KiB state, %.1f KiB arena, %.1f "
              "KiB scratch a thread, %.1f KiB constants\n\n",
              (long long)plan.maxBatch, kib(plan.stateBytes),
              kib(plan.arenaBytes()), kib(plan.scratchBytes()),
              kib(plan.constants.sizeBytes));
  for (const StateTensor &tensor : plan.state)
    std::printf("  %-16s %-32s %s\n", name(tensor.role), tensor.name.c_str(),
                describe(tensor.elementType, tensor.shape).c_str());
  for (const EntryPoint &entry : plan.entryPoints) {
    std::printf("\n%s: %zu commands, %.1f KiB arena\n", entry.name.c_str(),
                entry.commands.size(), kib(entry.arenaBytes));
    printTensors("input", entry.inputs);
    printTensors("output", entry.outputs);
    for (const Command &command : entry.commands) {
      if (command.kind == Command::Kind::Copy) {
        std::printf("  %12s  copy\n", "");
        continue;
      }
      std::printf("  %8.3f MFLOP %9.1f KiB  %-12s %s  %s\n",
                  command.flop.at(plan.maxBatch) / 1e6,
                  kib(command.trafficBytes.at(plan.maxBatch)),
                  plan.kindOf(command).c_str(), plan.nameOf(command).c_str(),
                  command.source.c_str());
    }
  }
}

static int inspectWeights(const std::string &path, bool asJson) {
  StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file.isOk())
    return fail(file.status());
  json tensors = json::array();
  for (const SavedTensor &tensor : file->tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"element_type", runtime::name(tensor.elementType)},
                       {"shape", tensor.shape},
                       {"size_bytes", tensor.sizeBytes}});
    if (!asJson)
      std::printf("  %-32s %-20s %10.1f KiB\n", tensor.name.c_str(),
                  describe(tensor.elementType, tensor.shape).c_str(),
                  kib(tensor.sizeBytes));
  }
  if (asJson)
    std::cout << json{{"file", "safetensors"},
                      {"metadata", file->metadata()},
                      {"tensors", tensors}}
                     .dump()
              << '\n';
  return Done;
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

static int inspect(const std::string &path, bool asJson,
                   const std::vector<std::string> &plugins) {
  if (endsWith(path, ".safetensors"))
    return inspectWeights(path, asJson);
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
  if (asJson)
    std::cout << describePlan(**plan).dump() << '\n';
  else
    printPlan(**plan);
  return Done;
}

void addInspectCommand(CLI::App &app, int &exit) {
  auto path = std::make_shared<std::string>();
  auto asJson = std::make_shared<bool>(false);
  CLI::App *command = app.add_subcommand(
      "inspect", "show what is in a model, a plan or a file of weights");
  command->add_option("FILE", *path, "a model, a .plan or a .safetensors file")
      ->required();
  command->add_flag("--json", *asJson, "one JSON object on one line");
  auto plugins = std::make_shared<std::vector<std::string>>();
  addPluginOption(*command, *plugins);
  command->callback([path, asJson, plugins, &exit] {
    exit = inspect(*path, *asJson, *plugins);
  });
}

} // namespace nnc::tools
