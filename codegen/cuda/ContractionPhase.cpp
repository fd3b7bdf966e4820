// See ContractionPhase.h.
#include "codegen/cuda/ContractionPhase.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

static LogicalResult addAxis(const Contraction &contraction, AxisGroup &group,
                             unsigned axis, Refusal &refusal) {
  std::optional<BatchSize> size = group.size.times(contraction.sizes[axis]);
  if (!size)
    return refusal.because("the number of its rows depends on the batch "
                           "squared");
  group.size = *size;
  if (!contraction.sizes[axis].isOne())
    group.axes.push_back(axis);
  return success();
}

FailureOr<ContractionAxes> nnc::groupAxes(const Contraction &contraction,
                                          Refusal &refusal) {
  ContractionAxes axes;
  for (unsigned axis = 0; axis < contraction.axisK(); ++axis) {
    bool inLhs = contraction.lhs->dependsOn(axis),
         inRhs = contraction.rhs->dependsOn(axis);
    AxisGroup &group = inLhs && inRhs ? axes.outer
                       : inRhs        ? axes.columns
                                      : axes.rows;
    if (failed(addAxis(contraction, group, axis, refusal)))
      return failure();
  }
  for (unsigned axis : contraction.outerAxesK())
    if (failed(addAxis(contraction, axes.summed, axis, refusal)))
      return failure();
  if (failed(addAxis(contraction, axes.summed, contraction.axisK(), refusal)))
    return failure();
  return axes;
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// Whether every vector that begins at a multiple of `lanes` along `axis`
/// begins at such a multiple in memory.
static bool isAligned(BatchSize base, ArrayRef<BatchSize> strides,
                      unsigned axis, int64_t lanes) {
  for (auto [other, stride] : llvm::enumerate(strides))
    if (other != axis && stride.factor % lanes != 0)
      return false;
  return base.factor % lanes == 0;
}

static bool canReadLanes(const Element *element, unsigned axis, int64_t lanes) {
  if (element->operand && element->strides[axis].isOne() &&
      !isAligned(element->base, element->strides, axis, lanes))
    return false;
  return llvm::all_of(element->inputs, [&](const Element *input) {
    return !input || canReadLanes(input, axis, lanes);
  });
}

static bool dividesAxis(const Contraction &contraction, unsigned axis,
                        int64_t lanes) {
  BatchSize size = contraction.sizes[axis];
  return size.isStatic() && size.factor % lanes == 0;
}

int64_t nnc::vectorLanes(const Contraction &contraction, const Element *element,
                         unsigned axis, int64_t maxLanes) {
  if (!isVectorAlong(element, axis))
    return 1;
  int64_t lanes = maxLanes;
  while (lanes > 1 && !(dividesAxis(contraction, axis, lanes) &&
                        canReadLanes(element, axis, lanes)))
    lanes /= 2;
  return lanes;
}

int64_t nnc::resultLanes(const Contraction &contraction, unsigned axis,
                         int64_t maxLanes) {
  int64_t lanes = maxLanes;
  for (const Element *result : contraction.results)
    lanes = std::min(lanes, vectorLanes(contraction, result, axis, maxLanes));
  while (lanes > 1 && !isAligned(contraction.resultBase,
                                 contraction.resultStrides[0], axis, lanes))
    lanes /= 2;
  return lanes;
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

GpuPoint GpuContractionPhase::origin() {
  GpuPoint point;
  point.indices.assign(contraction.sizes.size(), index(0));
  return point;
}

void GpuContractionPhase::locate(const AxisGroup &group, Value number,
                                 GpuPoint &point, Value further) {
  Value whole = further ? add(number, further) : number;
  llvm::erase_if(point.numbers,
                 [&](auto known) { return known.first == &group; });
  point.numbers.push_back({&group, whole});
  for (unsigned axis : llvm::reverse(group.axes)) {
    bool isInnermost = axis == group.axes.back();
    if (axis == group.axes.front()) {
      point.indices[axis] = isInnermost ? whole : number;
      return;
    }
    Value size = value(contraction.sizes[axis]);
    Value index = remainder(number, size);
    point.indices[axis] = isInnermost && further ? add(index, further) : index;
    number = divide(number, size);
  }
}

/// Whether one stride, the innermost axis', leads through all of a group.
static bool isOneWalk(const Contraction &contraction, const AxisGroup &group,
                      ArrayRef<BatchSize> strides) {
  for (unsigned i = 1; i < group.axes.size(); ++i) {
    unsigned inner = group.axes[i];
    if (strides[inner].times(contraction.sizes[inner]) !=
        strides[group.axes[i - 1]])
      return false;
  }
  return group.axes.size() > 1;
}

Value GpuContractionPhase::place(const LinearIndex &linear,
                                 const GpuPoint &point) {
  uint32_t walked = 0;
  SmallVector<std::pair<unsigned, Value>> steps;
  for (auto [group, number] : point.numbers)
    if (isOneWalk(contraction, *group, linear.strides)) {
      steps.push_back({group->axes.back(), number});
      for (unsigned axis : group->axes)
        walked |= 1u << axis;
    }
  for (auto [axis, index] : llvm::enumerate(point.indices))
    if (!(walked >> axis & 1))
      steps.push_back({axis, index});
  auto sum = [&](bool isOutside) {
    Value total = isOutside ? value(linear.base) : index(0);
    for (auto [axis, at] : steps)
      if (!linear.strides[axis].isZero() &&
          bool(point.outsideAxes >> axis & 1) == isOutside)
        total = add(total, multiply(at, value(linear.strides[axis])));
    return total;
  };
  Value outside;
  {
    OpBuilder::InsertionGuard guard(b);
    if (point.loop)
      b.setInsertionPoint(point.loop);
    outside = sum(true);
  }
  return add(outside, sum(false));
}

/// An index at the point, in each lane.
Value GpuContractionPhase::laneIndex(const LinearIndex &linear,
                                     const GpuPoint &point) {
  Value first = place(linear, point);
  if (point.vectorAxis == kNoLoop || !linear.dependsOn(point.vectorAxis))
    return first;
  int64_t stride = linear.strides[point.vectorAxis].factor;
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < point.lanes; ++lane)
    lanes.push_back(add(first, lane * stride));
  auto type = VectorType::get(point.lanes, b.getIndexType());
  return vector::FromElementsOp::create(b, type, lanes);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value GpuContractionPhase::zero(Type type, int64_t lanes) {
  if (lanes > 1)
    type = VectorType::get(lanes, type);
  return arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
}

Value GpuContractionPhase::isWithin(Value number, BatchSize size,
                                    int64_t tile) {
  if (size.factor % tile == 0)
    return arith::ConstantOp::create(b, b.getBoolAttr(true));
  return isLess(number, value(size));
}

Value GpuContractionPhase::inAllLanes(Value value, const GpuPoint &point) {
  return point.vectorAxis == kNoLoop
             ? value
             : broadcastToLanes(b, b.getLoc(), value, point.lanes);
}

Value GpuContractionPhase::emitOperand(const Element *element,
                                       const GpuPoint &point) {
  func::FuncOp kernel = contraction.kernel;
  // What is read may be a slice or a reshape of it.
  auto type =
      cast<RankedTensorType>(kernel.getArgumentTypes()[*element->operand + 1]);
  Value memory = buffer({BufferRef::Operand, *element->operand}, type);
  Value at = place({element->base, element->strides}, point);
  bool isVector =
      point.vectorAxis != kNoLoop && element->strides[point.vectorAxis].isOne();
  return isVector
             ? loadVector(b, b.getLoc(), memory, at, point.lanes,
                          type.getElementType())
             : loadScalar(b, b.getLoc(), memory, at, type.getElementType());
}

Value GpuContractionPhase::emitGeneric(const Element *element,
                                       const GpuPoint &point,
                                       GpuElementCache &cache) {
  SmallVector<Value> arguments, indices;
  for (const Element *input : element->inputs)
    arguments.push_back(input ? this->element(input, point, cache) : Value());
  linalg::GenericOp op = element->op;
  if (op.hasIndexSemantics())
    for (const LinearIndex &index : element->opIndices)
      indices.push_back(laneIndex(index, point));
  SmallVector<Value> values =
      vectorizeBody(b, op, arguments, indices, point.lanes, scalars);
  // The op's other results need not compute the body again.
  for (const auto &other : contraction.elements)
    if (other->op == op && other->indices == element->indices)
      cache[other.get()] = values[other->result];
  return values[element->result];
}

/// Whether the point lies within all of the element's bounds, which no lane
/// changes.
Value GpuContractionPhase::isInside(const Element *element,
                                    const GpuPoint &point) {
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  // What is below zero is a large number, unsigned.
  for (const Bound &bound : element->bounds)
    within = both(within, isLess(place(bound.index, point), value(bound.size)));
  return within;
}

/// What is read within the bounds, or the padding; the other is not computed.
Value GpuContractionPhase::emitPadded(const Element *element,
                                      const GpuPoint &point,
                                      const GpuElementCache &cache) {
  Type type = getElementTypeOrSelf(element->tensor.getType());
  if (point.vectorAxis != kNoLoop)
    type = VectorType::get(point.lanes, type);
  auto emit = [&](unsigned input) {
    // What is computed here is known here alone.
    GpuElementCache inner = cache;
    return inAllLanes(this->element(element->inputs[input], point, inner),
                      point);
  };
  return choose(
      isInside(element, point), type, [&] { return emit(0); },
      [&] { return emit(1); });
}

Value GpuContractionPhase::element(const Element *element,
                                   const GpuPoint &point,
                                   GpuElementCache &cache) {
  if (Value known = cache.lookup(element))
    return known;
  Value value;
  if (element->operand) {
    value = emitOperand(element, point);
  } else if (element->scalar) {
    value = scalars.lookupOrDefault(element->scalar);
  } else if (element->constant) {
    value = arith::ConstantOp::create(b, element->constant);
  } else if (!element->bounds.empty()) {
    value = emitPadded(element, point, cache);
  } else {
    assert(element->op && "the product is in the cache wherever it is read");
    value = emitGeneric(element, point, cache);
  }
  cache[element] = value;
  return value;
}

static bool isPaddedWithZero(const Element *element) {
  if (element->bounds.empty())
    return false;
  const Element *padding = element->inputs[1];
  return padding->scalar
             ? matchPattern(padding->scalar, m_AnyZeroFloat())
             : matchPattern(Attribute(padding->constant), m_AnyZeroFloat());
}

bool nnc::isCopy(const Element *element, unsigned axis) {
  if (isPaddedWithZero(element))
    element = element->inputs[0];
  return element->operand && element->strides[axis].isOne();
}

void GpuContractionPhase::beginCopy(const Element *element,
                                    const GpuPoint &point, Value condition,
                                    Value memory, Value at) {
  if (isPaddedWithZero(element)) {
    condition = both(condition, isInside(element, point));
    element = element->inputs[0];
  }
  func::FuncOp kernel = contraction.kernel;
  auto type =
      cast<RankedTensorType>(kernel.getArgumentTypes()[*element->operand + 1]);
  Value source = buffer({BufferRef::Operand, *element->operand}, type);
  Value from = place({element->base, element->strides}, point);
  // Where none is copied, zeros are written and nothing is read.
  Value count;
  if (!matchPattern(condition, m_One()))
    count = arith::SelectOp::create(b, condition, index(point.lanes), index(0));
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  nvgpu::DeviceAsyncCopyOp::create(b, token, memory, ValueRange(at), source,
                                   ValueRange(from),
                                   b.getIndexAttr(point.lanes), count,
                                   /*bypassL1=*/b.getUnitAttr());
}

Value GpuContractionPhase::elementOrZero(const Element *element,
                                         const GpuPoint &point,
                                         Value condition) {
  Type type = getElementTypeOrSelf(element->tensor.getType());
  int64_t lanes = point.vectorAxis == kNoLoop ? 1 : point.lanes;
  if (isPaddedWithZero(element)) {
    condition = both(condition, isInside(element, point));
    element = element->inputs[0];
  }
  Value nothing = zero(type, lanes);
  return choose(
      condition, nothing.getType(),
      [&] {
        GpuElementCache cache;
        return inAllLanes(this->element(element, point, cache), point);
      },
      [&] { return nothing; });
}

void GpuContractionPhase::storeResults(Value product, const GpuPoint &point) {
  GpuElementCache cache;
  cache[contraction.product] = product;
  SmallVector<Value> values;
  for (const Element *result : contraction.results)
    values.push_back(inAllLanes(element(result, point, cache), point));
  func::FuncOp kernel = contraction.kernel;
  for (auto [number, value] : llvm::enumerate(values)) {
    auto type = cast<RankedTensorType>(kernel.getResultTypes()[number]);
    Value memory = buffer({BufferRef::Result, unsigned(number)}, type);
    Value at = place(
        {contraction.resultBase, contraction.resultStrides[number]}, point);
    storeAt(value, memory, at);
  }
}

//===----------------------------------------------------------------------===//
// Partial sums
//===----------------------------------------------------------------------===//

Value GpuContractionPhase::partialSums() {
  return buffer({BufferRef::Workspace, 0},
                MemRefType::get({ShapedType::kDynamic}, contraction.type));
}

void GpuContractionPhase::storeAt(Value value, Value memory, Value at) {
  if (isa<VectorType>(value.getType()))
    storeVector(b, b.getLoc(), value, memory, at);
  else
    storeScalar(b, b.getLoc(), value, memory, at);
}

Value GpuContractionPhase::addParts(int64_t numParts, BatchSize size, Value at,
                                    int64_t lanes) {
  Value memory = partialSums(), length = value(size);
  auto read = [&](Value part) {
    Value place = add(multiply(part, length), at);
    return lanes == 1
               ? loadScalar(b, b.getLoc(), memory, place, contraction.type)
               : loadVector(b, b.getLoc(), memory, place, lanes,
                            contraction.type);
  };
  auto addPart = [&](Value part, ValueRange sums) {
    return SmallVector<Value>{
        arith::AddFOp::create(b, sums.front(), read(part))};
  };
  return loop(index(1), index(numParts), index(1), read(index(0)), addPart)
      .front();
}
