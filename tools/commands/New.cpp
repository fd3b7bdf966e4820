// nnc new: a program for data that are there, to begin with.
#include "tools/Output.h"
#include "tools/Text.h"
#include "tools/commands/Commands.h"
#include "tools/new/Programs.h"

#include "runtime/AtomicFile.h"

#include <filesystem>
#include <iostream>

namespace nnc::tools {

using namespace runtime;
namespace fs = std::filesystem;

struct NewOptions {
  std::string name, table, images, text, target, task, validation, test;
};

/// A name for a model, of what its file is called.
static std::string modelName(const std::string &stem) {
  std::string name;
  for (char c : stem)
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])))
    name = "model_" + name;
  // What a program says by another meaning.
  for (const char *reserved :
       {"model", "batch", "data", "for", "in", "if", "fn", "and", "or", "not",
        "as", "with", "const", "else", "param", "return", "true", "false"})
    if (name == reserved)
      return "my_" + name;
  return name;
}

/// What a program in the file `program` calls the file or folder `data`.
static std::string pathFrom(const std::string &program,
                            const std::string &data) {
  if (fs::path(data).is_absolute())
    return data;
  std::error_code problem;
  const fs::path folder = fs::absolute(program, problem).parent_path();
  return fs::absolute(data, problem)
      .lexically_normal()
      .lexically_proximate(folder.lexically_normal())
      .string();
}

static StatusOr<std::string> write(const NewOptions &options,
                                   NewProgram wanted) {
  if (!options.table.empty())
    return programForTable(wanted);
  return options.images.empty() ? programForText(wanted)
                                : programForImages(wanted);
}

static int makeNew(const NewOptions &options) {
  const int numData =
      !options.table.empty() + !options.images.empty() + !options.text.empty();
  if (numData != 1) {
    std::cerr << "error: expected one of --csv FILE, --images FOLDER and "
                 "--text FILE: the data that the program is for\n";
    return CommandLineWrong;
  }
  const bool hasEnding = fs::path(options.name).extension() == ".nn";
  const std::string path = options.name + (hasEnding ? "" : ".nn");
  std::error_code problem;
  if (fs::exists(path, problem))
    return fail(
        {Code::InvalidArgument, path + " is there already: give another name"});
  NewProgram wanted;
  wanted.name = modelName(stemOf(path));
  for (const std::string &data : {options.table, options.images, options.text})
    if (!data.empty())
      wanted.data = data;
  while (wanted.data.size() > 1 && wanted.data.back() == '/')
    wanted.data.pop_back();
  wanted.path = pathFrom(path, wanted.data);
  wanted.target = options.target;
  wanted.task = options.task;
  wanted.validation = options.validation;
  wanted.test = options.test;
  if (!options.validation.empty())
    wanted.validationPath = pathFrom(path, options.validation);
  if (!options.test.empty())
    wanted.testPath = pathFrom(path, options.test);
  for (const std::string &said :
       {wanted.path, wanted.validationPath, wanted.testPath})
    if (printable(said) != said)
      return fail({Code::InvalidArgument,
                   "the name '" + printable(said) +
                       "' has characters that no program can have"});
  auto program = write(options, std::move(wanted));
  if (!program.isOk())
    return fail(program.status());
  if (Status status = replaceFile(path, *program); !status.isOk())
    return fail(status);
  std::cout << path << "  `nnc train " << path << "` trains it\n";
  return Done;
}

void addNewCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<NewOptions>();
  CLI::App *command =
      app.add_subcommand("new", "write a commented program for some data");
  command
      ->add_option("NAME", options->name, "what it is called: NAME.nn is new")
      ->required();
  command->add_option("--csv", options->table, "a table")->type_name("FILE");
  command
      ->add_option("--images", options->images,
                   "a folder with a folder of pictures a class, or with "
                   "folders train and test of these")
      ->type_name("FOLDER");
  command->add_option("--text", options->text, "a text, to be gone on with")
      ->type_name("FILE");
  command
      ->add_option("--target", options->target,
                   "the column of the table that is to be told (default: one "
                   "called target, label, class, y or outcome, or the last)")
      ->type_name("COLUMN")
      ->needs("--csv");
  command
      ->add_option("--task", options->task,
                   "what the column holds: classes or a number (default: "
                   "classes for texts and for whole numbers of few values)")
      ->check(CLI::IsMember({"classes", "number"}))
      ->needs("--csv");
  command
      ->add_option("--validation", options->validation,
                   "another table of the same columns, to validate with "
                   "(default: a tenth of the rows)")
      ->type_name("FILE")
      ->needs("--csv");
  command
      ->add_option("--test", options->test,
                   "another table of the same columns, for the end")
      ->type_name("FILE")
      ->needs("--csv");
  addHelp(*command, "nnc new wine --csv wine.csv --target quality\n"
                    "nnc new churn --csv train.csv --validation later.csv\n"
                    "nnc new pets --images pictures\n"
                    "nnc new songs --text songs.txt\n");
  command->callback([options, &exit] { exit = makeNew(*options); });
}

} // namespace nnc::tools
