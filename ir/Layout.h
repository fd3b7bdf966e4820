// Where channels stand: in a program, by what its model says, and in the files
// of weights that PyTorch writes.
#ifndef NNC_IR_LAYOUT_H
#define NNC_IR_LAYOUT_H

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace nnc {

/// On the model: "nchw" where the program has channels before the sizes of a
/// picture and its weights are saved in PyTorch's order; "nhwc", as without.
inline constexpr llvm::StringLiteral kLayoutAttr = "nnc.layout";
inline constexpr llvm::StringRef kLayouts[] = {"nhwc", "nchw"};

/// On nnc.parameter: an array of integers. PyTorch's tensor of the parameter
/// has dimension dims[i] of it as its dimension i.
inline constexpr llvm::StringLiteral kPytorchDimsAttr = "nnc.pytorch_dims";

/// Those of a weight [window.., in, out], which PyTorch has as [out, in,
/// window..]; of a transposed convolution's, in and out change places in both.
llvm::SmallVector<int64_t> pytorchDims(int64_t rank);

/// Whether `dims` has each dimension of a tensor of rank `rank` once.
bool isPermutation(llvm::ArrayRef<int64_t> dims, int64_t rank);

/// What nnc.transpose takes to bring the second dimension of a tensor, its
/// channels, behind the others.
llvm::SmallVector<int64_t> channelsToLast(int64_t rank);

} // namespace nnc

#endif // NNC_IR_LAYOUT_H
