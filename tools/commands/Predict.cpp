// nnc predict: a model's outputs on inputs from files.
#include "tools/Data.h"
#include "tools/commands/Commands.h"

#include "runtime/Session.h"
#include "runtime/data/Npy.h"
#include "runtime/data/Reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>

#include <sys/stat.h>

namespace nnc::tools {

using namespace runtime;

struct PredictOptions {
  CompileRequest request;
  std::string weightsFile, folder = ".";
  std::vector<std::string> inputs;
  int threads = 0;
};

/// The columns that --input names, in the entry point's order.
static int readInputs(const EntryPoint &entry,
                      const std::vector<std::string> &arguments,
                      Columns &columns) {
  columns.resize(entry.inputs.size());
  std::vector<bool> isGiven(entry.inputs.size());
  for (const std::string &argument : arguments) {
    size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    auto input =
        std::find_if(entry.inputs.begin(), entry.inputs.end(),
                     [&](const TensorInfo &info) { return info.name == name; });
    if (equals == std::string::npos || input == entry.inputs.end()) {
      std::string known;
      for (const TensorInfo &info : entry.inputs)
        known += (known.empty() ? "" : ", ") + info.name;
      return fail({Code::InvalidArgument,
                   "--input " + argument +
                       ": expected NAME=FILE, NAME one of: " + known});
    }
    StatusOr<Column> column =
        readInputFile(argument.substr(equals + 1), *input);
    if (!column.isOk())
      return fail(column.status());
    columns[input - entry.inputs.begin()] = std::move(*column);
    isGiven[input - entry.inputs.begin()] = true;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const TensorInfo &info = entry.inputs[i];
    if (!isGiven[i])
      return fail(
          {Code::InvalidArgument, "input " + info.name + " (" +
                                      describe(info.elementType, info.shape) +
                                      ") is missing: give --input " +
                                      info.name + "=FILE.npy"});
    if (columns[i].numSamples != columns[0].numSamples)
      return fail({Code::InvalidArgument,
                   concat("input ", info.name, " has ", columns[i].numSamples,
                          " samples, ", entry.inputs[0].name, " has ",
                          columns[0].numSamples)});
  }
  return Done;
}

/// Runs all samples, and appends each output's samples to `results`.
static Status runAll(Session &session, const EntryPoint &entry,
                     const Columns &columns,
                     std::vector<std::vector<uint8_t>> &results) {
  const int64_t count = numSamples(columns), most = session.plan().maxBatch;
  results.resize(entry.outputs.size());
  for (int64_t first = 0; first < count; first += most) {
    const int64_t batch = std::min(most, count - first);
    // Sample sizes may leave a batch unaligned; numbers want their own
    // alignment only, which a column's start and whole samples give.
    if (Status status =
            session.run(entry, pointersAt(columns, first).data(), batch);
        !status.isOk())
      return status;
    for (size_t i = 0; i < results.size(); ++i) {
      StatusOr<const void *> data = session.outputData(entry.outputs[i]);
      if (!data.isOk())
        return data.status();
      const auto *bytes = static_cast<const uint8_t *>(*data);
      results[i].insert(results[i].end(), bytes,
                        bytes + entry.outputs[i].sizeBytes(batch));
    }
  }
  return {};
}

static int predict(const PredictOptions &options) {
  PlanOrExit opened = openModel(options.request);
  if (!opened.plan)
    return opened.exit;
  const EntryPoint *entry = opened.plan->findEntryPoint("predict");
  if (!entry)
    return failAt(options.request.model,
                  {Code::InvalidArgument,
                   "the model has no output: add `output NAME = VALUE`"});
  auto session = Session::create(opened.plan, {options.threads, 0, nullptr});
  if (!session.isOk())
    return fail(session.status());
  if (Status status = (*session)->load(options.weightsFile, SaveKind::Weights);
      !status.isOk())
    return fail(status);
  Columns columns;
  if (int exit = readInputs(*entry, options.inputs, columns))
    return exit;
  std::vector<std::vector<uint8_t>> results;
  if (Status status = runAll(**session, *entry, columns, results);
      !status.isOk())
    return fail(status);
  if (mkdir(options.folder.c_str(), 0777) != 0 && errno != EEXIST)
    return fail({Code::IoError,
                 options.folder + ": cannot be made: " + std::strerror(errno)});
  for (size_t i = 0; i < results.size(); ++i) {
    const TensorInfo &output = entry->outputs[i];
    Shape shape = output.shape;
    std::replace(shape.begin(), shape.end(), int64_t(-1), numSamples(columns));
    std::string path = options.folder + "/" + output.name + ".npy";
    if (Status status =
            writeNpy(path, output.elementType, shape, results[i].data());
        !status.isOk())
      return fail(status);
    std::cout << path << "  " << describe(output.elementType, shape) << '\n';
  }
  return Done;
}

void addPredictCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App *command = app.add_subcommand(
      "predict", "run a model's outputs on inputs from files");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  command
      ->add_option("--weights", options->weightsFile,
                   "a .safetensors file of this model")
      ->required();
  command
      ->add_option("--input", options->inputs,
                   "an input and its .npy or IDX file; once an input")
      ->type_name("NAME=FILE")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  command
      ->add_option("-o,--output", options->folder,
                   "folder for OUTPUT.npy, one an output")
      ->capture_default_str();
  command->callback([options, &exit] { exit = predict(*options); });
}

} // namespace nnc::tools
