// What the records of Ops.td leave to C++: a shape rule, a gradient, and how
// primitives become linalg.
#include "Ops.h"

#include <nnc/compiler/codegen/lower/KernelBuilder.h>
#include <nnc/compiler/ir/Expr.h>
#include <nnc/compiler/ir/Initializer.h>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace extra {
static nnc::TypeOrFailure inferCumsum(const nnc::OpSite &site,
                                      RankedTensorType x);
} // namespace extra

#include "Dialect.cpp.inc"
#define GET_OP_CLASSES
#include "Ops.cpp.inc"

namespace extra {

void ExtraDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "Ops.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// center
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<nnc::LayerParameter>>
CenterOp::getLayerParameters(Location loc, ValueRange given, DictionaryAttr) {
  nnc::OpSite site(loc, "extra.center");
  auto x = given.empty() ? RankedTensorType()
                         : dyn_cast<RankedTensorType>(given[0].getType());
  if (!x || x.getRank() < 2 || !x.isDynamicDim(0) || x.getNumDynamicDims() != 1)
    return site.error() << "needs its operand 'x', with the batch first and a "
                           "feature or more";
  auto features =
      RankedTensorType::get(x.getShape().drop_front(), x.getElementType());
  return SmallVector<nnc::LayerParameter>{
      {"mean", features, nnc::makeInitializer(loc->getContext(), "zeros")}};
}

//===----------------------------------------------------------------------===//
// square
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> SquareOp::lowerToLinalg(nnc::KernelBuilder &b,
                                                      ValueRange operands) {
  auto body = [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
    return arith::MulFOp::create(b, x[0], x[0]);
  };
  auto type = cast<RankedTensorType>(operands[0].getType());
  return SmallVector<Value>{b.elementwise(type, operands, body)};
}

//===----------------------------------------------------------------------===//
// cumsum
//===----------------------------------------------------------------------===//

static nnc::TypeOrFailure inferCumsum(const nnc::OpSite &site,
                                      RankedTensorType x) {
  if (x.getRank() == 0)
    return site.error() << "x is a scalar: there is no axis to sum along";
  if (x.isDynamicDim(x.getRank() - 1))
    return site.error() << "x is " << nnc::printType(x)
                        << ": its last axis is the batch, whose samples are "
                           "independent";
  return x;
}

FailureOr<SmallVector<Value>> CumsumOp::buildGradient(OpBuilder &builder,
                                                      ValueRange upstream) {
  return SmallVector<Value>{
      CumsumOp::create(builder, getLoc(), upstream[0], !getReverse())};
}

/// The sums of one row, written into `row` of `sums`.
static Value sumRow(ImplicitLocOpBuilder b, Value x, ValueRange row, Value sums,
                    int64_t size, bool reverse) {
  Type elementType = getElementTypeOrSelf(x.getType());
  Value first = arith::ConstantIndexOp::create(b, 0);
  Value last = arith::ConstantIndexOp::create(b, size - 1);
  Value end = arith::ConstantIndexOp::create(b, size);
  Value one = arith::ConstantIndexOp::create(b, 1);
  // f16 and bf16 are computed in f32.
  Value zero =
      nnc::scalarConstant(b, nnc::computeType(elementType), /*value=*/0);
  auto body = [&](OpBuilder &builder, Location loc, Value i,
                  ValueRange carried) {
    ImplicitLocOpBuilder b(loc, builder);
    SmallVector<Value> place(row);
    place.push_back(reverse ? arith::SubIOp::create(b, last, i).getResult()
                            : i);
    Value element = nnc::widen(b, tensor::ExtractOp::create(b, x, place));
    Value sum = arith::AddFOp::create(b, carried[0], element);
    Value next = tensor::InsertOp::create(b, nnc::narrow(b, sum, elementType),
                                          carried[1], place);
    scf::YieldOp::create(b, ValueRange{sum, next});
  };
  return scf::ForOp::create(b, first, end, one, ValueRange{zero, sums}, body)
      .getResult(1);
}

FailureOr<SmallVector<Value>> CumsumOp::lowerToLinalg(nnc::KernelBuilder &b,
                                                      ValueRange operands) {
  auto type = cast<RankedTensorType>(operands[0].getType());
  ArrayRef<int64_t> outer = type.getShape().drop_back();
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> begins(outer.size(), zero), steps(outer.size(), one), ends;
  for (int64_t size : outer)
    ends.push_back(b.sizeValue(size)); // the batch where it is dynamic
  auto body = [&](OpBuilder &builder, Location loc, ValueRange row,
                  ValueRange sums) -> scf::ValueVector {
    return {sumRow(ImplicitLocOpBuilder(loc, builder), operands[0], row,
                   sums[0], type.getShape().back(), getReverse())};
  };
  return SmallVector<Value>(scf::buildLoopNest(b, b.getLoc(), begins, ends,
                                               steps, b.empty(type), body)
                                .results);
}

//===----------------------------------------------------------------------===//
// sign_descent
//===----------------------------------------------------------------------===//

ArrayRef<StringRef> SignDescentOp::getSlots() { return {}; }

} // namespace extra
