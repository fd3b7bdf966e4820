// What a kernel of kind contraction computes: which loops are rows, columns and
// reduction, where each operand's elements lie, and what surrounds the product.
#ifndef NNC_CODEGEN_CONTRACTIONANALYSIS_H
#define NNC_CODEGEN_CONTRACTIONANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace nnc {

/// A size or stride in elements: `factor`, times the batch if `perBatch`.
struct BatchProduct {
  int64_t factor = 1;
  bool perBatch = false;

  bool isZero() const { return factor == 0; }
  bool isOne() const { return factor == 1 && !perBatch; }
  bool isStatic() const { return !perBatch; }
  bool operator==(const BatchProduct &other) const {
    return factor == other.factor &&
           (factor == 0 || perBatch == other.perBatch);
  }
  bool operator!=(const BatchProduct &other) const { return !(*this == other); }
};

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
  llvm::SmallVector<BatchProduct> strides;
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
  llvm::SmallVector<BatchProduct> sizes;
  unsigned numOuter = 0;
  const Element *lhs = nullptr;
  const Element *rhs = nullptr;
  const Element *product = nullptr;
  llvm::SmallVector<const Element *> results;
  llvm::SmallVector<llvm::SmallVector<BatchProduct>> resultStrides;
  /// Operations in the epilogue, for an element of the product.
  unsigned numEpilogueOps = 0;

  unsigned axisM() const { return numOuter; }
  unsigned axisN() const { return numOuter + 1; }
  unsigned axisK() const { return numOuter + 2; }
  BatchProduct m() const { return sizes[axisM()]; }
  BatchProduct n() const { return sizes[axisN()]; }
  BatchProduct k() const { return sizes[axisK()]; }

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
