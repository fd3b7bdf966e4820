// Which samples a run trains on, and on which it is judged: its data, loaded
// and divided.
#include "tools/ShortForms.h"
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include "runtime/TextList.h"
#include "runtime/data/Reader.h"
#include "runtime/data/Split.h"
#include "runtime/data/Suggestion.h"

#include <algorithm>
#include <iostream>
#include <numeric>

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

namespace {
/// How samples are held out, by options and model.
struct Choice {
  double share;
  int64_t seed;
  /// Empty: by nothing.
  std::string stratifiedBy;
  int64_t fold, folds, most;
  /// By the model's data.
  bool isGiven;
};
} // namespace

static Choice choiceOf(const TrainRun &run) {
  const SplitOptions &options = run.options.split;
  const Recipe &recipe = run.plan.recipe;
  const Setting *seed = recipe.findSetting("split_seed");
  const Setting *by = recipe.findSetting("stratified_by");
  return {options.validation.value_or(recipe.validation),
          options.seed.value_or(seed ? seed->integer : 0),
          !options.stratifiedBy.empty() ? options.stratifiedBy
          : by                          ? by->text
                                        : "",
          options.fold,
          options.folds,
          options.most,
          options.most == 0 && hasSplit(recipe, "validation")};
}

bool holdsOutSamples(const TrainOptions &options, const Plan &plan) {
  return options.split.most == 0 &&
         (options.split.folds > 0 || hasSplit(plan.recipe, "validation") ||
          options.split.validation.value_or(plan.recipe.validation) > 0);
}

/// As a checkpoint has it: equal words, equal samples.
static std::string describeSplit(const Choice &choice) {
  if (choice.isGiven)
    return "given by the data";
  if (choice.most > 0)
    return concat("none, of ", choice.most, " samples");
  const std::string by = choice.stratifiedBy.empty()
                             ? ""
                             : concat(", stratified by ", choice.stratifiedBy);
  if (choice.folds > 0)
    return concat("part ", choice.fold, " of ", choice.folds,
                  " by the split seed ", choice.seed, by);
  return choice.share > 0 ? concat("by the split seed ", choice.seed, by)
                          : "none";
}

static StatusOr<Strata> findStrata(const TrainRun &run, const Choice &choice) {
  if (choice.stratifiedBy.empty())
    return Strata();
  std::vector<std::string> inputs;
  for (const Column &column : run.training) {
    if (column.name == choice.stratifiedBy)
      return strataOf(column);
    inputs.push_back(column.name);
  }
  return Status(Code::InvalidArgument,
                concat("the model has no input ", quote(choice.stratifiedBy),
                       " to stratify by",
                       suggestion(choice.stratifiedBy, inputs), "; it has ",
                       listNames(inputs)));
}

