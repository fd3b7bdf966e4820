// nnc predict: a model's outputs on inputs from files.
#include "tools/InputFiles.h"
#include "tools/Output.h"
#include "tools/Predictions.h"
#include "tools/Text.h"
#include "tools/commands/Commands.h"

#include "runtime/AtomicFile.h"
#include "runtime/Session.h"
#include "runtime/data/Batches.h"
#include "runtime/data/Npy.h"

#include <algorithm>
#include <iostream>
#include <numeric>

namespace nnc::tools {

using namespace runtime;

struct PredictOptions {
  CompileRequest request;
  /// A group of outputs; empty: the outputs that are in none.
  std::string entry;
  std::string weightsFile, dataFolder, dataFile, split;
  /// A folder, or a file by how it ends.
  std::string output = ".";
  std::optional<WeightsOrder> order;
  std::string names;
  InputFiles inputs;
  int threads = 0;
  /// For a model without inputs; 0: as many samples as the inputs have.
  int64_t count = 0;
};

/// How many samples there are, by the inputs or by --count.
static StatusOr<int64_t> countSamples(const PredictOptions &options,
                                      const Columns &columns) {
  if (columns.empty() && options.count == 0)
    return Status(Code::InvalidArgument,
                  "the model has no inputs: give --count N, the number of "
                  "samples to make");
  if (!columns.empty() && options.count != 0)
    return Status(Code::InvalidArgument,
                  "--count is for a model without inputs: this one makes as "
                  "many samples as its inputs have");
  return columns.empty() ? options.count : numSamples(columns);
}

/// Puts what a batch gives to its place among all `count` samples: where the
/// batch is not the first dimension, a sample's elements do not lie together.
static void place(const TensorInfo &output, const uint8_t *data, int64_t first,
                  int64_t batch, int64_t count, std::vector<uint8_t> &all) {
  int64_t outer = 1, innerBytes = sizeBytes(output.elementType);
  bool isInner = false;
  for (int64_t size : output.shape)
    if (size < 0)
      isInner = true;
    else
      (isInner ? innerBytes : outer) *= size;
  for (int64_t i = 0; i < outer; ++i)
    std::copy_n(data + i * batch * innerBytes, batch * innerBytes,
                all.data() + (i * count + first) * innerBytes);
}

/// Room for `count` samples of each output.
static Status makeRoom(const EntryPoint &entry, int64_t count,
                       std::vector<std::vector<uint8_t>> &results) {
  for (const TensorInfo &output : entry.outputs) {
    int64_t bytes = 0;
    const std::optional<int64_t> elements = numElements(output.shape, count);
    Status status{Code::OutOfMemory, ""};
    if (elements && !__builtin_mul_overflow(
                        *elements, sizeBytes(output.elementType), &bytes))
      status = guardMemory([&]() -> Status {
        results.emplace_back(bytes);
        return {};
      });
    if (!status.isOk())
      return {status.code(),
              concat(count, " samples of output ", quote(output.name), ", ",
                     describe(output.elementType, output.shape),
                     ", are more than memory holds")};
  }
  return {};
}

/// Collects each output of a batch in `results`; what does not depend on the
/// batch is there once.
static Status collect(const Session &session, const EntryPoint &entry,
                      int64_t first, int64_t batch, int64_t count,
                      std::vector<std::vector<uint8_t>> &results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const TensorInfo &output = entry.outputs[i];
    StatusOr<const void *> data = session.outputData(output);
    if (!data.isOk())
      return data.status();
    const auto *bytes = static_cast<const uint8_t *>(*data);
    // A tensor has the batch in one dimension at most.
    if (std::count(output.shape.begin(), output.shape.end(), -1))
      place(output, bytes, first, batch, count, results[i]);
    else if (first == 0)
      std::copy_n(bytes, output.sizeBytes(batch), results[i].data());
  }
  return {};
}

/// Runs `count` samples.
static Status runAll(Session &session, const EntryPoint &entry,
                     const Columns &columns, int64_t count,
                     std::vector<std::vector<uint8_t>> &results) {
  const int64_t most = session.plan().maxBatch;
  if (Status status = makeRoom(entry, count, results); !status.isOk())
    return status;
  std::vector<int64_t> order(size_t(columns.empty() ? 0 : count));
  std::iota(order.begin(), order.end(), 0);
  Batches batches(columns, std::move(order), most, session.numThreads());
  for (int64_t first = 0; first < count; first += most) {
    const int64_t batch = std::min(most, count - first);
    if (!columns.empty())
      if (StatusOr<bool> next = batches.next(); !next.isOk())
        return next.status();
    if (Status status = session.setFirstSample(first); !status.isOk())
      return status;
    Status status = session.run(entry, batches.inputs(), batch);
    if (status.isOk())
      status = collect(session, entry, first, batch, count, results);
    if (!status.isOk())
      return status;
  }
  return {};
}

