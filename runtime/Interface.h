// What all functions of the C interface share: how a call becomes a status, and
// the plan behind its handle. The functions are in PlanInterface.cpp,
// SessionInterface.cpp, GenerationInterface.cpp and TableInterface.cpp.
#ifndef NNC_RUNTIME_INTERFACE_H
#define NNC_RUNTIME_INTERFACE_H

#include "runtime/Plan.h"
#include "runtime/nnc.h"

#include <memory>
#include <string>

struct nnc_plan_t {
  std::shared_ptr<const nnc::runtime::Plan> plan;
};

namespace nnc::runtime {

/// The status as C has it. Its message is this thread's, and lasts until the
/// next call.
nnc_status_t report(const Status &status);

/// Every function that can fail goes through here: no exception leaves it.
template <typename Body> nnc_status_t call(Body &&body) {
  return report(guardMemory([&]() -> Status { return body(); }));
}

Status nullArgument(const char *name);

/// Whether the number is of a type that this library knows.
bool isElementType(nnc_element_type_t type);

Status noEntryPoint(const Plan &plan, const char *name);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_INTERFACE_H
