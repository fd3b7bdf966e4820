// nnc eval: the loss and metrics of trained weights on the test split.
#include "tools/ClassNames.h"
#include "tools/ClassTable.h"
#include "tools/Json.h"
#include "tools/NumericsText.h"
#include "tools/RunPredictions.h"
#include "tools/Text.h"
#include "tools/Training.h"
#include "tools/commands/Commands.h"

#include "runtime/data/Reader.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

struct EvalOptions {
  CompileRequest request;
  std::string dataFolder, weightsFile;
  std::optional<WeightsOrder> order;
  std::string names;
  std::string split = "test";
  /// Where predictions go, if they are asked for, and of which outputs.
  std::string predictions, entry;
  int64_t batch = 0;
  int threads = 0;
  bool isPart = false;
  bool asJson = false;
  bool checksNumerics = false;
};

/// The most classes that a table for people has.
static constexpr size_t mostRows = 100;

namespace {
/// The classes of a training step, with their names where they have any.
struct EvaluatedClasses {
  const ClassCounts &counts;
  const std::vector<std::string> *names;
  std::vector<ClassScores> scores;
};
} // namespace

static void printText(const Averages &averages, int64_t samples,
                      const std::vector<EvaluatedClasses> &tables) {
  Averages::Values values = averages.metrics();
  values.insert(values.begin(), {"loss", averages.loss()});
  size_t width = 0;
  for (auto &[name, value] : values)
    width = std::max(width, printable(name).size());
  std::printf("%lld samples\n", (long long)samples);
  for (auto &[name, value] : values)
    std::printf("%-*s  %.4f\n", int(width), printable(name).c_str(), value);
  for (const auto &[counts, names, scores] : tables) {
    std::printf("\n");
    if (const std::string step = counts.step(); !step.empty())
      std::printf("of step %s\n", printable(step).c_str());
    if (scores.size() > mostRows)
      std::printf("%zu classes: --json has the numbers of each\n",
                  scores.size());
    else
      std::printf("%s", classTable(scores).c_str());
  }
}

static void printJson(const Averages &averages, int64_t samples,
                      const std::vector<EvaluatedClasses> &tables) {
  ordered_json object = {{"samples", samples}, {"loss", averages.loss()}};
  for (auto &[name, value] : averages.metrics())
    object[name] = value;
  for (const auto &[counts, names, scores] : tables) {
    object[counts.name] = counts.counts;
    if (names)
      object[counts.nameOf("classes")] = *names;
    ordered_json &all = object[counts.nameOf("per_class")] =
        ordered_json::array();
    for (const ClassScores &one : scores)
      all.push_back({{"class", one.name},
                     {"precision", one.precision},
                     {"recall", one.recall},
                     {"f1", one.f1},
                     {"samples", one.samples}});
  }
  std::cout << toLine(object) << '\n';
}

static void print(const Averages &averages, int64_t samples, const Plan &plan,
                  const DataFacts &facts, bool asJson) {
  std::vector<EvaluatedClasses> tables;
  for (const ClassCounts &classes : averages.confusions()) {
    const std::vector<std::string> *names = classNames(plan, facts, classes);
    tables.push_back({classes, names, scoreClasses(classes.counts, names)});
  }
  if (asJson)
    printJson(averages, samples, tables);
  else
    printText(averages, samples, tables);
}

/// Where what is not finite comes from, if that is what went wrong.
static Status withOrigin(const Session &session, const Status &status,
                         const std::string &origin) {
  if (status.code() != Code::NotFinite)
    return status;
  std::string text = status.message();
  if (Status state = session.checkFinite(); !state.isOk())
    text += "; " + state.message();
  if (!origin.empty())
    text += "; " + origin;
  return {status.code(), text};
}

namespace {
/// What is evaluated: the losses' entry point, and the outputs' where
/// predictions are asked for.
struct Evaluated {
  const EntryPoint *losses = nullptr, *outputs = nullptr;

