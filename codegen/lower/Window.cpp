// Windows: reductions over the places of a window, of an operand that is padded
// where windows reach over its borders. Their transposes gather: each element
// goes through the windows that cover it, in a fixed order, so that nothing is
// added up by several threads and no zero is multiplied.
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Loops: n, spatial.., c, and then one for the window of each dimension
//===----------------------------------------------------------------------===//

namespace {
/// The loops around and in a window, and where in its operand they read.
struct WindowLoops {
  Builder &b;
  ArrayRef<int64_t> resultShape; // [n, spatial.., c]
  SmallVector<int64_t> innerRanges, low, high;
  SmallVector<AffineExpr> read;

  size_t numSpatial() const { return resultShape.size() - 2; }
  unsigned spatialLoop(unsigned dim) const { return 1 + dim; }
  unsigned innerLoop(unsigned dim) const { return resultShape.size() + dim; }

  /// Reads a dimension of `extent` elements at `index`, which runs from `least`
  /// to `most`.
  void addDim(AffineExpr index, int64_t least, int64_t most, int64_t extent) {
    low.push_back(std::max<int64_t>(0, -least));
    high.push_back(std::max<int64_t>(0, most + 1 - extent));
    read.push_back(index + low.back());
  }

  AffineMap map(ArrayRef<AffineExpr> indices) const {
    return AffineMap::get(resultShape.size() + numSpatial(), 0, indices,
                          b.getContext());
  }
  AffineMap readMap() const {
    SmallVector<AffineExpr> indices{b.getAffineDimExpr(0)};
    llvm::append_range(indices, read);
    indices.push_back(b.getAffineDimExpr(resultShape.size() - 1));
    return map(indices);
  }
  AffineMap loopMap(unsigned first, unsigned count) const {
    SmallVector<AffineExpr> indices;
    for (unsigned loop = first; loop < first + count; ++loop)
      indices.push_back(b.getAffineDimExpr(loop));
    return map(indices);
  }
  AffineMap resultMap() const { return loopMap(0, resultShape.size()); }
  AffineMap innerMap() const {
    return loopMap(resultShape.size(), numSpatial());
  }
};
} // namespace

/// Each position of the windows goes through its elements.
static WindowLoops loopsOver(Builder &b, ArrayRef<int64_t> operandShape,
                             ArrayRef<int64_t> resultShape,
                             const Windows &windows) {
  WindowLoops loops{b, resultShape, windows.sizes, {}, {}, {}};
  for (size_t dim = 0; dim < loops.numSpatial(); ++dim) {
    int64_t stride = windows.strides[dim], low = windows.low[dim];
    AffineExpr index =
        b.getAffineDimExpr(loops.spatialLoop(dim)) * stride +
        b.getAffineDimExpr(loops.innerLoop(dim)) * windows.dilations[dim] - low;
    int64_t last = (resultShape[1 + dim] - 1) * stride - low;
    loops.addDim(index, -low, last + windows.reach(dim) - 1,
                 operandShape[1 + dim]);
  }
  return loops;
}

/// Each element i of the result goes through the positions that may cover it:
/// those from (i + low) / stride down; without a stride, one for each place of
/// the window.
static WindowLoops loopsCovering(Builder &b, ArrayRef<int64_t> operandShape,
                                 ArrayRef<int64_t> resultShape,
                                 const Windows &windows) {
  WindowLoops loops{b, resultShape, {}, {}, {}, {}};
  for (size_t dim = 0; dim < loops.numSpatial(); ++dim) {
    int64_t stride = windows.strides[dim], low = windows.low[dim];
    bool isDense = stride == 1;
    int64_t range = isDense ? windows.sizes[dim]
                            : llvm::divideCeil(windows.reach(dim), stride);
    int64_t step = isDense ? windows.dilations[dim] : 1;
    AffineExpr first =
        (b.getAffineDimExpr(loops.spatialLoop(dim)) + low).floorDiv(stride);
    int64_t last = (resultShape[1 + dim] - 1 + low) / stride;
    loops.innerRanges.push_back(range);
    loops.addDim(first - b.getAffineDimExpr(loops.innerLoop(dim)) * step,
                 low / stride - (range - 1) * step, last,
                 operandShape[1 + dim]);
  }
  return loops;
}

