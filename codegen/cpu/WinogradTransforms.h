// The transforms of Winograd's F(2 x 2, 3 x 3) (S. Winograd, Arithmetic
// Complexity of Computations, SIAM 1980), in the names of Lavin and Gray
// (arXiv:1509.09308, section 4.1), and their transposes, which its gradients
// are.
#ifndef NNC_CODEGEN_CPU_WINOGRADTRANSFORMS_H
#define NNC_CODEGEN_CPU_WINOGRADTRANSFORMS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

using Values = llvm::SmallVector<mlir::Value>;
/// Of a line of f32 or vectors of them.
using LineTransform = Values (*)(mlir::ImplicitLocOpBuilder &b,
                                 llvm::ArrayRef<mlir::Value> line);

/// G: 3 taps to 4; its transpose: 4 products to 3 gradients of taps.
Values transformTaps(mlir::ImplicitLocOpBuilder &b,
                     llvm::ArrayRef<mlir::Value> taps);
Values transformToTaps(mlir::ImplicitLocOpBuilder &b,
                       llvm::ArrayRef<mlir::Value> products);
/// B^T: 4 places of the image to 4.
Values transformPlaces(mlir::ImplicitLocOpBuilder &b,
                       llvm::ArrayRef<mlir::Value> places);
/// A^T: 4 products to 2 places of the result; its transpose: 2 gradients of
/// places to 4.
Values transformProducts(mlir::ImplicitLocOpBuilder &b,
                         llvm::ArrayRef<mlir::Value> products);
Values transformResults(mlir::ImplicitLocOpBuilder &b,
                        llvm::ArrayRef<mlir::Value> results);

/// A square of `size` rows, its columns transformed and then its rows.
Values transformBoth(mlir::ImplicitLocOpBuilder &b,
                     llvm::ArrayRef<mlir::Value> square, int64_t size,
                     LineTransform transform);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRADTRANSFORMS_H
