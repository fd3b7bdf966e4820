// What the records of all recurrent layers share.
#ifndef NNC_IR_RECURRENTLAYERS_H
#define NNC_IR_RECURRENTLAYERS_H

#include "ir/Shapes.h"
#include "ir/Signature.h"

namespace nnc {

/// The parameters that a recurrent layer makes, which are its `weights`.
llvm::FailureOr<llvm::SmallVector<LayerParameter>>
makeRecurrentParameters(const OpSite &site, mlir::ValueRange given,
                        mlir::DictionaryAttr arguments, int64_t gates);
/// Lengths of sequences that are x [batch, time, ..] are at most its time.
llvm::SmallVector<IndexLimit> limitLengths(mlir::Operation *op, mlir::Value x,
                                           mlir::Value lengths);

} // namespace nnc

#endif // NNC_IR_RECURRENTLAYERS_H