  /// The inputs of both: those of the losses, then what the outputs need more.
  EntryPoint together() const;
  /// Which of the losses' inputs the outputs do not read.
  std::vector<size_t> labels() const;
};
} // namespace

static size_t findInput(const std::vector<TensorInfo> &inputs,
                        const std::string &name) {
  auto found =
      std::find_if(inputs.begin(), inputs.end(),
                   [&](const TensorInfo &input) { return input.name == name; });
  return size_t(found - inputs.begin());
}

EntryPoint Evaluated::together() const {
  EntryPoint both;
  both.name = losses->name;
  both.inputs = losses->inputs;
  if (outputs)
    for (const TensorInfo &input : outputs->inputs)
      if (findInput(both.inputs, input.name) == both.inputs.size())
        both.inputs.push_back(input);
  return both;
}

std::vector<size_t> Evaluated::labels() const {
  std::vector<size_t> places;
  for (size_t i = 0; i < losses->inputs.size(); ++i)
    if (findInput(outputs->inputs, losses->inputs[i].name) ==
        outputs->inputs.size())
      places.push_back(i);
  return places;
}

/// The labels, which have a name of their own beside the outputs, then those.
static std::vector<Predicted> partsOf(const Evaluated &evaluated) {
  std::vector<Predicted> parts, outputs = partsOf(*evaluated.outputs);
  for (size_t place : evaluated.labels()) {
    const TensorInfo &input = evaluated.losses->inputs[place];
    const bool isTaken =
        std::any_of(outputs.begin(), outputs.end(), [&](const Predicted &part) {
          return part.name == input.name;
        });
    parts.push_back(
        {input, isTaken ? input.name + "_label" : input.name, nullptr, true});
  }
  std::move(outputs.begin(), outputs.end(), std::back_inserter(parts));
  return parts;
}

/// InvalidArgument where the model cannot be evaluated as the options ask.
static StatusOr<Evaluated> findEvaluated(const Plan &plan,
                                         const EvalOptions &options) {
  Evaluated evaluated{plan.findEntryPoint("eval_step")};
  if (!evaluated.losses)
    return Status(Code::InvalidArgument,
                  "the model has no loss: there is nothing to evaluate");
  if (!hasSplit(plan.recipe, options.split))
    return Status(Code::InvalidArgument,
                  concat("the model binds no ", options.split,
                         " data: add `data { ", options.split, " ... }`"));
  if (options.predictions.empty())
    return evaluated;
  StatusOr<const EntryPoint *> outputs = findPrediction(plan, options.entry);
  if (!outputs.isOk())
    return outputs.status();
  evaluated.outputs = *outputs;
  if (Status status = checkPredictions(partsOf(evaluated), options.predictions,
                                       {{options.request.model, "the model"},
                                        {options.weightsFile, "the weights"}},
                                       "--predictions");
      !status.isOk())
    return status;
  return evaluated;
}

/// The outputs and labels of all samples, into the file that was asked for.
static Status predict(Session &session, const Evaluated &evaluated,
                      const Columns &columns, const DataFacts &facts,
                      const EvalOptions &options) {
  const std::vector<TensorInfo> inputs = evaluated.together().inputs;
  PredictionRun run{
      session, *evaluated.outputs, columns, {}, evaluated.labels()};
  for (const TensorInfo &input : evaluated.outputs->inputs)
    run.inputs.push_back(findInput(inputs, input.name));
  Predictions predictions{partsOf(evaluated), numSamples(columns)};
  for (Predicted &part : predictions.parts) {
    auto named = facts.classes.find(part.info.name);
    if (!part.areLabels)
      part.classes = classNames(session.plan(), facts, part.info);
    else if (named != facts.classes.end() && part.info.shape.size() == 1)
      part.classes = &named->second;
  }
  Status status = runPredictions(run, predictions);
  return status.isOk() ? writePredictions(predictions, options.predictions,
                                          options.asJson)
                       : status;
}

