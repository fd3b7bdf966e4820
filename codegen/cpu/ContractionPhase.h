// What the phases of a contraction are written with: a phase for the CPU, and
// elements of tensors as scalars or vectors.
#ifndef NNC_CODEGEN_CPU_CONTRACTIONPHASE_H
#define NNC_CODEGEN_CPU_CONTRACTIONPHASE_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/CpuPhase.h"

namespace nnc {

/// Where elements are taken: an index an axis (null if no element asked for
/// depends on it), or along `vectorAxis` the first of `lanes` neighbours.
struct Point {
  llvm::SmallVector<mlir::Value> indices;
  int vectorAxis = kNoLoop;
  int64_t lanes = 1;
  mlir::Value mask; // lanes that exist; null means all
};

/// Elements already emitted, at one point or at all.
using ElementCache = llvm::DenseMap<const Element *, mlir::Value>;

class ContractionPhase : public CpuPhase {
public:
  /// Inserts the phase's function after the kernel, or after `previous`.
  ContractionPhase(mlir::ImplicitLocOpBuilder &b,
                   const Contraction &contraction, mlir::Operation *previous,
                   llvm::StringRef suffix)
      : CpuPhase(b, contraction.kernel, previous, suffix),
        contraction(contraction) {}

  mlir::Location loc() { return b.getLoc(); }

  mlir::Value operand(const Element &element);
  mlir::Value result(unsigned index);
  mlir::Value workspace(unsigned index);
  using CpuPhase::scratch;
  /// `count` elements of the contraction's type in this thread's scratch.
  mlir::Value scratch(int64_t offsetBytes, int64_t count);

  /// Elements before the point along all axes whose index is given.
  mlir::Value offset(llvm::ArrayRef<BatchSize> strides,
                     llvm::ArrayRef<mlir::Value> indices);
  /// Writes all results at `point`, of `product` there and what is known
  /// already of the point, and those in the gaps beside it. Everything is read
  /// before anything is written: results may lie where operands do.
  void storeResults(const Point &point, mlir::Value product,
                    ElementCache cache = ElementCache());

  /// Whether `point` lies within `bound`.
  mlir::Value isWithin(const Bound &bound, const Point &point);

  /// The element at `point`: a scalar where it is the same in all lanes.
  mlir::Value element(const Element *element, const Point &point,
                      ElementCache &cache);

  /// Asks for an operand's element at `point`, to be read soon.
  void prefetch(const Element &element, const Point &point);

  /// The same in the type of the sums, and in all lanes if the point has some.
  mlir::Value factor(const Element *element, const Point &point);

  /// `emitBody` for [0, count), some at a time: where a body is a load and a
  /// store, the loop around it would cost as much.
  void unrolledLoop(mlir::Value count,
                    llvm::function_ref<void(mlir::Value)> emitBody);

  /// Emits now what `element` needs and no axis changes.
  void emitUniform(const Element *element);

  /// Ends the function, with what its buffers may share.
  Phase finish(Extent extent, int64_t grain,
               llvm::ArrayRef<std::pair<unsigned, unsigned>> mayAlias);

private:
  mlir::Value placeOf(const Element &element, const Point &point);
  mlir::Value emitGeneric(const Element *element, const Point &point,
                          ElementCache &cache);
  mlir::Value emitPadded(const Element *element, const Point &point,
                         const ElementCache &cache);

  const Contraction &contraction;
  ElementCache uniform;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_CONTRACTIONPHASE_H
