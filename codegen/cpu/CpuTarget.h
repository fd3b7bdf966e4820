// The CPUs that code can be generated for, by name.
#ifndef NNC_CODEGEN_CPU_CPUTARGET_H
#define NNC_CODEGEN_CPU_CPUTARGET_H

#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

#include "llvm/Support/Error.h"

namespace nnc {

/// "cpu", "cpu:x86-64-v4" and so on.
const TargetFamily &cpuTargets();

/// The model of a target name. "cpu" is the machine that this runs on, as far
/// as code makes use of it: features beyond x86-64-v4 are left out. The named
/// levels of the x86-64 psABI are modelled with the caches of a common machine
/// of that level, so that what they compile to does not depend on where.
///
/// An unknown name is an error that lists the names and suggests the nearest.
llvm::Expected<CpuModel> findCpuModel(llvm::StringRef targetName);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_CPUTARGET_H