static std::string outputPath(const PredictOptions &options,
                              const TensorInfo &output) {
  return formOf(options.output) == PredictionForm::Npy
             ? options.output
             : options.output + "/" + output.name + ".npy";
}

/// That what is written replaces no input, and has names for files.
static Status checkOutputs(const EntryPoint &entry,
                           const PredictOptions &options) {
  std::vector<InputFile> inputs = {{options.request.model, "the model"},
                                   {options.weightsFile, "the weights"},
                                   {options.dataFile, "the data"}};
  for (const std::string &path : options.inputs.paths())
    inputs.push_back({path, "an input"});
  const PredictionForm form = formOf(options.output);
  if (Status status = checkForm(entry, form, options.output); !status.isOk())
    return status;
  if (form != PredictionForm::Folder)
    return checkNoInput(options.output, "the output", inputs);
  for (const TensorInfo &output : entry.outputs) {
    if (!isFileName(output.name))
      return {Code::InvalidArgument,
              concat("output ", quote(output.name),
                     " cannot be written: its name is none for a file")};
    if (Status status =
            checkNoInput(outputPath(options, output),
                         concat("output ", quote(output.name)), inputs);
        !status.isOk())
      return status;
  }
  return {};
}

static std::string classesPath(const PredictOptions &options,
                               const TensorInfo &output) {
  return options.output + "/" + output.name + ".classes.txt";
}

/// A line a sample.
static Status writeClasses(const std::string &path,
                           const std::vector<std::string> &classes) {
  std::string lines;
  for (const std::string &name : classes)
    lines += name + "\n";
  StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.isOk())
    return file.status();
  Status status = file->write(lines.data(), lines.size());
  return status.isOk() ? file->commit() : status;
}

/// A .npy file each, and the names of classes.
static Status writeArrays(const PredictOptions &options,
                          const Predictions &predictions) {
  const bool isFolder = formOf(options.output) == PredictionForm::Folder;
  if (isFolder)
    if (Status status = makeFolder(options.output); !status.isOk())
      return status;
  for (size_t i = 0; i < predictions.values.size(); ++i) {
    const TensorInfo &output = predictions.entry.outputs[i];
    const std::vector<uint8_t> &values = predictions.values[i];
    Shape shape = output.shape;
    std::replace(shape.begin(), shape.end(), int64_t(-1), predictions.samples);
    const std::string path = outputPath(options, output);
    if (Status status =
            writeNpy(path, output.elementType, shape, values.data());
        !status.isOk())
      return status;
    std::cout << path << "  " << describe(output.elementType, shape) << '\n';
    const auto *names = classesOf(output, predictions.facts);
    if (!names || !isFolder)
      continue;
    const std::string classes = classesPath(options, output);
    if (Status status = writeClasses(
            classes, likeliest(output, *names, predictions.samples, values));
        !status.isOk())
      return status;
    std::cout << classes << "  the likeliest class of each\n";
  }
  return {};
}

static int writeOutputs(const PredictOptions &options,
                        const Predictions &predictions) {
  const PredictionForm form = formOf(options.output);
  const bool isLines =
      form == PredictionForm::Csv || form == PredictionForm::JsonLines;
  if (form != PredictionForm::Folder)
    if (Status status = makeFolder(folderOf(options.output)); !status.isOk())
      return fail(status);
  Status status = isLines ? writeLines(predictions, form, options.output)
                          : writeArrays(options, predictions);
  if (!status.isOk())
    return fail(status);
  if (isLines)
    std::cout << options.output << "  " << predictions.samples << " samples\n";
  return Done;
}

static bool isPrediction(const EntryPoint &entry) {
  return !entry.outputs.empty() &&
         std::all_of(
             entry.outputs.begin(), entry.outputs.end(),
             [](const TensorInfo &output) { return output.kind == "output"; });
}

/// The entry point that is asked for. NotFound with those that there are.
static StatusOr<const EntryPoint *> findEntry(const Plan &plan,
                                              const std::string &name) {
  const EntryPoint *found =
      plan.findEntryPoint(name.empty() ? "predict" : name);
  if (found && isPrediction(*found))
    return found;
  std::string groups;
  for (const EntryPoint &entry : plan.entryPoints)
    if (isPrediction(entry))
      groups += concat(groups.empty() ? "" : ", ", printable(entry.name));
  if (groups.empty())
    return Status(Code::InvalidArgument,
                  "the model has no output: add `output NAME = VALUE`");
  return Status(Code::InvalidArgument,
                name.empty()
                    ? concat("all outputs of the model are in groups: say "
                             "which with --entry, one of ",
                             groups)
                    : concat("the model has no group of outputs ", quote(name),
                             "; there are ", groups));
}