/// `x` with as much of `value` around its spatial dimensions as the loops read.
static Value padFor(KernelBuilder &b, Value x, const WindowLoops &loops,
                    double value) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> shape(type.getShape()), offsets(shape.size(), 0);
  for (auto [dim, low] : llvm::enumerate(loops.low)) {
    shape[1 + dim] += low + loops.high[dim];
    offsets[1 + dim] = low;
  }
  if (ArrayRef<int64_t>(shape) == type.getShape())
    return x;
  auto padded = RankedTensorType::get(shape, type.getElementType());
  Value filled =
      b.fill(padded, scalarConstant(b, type.getElementType(), value));
  SmallVector<int64_t> ones(shape.size(), 1);
  return tensor::InsertSliceOp::create(
      b, x, filled, getAsIndexOpFoldResult(b.getContext(), offsets),
      b.sizes(type.getShape()), getAsIndexOpFoldResult(b.getContext(), ones));
}

/// An input of a window's body.
struct WindowInput {
  Value tensor;
  bool isPlain = false; // read where the result is
};

/// Reduces the window of each element, from `inits` on.
static SmallVector<Value> reduceWindows(KernelBuilder &b,
                                        const WindowLoops &loops,
                                        ArrayRef<WindowInput> windowInputs,
                                        ValueRange inits,
                                        KernelBuilder::Body body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const WindowInput &input : windowInputs) {
    inputs.push_back(input.tensor);
    maps.push_back(input.isPlain ? loops.resultMap() : loops.readMap());
  }
  // It is there for its shape alone, which the innermost loops go through.
  inputs.push_back(
      b.empty(RankedTensorType::get(loops.innerRanges, b.getF32Type())));
  maps.push_back(loops.innerMap());
  maps.append(inits.size(), loops.resultMap());
  SmallVector<utils::IteratorType> iterators(loops.resultShape.size(),
                                             utils::IteratorType::parallel);
  iterators.append(loops.numSpatial(), utils::IteratorType::reduction);
  return b.generic(inputs, inits, maps, iterators, body);
}

/// What was computed in its compute type, as elements of `type`.
static Value narrowAll(KernelBuilder &b, Value computed,
                       RankedTensorType type) {
  auto narrowOne = [&](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
    if (isa<IntegerType>(type.getElementType()))
      return arith::TruncIOp::create(b, type.getElementType(), x[0]);
    return x[0];
  };
  return computed.getType() == type ? computed
                                    : b.elementwise(type, computed, narrowOne);
}

/// A tensor of the result's shape that holds `value`, in the compute type.
static Value start(KernelBuilder &b, RankedTensorType type, double value) {
  Type element = computeType(type.getElementType());
  return b.fill(type.clone(element), scalarConstant(b, element, value));
}

//===----------------------------------------------------------------------===//
// Places in a window
//===----------------------------------------------------------------------===//

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

/// a * factor + b, where the factor is known.
static Value multiplyAdd(ImplicitLocOpBuilder &b, Value a, int64_t factor,
                         Value other) {
  if (factor != 1)
    a = arith::MulIOp::create(b, a, index(b, factor));
  return other ? arith::AddIOp::create(b, a, other) : a;
}

/// The row-major number of the place, as an i32, from one index a dimension.
static Value placeNumber(ImplicitLocOpBuilder &b, ArrayRef<Value> places,
                         const Windows &windows) {
  Value number = places.front();
  for (size_t dim = 1; dim < places.size(); ++dim)
    number = multiplyAdd(b, number, windows.sizes[dim], places[dim]);
  return arith::IndexCastOp::create(b, b.getI32Type(), number);
}

static Value innerIndex(ImplicitLocOpBuilder &b, const WindowLoops &loops,
                        unsigned dim) {
  return linalg::IndexOp::create(b, loops.innerLoop(dim));
}

namespace {
/// Where in a window that may cover an element the element is.
struct Covering {
  /// A place a dimension; its number is right only where `isCovered`.
  SmallVector<Value> places;
  /// Null where every window of the loops covers the element.
  Value isCovered;
};
} // namespace

