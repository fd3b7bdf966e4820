// Random words, 32 neighbours at a time.
#ifndef NNC_CODEGEN_RANDOMBITS_H
#define NNC_CODEGEN_RANDOMBITS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Elements that one vector of eight counters makes (runtime/Random.h).
constexpr int64_t kRandomLanes = 32;

/// Whether `op` is the lowering of nnc.random_bits: its attribute
/// `nnc.random_bits` is the stream, its inputs are the seed and the step, and
/// its element is the word at its row-major index, perhaps shifted right.
bool isRandomBits(mlir::linalg::GenericOp op);

/// What the body of `op` computes for elements `first` to `first` + 31, as
/// vector<32xi32>, with a quarter of the work.
///
/// first        index; a multiple of kRandomLanes.
/// seed, step   i64.
mlir::Value emitRandomBits(mlir::ImplicitLocOpBuilder &b,
                           mlir::linalg::GenericOp op, mlir::Value first,
                           mlir::Value seed, mlir::Value step);

} // namespace nnc

#endif // NNC_CODEGEN_RANDOMBITS_H
