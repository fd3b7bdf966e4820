// Reductions: a fill with the neutral element, then one linalg.generic.
#include "codegen/KernelForms.h"
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The loop nest over an operand, and how its result is addressed in it.
struct ReductionLoops {
  SmallVector<AffineMap> maps; // operand, result
  SmallVector<utils::IteratorType> iterators;
};

static ReductionLoops reductionLoops(KernelBuilder &b, unsigned rank,
                                     ArrayRef<int64_t> axes, bool keepDims) {
  ReductionLoops loops;
  SmallVector<AffineExpr> kept;
  for (unsigned i = 0; i < rank; ++i) {
    bool isReduced = llvm::is_contained(axes, int64_t(i));
    loops.iterators.push_back(isReduced ? utils::IteratorType::reduction
                                        : utils::IteratorType::parallel);
    if (!isReduced)
      kept.push_back(b.getAffineDimExpr(i));
    else if (keepDims)
      kept.push_back(b.getAffineConstantExpr(0));
  }
  loops.maps = {b.getMultiDimIdentityMap(rank),
                AffineMap::get(rank, 0, kept, b.getContext())};
  return loops;
}

/// An op that combines its elements by `CombineOp`, starting at `neutral`.
template <typename Op, typename CombineOp>
static void addReduction(Lowerings &lowerings, double neutral) {
  lowerings.add<Op>([neutral](KernelBuilder &b, Op op,
                              ValueRange operands) -> FailureOr<Value> {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto operandType = cast<RankedTensorType>(operands[0].getType());
    ReductionLoops loops = reductionLoops(
        b, operandType.getRank(), op.getReducedAxes(), op.getKeepDims());
    // 16-bit floats are combined in f32 and rounded once.
    Type combined = computeType(type.getElementType());
    Value init =
        b.fill(type.clone(combined), scalarConstant(b, combined, neutral));
    Value y =
        b.generic(operands, init, loops.maps, loops.iterators,
                  [](ImplicitLocOpBuilder &b, ValueRange x) {
                    return SmallVector<Value>{CombineOp::create(b, x[1], x[0])};
                  })
            .front();
    if (combined == type.getElementType())
      return y;
    return b.elementwise(
        type, y, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
  });
}

/// Two results: the largest value so far, and where it was. The first of equals
/// stays, because only a larger value replaces it.
static FailureOr<Value> lowerArgmax(KernelBuilder &b, ArgmaxOp op,
                                    ValueRange operands) {
  auto type = cast<RankedTensorType>(op.getY().getType());
  auto operandType = cast<RankedTensorType>(operands[0].getType());
  int64_t axis = op.getResolvedAxis();
  ReductionLoops loops =
      reductionLoops(b, operandType.getRank(), axis, /*keepDims=*/false);
  loops.maps.push_back(loops.maps.back());

  Type valueType = computeType(operandType.getElementType());
  Type indexType = type.getElementType();
  Value values =
      b.fill(type.clone(valueType), scalarConstant(b, valueType, -kInfinity));
  Value indices = b.fill(type, scalarConstant(b, indexType, 0));
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    Value here = arith::IndexCastOp::create(b, indexType,
                                            linalg::IndexOp::create(b, axis));
    Value isLarger =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x[0], x[1]);
    Value value = arith::SelectOp::create(b, isLarger, x[0], x[1]);
    Value index = arith::SelectOp::create(b, isLarger, here, x[2]);
    return SmallVector<Value>{value, index};
  };
  Value y = b.generic(operands, ValueRange{values, indices}, loops.maps,
                      loops.iterators, body)
                .back();
  setArgMaximumForm(y.getDefiningOp<linalg::GenericOp>());
  return y;
}

/// The product of the sizes, computed outside of any loop.
static FailureOr<Value> lowerSize(KernelBuilder &b, SizeOp op,
                                  ValueRange operands) {
  auto type = cast<RankedTensorType>(op.getY().getType());
  auto shape = cast<RankedTensorType>(op.getX().getType()).getShape();
  int64_t product = 1;
  bool isDynamic = false;
  for (int64_t axis : op.getReducedAxes()) {
    isDynamic |= ShapedType::isDynamic(shape[axis]);
    product *= ShapedType::isDynamic(shape[axis]) ? 1 : shape[axis];
  }
  Value count = arith::ConstantIntOp::create(b, product, 64);
  if (isDynamic) {
    Value batch = arith::IndexCastOp::create(b, b.getI64Type(), b.batch);
    count = arith::MulIOp::create(b, batch, count);
  }
  Type scalar = type.getElementType();
  Value size = arith::SIToFPOp::create(b, computeType(scalar), count);
  return b.fill(type, narrow(b, size, scalar));
}

void nnc::addReductionLowerings(Lowerings &lowerings) {
  addReduction<SumOp, arith::AddFOp>(lowerings, 0);
  addReduction<ReduceMaxOp, arith::MaximumFOp>(lowerings, -kInfinity);
  addReduction<ReduceMinOp, arith::MinimumFOp>(lowerings, kInfinity);
  lowerings.add<ArgmaxOp>(lowerArgmax);
  lowerings.add<SizeOp>(lowerSize);
}