/// In a dimension with a stride, the element is (i + low) mod stride behind the
/// first of the positions, and as many strides as the loop says.
static Covering findCovering(ImplicitLocOpBuilder &b, const WindowLoops &loops,
                             const Windows &windows) {
  Covering covering;
  auto require = [&](Value condition) {
    covering.isCovered =
        covering.isCovered
            ? Value(arith::AndIOp::create(b, covering.isCovered, condition))
            : condition;
  };
  for (unsigned dim = 0; dim < loops.numSpatial(); ++dim) {
    int64_t stride = windows.strides[dim], dilation = windows.dilations[dim];
    Value inner = innerIndex(b, loops, dim);
    if (stride == 1) {
      covering.places.push_back(inner);
      continue;
    }
    Value at = linalg::IndexOp::create(b, loops.spatialLoop(dim));
    if (windows.low[dim])
      at = arith::AddIOp::create(b, at, index(b, windows.low[dim]));
    Value rest = arith::RemUIOp::create(b, at, index(b, stride));
    Value behind = multiplyAdd(b, inner, stride, rest);
    if (loops.innerRanges[dim] * stride > windows.reach(dim))
      require(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, behind,
                                    index(b, windows.reach(dim))));
    if (dilation > 1) {
      Value off = arith::RemUIOp::create(b, behind, index(b, dilation));
      require(
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, off, index(b, 0)));
      behind = arith::DivUIOp::create(b, behind, index(b, dilation));
    }
    covering.places.push_back(behind);
  }
  return covering;
}

/// `value` where `condition` holds, if it is given, else 0.
static Value orZero(ImplicitLocOpBuilder &b, Value condition, Value value) {
  if (!condition)
    return value;
  return arith::SelectOp::create(b, condition, value,
                                 scalarConstant(b, value.getType(), 0));
}

/// Positions as they are compared: i32.
static Value toI32(ImplicitLocOpBuilder &b, Value position, bool isUnsigned) {
  unsigned width = position.getType().getIntOrFloatBitWidth();
  if (width > 32)
    return arith::TruncIOp::create(b, b.getI32Type(), position);
  if (width == 32)
    return position;
  return isUnsigned
             ? Value(arith::ExtUIOp::create(b, b.getI32Type(), position))
             : Value(arith::ExtSIOp::create(b, b.getI32Type(), position));
}

//===----------------------------------------------------------------------===//
// The ops
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value x) {
  return cast<RankedTensorType>(x.getType()).getShape();
}

/// Combines the elements of each window by `CombineOp`.
template <typename Op, typename CombineOp>
static void addWindowReduction(Lowerings &lowerings, double neutral) {
  lowerings.add<Op>([neutral](KernelBuilder &b, Op op,
                              ValueRange operands) -> FailureOr<Value> {
    RankedTensorType type = resultType(op);
    WindowLoops loops =
        loopsOver(b, shapeOf(operands[0]), type.getShape(), op.getWindows());
    Value x = padFor(b, operands[0], loops, neutral);
    auto body = [](ImplicitLocOpBuilder &b, ValueRange x) {
      return SmallVector<Value>{CombineOp::create(b, x.back(), x.front())};
    };
    Value y =
        reduceWindows(b, loops, {{x}}, start(b, type, neutral), body).front();
    return narrowAll(b, y, type);
  });
}

/// The largest value so far, and where it was. The first of equals stays,
/// because only a larger value replaces it.
static FailureOr<Value> lowerArgmax(KernelBuilder &b, WindowArgmaxOp op,
                                    ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows windows = op.getWindows();
  WindowLoops loops =
      loopsOver(b, shapeOf(operands[0]), type.getShape(), windows);
  Value x = padFor(b, operands[0], loops, -kInfinity);
  auto values = type.clone(computeType(getElementTypeOrSelf(x.getType())));
  Value inits[] = {start(b, values, -kInfinity),
                   start(b, type.clone(b.getI32Type()), 0)};
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    SmallVector<Value> places;
    for (unsigned dim = 0; dim < loops.numSpatial(); ++dim)
      places.push_back(innerIndex(b, loops, dim));
    Value here = placeNumber(b, places, windows);
    Value isLarger =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x[0], x[2]);
    return SmallVector<Value>{arith::SelectOp::create(b, isLarger, x[0], x[2]),
                              arith::SelectOp::create(b, isLarger, here, x[3])};
  };
  Value y = reduceWindows(b, loops, {{x}}, inits, body).back();
  return narrowAll(b, y, type);
}

static FailureOr<Value> lowerSpread(KernelBuilder &b, WindowSpreadOp op,
                                    ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows windows = op.getWindows();
  WindowLoops loops =
      loopsCovering(b, shapeOf(operands[0]), type.getShape(), windows);
  Value x = padFor(b, operands[0], loops, 0);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    Covering covering = findCovering(b, loops, windows);
    Value term = orZero(b, covering.isCovered, x[0]);
    return SmallVector<Value>{arith::AddFOp::create(b, x.back(), term)};
  };
  Value y = reduceWindows(b, loops, {{x}}, start(b, type, 0), body).front();
  return narrowAll(b, y, type);
}

