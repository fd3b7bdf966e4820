// Scalar bodies of linalg.generic ops on vectors of neighbouring iterations:
// what the emitters of contractions and of rows have in common.
//
// A value of a body is either a scalar, the same in all lanes, or a vector with
// one element a lane. Scalars stay scalars until they meet a vector.
#ifndef NNC_CODEGEN_VECTORIZE_H
#define NNC_CODEGEN_VECTORIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include <cstdint>

namespace nnc {

/// Whether vectorizeBody can emit the body of `op`: only elementwise arith and
/// math ops, constants and linalg.index on scalars, and of values from outside
/// only those that cloneScalars provides.
bool isVectorizable(mlir::linalg::GenericOp op);

/// Clones the ops at the top level of `kernel` that compute scalars from
/// scalars (sizes, factors made of the batch) to the insertion point, after
/// `mapping` has got the kernel's batch argument. Unused ones are left to
/// dead code elimination.
void cloneScalars(mlir::OpBuilder &builder, mlir::func::FuncOp kernel,
                  mlir::IRMapping &mapping);

/// Emits the body of `op` for `lanes` neighbouring iterations.
///
/// arguments  one a block argument of the body: a scalar of its type, or a
///            vector of `lanes` of them; null where the body does not read it.
/// indices    one a loop of `op`, index or vector<lanes x index>; may be empty
///            if the body has no linalg.index.
/// scalars    maps scalars from outside of the body, as cloneScalars left them.
///
/// Returns the yielded values, each a scalar or a vector.
llvm::SmallVector<mlir::Value>
vectorizeBody(mlir::OpBuilder &builder, mlir::linalg::GenericOp op,
              mlir::ValueRange arguments, mlir::ValueRange indices,
              int64_t lanes, const mlir::IRMapping &scalars);

/// `value` in all lanes; a vector is returned as it is.
mlir::Value broadcastToLanes(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value value, int64_t lanes);

/// How an element lies in a CPU's memory: i1 as i8, 16-bit floats as i16,
/// everything else as itself.
mlir::Type storageType(mlir::Type elementType);

/// The flat buffer type of a phase's argument for `type`; dynamic if any
/// dimension is.
mlir::MemRefType flatBufferType(mlir::RankedTensorType type);

/// Reads one `elementType` (one value, or `lanes` neighbours) from the flat
/// `buffer`, of that type or one that stores it, at `index`. Lanes outside of
/// `mask` are not read, and are zero; a null mask means all lanes.
mlir::Value loadScalar(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value buffer, mlir::Value index,
                       mlir::Type elementType);
mlir::Value loadVector(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value buffer, mlir::Value index, int64_t lanes,
                       mlir::Type elementType, mlir::Value mask = {});

/// Reads an element at each of `indices`, a vector.
mlir::Value gatherVector(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value buffer, mlir::Value indices,
                         mlir::Type elementType);

/// Writes what loadScalar and loadVector read.
void storeScalar(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value value, mlir::Value buffer, mlir::Value index);
void storeVector(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value vector, mlir::Value buffer, mlir::Value index,
                 mlir::Value mask = {});

} // namespace nnc

#endif // NNC_CODEGEN_VECTORIZE_H
