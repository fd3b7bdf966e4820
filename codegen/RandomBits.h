// Random words, 32 neighbours at a time.
#ifndef NNC_CODEGEN_RANDOMBITS_H
#define NNC_CODEGEN_RANDOMBITS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Elements that one vector of eight counters makes (runtime/Random.h).
constexpr int64_t kRandomLanes = 32;

/// What the body of `op`, which has a RandomBitsForm, computes for elements
/// `first` to `first` + 31, as vector<32xi32>, with a quarter of the work.
///
/// first        index; a multiple of kRandomLanes.
/// inputs       those of `op`: seed, step and stream, i64.
mlir::Value emitRandomBits(mlir::ImplicitLocOpBuilder &b,
                           mlir::linalg::GenericOp op, mlir::Value first,
                           mlir::ValueRange inputs);
/// The same of the upper `bits` bits, where there is no op.
mlir::Value emitRandomBits(mlir::ImplicitLocOpBuilder &b, int64_t bits,
                           mlir::Value first, mlir::ValueRange inputs);

} // namespace nnc

#endif // NNC_CODEGEN_RANDOMBITS_H
