// nnc train: its options. The run is in tools/train/.
#include "tools/commands/Commands.h"
#include "tools/train/Run.h"

namespace nnc::tools {

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
  addResultOptions(command, options.get());
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