static StatusOr<std::shared_ptr<Session>>
openSession(const std::shared_ptr<const Plan> &plan,
            const EvalOptions &options) {
  auto session =
      Session::create(plan, {options.threads, plan->recipe.seed, nullptr});
  if (!session.isOk())
    return session.status();
  LoadReport report;
  Status status =
      (*session)->load(options.weightsFile, SaveKind::Weights,
                       {Matching::Exact, options.order, options.names,
                        options.isPart ? "eval_step" : ""},
                       &report);
  if (status.isOk())
    status = takeSeed(**session, report.metadata, std::nullopt);
  if (!status.isOk())
    return status;
  return std::shared_ptr<Session>(std::move(*session));
}

static int evaluateModel(const EvalOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch;
  request.eachOp = options.checksNumerics;
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const Plan &plan = *opened.plan;
  StatusOr<Evaluated> evaluated = findEvaluated(plan, options);
  if (!evaluated.isOk())
    return failAt(request.model, evaluated.status());
  auto session = openSession(opened.plan, options);
  if (!session.isOk())
    return fail(session.status());
  Columns columns;
  DataFacts facts;
  const DataRequest data{plan, request.model, options.dataFolder,
                         (*session)->numThreads()};
  if (int exit = loadSplitFor(data, evaluated->together(), options.split,
                              options.weightsFile, columns, facts))
    return exit;
  Numerics found;
  if (options.checksNumerics)
    if (Status status = (*session)->setNumerics(&found); !status.isOk())
      return fail(status);
  Averages averages;
  const EntryPoint &losses = *evaluated->losses;
  if (Status status =
          evaluate(**session, losses, columns, plan.maxBatch, true, averages);
      !status.isOk())
    return fail(withOrigin(**session, status, describe(found, plan, losses)));
  print(averages, numSamples(columns), plan, facts, options.asJson);
  if (!evaluated->outputs)
    return Done;
  Status status = predict(**session, *evaluated, columns, facts, options);
  return status.isOk() ? int(Done) : fail(status);
}

void addEvalCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App *command =
      app.add_subcommand("eval", "loss and metrics on the test split");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  addRequiredWeightsOptions(*command, options->weightsFile, options->order,
                            options->names);
  addDataOption(*command, options->dataFolder);
  command
      ->add_option("--batch", options->batch,
                   "samples a run (default: the model's batch)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command
      ->add_option("--split", options->split,
                   "which of the data block's samples: train, validation or "
                   "test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->capture_default_str();
  CLI::Option *predictions =
      command
          ->add_option("--predictions", options->predictions,
                       "writes the labels and outputs of each sample too: a "
                       ".csv, .jsonl or .npy file, or a folder")
          ->type_name("FILE");
  command
      ->add_option("--entry", options->entry,
                   "of --predictions, the group of outputs (default: the "
                   "outputs in no group)")
      ->type_name("NAME")
      ->needs(predictions);
  command
      ->add_flag("--part", options->isPart,
                 "the weights that evaluation reads are enough, and others of "
                 "the file are passed over")
      ->excludes(predictions);
  command->add_flag("--check-numerics", options->checksNumerics,
                    "look at all numbers, and say which op first made one that "
                    "is not finite");
  command->add_flag("--json", options->asJson, "one JSON object on one line");
  addHelp(
      *command,
      "nnc eval net.nn --weights net.safetensors\n"
      "nnc eval net.nn --weights net.safetensors --predictions told.csv\n"
      "nnc eval net.nn --weights net.safetensors --data set --json\n",
      "one object: samples, loss, each named loss and metric by its name, "
      "null\n"
      "where it has no value; and where a metric is of classes confusion (a "
      "row a\n"
      "class), classes (their names, where they have any) and per_class "
      "(class,\n"
      "precision, recall, f1, samples of each), of one of several steps "
      "behind\n"
      "its name and a dot\n");
  command->callback([options, &exit] { exit = evaluateModel(*options); });
}

} // namespace nnc::tools
