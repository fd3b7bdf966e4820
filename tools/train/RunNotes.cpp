// Files are replaced whole; a run that goes on writes them anew.
#include "tools/train/RunNotes.h"

#include "tools/Output.h"
#include "tools/SourcePlace.h"
#include "tools/train/Run.h"

#include "runtime/AtomicFile.h"

#include <fcntl.h>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

static int64_t countParameters(const Plan &plan, bool areFrozen) {
  int64_t sum = 0;
  for (const StateTensor &tensor : plan.state)
    if (tensor.role == Role::Parameter && tensor.frozen == areFrozen)
      sum += tensor.numElements();
  return sum;
}

/// What the run was told.
static ordered_json describeRun(const TrainRun &run) {
  const TrainOptions &options = run.options;
  ordered_json object = {
      {"program", run.plan.producer},
      {"model", options.request.model},
      {"name", run.plan.model},
      {"target", run.plan.code.target},
      {"threads", run.session.numThreads()},
      {"batch", run.batch},
      {"epochs", run.epochs},
      {"seed", run.seed},
      {"training_samples", run.trainingBatches->numSamples()},
      {"validation_samples", run.validationBatches->numSamples()},
      {"test_samples", numSamples(run.test)},
      {"trained_parameters", countParameters(run.plan, false)},
      {"frozen_parameters", countParameters(run.plan, true)}};
  auto addText = [&](const char *name, const std::string &text) {
    if (!text.empty())
      object[name] = text;
  };
  addText("initial_weights", options.initialWeights);
  addText("data", options.dataFolder);
  if (!options.request.settings.empty())
    object["set"] = options.request.settings;
  if (!options.request.freeze.empty())
    object["freeze"] = options.request.freeze;
  return object;
}

//===----------------------------------------------------------------------===//
// The summary
//===----------------------------------------------------------------------===//

/// What `nnc summary --json` of the run's model prints; empty where the model
/// is a plan.
static std::string summarize(const TrainRun &run) {
  const CompileRequest &request = run.options.request;
  const std::string &model = request.model;
  const std::string ending =
      model.substr(std::min(model.rfind('.'), model.size()));
  if (ending != ".nn" && ending != ".graph" && ending != ".mlir" &&
      ending != ".mlirbc")
    return "";
  std::vector<std::string> words{"summary",
                                 model,
                                 "--json",
                                 "--target",
                                 request.target,
                                 "--batch",
                                 std::to_string(run.batch)};
  if (request.memoryBudgetBytes)
    words.insert(words.end(), {"--memory-budget",
                               std::to_string(*request.memoryBudgetBytes)});
  auto addEach = [&](const char *option,
                     const std::vector<std::string> &values) {
    for (const std::string &value : values)
      words.insert(words.end(), {option, value});
  };
  addEach("--set", request.settings);
  addEach("--freeze", request.freeze);
  addEach("--load-pass-plugin", request.plugins);
  OpenFile output(memfd_create("nnc-summary", MFD_CLOEXEC));
  if (output.get() < 0 ||
      runBeside("nnc-compiler", words, output.get()) != Done)
    return "";
  std::string text(size_t(std::max<off_t>(0, lseek(output.get(), 0, SEEK_END))),
                   '\0');
  const ssize_t count = pread(output.get(), text.data(), text.size(), 0);
  return count == ssize_t(text.size()) ? text : "";
}

//===----------------------------------------------------------------------===//
// The profile
//===----------------------------------------------------------------------===//

/// Where in the arena a command works: pairs of an offset and a size in bytes,
/// each once.
static ordered_json describePlaces(const Command &command, int64_t batch) {
  std::set<std::pair<int64_t, int64_t>> places;
  for (const BufferRef &buffer : command.buffers)
    if (buffer.region == Region::Arena)
      places.emplace(buffer.offsetBytes, buffer.sizeBytes.at(batch));
  ordered_json array = ordered_json::array();
  for (auto [offset, size] : places)
    array.push_back({offset, size});
  return array;
}

