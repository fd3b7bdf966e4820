// nnc train: epochs of training steps over the model's data, a line an epoch,
// the test split at the end, and what came of it on disk.
#include "tools/Training.h"
#include "tools/commands/Commands.h"

#include "runtime/data/Reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

#include <sys/stat.h>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct TrainOptions {
  CompileRequest request;
  std::string dataFolder, weightsFile, logFolder, initialWeights;
  std::optional<int64_t> epochs, batch, seed, steps;
  int threads = 0;
  bool keepOrder = false;
  bool asJson = false;
};

/// A run under way: everything that its parts need.
struct TrainRun {
  const TrainOptions &options;
  const Plan &plan;
  Session &session;
  int64_t batch, epochs, seed;
  Columns training = {}, test = {};
  /// Of `training`: the validation samples are held out of it.
  std::optional<Batches> trainingBatches = {}, validationBatches = {};
  std::ofstream log = {}, stepLog = {};
  Clock::time_point begin = Clock::now();
};

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

static void addAverages(ordered_json &record, const std::string &prefix,
                        const Averages &averages) {
  record[prefix + "loss"] = averages.loss();
  for (auto &[name, value] : averages.metrics())
    record[prefix + name] = value;
}

/// "  loss 0.4012  accuracy 0.8571", the split's name before each.
static std::string columns(const std::string &prefix,
                           const Averages &averages) {
  char text[64];
  std::snprintf(text, sizeof text, "  %sloss %.4f", prefix.c_str(),
                averages.loss());
  std::string line = text;
  for (auto &[name, value] : averages.metrics()) {
    std::snprintf(text, sizeof text, "  %s%s %.4f", prefix.c_str(),
                  name.c_str(), value);
    line += text;
  }
  return line;
}

static void report(TrainRun &run, const ordered_json &record,
                   const std::string &line) {
  if (run.log.is_open())
    run.log << record.dump() << std::endl;
  if (run.options.asJson)
    std::cout << record.dump() << std::endl;
  else
    std::cout << line << std::endl;
}

static std::string epochLabel(int64_t epoch, int64_t epochs) {
  char text[48];
  std::snprintf(text, sizeof text, "epoch %3lld/%lld", (long long)epoch,
                (long long)epochs);
  return text;
}

static Status trainEpoch(TrainRun &run, int64_t epoch) {
  Clock::time_point begin = Clock::now();
  const std::string label = epochLabel(epoch, run.epochs);
  Averages training, validation;
  Batches &batches = *run.trainingBatches;
  int64_t mostSteps = run.options.steps.value_or(batches.numBatches());
  Progress progress(label,
                    std::min(batches.numSamples(), mostSteps * run.batch));
  if (!run.options.keepOrder)
    batches.shuffle(run.seed, epoch);
  if (Status status =
          runEpoch(run.session, *run.plan.findEntryPoint("train_step"), batches,
                   training, progress, mostSteps,
                   run.stepLog.is_open() ? &run.stepLog : nullptr);
      !status.isOk())
    return status;
  const bool validates = run.validationBatches->numSamples() > 0;
  if (Status status =
          runEpoch(run.session, *run.plan.findEntryPoint("eval_step"),
                   *run.validationBatches, validation, progress);
      !status.isOk())
    return status;
  progress.clear();
  StatusOr<double> step = run.session.scalar("step");
  ordered_json record = {{"epoch", epoch},
                         {"step", step.isOk() ? int64_t(*step) : 0}};
  addAverages(record, "", training);
  std::string line = label + columns("", training);
  if (validates) {
    addAverages(record, "validation_", validation);
    line += columns("validation_", validation);
  }
  record["seconds"] = secondsSince(begin);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "  %.1f s", secondsSince(begin));
  report(run, record, line + seconds);
  return {};
}

static Status testAtEnd(TrainRun &run) {
  Averages averages;
  if (Status status =
          evaluate(run.session, *run.plan.findEntryPoint("eval_step"), run.test,
                   run.batch, averages);
      !status.isOk())
    return status;
  ordered_json record = {{"epoch", run.epochs}};
  addAverages(record, "test_", averages);
  if (!averages.confusion().empty())
    record["confusion"] = averages.confusion();
  report(run, record, "test" + columns("", averages));
  return {};
}

static int makeFolder(const std::string &path) {
  if (mkdir(path.c_str(), 0777) == 0 || errno == EEXIST)
    return Done;
  return fail(
      {Code::IoError, path + ": cannot be made: " + std::strerror(errno)});
}

