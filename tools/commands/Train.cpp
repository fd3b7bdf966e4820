// nnc train: what a run begins with, and what came of it on disk. Its epochs
// are in TrainEpochs.cpp.
#include "tools/Output.h"
#include "tools/StopSignal.h"
#include "tools/Text.h"
#include "tools/commands/Commands.h"
#include "tools/commands/TrainRun.h"

#include "runtime/AtomicFile.h"
#include "runtime/data/Reader.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace nnc::tools {

using namespace runtime;

/// Says how to go on, and ends as the signal would have ended the program.
[[noreturn]] static void endStopped(TrainRun &run) {
  std::cerr << "stopped after step " << stepsOf(run) << ", in epoch "
            << std::min(run.position.epoch, run.epochs) << " of " << run.epochs
            << "; the same command with --resume goes on from "
            << run.options.checkpoint << std::endl;
  std::cout.flush();
  endBySignal(stopSignal());
}

/// Text goes by the vocabulary of the weights that a run begins with: the
/// numbers of words that they know.
static Status takeVocabularies(const TrainOptions &options, DataFacts &facts) {
  std::vector<std::string> files;
  if (options.resume)
    files.push_back(options.checkpoint);
  if (!options.initialWeights.empty())
    files.push_back(options.initialWeights);
  for (const std::string &file : files) {
    StatusOr<DataFacts> known = loadFacts(file);
    if (known.isOk())
      facts.vocabularies = std::move(known->vocabularies);
    if (known.isOk() || known.status().code() != Code::NotFound ||
        file == options.initialWeights)
      return known.status();
  }
  return {};
}

static int loadData(TrainRun &run) {
  const EntryPoint &train = *run.plan.findEntryPoint("train_step");
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
  if (int exit = loadSplit(request, train, "train", run.training, run.facts))
    return exit;
  // The held-out samples are drawn once for a seed, and stay held out.
  Split split = splitSamples(numSamples(run.training),
                             run.plan.recipe.validation, run.seed);
  if (Status status = measure(run.training, split.training, threads, run.facts);
      !status.isOk())
    return fail(status);
  // By what the training data taught.
  if (hasSplit(run.plan.recipe, "test"))
    if (int exit = loadSplit(request, *run.plan.findEntryPoint("eval_step"),
                             "test", run.test, run.facts))
      return exit;
  run.trainingBatches.emplace(run.training, std::move(split.training),
                              run.batch, threads);
  run.validationBatches.emplace(run.training, std::move(split.validation),
                                run.batch, threads);
  if (run.trainingBatches->numSamples() > 0)
    return Done;
  return fail({Code::InvalidArgument, "the training split has no samples"});
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
                  run.options.keepOrder ? "kept" : "shuffled"};
}

