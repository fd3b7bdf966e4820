// How much work a kernel is, for reports: counted on its linalg form, which is
// the same for every target.
#ifndef NNC_CODEGEN_COUNTWORK_H
#define NNC_CODEGEN_COUNTWORK_H

#include "codegen/Target.h"

namespace nnc {

/// Floating-point operations: one for each arith or math op on floats in the
/// body of each linalg op, however costly, in each of its iterations; of
/// attention, for the keys that queries see.
Extent countFlop(mlir::func::FuncOp kernel);

/// Bytes of the operands and results, each touched once.
Extent countTrafficBytes(mlir::func::FuncOp kernel);

} // namespace nnc

#endif // NNC_CODEGEN_COUNTWORK_H
