// What a kernel of kind contraction computes: which loops are rows, columns and
// reduction, where each operand's elements lie, and what surrounds the product.
#ifndef NNC_CODEGEN_CONTRACTIONANALYSIS_H
#define NNC_CODEGEN_CONTRACTIONANALYSIS_H

#include "codegen/Access.h"
#include "codegen/ContractionParts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace nnc {

struct TensorToCopy;

/// An element of some tensor at the current point of the contraction's axes:
/// how it is found or computed. One of the members says which.
///
/// Indices are by the axes of the contraction, but those of `tensor`.
struct Element {
  mlir::Value tensor;
  /// Where it is in the tensor, by the loops of the contraction.
  Indices indices;

  /// The contraction's own result.
  bool isProduct = false;
  /// Read from this operand of the kernel: element `base`, and `strides` (one
  /// an axis) further.
  std::optional<unsigned> operand;
  /// Read from this tensor once it is copied, in the same way.
  const TensorToCopy *copied = nullptr;
  BatchSize base;
  llvm::SmallVector<BatchSize> strides;
  /// The same everywhere: a scalar of the kernel, or a constant.
  mlir::Value scalar;
  mlir::TypedAttr constant;
  /// Result `result` of an elementwise op on `inputs`; null where the body does
  /// not read one.
  mlir::linalg::GenericOp op;
  unsigned result = 0;
  llvm::SmallVector<const Element *> inputs;
  /// Where each loop of `op` stands, if its body asks.
  Indices opIndices;
  /// The first of `inputs` where all bounds hold, else the second.
  llvm::SmallVector<Bound> bounds;

  /// The axes that it depends on, as bits, and kProductBit.
  uint32_t axes = 0;

  bool dependsOn(unsigned axis) const { return axes & (1u << axis); }
};

/// What an operand computes or pads as windows read it: worth copying to memory
/// part by part, since each element is read by several windows.
struct TensorToCopy {
  llvm::SmallVector<BatchSize> shape;
  /// Its element by its own dimensions: they are the axes, and the only ones.
  const Element *element = nullptr;
  /// Neighbours along the last two dimensions are neighbours wherever elements
  /// come from.
  bool hasWholeRows = false;

  /// Owns the elements.
  std::vector<std::unique_ptr<Element>> elements;
};

/// Terms are zero, because the left operand is padding there, where base +
/// rowStride * r + strideK * k is not in [0, size): r is the index of an axis
/// of rows, and `axisK` is at k * termsOfK and what follows.
struct ZeroTerms {
  unsigned rowAxis, axisK;
  int64_t base, rowStride, strideK, size;
  int64_t termsOfK;

  bool isZero(int64_t row, int64_t k) const {
    int64_t at = base + rowStride * row + strideK * k;
    return at < 0 || at >= size;
  }
};

constexpr int kNoLoop = -1;
constexpr uint32_t kProductBit = 1u << 31;
constexpr unsigned kMaxAxes = 31;

/// out[o.., m, n] = sum over all k of lhs[o.., m, k..] * rhs[o.., k.., n], and
/// results computed from out element by element. The axes are the outer ones,
/// then M, N and the innermost of K, then what of K is walked around that,
/// outermost first: a window's rows and columns, say.
struct Contraction {
  mlir::func::FuncOp kernel;
  mlir::FloatType type; // of the sum
  llvm::SmallVector<BatchSize> sizes;
  unsigned numOuter = 0;
  /// Terms of a sum: the product of the sizes of all axes of K.
  BatchSize numTerms;
  const Element *lhs = nullptr;
  const Element *rhs = nullptr;
  const Element *product = nullptr;
  llvm::SmallVector<const Element *> results;
  llvm::SmallVector<llvm::SmallVector<BatchSize>> resultStrides;
  /// Their first element: not 0 where the product is a part of them.
  BatchSize resultBase;
  /// Operations in the epilogue, for an element of the product.
  unsigned numEpilogueOps = 0;
  /// The left operand is read in windows: an index of it is a sum of loops.
  bool hasWindows = false;
  /// Of a left operand that is to be copied.
  llvm::SmallVector<ZeroTerms> zeroTerms;

  unsigned axisM() const { return numOuter; }
  unsigned axisN() const { return numOuter + 1; }
  unsigned axisK() const { return numOuter + 2; }
  /// Those of K that are walked around axisK(), outermost first.
  auto outerAxesK() const {
    return llvm::seq<unsigned>(axisK() + 1, sizes.size());
  }
  BatchSize m() const { return sizes[axisM()]; }
  BatchSize n() const { return sizes[axisN()]; }
  bool hasOneAxisK() const { return outerAxesK().empty(); }

  /// Pairs of an operand and a result whose elements are read and written by
  /// the same iteration only, and lie alike.
  llvm::SmallVector<std::pair<unsigned, unsigned>> mayAlias() const;

  /// What lies in the gaps beside the product, at the same axes: results of a
  /// product that is zero.
  std::vector<Contraction> gaps;

  /// Owns the elements.
  std::vector<std::unique_ptr<Element>> elements;
  std::unique_ptr<TensorToCopy> copied;
};

/// Whether neighbours of the element along `axis` can be read as vectors: all
/// that it is made of is contiguous or the same, and exists or does not.
bool isVectorAlong(const Element *element, unsigned axis);

/// How a scheduler would have a contraction described.
struct ContractionForm {
  /// An operand that windows read, and that does not lie in memory, is one to
  /// copy.
  bool copiesWindows = false;
  /// Each loop is an axis, though others may be walked together with it.
  bool hasAxisALoop = false;
};

/// Of a kernel with one product, which is all of its result.
mlir::FailureOr<Contraction> analyzeContraction(mlir::func::FuncOp kernel,
                                                Refusal &refusal,
                                                ContractionForm form = {});

/// One of the products, and of what surrounds them the part that is its own.
mlir::FailureOr<Contraction> analyzeProduct(mlir::func::FuncOp kernel,
                                            const Products &products,
                                            const Product &product,
                                            Refusal &refusal,
                                            ContractionForm form = {});

} // namespace nnc

#endif // NNC_CODEGEN_CONTRACTIONANALYSIS_H
