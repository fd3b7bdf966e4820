// nnc train: its options. The run is in tools/train/.
#include "tools/commands/Commands.h"
#include "tools/train/Run.h"

namespace nnc::tools {

static CLI::Validator isDuration() {
  return CLI::Validator(
      [](std::string &text) {
        std::optional<double> seconds = parseDuration(text);
        if (!seconds)
          return "expected a time such as 30m, 1h30m or 90s, found " + text;
        text = std::to_string(*seconds);
        return std::string();
      },
      "TIME");
}

/// When it stops by itself, and which weights are its result.
static void addStopOptions(CLI::App *command, StopOptions *options) {
  command
      ->add_option("--patience", options->patience,
                   "stop when the watched metric got no better in so many "
                   "epochs (default: the model's)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command
      ->add_option("--monitor", options->monitor,
                   "the metric that is watched, as epochs call it; NAME:min or "
                   "NAME:max says which values are better (default: the "
                   "model's, or validation_loss)")
      ->type_name("METRIC");
  command
      ->add_option("--least-change", options->leastChange,
                   "a change of the metric by no more than this is none")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--keep", options->keep,
                   "the weights of the best or of the last epoch (default: "
                   "best, where a metric is watched)")
      ->check(CLI::IsMember({"best", "last"}));
  command
      ->add_option("--time-limit", options->secondsLimit,
                   "stop after the step in which this time is over, as 1h30m")
      ->transform(isDuration());
}

/// What is done in place of a run.
static void addTrialOptions(CLI::App *command, TrainOptions *options) {
  CLI::Option *dry = command->add_flag(
      "--dry-run", options->isDry,
      "do a batch of everything, and say how long the run may take");
  CLI::Option *few =
      command
          ->add_option("--overfit", options->split.most,
                       "train on so many samples alone, and say whether the "
                       "model can learn them by heart")
          ->check(CLI::Range(int64_t(1), int64_t(1) << 31))
          ->type_name("N")
          ->excludes(dry);
  CLI::Option *folds =
      command
          ->add_option("--folds", options->split.folds,
                       "train once for each of so many parts of the training "
                       "data, which is held out; say mean and spread")
          ->check(CLI::Range(int64_t(2), int64_t(1) << 20))
          ->type_name("K")
          ->excludes(dry)
          ->excludes(few);
  command
      ->add_flag("--save-folds", options->savesFolds,
                 "of --folds, keep each run's weights, as NAME.foldN")
      ->needs(folds);
  for (CLI::Option *trial : {few, folds})
    trial->excludes(command->get_option("--checkpoint"));
}

/// Which samples it is judged on.
static void addSplitOptions(CLI::App *command, SplitOptions *options) {
  command
      ->add_option("--validation", options->validation,
                   "the share of the training data that is held out (default: "
                   "the model's)")
      ->check(CLI::Range(0.0, 1 - 1e-9));
  command
      ->add_option("--split-seed", options->seed,
                   "of the choice of samples that are held out (default: the "
                   "model's, or 0)")
      ->check(CLI::Range(int64_t(0), INT64_MAX));
  command
      ->add_option("--stratified-by", options->stratifiedBy,
                   "hold out the same share of each value of this input")
      ->type_name("INPUT");
}

/// What is trained, on what, and for how long.
static void addRunOptions(CLI::App *command, TrainOptions *options) {
  addDataOption(*command, options->dataFolder);
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
  static const std::map<std::string, DataOnDevice> places = {
      {"auto", DataOnDevice::Auto},
      {"always", DataOnDevice::Always},
      {"never", DataOnDevice::Never}};
  command
      ->add_option("--data-on-device", options->dataOnDevice,
                   "on a GPU, hold the data in its memory: auto, where they "
                   "fit and are not prepared sample by sample; always, or it "
                   "is an error; never (default: auto)")
      ->type_name("WHEN")
      ->transform(CLI::CheckedTransformer(places));
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
  addFreezeOption(*command, options->request.freeze);
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
  CLI::Option *log = command->add_option(
      "--log", options->logFolder,
      "folder for log.jsonl (epochs), steps.jsonl and pictures");
  CLI::Option *tensorBoard =
      command
          ->add_flag("--tensorboard", options->tensorBoard,
                     "write event files for TensorBoard into the folder too")
          ->needs(log);
  command
      ->add_flag("--gradients", options->request.gradients,
                 "have histograms of gradients among them, each epoch")
      ->needs(tensorBoard);
  CLI::Option *json =
      command->add_flag("--json", options->asJson,
                        "one JSON object a line: each epoch, then the test");
  command->add_flag("--check-numerics", options->checksNumerics,
                    "look at all numbers of each step: where one stops being "
                    "finite, say which op made it");
  command->add_flag("--force", options->force,
                    "replace files that no run of the model has written");
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
  addStopOptions(command, &options->stop);
  addSplitOptions(command, &options->split);
  addResultOptions(command, options.get());
  addTrialOptions(command, options.get());
  addHelp(*command,
          "nnc train net.nn\n"
          "nnc train net.nn --data set --epochs 20 --log run -o "
          "run/net.safetensors\n"
          "nnc train net.nn --checkpoint net.checkpoint --resume\n",
          "one object a line, one an epoch: epoch, step, loss, each metric by "
          "its name,\n"
          "both with validation_ before where samples are held out, "
          "learning_rate (or\n"
          "NAME.learning_rate), seconds, data_seconds\n"
          "and at the end one of the test data: epoch, test_loss, each metric "
          "with test_\n"
          "before, and where there are classes confusion and classes\n");
  command->callback([options, &exit] { exit = train(*options); });
}

} // namespace nnc::tools
