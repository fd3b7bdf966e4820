// Arithmetic of 16 bits, which is in f32, rounded where it is stored or
// compared and not after each operation.
#include "codegen/cuda/WideArithmetic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace nnc;

/// Sums, products and functions whose roundings nothing else undoes: the
/// exponential of a logarithm that was rounded is better rounded, too.
static bool isSmooth(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp,
             math::TanhOp, math::ErfOp>(op);
}

static bool is16Bit(Type type) {
  return getElementTypeOrSelf(type).getIntOrFloatBitWidth() == 16;
}

namespace {
class Widening {
public:
  void visit(Operation *op);
  void eraseUnused();

private:
  bool is16BitValue(Value value) const;
  void skipRounding(arith::ExtFOp op);

  /// Results in f32 of operations of 16 bits.
  llvm::DenseSet<Value> results;
  SmallVector<arith::ExtFOp> skipped;
};
} // namespace

/// Whether a value in f32 stands for one of 16 bits.
bool Widening::is16BitValue(Value value) const {
  auto widened = value.getDefiningOp<arith::ExtFOp>();
  return (widened && is16Bit(widened.getIn().getType())) ||
         value.getDefiningOp<arith::ConstantOp>() || results.contains(value);
}

/// Of a rounding that the program asks for by a cast, the operand is none of 16
/// bits.
void Widening::skipRounding(arith::ExtFOp op) {
  auto rounded = op.getIn().getDefiningOp<arith::TruncFOp>();
  if (!rounded || rounded.getIn().getType() != op.getType() ||
      !results.contains(rounded.getIn()))
    return;
  op.getResult().replaceUsesWithIf(
      rounded.getIn(), [](OpOperand &use) { return isSmooth(use.getOwner()); });
  skipped.push_back(op);
}

void Widening::visit(Operation *op) {
  if (auto widened = dyn_cast<arith::ExtFOp>(op))
    return skipRounding(widened);
  if (!isSmooth(op) || !getElementTypeOrSelf(op->getResult(0)).isF32() ||
      !llvm::all_of(op->getOperands(),
                    [&](Value operand) { return is16BitValue(operand); }))
    return;
  results.insert(op->getResult(0));
  auto roundsToBf16 = [](Operation *user) {
    auto rounding = dyn_cast<arith::TruncFOp>(user);
    return rounding && getElementTypeOrSelf(rounding.getType()).isBF16();
  };
  // It is off by 2^-11 of itself, a quarter of what rounding may be off by.
  if (auto tanh = dyn_cast<math::TanhOp>(op);
      tanh && llvm::any_of(op->getUsers(), roundsToBf16))
    tanh.setFastmath(arith::FastMathFlags::afn);
}

void Widening::eraseUnused() {
  for (arith::ExtFOp op : skipped) {
    auto rounded = op.getIn().getDefiningOp<arith::TruncFOp>();
    if (!op->use_empty())
      continue;
    op.erase();
    if (rounded->use_empty())
      rounded.erase();
  }
}

void nnc::keepWide(func::FuncOp phase) {
  Widening widening;
  phase.walk<WalkOrder::PreOrder>([&](Operation *op) { widening.visit(op); });
  widening.eraseUnused();
}
