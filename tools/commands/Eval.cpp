// nnc eval: the loss and metrics of trained weights on the test split.
#include "tools/ClassTable.h"
#include "tools/Json.h"
#include "tools/NumericsText.h"
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
  int64_t batch = 0;
  int threads = 0;
  bool isPart = false;
  bool asJson = false;
  bool checksNumerics = false;
};

/// The most classes that a table for people has.
static constexpr size_t mostRows = 100;

static void printText(const Averages &averages, int64_t samples,
                      const std::vector<ClassScores> &classes) {
  Averages::Values values = averages.metrics();
  values.insert(values.begin(), {"loss", averages.loss()});
  size_t width = 0;
  for (auto &[name, value] : values)
    width = std::max(width, printable(name).size());
  std::printf("%lld samples\n", (long long)samples);
  for (auto &[name, value] : values)
    std::printf("%-*s  %.4f\n", int(width), printable(name).c_str(), value);
  if (classes.size() > mostRows)
    std::printf("\n%zu classes: --json has the numbers of each\n",
                classes.size());
  else if (!classes.empty())
    std::printf("\n%s", classTable(classes).c_str());
}

static void printJson(const Averages &averages, int64_t samples,
                      const std::vector<ClassScores> &classes,
                      const std::vector<std::string> *names) {
  ordered_json object = {{"samples", samples}, {"loss", averages.loss()}};
  for (auto &[name, value] : averages.metrics())
    object[name] = value;
  if (!classes.empty()) {
    object["confusion"] = averages.confusion();
    if (names)
      object["classes"] = *names;
    ordered_json &all = object["per_class"] = ordered_json::array();
    for (const ClassScores &scores : classes)
      all.push_back({{"class", scores.name},
                     {"precision", scores.precision},
                     {"recall", scores.recall},
                     {"f1", scores.f1},
                     {"samples", scores.samples}});
  }
  std::cout << toLine(object) << '\n';
}

static void print(const Averages &averages, int64_t samples,
                  const DataFacts &facts, bool asJson) {
  auto *names = facts.classesOf(averages.confusion().size());
  std::vector<ClassScores> classes = scoreClasses(averages.confusion(), names);
  if (asJson)
    printJson(averages, samples, classes, names);
  else
    printText(averages, samples, classes);
}

/// Where what is not finite comes from, if that is what went wrong.
static Status withOrigin(const Status &status, const std::string &origin) {
  if (status.code() != Code::NotFinite || origin.empty())
    return status;
  return {status.code(), status.message() + "; " + origin};
}

static int evaluateModel(const EvalOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch;
  request.eachOp = options.checksNumerics;
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const Plan &plan = *opened.plan;
  const EntryPoint *entry = plan.findEntryPoint("eval_step");
  if (!entry)
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model has no loss: there is nothing to evaluate"});
  if (!hasSplit(plan.recipe, "test"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model binds no test data: add `data { test ... }`"});
  auto session = Session::create(opened.plan,
                                 {options.threads, plan.recipe.seed, nullptr});
  if (!session.isOk())
    return fail(session.status());
  if (Status status =
          (*session)->load(options.weightsFile, SaveKind::Weights,
                           {Matching::Exact, options.order, options.names,
                            options.isPart ? entry->name : ""});
      !status.isOk())
    return fail(status);
  Columns columns;
  DataFacts facts;
  const DataRequest data{plan, request.model, options.dataFolder,
                         (*session)->numThreads()};
  if (int exit = loadSplitFor(data, *entry, "test", options.weightsFile,
                              columns, facts))
    return exit;
  Numerics found;
  if (options.checksNumerics)
    if (Status status = (*session)->setNumerics(&found); !status.isOk())
      return fail(status);
  Averages averages;
  if (Status status =
          evaluate(**session, *entry, columns, plan.maxBatch, true, averages);
      !status.isOk())
    return fail(withOrigin(status, describe(found, plan, *entry)));
  print(averages, numSamples(columns), facts, options.asJson);
  return Done;
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
  command->add_flag("--part", options->isPart,
                    "the weights that evaluation reads are enough, and others "
                    "of the file are passed over");
  command->add_flag("--check-numerics", options->checksNumerics,
                    "look at all numbers, and say which op first made one that "
                    "is not finite");
  command->add_flag("--json", options->asJson, "one JSON object on one line");
  addHelp(
      *command,
      "nnc eval net.nn --weights net.safetensors\n"
      "nnc eval net.nn --weights net.safetensors --data set --json\n",
      "one object: samples, loss, each named loss and metric by its name, "
      "null\n"
      "where it has no value; and where a metric is of classes confusion (a "
      "row a\n"
      "class), classes (their names, where they have any) and per_class "
      "(class,\n"
      "precision, recall, f1, samples of each)\n");
  command->callback([options, &exit] { exit = evaluateModel(*options); });
}

} // namespace nnc::tools
