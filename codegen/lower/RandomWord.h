// A random word by its number, where an emitter has no use for its neighbours.
#ifndef NNC_CODEGEN_LOWER_RANDOMWORD_H
#define NNC_CODEGEN_LOWER_RANDOMWORD_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The upper `bits` bits of element `number`, an i64, of nnc.random_bits, as an
/// i32.
///
/// inputs       seed, step and stream, i64.
mlir::Value emitRandomWord(mlir::ImplicitLocOpBuilder &b, int64_t bits,
                           mlir::Value number, mlir::ValueRange inputs);

} // namespace nnc

#endif // NNC_CODEGEN_LOWER_RANDOMWORD_H
