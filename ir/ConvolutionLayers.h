// What the records of all convolutional layers share.
#ifndef NNC_IR_CONVOLUTIONLAYERS_H
#define NNC_IR_CONVOLUTIONLAYERS_H

#include "ir/Expansion.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"

namespace nnc {

/// The weight and the bias of a layer for x of `numSpatial` + 2 dimensions; a
/// transposed one has its results' channels before its operand's.
llvm::FailureOr<llvm::SmallVector<LayerParameter>>
makeConvolutionParameters(const OpSite &site, mlir::ValueRange given,
                          mlir::DictionaryAttr arguments, int64_t numSpatial,
                          bool isTransposed);

/// convolution(x, weight) + bias, which may be null.
llvm::FailureOr<Expansion>
expandConvolutionLayer(mlir::OpBuilder &builder, const OpSite &site,
                       mlir::Value x, mlir::Value weight, mlir::Value bias,
                       const ConvolutionLayer &layer);

/// convolution_transpose(x, weight) + bias, which may be null.
llvm::FailureOr<Expansion>
expandTransposedLayer(mlir::OpBuilder &builder, const OpSite &site,
                      mlir::Value x, mlir::Value weight, mlir::Value bias,
                      const ConvolutionLayer &layer,
                      llvm::ArrayRef<int64_t> outputPadding);

} // namespace nnc

#endif // NNC_IR_CONVOLUTIONLAYERS_H