static std::vector<int64_t> allSamples(const Columns &columns) {
  std::vector<int64_t> all(static_cast<size_t>(numSamples(columns)));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

static StatusOr<Split> divide(const TrainRun &run, const Choice &choice) {
  const int64_t samples = numSamples(run.training);
  if (choice.isGiven)
    return Split{allSamples(run.training), {}};
  if (choice.folds > samples)
    return Status(Code::InvalidArgument,
                  concat(samples, " samples cannot be divided into ",
                         choice.folds, " parts"));
  StatusOr<Strata> strata = findStrata(run, choice);
  if (!strata.isOk())
    return strata.status();
  if (choice.folds > 0)
    return splitFold(samples, choice.folds, choice.fold - 1, choice.seed,
                     *strata);
  Split split = splitSamples(samples, choice.share, choice.seed, *strata);
  if (choice.most == 0 && choice.share > 0 && split.validation.empty() &&
      !run.options.isQuiet)
    std::cerr << "note: no samples are held out: " << choice.share << " of "
              << samples << " is none of them\n";
  if (choice.most > 0) {
    split.validation.clear();
    split.training.resize(std::min<size_t>(split.training.size(), choice.most));
  }
  return split;
}

int64_t windowOf(const Recipe &recipe) {
  const Setting *window = recipe.findSetting("shuffle");
  return window ? window->integer : 0;
}

static std::string orderOf(const TrainRun &run) {
  const int64_t window = windowOf(run.plan.recipe);
  if (run.options.keepOrder)
    return "kept";
  if (window)
    return concat("shuffled within windows of ", window);
  std::string order = "shuffled";
  for (const EntryPoint *form :
       run.plan.shortFormsOf(*roundOf(run.plan).front().entry))
    order += concat(", ", form->name);
  return order;
}

/// Has batches that are short be so as a whole.
static Status groupByLength(TrainRun &run) {
  const RoundRun first = roundOf(run.plan).front();
  std::vector<const Column *> columns;
  for (size_t i = 0; i < first.entry->inputs.size(); ++i)
    columns.push_back(
        &run.training[first.columns.empty() ? i : first.columns[i]]);
  const ShortForms forms(run.plan, *first.entry, columns);
  if (forms.isEmpty())
    return {};
  StatusOr<std::vector<uint8_t>> places =
      formsOfSamples(forms, columns, run.session.numThreads());
  if (!places.isOk())
    return places.status();
  run.trainingBatches->groupBy(std::move(*places));
  return {};
}

static void identify(TrainRun &run, const Choice &choice) {
  int64_t numBatches = run.trainingBatches->numBatches();
  run.identity = {run.plan.model,
                  stateLayout(run.plan),
                  run.seed,
                  run.batch,
                  run.trainingBatches->numSamples(),
                  run.validationBatches->numSamples(),
                  std::min(run.options.steps.value_or(numBatches), numBatches),
                  orderOf(run),
                  describeSplit(choice)};
}

/// Divides the training data, and measures what the training samples teach.
static Status makeBatches(TrainRun &run, const Choice &choice) {
  const int threads = run.session.numThreads();
  StatusOr<Split> split = divide(run, choice);
  if (!split.isOk())
    return split.status();
  if (split->training.empty())
    return {Code::InvalidArgument, "the training split has no samples"};
  if (Status status =
          measure(run.training, split->training, threads, run.facts);
      !status.isOk())
    return status;
  run.trainingBatches.emplace(run.training, std::move(split->training),
                              run.batch, gatheringThreads(run.session));
  if (!choice.isGiven)
    run.validationBatches.emplace(run.training, std::move(split->validation),
                                  run.batch, gatheringThreads(run.session));
  return groupByLength(run);
}

/// That no samples would be held out beside those that the data give.
static Status checkChoice(const TrainRun &run) {
  const SplitOptions &split = run.options.split;
  const bool isGiven = hasSplit(run.plan.recipe, "validation");
  const bool isShared =
      split.validation.value_or(run.plan.recipe.validation) > 0;
  if (isGiven && (isShared || split.folds > 0) && split.most == 0)
    return {Code::InvalidArgument,
            split.folds > 0
                ? "the model binds validation data, and cross-validation "
                  "divides those of 'train': take `validation` out of `data`"
                : "the model binds validation data: a share of the training "
                  "data is not held out beside them; take one of them away"};
  return {};
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
  if (Status status = checkChoice(run); !status.isOk())
    return failAt(model, status);
  const DataRequest request{run.plan, model, options.dataFolder,
                            run.session.numThreads()};
  if (Status status = takeVocabularies(options, run.facts); !status.isOk())
    return fail(status);
  if (int exit = loadSplit(request, all, "train", run.training, run.facts))
    return exit;
  const Choice choice = choiceOf(run);
  if (Status status = makeBatches(run, choice); !status.isOk())
    return fail(status);
  // The others go by what the training samples have taught.
  if (choice.isGiven) {
    if (int exit =
            loadSplit(request, all, "validation", run.validation, run.facts))
      return exit;
    run.validationBatches.emplace(run.validation, allSamples(run.validation),
                                  run.batch, gatheringThreads(run.session));
  }
  identify(run, choice);
  if (Status status = placeData(run); !status.isOk())
    return fail(status);
  const bool isTested = choice.most == 0 && choice.folds == 0;
  if (isTested && hasSplit(run.plan.recipe, "test"))
    return loadSplit(request, all, "test", run.test, run.facts);
  return Done;
}

} // namespace nnc::tools
