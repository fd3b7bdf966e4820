// The command lines of what `nnc` does with programs as texts.
#include "tools/CommandLine.h"
#include "tools/language/Language.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace nnc::tools {

static void addFormat(CLI::App &app, int &exit) {
  CLI::App *command =
      app.add_subcommand("format", "write programs in the one style");
  auto paths = std::make_shared<std::vector<std::string>>();
  auto isCheck = std::make_shared<bool>(false);
  command
      ->add_option("FILE", *paths,
                   "programs, which are written anew where they change; - is "
                   "from standard input to standard output")
      ->required();
  command->add_flag("--check", *isCheck,
                    "write nothing: name the files that would change, and end "
                    "with status 1 if there are any");
  addHelp(*command, "nnc format --check examples/*.nn\n");
  command->callback(
      [&exit, paths, isCheck] { exit = formatFiles(*paths, *isCheck); });
}

static void addLsp(CLI::App &app, int &exit) {
  CLI::App *command =
      app.add_subcommand("lsp", "serve an editor that speaks the Language "
                                "Server Protocol");
  auto plugins = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--load-pass-plugin", *plugins,
                   "a shared library with passes or ops")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
  addHelp(*command, "nnc lsp --load-pass-plugin toy.so\n");
  command->callback([&exit, plugins] { exit = serveEditor(*plugins); });
}

void addLanguageCommands(CLI::App &app, int &exit) {
  addFormat(app, exit);
  addLsp(app, exit);
}

} // namespace nnc::tools
