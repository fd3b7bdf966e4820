// Any bytes as a plan: a message, or a plan that keeps what its format promises
// and that `nnc inspect` can show. It is not run: a plan is trusted as a
// program is, once its tables are sound.
#include "runtime/Plan.h"
#include "runtime/plan_generated.h"

#include "test/fuzz/CheckPlan.h"
#include "test/fuzz/CheckText.h"
#include "test/fuzz/FlatMutator.h"
#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/StandardOutput.h"
#include "test/fuzz/plan_bfbs_generated.h"
#include "tools/commands/Commands.h"

#include <nlohmann/json.hpp>

using namespace nnc;

static bool verify(flatbuffers::Verifier &verifier) {
  return plan::VerifyPlanBuffer(verifier);
}

const fuzz::FlatMutator &fuzz::flatMutator() {
  static const FlatMutator mutator(plan::PlanBinarySchema::data(), verify);
  return mutator;
}

// A model's; the driver has it, beside its main.
void tools::addPluginOption(CLI::App &command, std::vector<std::string> &) {}

/// What `nnc inspect` prints of the file.
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
  fuzz::require(exit == tools::Done, "a plan that was read can be inspected");
  return output.take();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto plan = runtime::Plan::fromMemory(data, size, "input.plan");
  if (!plan.isOk()) {
    fuzz::require(!plan.status().message().empty(),
                  "a refused plan has a message");
    fuzz::checkText(plan.status().message(), "a message");
    return 0;
  }
  fuzz::checkPlan(**plan);
  fuzz::MemoryFile file(data, size);
  fuzz::checkText(inspect(file.path(), false), "nnc inspect",
                  /*hasLines=*/true);
  std::string json = inspect(file.path(), true);
  fuzz::require(nlohmann::json::accept(json), "nnc inspect --json is JSON",
                json);
  return 0;
}
