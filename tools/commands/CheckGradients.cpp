// nnc check-gradients: every gradient of a model against central differences,
// both computed in f64.
#include "tools/GradientCheck.h"
#include "tools/Json.h"
#include "tools/Text.h"
#include "tools/commands/Commands.h"

#include <cstdio>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

struct CheckOptions {
  CompileRequest request;
  int64_t batch = 4;
  int64_t elements = 24;
  int threads = 1;
  bool asJson = false;
};

/// What was found for an entry point; `step` is empty for a model's only one.
static int64_t print(const std::string &step,
                     const std::vector<Verdict> &verdicts, bool asJson) {
  int64_t wrong = 0;
  if (!step.empty() && !asJson)
    std::printf("%s:\n", printable(step).c_str());
  for (const Verdict &v : verdicts) {
    wrong += !isGood(v);
    if (asJson) {
      ordered_json object;
      if (!step.empty())
        object["step"] = step;
      object.update({{"tensor", v.name},
                     {"checked", v.checked},
                     {"kinks", v.kinks},
                     {"wrong", v.wrong},
                     {"worst_relative_error", v.worst}});
      std::cout << toLine(object) << '\n';
    } else {
      std::printf("%-5s %-32s %5lld elements, largest relative error %.1e",
                  isGood(v) ? "ok" : "WRONG", printable(v.name).c_str(),
                  (long long)v.checked, v.worst);
      if (v.kinks)
        std::printf(", %lld at a kink", (long long)v.kinks);
      std::printf("\n");
    }
  }
  return wrong;
}

namespace {
/// An entry point with gradients, and the training step that it is of; empty
/// for a model's only one.
struct Differentiated {
  const EntryPoint *entry;
  std::string step;
};
} // namespace

static std::vector<Differentiated> findGradients(const Plan &plan) {
  static const std::string whole = "gradients", suffix = ".gradients";
  std::vector<Differentiated> found;
  for (const EntryPoint &entry : plan.entryPoints) {
    const std::string &name = entry.name;
    if (name == whole)
      found.push_back({&entry, ""});
    else if (name.size() > suffix.size() &&
             name.compare(name.size() - suffix.size(), suffix.size(), suffix) ==
                 0)
      found.push_back({&entry, name.substr(0, name.size() - suffix.size())});
  }
  return found;
}

static Status checkAll(Session &session, const std::vector<Differentiated> &all,
                       const CheckOptions &options, size_t &tensors,
                       int64_t &wrong) {
  for (const auto &[entry, step] : all) {
    // Random inputs: real ones are written for another element type.
    Columns columns = inventInputs(*entry, options.batch);
    std::vector<Verdict> verdicts;
    if (Status status = checkGradients(session, *entry, columns, options.batch,
                                       options.elements, verdicts);
        !status.isOk())
      return status;
    tensors += verdicts.size();
    wrong += print(step, verdicts, options.asJson);
  }
  return {};
}

static int check(const CheckOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch;
  request.forGradientCheck = true;
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const std::vector<Differentiated> all = findGradients(*opened.plan);
  if (all.empty())
    return failAt(
        request.model,
        {Code::InvalidArgument,
         "no gradients in it: give a model with a loss, not a compiled plan"});
  auto session = Session::create(
      opened.plan, {options.threads, opened.plan->recipe.seed, nullptr});
  if (!session.isOk())
    return fail(session.status());
  size_t tensors = 0;
  int64_t wrong = 0;
  if (Status status = checkAll(**session, all, options, tensors, wrong);
      !status.isOk())
    return fail(status);
  if (wrong == 0)
    return Done;
  return fail({Code::InvalidArgument,
               concat(wrong, " of ", tensors,
                      " gradients differ from central differences")});
}

void addCheckGradientsCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App *command = app.add_subcommand(
      "check-gradients",
      "compare every gradient of a model with central differences, in f64");
  addModelOptions(*command, options->request);
  command
      ->add_option("--batch", options->batch,
                   "samples in the batch that is checked")
      ->check(CLI::Range(int64_t(1), int64_t(4096)))
      ->capture_default_str();
  command
      ->add_option("--elements", options->elements,
                   "elements checked in each tensor; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--json", options->asJson,
                    "one JSON object a line, one a tensor");
  addHelp(*command,
          "nnc check-gradients net.nn\n"
          "nnc check-gradients net.nn --batch 2 --elements 0\n",
          "one object a line, one a tensor: step (of several), tensor, checked "
          "(elements),\n"
          "kinks, wrong, worst_relative_error\n");
  command->callback([options, &exit] { exit = check(*options); });
}

} // namespace nnc::tools
