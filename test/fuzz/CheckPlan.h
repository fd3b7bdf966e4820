// What docs/plan-format.md promises of a plan that was read, computed again
// with other means: batch by batch, in wider numbers.
#ifndef NNC_TEST_FUZZ_CHECKPLAN_H
#define NNC_TEST_FUZZ_CHECKPLAN_H

#include "runtime/Plan.h"

namespace nnc::fuzz {

/// Ends the program if the plan breaks a promise.
void checkPlan(const runtime::Plan &plan);

/// Ends the program unless `text` is UTF-8 without control characters, but for
/// the ends of lines where `hasLines`.
void checkText(const std::string &text, const char *what,
               bool hasLines = false);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHECKPLAN_H
