// The files that a training run leaves: checked before its first step, written
// after its last one.
#include "tools/Json.h"
#include "tools/LogLines.h"
#include "tools/Output.h"
#include "tools/StopSignal.h"
#include "tools/train/Run.h"

#include "runtime/AtomicFile.h"

#include <filesystem>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

std::string weightsPath(const TrainOptions &options) {
  return options.weightsFile.empty()
             ? stemOf(options.request.model) + ".safetensors"
             : options.weightsFile;
}

static bool isThere(const std::string &path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) &&
         std::filesystem::file_size(path, error) > 0;
}

static Status notOurs(const std::string &path, const std::string &what) {
  return {Code::InvalidArgument,
          concat(path, " is there, and is ", what,
                 ": give another name, or --force replaces it")};
}

/// InvalidArgument if `path` has something that no run of this model wrote.
static Status checkOurs(const std::string &path, const char *kind,
                        const char *modelKey, const std::string &model) {
  if (!isThere(path))
    return {};
  StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
  const Metadata facts = file.isOk() ? file->metadata() : Metadata();
  auto is = [&](const char *key, const std::string &value) {
    auto found = facts.find(key);
    return found != facts.end() && found->second == value;
  };
  if (is(kindKey, kind) && is(modelKey, model))
    return {};
  const std::string expected =
      concat(kind == std::string("weights") ? "weights" : "a checkpoint",
             " of model ", quote(model));
  return notOurs(path, concat("not ", expected, " that a run has written"));
}

/// Where weights of half a run go that has those of a whole one beside it.
static std::string pathOfHalf(const std::string &path) {
  const std::filesystem::path whole(path);
  return (whole.parent_path() / whole.stem()).string() + ".stopped" +
         whole.extension().string();
}

static Status checkOutput(const std::string &path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return {Code::InvalidArgument,
            path + " is a folder: give the name of a file in it"};
  if (Status status = makeFolder(folderOf(path)); !status.isOk())
    return status;
  return checkReplaceable(path);
}

/// That the checkpoint is a file of its own.
static Status checkCheckpoint(const TrainOptions &options,
                              const std::vector<InputFile> &inputs) {
  const std::string weights = weightsPath(options);
  if (Status status = checkNoInput(options.checkpoint, "the checkpoint", inputs,
                                   "--checkpoint");
      !status.isOk())
    return status;
  std::error_code error;
  using std::filesystem::weakly_canonical;
  if (weakly_canonical(options.checkpoint, error) ==
      weakly_canonical(weights, error))
    return {Code::InvalidArgument,
            concat("the weights would replace the checkpoint ",
                   options.checkpoint, "; give one of them another name")};
  return checkOutput(options.checkpoint);
}

/// InvalidArgument if the log is there and no run wrote it.
static Status checkLog(const std::string &path) {
  bool isLog = true;
  Status status = readLogLines(path, [&](const std::string &line, int64_t) {
    const nlohmann::json record =
        nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    isLog = record.is_object() && record.contains("epoch");
    return false;
  });
  return isLog && status.isOk() ? Status() : notOurs(path, "no log of a run");
}

Status checkLogFolder(const TrainOptions &options) {
  const std::string &folder = options.logFolder;
  if (folder.empty() || options.force)
    return {};
  // A run begins with its log, empty at first; what else it writes is beside
  // one.
  std::error_code error;
  if (const std::string log = folder + "/log.jsonl";
      std::filesystem::exists(log, error))
    return checkLog(log);
  for (const char *name : {"steps.jsonl", "run.json", "summary.json",
                           "profile.json", "loss.png", "confusion.png"})
    if (const std::string path = folder + "/" + name; isThere(path))
      return notOurs(path, "of no run");
  return {};
}

Status checkOutputs(const TrainOptions &options, const Plan &plan) {
  if (Status status = checkLogFolder(options); !status.isOk())
    return status;
  const std::string weights = weightsPath(options);
  std::vector<InputFile> inputs = {{options.request.model, "the model"}};
  // Whoever names one file as both means it.
  const bool isBoth = !options.weightsFile.empty();
  if (!isBoth)
    inputs.push_back({options.initialWeights, "those to begin with"});
  if (Status status = checkNoInput(weights, "the weights", inputs);
      !status.isOk())
    return status;
  inputs.push_back({options.initialWeights, "the weights to begin with"});
  if (!options.checkpoint.empty())
    if (Status status = checkCheckpoint(options, inputs); !status.isOk())
      return status;
  std::error_code error;
  const bool isMeant = isBoth && std::filesystem::equivalent(
                                     weights, options.initialWeights, error);
  if (!options.force && !isMeant)
    if (Status status = checkOurs(weights, "weights", "model", plan.model);
        !status.isOk())
      return status;
  if (!options.force)
    if (Status status =
            checkOurs(pathOfHalf(weights), "weights", "model", plan.model);
        !status.isOk())
      return status;
  // What is to go on from it says itself what is wrong with it.
  if (!options.force && !options.resume && !options.checkpoint.empty())
    if (Status status = checkOurs(options.checkpoint, "checkpoint", "nnc.model",
                                  plan.model);
        !status.isOk())
      return status;
  return checkOutput(weights);
}

//===----------------------------------------------------------------------===//
// At the end
//===----------------------------------------------------------------------===//

int drawLog(const TrainOptions &options) {
  if (options.logFolder.empty())
    return Done;
  const bool isQuiet = options.asJson || options.isQuiet;
  // Before the first epoch is done there is nothing to draw.
  if (!isThere(options.logFolder + "/log.jsonl"))
    return Done;
  if (!isQuiet)
    std::cout << "pictures" << std::endl;
  return drawPictures(options.logFolder, isQuiet);
}

/// Weights of half a run do not replace those of a whole one.
static std::string pathOfResult(const TrainRun &run) {
  const std::string path = weightsPath(run.options);
  return run.ending == Ending::Signal && isThere(path) ? pathOfHalf(path)
                                                       : path;
}

static Status saveWeights(TrainRun &run, const std::string &path) {
  if (Status status = run.session.checkFinite(); !status.isOk())
    return explain(run, status);
  Metadata notes = {{"model", run.plan.model},
                    {seedNote, std::to_string(run.seed)}};
  run.facts.save(notes);
  return run.session.save(path, SaveKind::Weights, notes);
}

/// What a run has learned is not to be lost because a disk has filled up
/// meanwhile: it is tried in the folder for temporary files, and `status` says
/// so.
static Status saveElsewhere(TrainRun &run, const Status &status) {
  std::error_code error;
  const auto folder = std::filesystem::temp_directory_path(error);
  constexpr std::string_view ending = ".safetensors";
  std::string path =
      (folder / stemOf(run.options.request.model)).string() + "-XXXXXX";
  path += ending;
  if (error)
    return status;
  if (OpenFile made(mkstemps(path.data(), int(ending.size()))); made.get() < 0)
    return status;
  if (!saveWeights(run, path).isOk()) {
    std::filesystem::remove(path, error);
    return status;
  }
  return {status.code(), concat(status.message(), "; the weights are in ", path,
                                " in its place")};
}

int saveResults(TrainRun &run) {
  const std::string weights = pathOfResult(run);
  if (Status status = saveWeights(run, weights); !status.isOk())
    return fail(status.code() == Code::NotFinite ? status
                                                 : saveElsewhere(run, status));
  for (auto &observer : run.observers)
    if (Status status = observer->end({weights, run.ending}); !status.isOk())
      return fail(status);
  return drawLog(run.options);
}

} // namespace nnc::tools
