// Runs the command on the file, and reads its JSON.
#include "test/fuzz/CheckInspect.h"

#include "test/fuzz/CheckText.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/StandardOutput.h"
#include "tools/commands/Commands.h"

#include <nlohmann/json.hpp>

using namespace nnc;

/// What the command prints.
static std::string inspect(const std::string &path, bool asJson) {
  static fuzz::StandardOutput output;
  CLI::App app;
  int exit = tools::Done;
  tools::addInspectCommand(app, exit);
  // From the last word to the first, as CLI11 wants them.
  std::vector<std::string> words{path, "inspect"};
  if (asJson)
    words.insert(words.begin(), "--json");
  app.parse(words);
  fuzz::require(exit == tools::Done, "a file that was read can be inspected");
  return output.take();
}

void fuzz::checkInspect(const std::string &path) {
  checkText(inspect(path, false), "nnc inspect", /*hasLines=*/true);
  std::string json = inspect(path, true);
  require(nlohmann::json::accept(json), "nnc inspect --json is JSON", json);
}
