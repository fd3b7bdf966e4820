// Any bytes as a plan: a plan or a message. It is not run: a plan is trusted as
// a program is, once its tables are sound.
#include "runtime/Plan.h"
#include "runtime/plan_generated.h"

#include "test/fuzz/FlatMutator.h"
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
  fuzz::require(plan.isOk() || !plan.status().message().empty(),
                "a refused plan has a message");
  return 0;
}