/// The model's lines that commands come from, by their numbers.
static ordered_json quoteLines(const std::string &model,
                               const EntryPoint &entry) {
  const std::vector<std::string> lines = readProgram(model);
  ordered_json quoted = ordered_json::object();
  for (const Command &command : entry.commands) {
    std::optional<SourcePlace> place = parsePlace(command.source);
    if (place && place->file == model && size_t(place->line) <= lines.size())
      quoted[std::to_string(place->line)] = lines[place->line - 1];
  }
  return quoted;
}

static ordered_json describeCommand(const Plan &plan, const EntryPoint &entry,
                                    size_t index, double seconds,
                                    int64_t batch) {
  const Command &command = entry.commands[index];
  ordered_json object = {{"entry", entry.name},
                         {"kernel", plan.nameOf(command)},
                         {"kind", plan.kindOf(command)},
                         {"source", command.source},
                         {"seconds", seconds},
                         {"flop", command.flop.at(batch)},
                         {"bytes", command.trafficBytes.at(batch)},
                         {"places", describePlaces(command, batch)}};
  if (command.kind == Command::Kind::Loop)
    object["loop"] = {{"steps", command.loop.steps},
                      {"commands", command.loop.length}};
  return object;
}

/// The training steps one behind the other, as they share their memory.
ordered_json RunNotes::describeProfile() const {
  const Plan &plan = run->plan;
  ordered_json commands = ordered_json::array(), lines = ordered_json::object();
  int64_t arenaBytes = 0;
  for (const Timed &step : timed) {
    const Profile &profile = step.profile;
    for (size_t i = 0; i < profile.seconds.size(); ++i)
      commands.push_back(describeCommand(
          plan, *step.entry, i, profile.seconds[i] / double(profile.runs),
          run->batch));
    lines.update(quoteLines(run->options.request.model, *step.entry));
    arenaBytes = std::max(arenaBytes, step.entry->arenaBytes);
  }
  return {
      {"steps", timed.front().profile.runs}, {"batch", run->batch},
      {"state_bytes", plan.stateBytes},      {"arena_bytes", arenaBytes},
      {"lines", std::move(lines)},           {"commands", std::move(commands)}};
}

//===----------------------------------------------------------------------===//
// The observer
//===----------------------------------------------------------------------===//

Status RunNotes::write(const std::string &name, const ordered_json &object) {
  return replaceFile(folder + "/" + name, toLine(object) + "\n");
}

Status RunNotes::begin(const TrainRun &given) {
  run = &given;
  if (Status status = makeFolder(folder); !status.isOk())
    return status;
  described = describeRun(given);
  if (const std::string summary = summarize(given); !summary.empty()) {
    if (Status status = replaceFile(folder + "/summary.json", summary);
        !status.isOk())
      return status;
    const ordered_json parsed =
        ordered_json::parse(summary, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_object() && parsed.contains("recipe"))
      described["recipe"] = parsed["recipe"];
  }
  if (Status status = write("run.json", described); !status.isOk())
    return status;
  for (const TrainingStep &step : run->plan.recipe.steps)
    timed.push_back({run->plan.findEntryPoint(step.entryPoint), {}});
  isProfiling = !timed.empty();
  return {};
}

/// The first steps wake threads and fill caches; a few after them are timed.
void RunNotes::step(const StepRecord &) {
  constexpr int64_t firstTimed = 3, numTimed = 8;
  if (!isProfiling)
    return;
  ++stepsSeen;
  if (stepsSeen == firstTimed)
    startTiming();
  else if (stepsSeen == firstTimed + numTimed * int64_t(timed.size()))
    failure = finishProfile();
}

void RunNotes::startTiming() {
  for (Timed &step : timed)
    run->session.setProfile(*step.entry, &step.profile);
}

void RunNotes::stopTiming() {
  if (isProfiling)
    for (Timed &step : timed)
      run->session.setProfile(*step.entry, nullptr);
  isProfiling = false;
}

/// A run that is stopped later has its profile.
Status RunNotes::finishProfile() {
  const bool isWanted = isProfiling && timed.front().profile.runs > 0;
  stopTiming();
  return isWanted ? write("profile.json", describeProfile()) : Status();
}

Status RunNotes::end(const EndRecord &record) {
  if (failure.isOk())
    failure = finishProfile();
  described["weights"] = record.weights;
  if (Status status = write("run.json", described); !status.isOk())
    return status;
  return failure;
}

} // namespace nnc::tools
