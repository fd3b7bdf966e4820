// nnc explain: why a trained model answers as it does, by gradients or by what
// it answers without parts of the input; its first filters, and its mistakes.
#include "tools/ClassNames.h"
#include "tools/InputFiles.h"
#include "tools/Json.h"
#include "tools/Output.h"
#include "tools/commands/Commands.h"
#include "tools/explain/ByGradients.h"
#include "tools/explain/ByRemoval.h"
#include "tools/explain/Report.h"

#include "runtime/AtomicFile.h"
#include "runtime/data/Reader.h"

#include <algorithm>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

struct ExplainOptions {
  CompileRequest request;
  std::string weightsFile, dataFolder, outFolder;
  std::optional<WeightsOrder> order;
  std::string names;
  InputFiles inputs;
  std::vector<int64_t> samples = {0};
  std::string method, output, layer, baseline = "0";
  ViewOptions view;
  std::optional<int64_t> element, draws, batch;
  int64_t steps = 64, seed = 0, numMistakes = 0;
  int threads = 0;
  bool showsFilters = false, asJson = false;
};

/// A way to explain, and what it is asked for.
struct Method {
  const char *name;
  bool usesGradients;
  StatusOr<Explanation> (*explain)(const Question &, const ExplainOptions &);
};

static constexpr Method methods[] = {
    {"saliency", true,
     [](const Question &question, const ExplainOptions &) {
       return explainBySaliency(question);
     }},
    {"integrated-gradients", true,
     [](const Question &question, const ExplainOptions &options) {
       return explainByIntegratedGradients(question, options.steps);
     }},
    {"grad-cam", true,
     [](const Question &question, const ExplainOptions &) {
       return explainByGradCam(question);
     }},
    {"occlusion", false,
     [](const Question &question, const ExplainOptions &) {
       return explainByOcclusion(question);
     }},
    {"lime", false,
     [](const Question &question, const ExplainOptions &options) {
       return explainByLime(question, options.draws.value_or(1000),
                            options.seed);
     }},
    {"shapley", false,
     [](const Question &question, const ExplainOptions &options) {
       return explainByShapley(question, options.draws.value_or(100),
                               options.seed);
     }},
};

/// Null where the command line names none.
static const Method *findMethod(const ExplainOptions &options) {
  std::string name = options.method;
  if (name.empty() && !options.showsFilters && options.numMistakes == 0)
    name = "saliency";
  for (const Method &method : methods)
    if (method.name == name)
      return &method;
  return nullptr;
}

namespace {

/// One run of the command on an open model.
class Run {
public:
  Run(const ExplainOptions &options, const Method *method, Session &session)
      : options(options), method(method), session(session),
        plan(session.plan()) {}

  /// The parts that were asked for, one after the other. Returns an exit
  /// status, after a message.
  int all();

private:
  Status openScorer(const char *entry, std::optional<Scorer> &scorer);
  int findMisclassified();
  int explainSamples();
  int readTestSplit(const EntryPoint &entry, int64_t most, Columns &columns);
  int readTestInputs(Columns &columns);
  Status readInputFiles(Columns &columns);
  int readInputs(Columns &columns);
  Status explainSample(int64_t index, const Columns &columns,
                       const Sample &baseline);
  Status chooseElement(const Sample &sample, int64_t &element);
  /// Prints an object as JSON if that is asked for; keeps it for the file.
  void add(const ordered_json &object);
  int finish();

  const ExplainOptions &options;
  const Method *method;
  Session &session;
  const Plan &plan;
  std::vector<View> views;
  /// Of the output's elements, where training data named them.
  std::vector<std::string> classes;
  /// Of "predict", and of the entry point that the method needs.
  std::optional<Scorer> predictor, explainer;
  std::string lines;
};

} // namespace

Status Run::openScorer(const char *name, std::optional<Scorer> &scorer) {
  const EntryPoint *entry = plan.findEntryPoint(name);
  if (!entry)
    return {Code::InvalidArgument,
            concat("the plan has no entry point `", name,
                   "`: give the model, or compile it with --explain")};
  StatusOr<Scorer> created = Scorer::create(session, *entry, options.output);
  if (!created.isOk())
    return created.status();
  scorer = std::move(*created);
  if (scorer->layer() && !options.layer.empty() &&
      scorer->layerName() != options.layer)
    return {Code::InvalidArgument,
            concat("the plan explains layer ", quote(scorer->layerName()),
                   "; compile it with --explain-layer ", options.layer)};
  return {};
}

