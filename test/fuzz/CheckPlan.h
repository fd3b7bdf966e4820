// What docs/plan-format.md promises of a plan that was read, computed again
// with other means: batch by batch, in wider numbers.
#ifndef NNC_TEST_FUZZ_CHECKPLAN_H
#define NNC_TEST_FUZZ_CHECKPLAN_H

#include "runtime/Plan.h"

namespace nnc::fuzz {

/// Ends the program if the plan breaks a promise.
void checkPlan(const runtime::Plan &plan);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHECKPLAN_H