/// From the data block, a file for all inputs, or one an input. Returns an exit
/// status.
static int readInputs(const PredictOptions &options, const Plan &plan,
                      const EntryPoint &entry, const DataFacts &facts,
                      int threads, Columns &columns) {
  const std::string &model = options.request.model;
  ReadOptions read = readOptions(model, options.dataFolder);
  if (!options.split.empty()) {
    DataFacts own = facts;
    DataRequest request{plan, model, options.dataFolder, threads};
    request.keepsRows = true;
    if (int exit = loadSplit(request, entry, options.split, columns, own))
      return exit;
  } else if (!options.dataFile.empty()) {
    read.numThreads = threads;
    read.keepsRows = true;
    read.others = inputsBeside(plan, entry);
    auto found =
        readDataFile(options.dataFile, entry, plan.recipe, facts, read);
    if (!found.isOk())
      return fail(found.status());
    columns = std::move(*found);
  } else {
    Status status = options.inputs.read(
        entry, {plan.recipe, facts, options.weightsFile, read.directories},
        columns);
    return status.isOk() ? int(Done) : fail(status);
  }
  Status status = checkSettled(columns, options.weightsFile);
  return status.isOk() ? int(Done) : fail(status);
}

static int predict(const PredictOptions &options) {
  PlanOrExit opened = openModel(options.request);
  if (!opened.plan)
    return opened.exit;
  StatusOr<const EntryPoint *> found = findEntry(*opened.plan, options.entry);
  if (!found.isOk())
    return failAt(options.request.model, found.status());
  const EntryPoint *entry = *found;
  if (Status status = checkOutputs(*entry, options); !status.isOk())
    return fail(status);
  auto session = Session::create(opened.plan, {options.threads, 0, nullptr});
  if (!session.isOk())
    return fail(session.status());
  if (Status status = (*session)->load(
          options.weightsFile, SaveKind::Weights,
          {Matching::Exact, options.order, options.names, options.entry});
      !status.isOk())
    return fail(status);
  StatusOr<DataFacts> facts = loadFacts(options.weightsFile);
  if (!facts.isOk())
    return fail(facts.status());
  Columns columns;
  if (int exit = readInputs(options, *opened.plan, *entry, *facts,
                            (*session)->numThreads(), columns))
    return exit;
  StatusOr<int64_t> count = countSamples(options, columns);
  if (!count.isOk())
    return fail(count.status());
  Predictions predictions{*entry, *count, {}, *facts};
  if (Status status =
          runAll(**session, *entry, columns, *count, predictions.values);
      !status.isOk())
    return fail(status);
  return writeOutputs(options, predictions);
}

void addPredictCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App *command = app.add_subcommand(
      "predict", "run a model's outputs on inputs from files");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  addRequiredWeightsOptions(*command, options->weightsFile, options->order,
                            options->names);
  command
      ->add_option("--entry", options->entry,
                   "the group of outputs to run: its inputs and its weights "
                   "are enough (default: the outputs in no group)")
      ->type_name("NAME");
  addInputOptions(*command, options->inputs);
  command
      ->add_option("--count", options->count,
                   "samples to make, of a model without inputs")
      ->check(CLI::PositiveNumber);
  command->add_option("--data", options->dataFolder,
                      "folder of the data files (default: the model's)");
  command
      ->add_option("--data-file", options->dataFile,
                   "one .csv, .tsv, .jsonl or .npz file for all inputs, read "
                   "as the training data; it needs no labels")
      ->excludes("--input");
  command
      ->add_option("--split", options->split,
                   "take the samples of the data block's train or test")
      ->check(CLI::IsMember({"train", "test"}))
      ->excludes("--input")
      ->excludes("--data-file");
  command
      ->add_option("-o,--output", options->output,
                   "a .csv, .jsonl or .npy file, or a folder for OUTPUT.npy, "
                   "one an output")
      ->capture_default_str();
  addHelp(
      *command,
      "nnc predict net.nn --weights net.safetensors --input x=x.npy -o out\n"
      "nnc predict net.nn --weights net.safetensors --input x=new.csv "
      "--columns x=a,b\n"
      "nnc predict gan.nn --weights gan.safetensors --entry sample --count "
      "16\n"
      "nnc predict net.nn --weights net.safetensors --data-file new.csv -o "
      "out.csv\n");
  command->callback([options, &exit] { exit = predict(*options); });
}

} // namespace nnc::tools