static FailureOr<Value> lowerUnmax(KernelBuilder &b, WindowUnmaxOp op,
                                   ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows windows = op.getWindows();
  bool isUnsigned = getElementTypeOrSelf(op.getPosition()).isUnsignedInteger();
  WindowLoops loops =
      loopsCovering(b, shapeOf(operands[0]), type.getShape(), windows);
  Value x = padFor(b, operands[0], loops, 0);
  Value position = padFor(b, operands[1], loops, 0);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    Covering covering = findCovering(b, loops, windows);
    Value place = placeNumber(b, covering.places, windows);
    // No position is negative.
    if (covering.isCovered)
      place = arith::SelectOp::create(b, covering.isCovered, place,
                                      scalarConstant(b, place.getType(), -1));
    Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                         toI32(b, x[1], isUnsigned), place);
    Value term = orZero(b, isHere, x[0]);
    return SmallVector<Value>{arith::AddFOp::create(b, x.back(), term)};
  };
  Value y = reduceWindows(b, loops, {{x}, {position}}, start(b, type, 0), body)
                .front();
  return narrowAll(b, y, type);
}

static FailureOr<Value> lowerPick(KernelBuilder &b, WindowPickOp op,
                                  ValueRange operands) {
  RankedTensorType type = resultType(op);
  Windows windows = op.getWindows();
  bool isUnsigned = getElementTypeOrSelf(op.getPosition()).isUnsignedInteger();
  WindowLoops loops =
      loopsOver(b, shapeOf(operands[0]), type.getShape(), windows);
  Value x = padFor(b, operands[0], loops, 0);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) {
    SmallVector<Value> places;
    for (unsigned dim = 0; dim < loops.numSpatial(); ++dim)
      places.push_back(innerIndex(b, loops, dim));
    Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                         toI32(b, x[1], isUnsigned),
                                         placeNumber(b, places, windows));
    return SmallVector<Value>{
        arith::SelectOp::create(b, isHere, x[0], x.back())};
  };
  WindowInput inputs[] = {{x}, {operands[1], /*isPlain=*/true}};
  Value y = reduceWindows(b, loops, inputs, start(b, type, 0), body).front();
  return narrowAll(b, y, type);
}

/// How many places of the window at position `at` lie within `size`: those from
/// ceil((low - begin) / dilation) to floor((size - 1 + low - begin) /
/// dilation), where it begins at `begin`.
static Value coveredPlaces(ImplicitLocOpBuilder &b, Value at,
                           const Windows &windows, unsigned dim, int64_t size) {
  Value zero = index(b, 0), dilation = index(b, windows.dilations[dim]);
  Value begin = multiplyAdd(b, at, windows.strides[dim], {});
  auto places = [&](int64_t end) -> Value {
    Value room = arith::SubIOp::create(
        b, index(b, end + windows.dilations[dim] - 1), begin);
    room = arith::MaxSIOp::create(b, room, zero);
    Value count = arith::DivUIOp::create(b, room, dilation);
    return arith::MinSIOp::create(b, count, index(b, windows.sizes[dim]));
  };
  return arith::SubIOp::create(b, places(size + windows.low[dim]),
                               places(windows.low[dim]));
}

static FailureOr<Value> lowerNormalize(KernelBuilder &b, WindowNormalizeOp op,
                                       ValueRange operands) {
  Windows windows = op.getWindows();
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
    Value count;
    for (auto [dim, size] : llvm::enumerate(op.getSize())) {
      Value covered = coveredPlaces(b, linalg::IndexOp::create(b, 1 + dim),
                                    windows, dim, size);
      count = count ? Value(arith::MulIOp::create(b, count, covered)) : covered;
    }
    count = arith::MaxSIOp::create(b, count, index(b, 1));
    count = arith::IndexCastOp::create(b, b.getI32Type(), count);
    Value divisor = arith::SIToFPOp::create(b, x[0].getType(), count);
    return arith::DivFOp::create(b, x[0], divisor);
  };
  return b.elementwise(resultType(op), operands, body);
}

void nnc::addWindowLowerings(Lowerings &lowerings) {
  addWindowReduction<WindowSumOp, arith::AddFOp>(lowerings, 0);
  addWindowReduction<WindowMaxOp, arith::MaximumFOp>(lowerings, -kInfinity);
  lowerings.add<WindowArgmaxOp>(lowerArgmax);
  lowerings.add<WindowSpreadOp>(lowerSpread);
  lowerings.add<WindowUnmaxOp>(lowerUnmax);
  lowerings.add<WindowPickOp>(lowerPick);
  lowerings.add<WindowNormalizeOp>(lowerNormalize);
}