void Run::add(const ordered_json &object) {
  const std::string line = toLine(object) + '\n';
  if (options.asJson)
    std::cout << line;
  if (!options.outFolder.empty())
    lines += line;
}

/// At most so many samples of the test split, prepared and in memory.
int Run::readTestSplit(const EntryPoint &entry, int64_t most,
                       Columns &columns) {
  DataFacts facts;
  const DataRequest request{plan, options.request.model, options.dataFolder,
                            session.numThreads(), most};
  if (int exit = loadSplitFor(request, entry, "test", options.weightsFile,
                              columns, facts))
    return exit;
  Status status = bringIntoMemory(columns);
  return status.isOk() ? int(Done) : fail(status);
}

/// What the predictor takes of the test split.
int Run::readTestInputs(Columns &columns) {
  if (!hasSplit(plan.recipe, "test"))
    return failAt(options.request.model,
                  {Code::InvalidArgument,
                   "the model binds no test data: give --input NAME=FILE, "
                   "which says what is to be explained"});
  // A file may hold the label beside the rest, and is read with it.
  const EntryPoint *entry = plan.findEntryPoint("eval_step");
  if (!entry || !hasInputs(*predictor, *entry))
    entry = plan.findEntryPoint("predict");
  // The mean is that of all samples.
  const int64_t most =
      options.baseline == "mean"
          ? INT64_MAX
          : *std::max_element(options.samples.begin(), options.samples.end()) +
                1;
  Columns all;
  if (int exit = readTestSplit(*entry, most, all))
    return exit;
  columns = takeInputs(*predictor, std::move(all));
  return Done;
}

Status Run::readInputFiles(Columns &columns) {
  StatusOr<DataFacts> facts = loadFacts(options.weightsFile);
  if (!facts.isOk())
    return facts.status();
  const Learned learned{plan.recipe, *facts, options.weightsFile,
                        readOptions(options.request.model).directories};
  return options.inputs.read(*plan.findEntryPoint("predict"), learned, columns);
}

/// The files' samples, or the test split's.
int Run::readInputs(Columns &columns) {
  if (options.inputs.files.empty()) {
    if (int exit = readTestInputs(columns))
      return exit;
  } else if (Status status = readInputFiles(columns); !status.isOk()) {
    return fail(status);
  }
  for (int64_t index : options.samples)
    if (index >= numSamples(columns))
      return fail({Code::InvalidArgument,
                   concat("--sample ", index, ": there are ",
                          numSamples(columns), " samples, the first is 0")});
  return Done;
}

/// The class that is asked about: by default the one that is predicted.
Status Run::chooseElement(const Sample &sample, int64_t &element) {
  const int64_t count = predictor->numElements();
  if (options.element) {
    element = *options.element;
    if (element < count)
      return {};
    return {Code::InvalidArgument,
            concat("--class ", element, ": output ",
                   quote(predictor->output().name), " has ", count,
                   " elements, the first is 0")};
  }
  return predictor->run(
      1, 0, [&](int64_t, Sample &to) { to = sample; },
      [&](int64_t, const Scored &result) {
        element = std::max_element(result.output.begin(), result.output.end()) -
                  result.output.begin();
      });
}

Status Run::explainSample(int64_t index, const Columns &columns,
                          const Sample &baseline) {
  Question question{explainer ? *explainer : *predictor, views,
                    readSample(columns, index), baseline};
  if (Status status = chooseElement(question.sample, question.element);
      !status.isOk())
    return status;
  StatusOr<Explanation> explanation = method->explain(question, options);
  if (!explanation.isOk())
    return explanation.status();
  if (!options.asJson)
    print(method->name, index, question, *explanation, classes);
  add(toJson(method->name, index, question, *explanation, classes));
  return {};
}

static bool haveEqualInputs(const Scorer &a, const Scorer &b) {
  return std::equal(a.inputs().begin(), a.inputs().end(), b.inputs().begin(),
                    b.inputs().end(),
                    [](const TensorInfo &x, const TensorInfo &y) {
                      return x.name == y.name && x.shape == y.shape;
                    }) &&
         a.numElements() == b.numElements();
}

