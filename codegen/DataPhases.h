// Phases that no launch of a program runs: those by which a device brings data
// to one that trains.
#ifndef NNC_CODEGEN_DATAPHASES_H
#define NNC_CODEGEN_DATAPHASES_H

#include "codegen/ScheduleKernels.h"

namespace nnc {

/// Adds those of the target's device, if it has any.
void addDataPhases(const Target &target, Schedule &schedule);

} // namespace nnc

#endif // NNC_CODEGEN_DATAPHASES_H