/// Takes the state and the position from the checkpoint. All that differs from
/// this run is said at once.
static Status continueFrom(TrainRun &run, const SafetensorsFile &checkpoint) {
  const std::string &path = run.options.checkpoint;
  StatusOr<RunPosition> position =
      findPosition(checkpoint.metadata(), run.identity,
                   *run.plan.findEntryPoint("train_step"));
  Status loaded = run.session.load(path, SaveKind::Checkpoint);
  if (!position.isOk())
    return {position.status().code(),
            path + ": " + position.status().message() +
                (loaded.isOk() ? "" : "\n" + loaded.message())};
  if (!loaded.isOk())
    return loaded;
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

/// Begins with the checkpoint where the run is to go on from one and it is
/// there, else with --weights or the initial values.
static Status beginOrContinue(TrainRun &run) {
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

static std::string weightsPath(const TrainOptions &options) {
  return options.weightsFile.empty()
             ? stemOf(options.request.model) + ".safetensors"
             : options.weightsFile;
}

/// What would be a pity to learn after hours.
static Status checkOutputs(const TrainOptions &options) {
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

static Status prepareFiles(TrainRun &run) {
  if (Status status = checkOutputs(run.options); !status.isOk())
    return status;
  if (Status status = beginOrContinue(run); !status.isOk())
    return status;
  if (run.options.logFolder.empty())
    return {};
  return run.log.open(run.options.logFolder, run.position.epoch - 1,
                      stepsOf(run));
}

static void announce(const TrainRun &run) {
  if (run.options.asJson || run.options.isQuiet)
    return;
  int64_t parameters = 0, frozen = 0;
  for (const StateTensor &tensor : run.plan.state)
    if (tensor.frozen)
      frozen += tensor.numElements();
    else if (tensor.role == Role::Parameter)
      parameters += tensor.numElements();
  const std::string fixed =
      frozen ? concat(" and ", frozen, " frozen") : std::string();
  std::printf(
      "%s: %lld parameters%s, batch %lld, %d threads, %s of memory "
      "planned\n",
      printable(run.plan.model).c_str(), (long long)parameters, fixed.c_str(),
      (long long)run.batch, run.session.numThreads(),
      sizeText(run.plan.plannedBytes(run.session.numThreads())).c_str());
  const EntryPoint &step = *run.plan.findEntryPoint("train_step");
  if (std::string again = describeAgain(run.plan, step); !again.empty())
    std::printf("%s\n", again.c_str());
  std::printf("%lld training samples, %lld for validation, %lld for test\n",
              (long long)run.trainingBatches->numSamples(),
              (long long)run.validationBatches->numSamples(),
              (long long)numSamples(run.test));
  std::fflush(stdout);
}

static int saveResults(TrainRun &run) {
  const TrainOptions &options = run.options;
  if (Status status = run.session.checkFinite(); !status.isOk())
    return fail(explain(run, status));
  std::string weights = weightsPath(options);
  Metadata notes = {{"model", run.plan.model}};
  run.facts.save(notes);
  if (Status status = run.session.save(weights, SaveKind::Weights, notes);
      !status.isOk())
    return fail(status);
  const bool isTalking = !options.asJson && !options.isQuiet;
  if (isTalking)
    std::cout << "weights  " << weights << std::endl;
  if (options.logFolder.empty())
    return Done;
  if (Status status = run.log.flush(); !status.isOk())
    return fail(status);
  run.log.close();
  if (isTalking)
    std::cout << "pictures" << std::endl;
  // Standard output is the caller's JSON: the names of the pictures go
  // elsewhere, or nowhere.
  OpenFile nowhere(options.isQuiet ? open("/dev/null", O_WRONLY | O_CLOEXEC)
                                   : -1);
  return runBeside("nnc-plot", {options.logFolder},
                   options.asJson ? STDERR_FILENO : nowhere.get());
}

static int train(const TrainOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch.value_or(0);
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const Plan &plan = *opened.plan;
  if (!plan.findEntryPoint("eval_step"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model has no loss: there is nothing to train"});
  if (!plan.findEntryPoint("train_step"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model does not say how it is trained: add `training { "
                   "... }` with an optimizer, as in adam(0.001)"});
  int64_t seed = options.seed.value_or(plan.recipe.seed);
  int64_t batch =
      std::min(options.batch.value_or(plan.recipe.batch), plan.maxBatch);
  if (options.batch && *options.batch > plan.maxBatch)
    return fail({Code::InvalidArgument,
                 concat("the plan runs batches up to ", plan.maxBatch,
                        "; --batch asks for ", *options.batch)});
  auto session = Session::create(opened.plan, {options.threads, seed, nullptr});
  if (!session.isOk())
    return fail(session.status());
  TrainRun run{options,
               plan,
               **session,
               batch,
               options.epochs.value_or(plan.recipe.epochs),
               seed};
  if (int exit = loadData(run))
    return exit;
  identify(run);
  if (Status status = prepareFiles(run); !status.isOk())
    return fail(status);
  announce(run);
  if (Status status = trainEpochs(run); !status.isOk())
    return fail(explain(run, status));
  if (stopSignal() == 0 && numSamples(run.test) > 0)
    if (Status status = testAtEnd(run); !status.isOk())
      return fail(status);
  if (stopSignal() != 0)
    endStopped(run);
  return saveResults(run);
}

/// What is trained, on what, and for how long.
static void addRunOptions(CLI::App *command, TrainOptions *options) {
  command->add_option("--data", options->dataFolder,
                      "folder of the data files (default: the model's)");
  command
      ->add_option("--epochs", options->epochs,
                   "passes over the training data (default: the model's)")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 31));
  command
      ->add_option("--batch", options->batch,
                   "samples a step (default: the model's)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command
      ->add_option("--steps", options->steps, "at most so many steps an epoch")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command->add_flag("--keep-order", options->keepOrder,
                    "take the samples in the files' order, every epoch");
  command->add_option(
      "--seed", options->seed,
      "of initial weights, shuffling and dropout (default: the model's)");
  CLI::Option *weights =
      command->add_option("--weights", options->initialWeights,
                          "begin with the weights of this file");
  command
      ->add_flag("--allow-missing", options->allowMissing,
                 "of --weights, take what the model shares with the file")
      ->needs(weights);
  addWeightsOptions(*command, options->order, options->names);
  command
      ->add_option("--freeze", options->request.freeze,
                   "leave parameters as they are, by a pattern of their names "
                   "such as 'encoder.*'")
      ->type_name("PATTERN")
      ->take_all()
      ->allow_extra_args(false);
}

/// Where it goes on from, and what it leaves.
static void addResultOptions(CLI::App *command, TrainOptions *options) {
  CLI::Option *checkpoint = command->add_option(
      "--checkpoint", options->checkpoint,
      "save all that going on needs in this file, each epoch");
  command
      ->add_option("--every", options->every,
                   "save the checkpoint every so many steps instead")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31))
      ->needs(checkpoint);
  command
      ->add_flag("--resume", options->resume,
                 "go on from the checkpoint, where it is there")
      ->needs(checkpoint);
  command->add_option("-o,--output", options->weightsFile,
                      "where the weights go (default: MODEL.safetensors here)");
  command->add_option(
      "--log", options->logFolder,
      "folder for log.jsonl (epochs), steps.jsonl and pictures");
  CLI::Option *json =
      command->add_flag("--json", options->asJson,
                        "one JSON object a line: each epoch, then the test");
  command
      ->add_flag("--quiet", options->isQuiet,
                 "say nothing but errors and where a stopped run goes on")
      ->excludes(json);
}

void addTrainCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App *command = app.add_subcommand("train", "train a model on its data");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  addRunOptions(command, options.get());
  addResultOptions(command, options.get());
  command->callback([options, &exit] { exit = train(*options); });
}

} // namespace nnc::tools
