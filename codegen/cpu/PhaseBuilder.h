// What the phases of a contraction are written with: buffers as arguments,
// index arithmetic, and elements of tensors as scalars or vectors.
#ifndef NNC_CODEGEN_CPU_PHASEBUILDER_H
#define NNC_CODEGEN_CPU_PHASEBUILDER_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/Target.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

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

/// A phase under construction. The insertion point is the builder's.
class PhaseBuilder {
public:
  /// Inserts the phase's function after the kernel, or after `previous`.
  PhaseBuilder(const Contraction &contraction, mlir::Operation *previous,
               llvm::StringRef suffix);

  mlir::ImplicitLocOpBuilder &builder() { return b; }
  mlir::Location loc() { return b.getLoc(); }

  /// The argument for a buffer; added when first asked for.
  mlir::Value buffer(BufferRef ref, mlir::MemRefType type);
  mlir::Value operand(const Element &element);
  mlir::Value result(unsigned index);
  mlir::Value workspace(unsigned index);

  /// `count` elements of the contraction's type in this thread's scratch.
  mlir::Value scratch(int64_t offsetBytes, int64_t count);

  mlir::Value batch() { return body().getArgument(refs.size()); }
  mlir::Value begin() { return body().getArgument(refs.size() + 1); }
  mlir::Value end() { return body().getArgument(refs.size() + 2); }

  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, int64_t rhs) {
    return rhs ? add(lhs, constant(rhs)) : lhs;
  }
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, int64_t rhs) {
    return multiply(lhs, constant(rhs));
  }
  mlir::Value divide(mlir::Value lhs, int64_t rhs);
  mlir::Value divideUp(mlir::Value lhs, int64_t rhs);
  mlir::Value minimum(mlir::Value lhs, mlir::Value rhs);
  mlir::Value less(mlir::Value lhs, mlir::Value rhs);
  mlir::Value value(BatchSize product);

  /// Elements before the point along all axes whose index is given.
  mlir::Value offset(llvm::ArrayRef<BatchSize> strides,
                     llvm::ArrayRef<mlir::Value> indices);

  /// The first `count` of `lanes`; all or none where it is beyond them.
  mlir::Value mask(mlir::Value count, int64_t lanes);

  /// The element at `point`: a scalar where it is the same in all lanes.
  mlir::Value element(const Element *element, const Point &point,
                      ElementCache &cache);

  /// Emits now what `element` needs and no axis changes.
  void emitUniform(const Element *element);

  /// Emits `emitBody` for [from, to) in steps.
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> emitBody);
  /// Emits `emitBody` under a condition; only where it is known to hold, or
  /// nothing.
  void when(mlir::Value condition, llvm::function_ref<void()> emitBody);

  Phase finish(Extent extent, int64_t grain,
               llvm::ArrayRef<std::pair<unsigned, unsigned>> mayAlias);

private:
  mlir::Block &body() { return function.getBody().front(); }
  mlir::Value emitGeneric(const Element *element, const Point &point,
                          ElementCache &cache);

  const Contraction &contraction;
  mlir::ImplicitLocOpBuilder b;
  mlir::func::FuncOp function;
  llvm::SmallVector<BufferRef> refs;
  mlir::IRMapping scalars;
  ElementCache uniform;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_PHASEBUILDER_H
