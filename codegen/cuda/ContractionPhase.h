// What the phases of a contraction on a GPU are written with: elements of
// tensors at points of its axes, and groups of axes counted as one.
#ifndef NNC_CODEGEN_CUDA_CONTRACTIONPHASE_H
#define NNC_CODEGEN_CUDA_CONTRACTIONPHASE_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cuda/GpuPhase.h"

namespace nnc {

/// Axes as one, outermost first.
struct AxisGroup {
  llvm::SmallVector<unsigned> axes;
  BatchSize size = BatchSize(1);

  bool isOne() const { return size.isOne(); }
};

/// The axes of a contraction by the operands that depend on them.
struct ContractionAxes {
  /// Of both operands; of the left one; of the right one; summed over.
  AxisGroup outer, rows, columns, summed;
};

/// Fails with a reason where a group's size depends on the batch squared.
mlir::FailureOr<ContractionAxes> groupAxes(const Contraction &contraction,
                                           Refusal &refusal);

/// Where elements are taken: an index an axis, or along `vectorAxis` the first
/// of `lanes` neighbours.
struct GpuPoint {
  llvm::SmallVector<mlir::Value> indices;
  /// The number in a group that indices of its axes were made of: where a
  /// tensor walks through all of them in one stride, it is as good.
  llvm::SmallVector<std::pair<const AxisGroup *, mlir::Value>, 4> numbers;
  int vectorAxis = kNoLoop;
  int64_t lanes = 1;
  /// What of a place these axes (as bits) make is computed before `loop`, which
  /// does not change their indices.
  uint32_t outsideAxes = 0;
  mlir::Operation *loop = nullptr;
};

/// Elements already emitted at one point.
using GpuElementCache = llvm::DenseMap<const Element *, mlir::Value>;

/// How many neighbours of the element along `axis` can be read, and written, as
/// one vector: a power of two up to `maxLanes`. Buffers are aligned.
int64_t vectorLanes(const Contraction &contraction, const Element *element,
                    unsigned axis, int64_t maxLanes);

/// The same of the results and all that the epilogue reads.
int64_t resultLanes(const Contraction &contraction, unsigned axis,
                    int64_t maxLanes);

/// Whether vectors of the element along `axis` are what a tensor holds, or the
/// zeros around it.
bool isCopy(const Element *element, unsigned axis);

class GpuContractionPhase : public GpuPhase {
public:
  GpuContractionPhase(mlir::ImplicitLocOpBuilder &b,
                      const Contraction &contraction, mlir::Operation *previous,
                      const llvm::Twine &suffix)
      : GpuPhase(b, contraction.kernel, previous, suffix),
        contraction(contraction) {}

  /// Sets the indices of the group's axes at element `number` of all, `further`
  /// ones behind it on the innermost axis, which is that long.
  void locate(const AxisGroup &group, mlir::Value number, GpuPoint &point,
              mlir::Value further = {});
  /// A point with every axis at 0.
  GpuPoint origin();

  /// The element at `point`: a scalar where it is the same in all lanes.
  mlir::Value element(const Element *element, const GpuPoint &point,
                      GpuElementCache &cache);
  /// The element where `condition` holds and it lies within its bounds, else
  /// zero; a vector where the point has several lanes.
  mlir::Value elementOrZero(const Element *element, const GpuPoint &point,
                            mlir::Value condition);
  /// Begins to copy the same, a vector of an element that `isCopy`, to shared
  /// memory from element `at` on.
  void beginCopy(const Element *element, const GpuPoint &point,
                 mlir::Value condition, mlir::Value memory, mlir::Value at);
  /// Computes all results from the product at `point`, and stores them.
  void storeResults(mlir::Value product, const GpuPoint &point);

  /// Sums that a later phase adds up: the first workspace, part after part.
  mlir::Value partialSums();
  /// A number or a vector, from element `at` of a buffer on.
  void storeAt(mlir::Value value, mlir::Value memory, mlir::Value at);
  /// The sum of `numParts` parts of `size` elements each, of `lanes` elements
  /// from `at` on, in the order of the parts.
  mlir::Value addParts(int64_t numParts, BatchSize size, mlir::Value at,
                       int64_t lanes);

  mlir::Value zero(mlir::Type type, int64_t lanes);
  /// Whether `number` is below `size`: always, where that is a whole number of
  /// tiles.
  mlir::Value isWithin(mlir::Value number, BatchSize size, int64_t tile);

private:
  mlir::Value place(const LinearIndex &index, const GpuPoint &point);
  mlir::Value laneIndex(const LinearIndex &index, const GpuPoint &point);
  mlir::Value isInside(const Element *element, const GpuPoint &point);
  mlir::Value emitOperand(const Element *element, const GpuPoint &point);
  mlir::Value emitGeneric(const Element *element, const GpuPoint &point,
                          GpuElementCache &cache);
  mlir::Value emitPadded(const Element *element, const GpuPoint &point,
                         const GpuElementCache &cache);
  mlir::Value inAllLanes(mlir::Value value, const GpuPoint &point);

  const Contraction &contraction;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CONTRACTIONPHASE_H
