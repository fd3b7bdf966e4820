// What a kernel of kind contraction computes: which loops are rows, columns and
// reduction, where each operand's elements lie, and what surrounds the product.
#ifndef NNC_CODEGEN_CONTRACTIONANALYSIS_H
#define NNC_CODEGEN_CONTRACTIONANALYSIS_H

#include "passes/BatchSize.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace nnc {

/// An element of some tensor at the current point of the contraction's axes:
/// how it is found or computed. One of the members says which.
struct Element {
  mlir::Value tensor;
  /// For each dimension of the tensor the loop that indexes it, or kNoLoop.
  llvm::SmallVector<int> loops;

  /// The contraction's own result.
  bool isProduct = false;
  /// Read from this operand of the kernel, at `strides` (one an axis).
  std::optional<unsigned> operand;
  llvm::SmallVector<BatchSize> strides;
  /// The same everywhere: a scalar of the kernel, or a constant.
  mlir::Value scalar;
  mlir::TypedAttr constant;
  /// Result `result` of an elementwise op on `inputs`; null where the body does
  /// not read one.
  mlir::linalg::GenericOp op;
  unsigned result = 0;
  llvm::SmallVector<const Element *> inputs;
  /// For each loop of `op` the axis that counts it, or kNoLoop.
  llvm::SmallVector<int> opAxes;

  /// The axes that it depends on, as bits, and kProductBit.
  uint32_t axes = 0;
};

constexpr int kNoLoop = -1;
constexpr uint32_t kProductBit = 1u << 31;

/// out[o.., m, n] = sum over k of lhs[o.., m, k] * rhs[o.., k, n], and results
/// computed from out element by element. The axes are the outer ones, then M,
/// N and K.
struct Contraction {
  mlir::func::FuncOp kernel;
  mlir::FloatType type; // of the sum
  llvm::SmallVector<BatchSize> sizes;
  unsigned numOuter = 0;
  const Element *lhs = nullptr;
  const Element *rhs = nullptr;
  const Element *product = nullptr;
  llvm::SmallVector<const Element *> results;
  llvm::SmallVector<llvm::SmallVector<BatchSize>> resultStrides;
  /// Operations in the epilogue, for an element of the product.
  unsigned numEpilogueOps = 0;

  unsigned axisM() const { return numOuter; }
  unsigned axisN() const { return numOuter + 1; }
  unsigned axisK() const { return numOuter + 2; }
  BatchSize m() const { return sizes[axisM()]; }
  BatchSize n() const { return sizes[axisN()]; }
  BatchSize k() const { return sizes[axisK()]; }

  /// Pairs of an operand and a result whose elements are read and written by
  /// the same iteration only, and lie alike.
  llvm::SmallVector<std::pair<unsigned, unsigned>> mayAlias() const;

  /// Owns the elements.
  llvm::SmallVector<std::unique_ptr<Element>> elements;
};

/// Fails, silently, if `kernel` is not a contraction that the emitter handles.
mlir::FailureOr<Contraction> analyzeContraction(mlir::func::FuncOp kernel);

} // namespace nnc

#endif // NNC_CODEGEN_CONTRACTIONANALYSIS_H
