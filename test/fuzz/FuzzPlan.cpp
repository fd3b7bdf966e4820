// Any bytes as a plan: a plan or a message. It is not run: a plan is trusted as
// a program is, once its tables are sound.
#include "runtime/Plan.h"

#include "test/fuzz/Require.h"

using namespace nnc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto plan = runtime::Plan::fromMemory(data, size, "input.plan");
  fuzz::require(plan.isOk() || !plan.status().message().empty(),
                "a refused plan has a message");
  return 0;
}
