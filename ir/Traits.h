// What passes ask of an op beyond its interfaces: traits that its record
// states.
#ifndef NNC_IR_TRAITS_H
#define NNC_IR_TRAITS_H

#include "mlir/IR/OpDefinition.h"

namespace nnc {

/// y[i] is a function of the operands' elements at i, to which they broadcast.
/// Such ops are fused with each other, with reductions and with products.
template <typename OpTy>
class Elementwise : public mlir::OpTrait::TraitBase<OpTy, Elementwise> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *) {
    static_assert(OpTy::template hasTrait<mlir::OpTrait::OneResult>(),
                  "an elementwise op has one result");
    return mlir::success();
  }
};

/// y[i] is a function of i and of the operands' elements at i, to which they
/// broadcast. Loops over rows know i; a product's epilogue does not.
template <typename OpTy>
class Positional : public mlir::OpTrait::TraitBase<OpTy, Positional> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *) {
    static_assert(OpTy::template hasTrait<mlir::OpTrait::OneResult>(),
                  "a positional op has one result");
    return mlir::success();
  }
};

/// Each element is a sum of products of two operands: alone, a kernel of kind
/// "contraction", which elementwise ops behind it join.
template <typename OpTy>
class SumsProducts : public mlir::OpTrait::TraitBase<OpTy, SumsProducts> {};

/// Elements change place and are not changed, but for being added up. Alone, a
/// kernel of kind "movement".
template <typename OpTy>
class MovesElements : public mlir::OpTrait::TraitBase<OpTy, MovesElements> {};

/// The first operand and the result are [samples, size.., channels]. Where the
/// model says `layout nchw`, a program calls the op on [samples, channels,
/// size..].
template <typename OpTy>
class ChannelsLast : public mlir::OpTrait::TraitBase<OpTy, ChannelsLast> {};

/// Operands of one shape whose dimensions are permuted give the result permuted
/// alike, or as it was where it is a scalar. So do elementwise ops.
template <typename OpTy>
class Permutable : public mlir::OpTrait::TraitBase<OpTy, Permutable> {};

/// y[i] is a function of i and of some elements of the operands around i, which
/// lie in memory: loops over rows compute it beside what follows, but not
/// beside what makes the operands.
template <typename OpTy>
class ReadsWindows : public mlir::OpTrait::TraitBase<OpTy, ReadsWindows> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *) {
    static_assert(OpTy::template hasTrait<mlir::OpTrait::OneResult>(),
                  "an op over windows has one result");
    return mlir::success();
  }
};

/// Whether `op` is Elementwise; one of another dialect may have MLIR's trait of
/// that name, which holds where operands do not broadcast.
bool isElementwise(mlir::Operation *op);

/// Whether `op` is elementwise or Permutable.
bool isPermutable(mlir::Operation *op);

/// Whether `op` is elementwise or Positional.
bool isPositional(mlir::Operation *op);

} // namespace nnc

#endif // NNC_IR_TRAITS_H