static int openLog(TrainRun &run) {
  const std::string &folder = run.options.logFolder;
  if (folder.empty())
    return Done;
  if (int exit = makeFolder(folder))
    return exit;
  run.log.open(folder + "/log.jsonl", std::ios::trunc);
  run.stepLog.open(folder + "/steps.jsonl", std::ios::trunc);
  if (run.log && run.stepLog)
    return Done;
  return fail({Code::IoError, folder + "/log.jsonl: cannot be written: " +
                                  std::strerror(errno)});
}

static int loadData(TrainRun &run) {
  const EntryPoint &train = *run.plan.findEntryPoint("train_step");
  const TrainOptions &options = run.options;
  const std::string &model = options.request.model;
  if (!hasSplit(run.plan.recipe, "train"))
    return failAt(
        model, {Code::InvalidArgument,
                "the model binds no training data: add `data { train ... }`"});
  if (int exit = loadSplit(run.plan, train, "train", model, options.dataFolder,
                           INT64_MAX, run.training))
    return exit;
  if (hasSplit(run.plan.recipe, "test"))
    if (int exit =
            loadSplit(run.plan, *run.plan.findEntryPoint("eval_step"), "test",
                      model, options.dataFolder, INT64_MAX, run.test))
      return exit;
  // The held-out samples are drawn once for a seed, and stay held out.
  Split split = splitSamples(numSamples(run.training),
                             run.plan.recipe.validation, run.seed);
  run.trainingBatches.emplace(run.training, std::move(split.training),
                              run.batch);
  run.validationBatches.emplace(run.training, std::move(split.validation),
                                run.batch);
  if (run.trainingBatches->numSamples() > 0)
    return Done;
  return fail({Code::InvalidArgument, "the training split has no samples"});
}

static void announce(const TrainRun &run) {
  if (run.options.asJson)
    return;
  int64_t parameters = 0;
  for (const StateTensor &tensor : run.plan.state)
    if (tensor.role == Role::Parameter)
      parameters += tensor.numElements();
  std::printf("%s: %lld parameters, batch %lld, %d threads, %.1f MiB of memory "
              "planned\n",
              run.plan.model.c_str(), (long long)parameters,
              (long long)run.batch, run.session.numThreads(),
              run.plan.plannedBytes(run.session.numThreads()) / 1048576.0);
  std::printf("%lld training samples, %lld for validation, %lld for test\n",
              (long long)run.trainingBatches->numSamples(),
              (long long)run.validationBatches->numSamples(),
              (long long)numSamples(run.test));
  std::fflush(stdout);
}

static int saveResults(TrainRun &run) {
  const TrainOptions &options = run.options;
  std::string weights = options.weightsFile.empty()
                            ? stemOf(options.request.model) + ".safetensors"
                            : options.weightsFile;
  if (Status status = run.session.save(weights, SaveKind::Weights,
                                       {{"model", run.plan.model}});
      !status.isOk())
    return fail(status);
  if (!options.asJson)
    std::cout << "weights  " << weights << std::endl;
  if (options.logFolder.empty())
    return Done;
  run.log.close();
  if (!options.asJson)
    std::cout << "pictures" << std::endl;
  // Standard output is the caller's JSON: the names of the pictures go
  // elsewhere.
  return runBeside("nnc-plot", {options.logFolder}, options.asJson ? 2 : -1);
}

static int train(const TrainOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch.value_or(0);
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const Plan &plan = *opened.plan;
  if (!plan.findEntryPoint("train_step") || !plan.findEntryPoint("eval_step"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model has no loss: there is nothing to train"});
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
  if (!options.initialWeights.empty())
    if (Status status =
            (*session)->load(options.initialWeights, SaveKind::Weights);
        !status.isOk())
      return fail(status);
  TrainRun run{options,
               plan,
               **session,
               batch,
               options.epochs.value_or(plan.recipe.epochs),
               seed};
  if (int exit = loadData(run))
    return exit;
  if (int exit = openLog(run))
    return exit;
  announce(run);
  for (int64_t epoch = 1; epoch <= run.epochs; ++epoch)
    if (Status status = trainEpoch(run, epoch); !status.isOk())
      return fail(status);
  if (numSamples(run.test) > 0)
    if (Status status = testAtEnd(run); !status.isOk())
      return fail(status);
  return saveResults(run);
}

void addTrainCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App *command = app.add_subcommand("train", "train a model on its data");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
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
  command->add_option("--weights", options->initialWeights,
                      "begin with the weights of this file");
  command->add_option("-o,--output", options->weightsFile,
                      "where the weights go (default: MODEL.safetensors here)");
  command->add_option(
      "--log", options->logFolder,
      "folder for log.jsonl (epochs), steps.jsonl and pictures");
  command->add_flag("--json", options->asJson,
                    "one JSON object a line: each epoch, then the test");
  command->callback([options, &exit] { exit = train(*options); });
}

} // namespace nnc::tools
