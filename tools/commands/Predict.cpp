// nnc predict: a model's outputs on inputs from files.
#include "tools/ClassNames.h"
#include "tools/InputFiles.h"
#include "tools/RunPredictions.h"
#include "tools/TextOutputs.h"
#include "tools/Training.h"
#include "tools/commands/Commands.h"

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
  std::optional<int64_t> seed;
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

static Status checkOutputs(const EntryPoint &entry,
                           const PredictOptions &options) {
  std::vector<InputFile> inputs = {{options.request.model, "the model"},
                                   {options.weightsFile, "the weights"},
                                   {options.dataFile, "the data"}};
  for (const std::string &path : options.inputs.paths())
    inputs.push_back({path, "an input"});
  return checkPredictions(partsOf(entry), options.output, inputs);
}

/// What the numbers of outputs stand for, as far as the weights know it.
static void findWords(const PredictOptions &options, const Plan &plan,
                      const EntryPoint &entry, const DataFacts &facts,
                      std::vector<Predicted> &parts) {
  const ReadOptions read =
      readOptions(options.request.model, options.dataFolder);
  for (Predicted &part : parts) {
    part.classes = classNames(plan, facts, part.info);
    if (part.classes)
      continue;
    auto tokenizer = tokenizerOfOutput(plan, entry, part.info, facts, read);
    if (tokenizer.isOk())
      part.tokenizer = *tokenizer;
    else
      std::cerr << "note: output " << quote(part.name)
                << " has no words: " << tokenizer.status().message() << '\n';
  }
}

static int predict(const PredictOptions &options) {
  PlanOrExit opened = openModel(options.request);
  if (!opened.plan)
    return opened.exit;
  StatusOr<const EntryPoint *> found =
      findPrediction(*opened.plan, options.entry);
  if (!found.isOk())
    return failAt(options.request.model, found.status());
  const EntryPoint *entry = *found;
  if (Status status = checkOutputs(*entry, options); !status.isOk())
    return fail(status);
  auto session = Session::create(opened.plan, {options.threads, 0, nullptr});
  if (!session.isOk())
    return fail(session.status());
  LoadReport report;
  Status loaded = (*session)->load(
      options.weightsFile, SaveKind::Weights,
      {Matching::Exact, options.order, options.names, options.entry}, &report);
  if (loaded.isOk())
    loaded = takeSeed(**session, report.metadata, options.seed);
  if (!loaded.isOk())
    return fail(loaded);
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
  Predictions predictions{partsOf(*entry), *count};
  findWords(options, *opened.plan, *entry, *facts, predictions.parts);
  PredictionRun run{**session, *entry, columns,
                    std::vector<size_t>(columns.size())};
  std::iota(run.inputs.begin(), run.inputs.end(), 0);
  Status status = runPredictions(run, predictions);
  if (status.isOk())
    status = writePredictions(predictions, options.output, /*isQuiet=*/false);
  return status.isOk() ? int(Done) : fail(status);
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
      ->add_option("--seed", options->seed,
                   "of what the model draws (default: that of the run that "
                   "made the weights)")
      ->check(CLI::NonNegativeNumber);
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
                   "take the samples of the data block's train, validation or "
                   "test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->excludes("--input")
      ->excludes("--data-file");
  command
      ->add_option("-o,--output", options->output,
                   "a .csv, .jsonl or .npy file, - for JSON lines on standard "
                   "output, or a folder for OUTPUT.npy, one an output")
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
