// Which sums of products a kernel of kind contraction holds: one, or several
// whose products are put side by side into one tensor, as those for the phases
// of a strided window's gradient are.
#ifndef NNC_CODEGEN_CONTRACTIONPARTS_H
#define NNC_CODEGEN_CONTRACTIONPARTS_H

#include "codegen/Refusal.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nnc {

/// A sum of products.
struct Product {
  mlir::linalg::GenericOp op;
  /// What puts it, reshaped perhaps, where it belongs; null where it is all of
  /// what the kernel goes on with.
  mlir::tensor::InsertSliceOp insert;
  /// Places further along each dimension of what it is put into: a gap's, of
  /// which the elements are zero; empty: where the product is.
  llvm::SmallVector<int64_t> shift;
};

struct Products {
  llvm::SmallVector<Product> products;
  /// What the epilogue reads: the one product, or the tensor that they are put
  /// into, no two of them at one place.
  mlir::Value whole;
  /// A tensor of zeros, of which `whole` has what is no product's; null where
  /// every element is.
  mlir::Value rest;
};

/// Elements that are no product's, as many as those of a product and each so
/// far from one of them.
struct Gap {
  unsigned product;
  llvm::SmallVector<int64_t> shift;
};

/// What no product writes, as gaps that follow products; none where that is not
/// all of it.
std::optional<llvm::SmallVector<Gap>> findGaps(const Products &products);

/// Whether every element is zero.
bool isZeroTensor(mlir::Value tensor);

mlir::FailureOr<Products> findProducts(mlir::func::FuncOp kernel,
                                       Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_CONTRACTIONPARTS_H