int Run::explainSamples() {
  if (method->usesGradients)
    if (Status status = openScorer("explain", explainer); !status.isOk())
      return fail(status);
  Columns columns;
  if (int exit = readInputs(columns))
    return exit;
  const Scorer &scorer = explainer ? *explainer : *predictor;
  if (!haveEqualInputs(scorer, *predictor))
    return fail({Code::InvalidFile,
                 "the plan's entry points `explain` and `predict` have "
                 "different inputs"});
  StatusOr<Sample> baseline =
      makeBaseline(options.baseline, columns, scorer.inputs());
  if (!baseline.isOk())
    return fail(baseline.status());
  for (int64_t index : options.samples)
    if (Status status = explainSample(index, columns, *baseline);
        !status.isOk())
      return fail(status);
  return Done;
}

int Run::findMisclassified() {
  const EntryPoint *entry = plan.findEntryPoint("eval_step");
  if (!entry || !hasSplit(plan.recipe, "test"))
    return failAt(options.request.model,
                  {Code::InvalidArgument,
                   "--misclassified is for a model with a loss and test data: "
                   "add `data { test ... }`"});
  Columns columns;
  if (int exit = readTestSplit(*entry, INT64_MAX, columns))
    return exit;
  StatusOr<std::vector<Mistake>> mistakes =
      findMistakes(*predictor, *entry, columns);
  if (!mistakes.isOk())
    return fail(mistakes.status());
  const int64_t samples = numSamples(columns);
  const Columns inputs = takeInputs(*predictor, std::move(columns));
  if (!options.asJson)
    std::cout << mistakes->size() << " of " << samples
              << " samples misclassified" << std::endl;
  const size_t shown = std::min(mistakes->size(), size_t(options.numMistakes));
  for (size_t i = 0; i < shown; ++i) {
    const Mistake &mistake = (*mistakes)[i];
    if (!options.asJson)
      print(mistake, classes);
    add(toJson(mistake, readSample(inputs, mistake.sample), views, classes));
  }
  return Done;
}

/// Writes what was found, and has it drawn.
int Run::finish() {
  std::fflush(stdout);
  std::cout.flush();
  if (options.outFolder.empty())
    return Done;
  const std::string path = options.outFolder + "/explain.jsonl";
  if (Status status = makeFolder(options.outFolder); !status.isOk())
    return fail(status);
  if (Status status = replaceFile(path, lines); !status.isOk())
    return fail(status);
  return drawPictures(options.outFolder, options.asJson);
}

int Run::all() {
  if (Status status = openScorer("predict", predictor); !status.isOk())
    return fail(status);
  ViewOptions view = options.view;
  // Both are what `layout nchw` says.
  if (view.order.empty() && plan.weightsOrder == WeightsOrder::Pytorch)
    view.order = "chw";
  StatusOr<std::vector<View>> viewed =
      viewInputs(predictor->inputs(), plan.recipe, view);
  if (!viewed.isOk())
    return fail(viewed.status());
  views = std::move(*viewed);
  StatusOr<DataFacts> facts = loadFacts(options.weightsFile);
  if (!facts.isOk())
    return fail(facts.status());
  if (auto *names = classNames(plan, *facts, size_t(predictor->numElements())))
    classes = *names;
  if (options.showsFilters) {
    StatusOr<FilterSheet> sheet = readFilters(session, views, options.layer);
    if (!sheet.isOk())
      return fail(sheet.status());
    if (!options.asJson)
      print(*sheet);
    add(toJson(*sheet));
  }
  if (options.numMistakes > 0)
    if (int exit = findMisclassified())
      return exit;
  if (method)
    if (int exit = explainSamples())
      return exit;
  return finish();
}

/// That the file of explanations replaces nothing that is read.
static Status checkOutput(const ExplainOptions &options) {
  if (options.outFolder.empty())
    return {};
  std::vector<InputFile> inputs = {{options.request.model, "the model"},
                                   {options.weightsFile, "the weights"}};
  for (const std::string &path : options.inputs.paths())
    inputs.push_back({path, "an input"});
  return checkNoInput(options.outFolder + "/explain.jsonl", "the explanations",
                      inputs);
}

