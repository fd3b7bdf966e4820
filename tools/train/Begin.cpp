// What a training run begins with: its data, divided; the files that it will
// write, checked; and the state that it goes on from.
#include "tools/Output.h"
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include "runtime/AtomicFile.h"
#include "runtime/data/Reader.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

/// Text and categories go by the vocabulary of the weights that a run begins
/// with: the numbers of words and names that they know.
static Status takeVocabularies(const TrainOptions &options, DataFacts &facts) {
  std::vector<std::string> files;
  if (options.resume)
    files.push_back(options.checkpoint);
  if (!options.initialWeights.empty())
    files.push_back(options.initialWeights);
  for (const std::string &file : files) {
    StatusOr<DataFacts> known = loadFacts(file);
    if (known.isOk())
      facts.takeNames(std::move(*known));
    if (known.isOk() || known.status().code() != Code::NotFound ||
        file == options.initialWeights)
      return known.status();
  }
  return {};
}

int64_t windowOf(const Recipe &recipe) {
  for (const Setting &setting : recipe.settings)
    if (setting.name == "shuffle")
      return setting.integer;
  return 0;
}

static std::string orderOf(const TrainRun &run) {
  const int64_t window = windowOf(run.plan.recipe);
  if (run.options.keepOrder)
    return "kept";
  return window ? concat("shuffled within windows of ", window) : "shuffled";
}

static void identify(TrainRun &run) {
  int64_t numBatches = run.trainingBatches->numBatches();
  run.identity = {run.plan.model,
                  stateLayout(run.plan),
                  run.seed,
                  run.batch,
                  run.trainingBatches->numSamples(),
                  run.validationBatches->numSamples(),
                  std::min(run.options.steps.value_or(numBatches), numBatches),
                  orderOf(run)};
}

int loadData(TrainRun &run) {
  // It reads what all training steps read.
  const EntryPoint &all = *run.plan.findEntryPoint("eval_step");
  const TrainOptions &options = run.options;
  const std::string &model = options.request.model;
  if (!hasSplit(run.plan.recipe, "train"))
    return failAt(
        model, {Code::InvalidArgument,
                "the model binds no training data: add `data { train ... }`"});
  const int threads = run.session.numThreads();
  const DataRequest request{run.plan, model, options.dataFolder, threads};
  if (Status status = takeVocabularies(options, run.facts); !status.isOk())
    return fail(status);
  if (int exit = loadSplit(request, all, "train", run.training, run.facts))
    return exit;
  // The held-out samples are drawn once for a seed, and stay held out.
  Split split = splitSamples(numSamples(run.training),
                             run.plan.recipe.validation, run.seed);
  if (Status status = measure(run.training, split.training, threads, run.facts);
      !status.isOk())
    return fail(status);
  // By what the training data taught.
  if (hasSplit(run.plan.recipe, "test"))
    if (int exit = loadSplit(request, all, "test", run.test, run.facts))
      return exit;
  run.trainingBatches.emplace(run.training, std::move(split.training),
                              run.batch, threads);
  run.validationBatches.emplace(run.training, std::move(split.validation),
                                run.batch, threads);
  if (run.trainingBatches->numSamples() == 0)
    return fail({Code::InvalidArgument, "the training split has no samples"});
  identify(run);
  return Done;
}

/// Takes the state and the position from the checkpoint. All that differs from
/// this run is said at once.
static Status continueFrom(TrainRun &run, const SafetensorsFile &checkpoint) {
  const std::string &path = run.options.checkpoint;
  StatusOr<RunPosition> position =
      findPosition(checkpoint.metadata(), run.identity, roundOf(run.plan));
  Status loaded = run.session.load(path, SaveKind::Checkpoint);
  if (!position.isOk())
    return {position.status().code(),
            path + ": " + position.status().message() +
                (loaded.isOk() ? "" : "\n" + loaded.message())};
  if (!loaded.isOk())
    return loaded;
  if (!run.plateaus.restore(checkpoint.metadata()))
    return {Code::InvalidFile,
            path + ": damaged: its metadata says nothing of the plateaus"};
  run.position = std::move(*position);
  run.isSaved = true;
  if (run.options.isQuiet)
    return {};
  const bool isFinished = run.position.epoch > run.epochs;
  std::cerr << "note: goes on from " << path << ": ";
  if (isFinished)
    std::cerr << "its " << run.position.epoch - 1
              << " epochs are done; --epochs asks for more\n";
  else
    std::cerr << "epoch " << run.position.epoch << ", " << run.position.batches
              << " of " << run.identity.stepsPerEpoch << " steps done\n";
  return {};
}

Status beginOrContinue(TrainRun &run) {
  const TrainOptions &options = run.options;
  if (!options.checkpoint.empty()) {
    StatusOr<SafetensorsFile> file = SafetensorsFile::open(options.checkpoint);
    const bool exists = file.status().code() != Code::NotFound;
    if (options.resume && exists)
      return file.isOk() ? continueFrom(run, *file) : file.status();
    if (options.resume && !options.isQuiet)
      std::cerr << "note: no checkpoint " << options.checkpoint
                << " yet: begins with the first epoch\n";
    else if (exists && !options.isQuiet)
      std::cerr << "note: " << options.checkpoint
                << " will be replaced; --resume would go on from it\n";
  }
  if (options.initialWeights.empty())
    return {};
  LoadReport report;
  Status status = run.session.load(
      options.initialWeights, SaveKind::Weights,
      {options.allowMissing ? Matching::AllowMissing : Matching::Exact,
       options.order, options.names},
      &report);
  if (!status.isOk() || options.isQuiet)
    return status;
  for (const std::string &name : report.missing)
    std::cerr << "note: " << options.initialWeights << " has no " << quote(name)
              << ": it keeps its initial value\n";
  for (const std::string &name : report.extra)
    std::cerr << "note: " << options.initialWeights << ": " << quote(name)
              << " is not in the model: passed over\n";
  return {};
}

std::string weightsPath(const TrainOptions &options) {
  return options.weightsFile.empty()
             ? stemOf(options.request.model) + ".safetensors"
             : options.weightsFile;
}

Status checkOutputs(const TrainOptions &options) {
  const std::string weights = weightsPath(options);
  std::vector<InputFile> inputs = {{options.request.model, "the model"}};
  // Whoever names one file as both means it.
  if (options.weightsFile.empty())
    inputs.push_back({options.initialWeights, "those to begin with"});
  if (Status status = checkNoInput(weights, "the weights", inputs);
      !status.isOk())
    return status;
  if (options.checkpoint.empty())
    return checkReplaceable(weights);
  inputs.push_back({options.initialWeights, "the weights to begin with"});
  if (Status status =
          checkNoInput(options.checkpoint, "the checkpoint", inputs);
      !status.isOk())
    return status;
  std::error_code error;
  using std::filesystem::weakly_canonical;
  if (weakly_canonical(options.checkpoint, error) ==
      weakly_canonical(weights, error))
    return {Code::InvalidArgument,
            concat("the weights would replace the checkpoint ",
                   options.checkpoint, "; give one of them another name")};
  if (Status status = checkReplaceable(options.checkpoint); !status.isOk())
    return status;
  return checkReplaceable(weights);
}

} // namespace nnc::tools
