// nnc find-rate: which learning rate a model may begin with.
#include "tools/Json.h"
#include "tools/LogLines.h"
#include "tools/Output.h"
#include "tools/StopSignal.h"
#include "tools/commands/Commands.h"
#include "tools/train/RateRange.h"

#include <cstdio>
#include <fstream>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

namespace {
struct FindRateOptions {
  TrainOptions train;
  RateRange range;
};
} // namespace

static ordered_json toJson(const RatePoint &point) {
  return {
      {"rate", point.rate}, {"loss", point.loss}, {"smoothed", point.smoothed}};
}

static ordered_json toJson(const std::optional<double> &rate) {
  return rate ? ordered_json(*rate) : ordered_json();
}

static void report(const RateFindings &findings, bool asJson) {
  if (asJson) {
    ordered_json points = ordered_json::array();
    for (const RatePoint &point : findings.points)
      points.push_back(toJson(point));
    std::cout << toLine(
                     ordered_json{{"suggestion", toJson(findings.suggestion)},
                                  {"lowest", toJson(findings.lowest)},
                                  {"points", points}})
              << std::endl;
    return;
  }
  if (!findings.suggestion) {
    std::cout
        << "the loss falls at no rate: look at the data and the model, as "
           "`nnc train --overfit 8` does"
        << std::endl;
    return;
  }
  char text[160];
  std::snprintf(text, sizeof text,
                "rate     %.3g, where the loss falls fastest; it is lowest at "
                "%.3g, after %zu rates",
                *findings.suggestion, *findings.lowest, findings.points.size());
  std::cout << text << std::endl;
}

/// InvalidArgument if the file of the rates is there and is none.
static Status checkRates(const std::string &folder) {
  const std::string path = folder + "/rates.jsonl";
  bool isOurs = true;
  Status status = readLogLines(path, [&](const std::string &line, int64_t) {
    const ordered_json point =
        ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    isOurs = point.is_object() && point.contains("rate");
    return false;
  });
  if (isOurs && (status.isOk() || status.code() == Code::NotFound))
    return {};
  return {Code::InvalidArgument,
          path + " is there, and has no rates: give another folder"};
}

static int drawRates(const FindRateOptions &options,
                     const RateFindings &findings) {
  const std::string &folder = options.train.logFolder;
  if (folder.empty())
    return Done;
  if (Status status = makeFolder(folder); !status.isOk())
    return fail(status);
  std::ofstream file(folder + "/rates.jsonl");
  for (const RatePoint &point : findings.points)
    file << toLine(toJson(point)) << '\n';
  if (!file.flush())
    return fail({Code::IoError, folder + "/rates.jsonl: cannot be written"});
  return drawPictures(folder, options.train.asJson);
}

static int findRate(const FindRateOptions &options) {
  if (!options.train.logFolder.empty())
    if (Status status = checkRates(options.train.logFolder); !status.isOk())
      return fail(status);
  CompileRequest request = options.train.request;
  request.maxBatch = options.train.batch.value_or(0);
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  RunOrExit begun = openRun(options.train, opened.plan);
  if (!begun.run)
    return begun.exit;
  TrainRun &run = *begun.run;
  if (int exit = loadData(run))
    return exit;
  if (Status status = beginOrContinue(run); !status.isOk())
    return fail(status);
  StatusOr<RateFindings> findings = testRates(run, options.range);
  if (!findings.isOk())
    return fail(explain(run, findings.status()));
  if (stopSignal() != 0)
    endBySignal(stopSignal());
  report(*findings, options.train.asJson);
  return drawRates(options, *findings);
}

void addFindRateCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<FindRateOptions>();
  CLI::App *command = app.add_subcommand(
      "find-rate", "find the learning rate that a model may begin with");
  TrainOptions &train = options->train;
  addModelOptions(*command, train.request);
  addThreadsOption(*command, train.threads);
  addDataOption(*command, train.dataFolder);
  command
      ->add_option("--batch", train.batch,
                   "samples a step (default: the model's)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command->add_option("--seed", train.seed,
                      "of initial weights, shuffling and dropout (default: the "
                      "model's)");
  command->add_option("--weights", train.initialWeights,
                      "begin with the weights of this file");
  addWeightsOptions(*command, train.order, train.names);
  command
      ->add_option("--from", options->range.from, "the rate of the first step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--to", options->range.to, "the rate of the last step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--steps", options->range.steps, "how many rates")
      ->check(CLI::Range(int64_t(20), int64_t(1) << 20))
      ->capture_default_str();
  command->add_option("--log", train.logFolder,
                      "folder for rates.jsonl and a picture of it");
  command->add_flag("--json", train.asJson, "one JSON object on one line");
  addHelp(
      *command,
      "nnc find-rate net.nn --data set\n"
      "nnc find-rate net.nn --from 1e-5 --to 1 --steps 200 --log rates\n",
      "one object: suggestion and lowest (rates, or null), and points (rate,\n"
      "loss, smoothed of each step)\n");
  command->callback([options, &exit] { exit = findRate(*options); });
}

} // namespace nnc::tools