static int explain(const ExplainOptions &options) {
  const Method *method = findMethod(options);
  if (Status status = checkOutput(options); !status.isOk())
    return fail(status);
  CompileRequest request = options.request;
  request.forExplaining = method && method->usesGradients;
  // What gradients need of a large network's layers stays in memory.
  request.maxBatch = options.batch.value_or(request.forExplaining ? 8 : 32);
  request.explainLayer = options.layer;
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  if (!opened.plan->findEntryPoint("predict"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model has no output: add `output NAME = VALUE`"});
  auto session = Session::create(opened.plan, {options.threads, 0, nullptr});
  if (!session.isOk())
    return fail(session.status());
  if (Status status =
          (*session)->load(options.weightsFile, SaveKind::Weights,
                           {Matching::Exact, options.order, options.names});
      !status.isOk())
    return fail(status);
  return Run(options, method, **session).all();
}

/// What is asked, of which samples.
static void addQuestionOptions(CLI::App &command, ExplainOptions &options) {
  std::vector<std::string> names;
  for (const Method &method : methods)
    names.push_back(method.name);
  command
      .add_option("--method", options.method,
                  "how to explain (default: saliency)")
      ->check(CLI::IsMember(names));
  command
      .add_option("--sample", options.samples,
                  "which samples, counted from 0 (default: 0)")
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(int64_t(0), int64_t(1) << 40));
  command.add_option("--output", options.output,
                     "which output to explain (default: the first)");
  command
      .add_option("--class", options.element,
                  "which element of the output (default: the largest)")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 40));
  command.add_option("--layer", options.layer,
                     "the layer of grad-cam and --filters, by what its "
                     "parameters' names begin with");
  command.add_flag("--filters", options.showsFilters,
                   "show the filters of the first layer");
  command
      .add_option("--misclassified", options.numMistakes,
                  "show so many samples of the test data that are "
                  "misclassified")
      ->check(CLI::Range(int64_t(1), int64_t(10000)));
}

/// How the answer is found.
static void addMethodOptions(CLI::App &command, ExplainOptions &options) {
  command
      .add_option("--baseline", options.baseline,
                  "what stands for a feature that is not there: a number, or "
                  "mean, of the samples")
      ->capture_default_str();
  command
      .add_option("--picture", options.view.picture,
                  "a row of elements is a picture of this size")
      ->type_name("HxW[xC]");
  command
      .add_option("--order", options.view.order,
                  "how the channels of pictures lie: side by side, or plane "
                  "after plane (default: as the data block says, else hwc)")
      ->check(CLI::IsMember({"hwc", "chw"}));
  command
      .add_option("--patch", options.view.patch,
                  "pixels a side of the patches of a picture (default: a "
                  "seventh of the longer side)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20));
  command
      .add_option("--steps", options.steps,
                  "points of integrated gradients on the way from the baseline")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20))
      ->capture_default_str();
  command
      .add_option("--draws", options.draws,
                  "random samples of lime (default: 1000), or orders of "
                  "shapley (default: 100)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 24));
  command.add_option("--seed", options.seed, "of the random draws")
      ->capture_default_str();
  command
      .add_option("--batch", options.batch,
                  "samples a run (default: 32, with gradients 8)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20));
}

void addExplainCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App *command = app.add_subcommand(
      "explain", "show why a model answers as it does, in pictures");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  addRequiredWeightsOptions(*command, options->weightsFile, options->order,
                            options->names);
  addInputOptions(*command, options->inputs);
  addDataOption(*command, options->dataFolder, "; not with --input");
  addQuestionOptions(*command, *options);
  addMethodOptions(*command, *options);
  command->add_option("--out", options->outFolder,
                      "folder for explain.jsonl and pictures");
  command->add_flag("--json", options->asJson,
                    "one JSON object a line instead of text");
  addHelp(
      *command,
      "nnc explain net.nn --weights net.safetensors --sample 3\n"
      "nnc explain net.nn --weights net.safetensors --method lime --input "
      "x=x.npy\n"
      "nnc explain net.nn --weights net.safetensors --misclassified 12 --out "
      "why\n",
      "one object a line, of three kinds:\n"
      "kind explanation: method, sample, output, class, class_name, score,\n"
      "baseline_score, residual, fidelity, layer, inputs\n"
      "kind filters: parameter, picture, filters\n"
      "kind misclassified: sample, label, predicted, score, label_score, "
      "label_name,\n"
      "predicted_name, inputs\n");
  command->callback([options, &exit] {
    Status status = guardMemory([&]() -> Status {
      exit = explain(*options);
      return {};
    });
    if (!status.isOk())
      exit = fail(status);
  });
}

} // namespace nnc::tools
