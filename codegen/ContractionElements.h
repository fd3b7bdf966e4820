// The elements around a product: how each is found or computed, as a tree that
// is built by loops and then told by axes.
#ifndef NNC_CODEGEN_CONTRACTIONELEMENTS_H
#define NNC_CODEGEN_CONTRACTIONELEMENTS_H

#include "codegen/ContractionAnalysis.h"

namespace nnc {

/// Builds elements by the loops of some sizes, which outlive it.
class ElementBuilder {
public:
  ElementBuilder(llvm::ArrayRef<BatchSize> loopSizes, Refusal &refusal)
      : loopSizes(loopSizes), refusal(refusal) {}

  /// The element of `tensor` at `indices`; null if it is nothing that an
  /// emitter can produce.
  const Element *build(mlir::Value tensor, const Indices &indices);
  /// The element of a tensor that is to be copied, which `copied` describes.
  const Element *buildCopied(mlir::Value tensor, const Indices &indices,
                             TensorToCopy &copied);
  /// What isProduct() elements are.
  void setProduct(mlir::Value tensor, Indices indices) {
    product = tensor;
    productIndices = std::move(indices);
  }

  /// Every place and bound that loops step through.
  llvm::SmallVector<LinearIndex> walked() const;
  /// From loops to axes, of which each has loops, outermost first.
  void setAxes(llvm::ArrayRef<llvm::SmallVector<int>> axisLoops);

  std::vector<std::unique_ptr<Element>> elements;
  /// An op around the product asks for indices of loops.
  bool readsIndices = false;

private:
  mlir::LogicalResult fillFrom(Element &element, const Access &access);
  mlir::LogicalResult buildPadded(Element &element, Access access);
  mlir::LogicalResult buildGeneric(Element &element, mlir::linalg::GenericOp op,
                                   const Indices &indices);
  void setAxesOf(Element &element,
                 llvm::ArrayRef<llvm::SmallVector<int>> axisLoops);

  llvm::ArrayRef<BatchSize> loopSizes;
  Refusal &refusal;
  mlir::Value product;
  Indices productIndices;
  /// Of the elements that lie in memory, in their order.
  llvm::SmallVector<LinearIndex> places;
};

/// An index of loops as one of axes.
LinearIndex byAxis(const LinearIndex &index,
                   llvm::ArrayRef<llvm::SmallVector<int>> axisLoops);

/// Whether the element's indices step with the loop.
bool readsLoop(const Element *element, int loop);

} // namespace nnc

#endif // NNC_CODEGEN_CONTRACTIONELEMENTS_H
