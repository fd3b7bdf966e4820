// Any bytes as a plan: a message, or a plan that keeps what its format promises
// and that `nnc inspect` can show. It is not run: a plan is trusted as a
// program is, once its tables are sound.
#include "runtime/Plan.h"
#include "runtime/plan_generated.h"

#include "test/fuzz/CheckInspect.h"
#include "test/fuzz/CheckPlan.h"
#include "test/fuzz/CheckText.h"
#include "test/fuzz/FlatMutator.h"
#include "test/fuzz/MemoryFile.h"
#include "test/fuzz/Require.h"
#include "test/fuzz/plan_bfbs_generated.h"

using namespace nnc;

static bool verify(flatbuffers::Verifier &verifier) {
  return plan::VerifyPlanBuffer(verifier);
}

const fuzz::FlatMutator &fuzz::flatMutator() {
  static const FlatMutator mutator(plan::PlanBinarySchema::data(), verify);
  return mutator;
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
  fuzz::checkInspect(fuzz::MemoryFile(data, size).path());
  return 0;
}
