// See ContractionPhase.h.
#include "codegen/cpu/ContractionPhase.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Value ContractionPhase::operand(const Element &element) {
  // What is read may be a slice or a reshape of it.
  func::FuncOp kernel = contraction.kernel;
  Type type = kernel.getArgumentTypes()[*element.operand + 1];
  return buffer({BufferRef::Operand, *element.operand},
                flatBufferType(cast<RankedTensorType>(type)));
}

Value ContractionPhase::result(unsigned index) {
  func::FuncOp kernel = contraction.kernel;
  Type type = kernel.getResultTypes()[index];
  return buffer({BufferRef::Result, index},
                flatBufferType(cast<RankedTensorType>(type)));
}

Value ContractionPhase::workspace(unsigned index) {
  return buffer({BufferRef::Workspace, index},
                MemRefType::get({ShapedType::kDynamic}, contraction.type));
}

Value ContractionPhase::scratch(int64_t offsetBytes, int64_t count) {
  return CpuPhase::scratch(offsetBytes,
                           MemRefType::get({count}, contraction.type));
}

Phase ContractionPhase::finish(
    Extent extent, int64_t grain,
    ArrayRef<std::pair<unsigned, unsigned>> mayAlias) {
  Phase phase = CpuPhase::finish("contraction", extent, grain);
  for (auto [i, ref] : llvm::enumerate(refs)) {
    bool aliases = llvm::any_of(mayAlias, [ref = ref](auto pair) {
      return (ref.kind == BufferRef::Operand && pair.first == ref.index) ||
             (ref.kind == BufferRef::Result && pair.second == ref.index);
    });
    if (!aliases)
      function.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
  }
  return phase;
}

Value ContractionPhase::offset(ArrayRef<BatchSize> strides,
                               ArrayRef<Value> indices) {
  Value sum = index(0);
  for (auto [stride, index] : llvm::zip(strides, indices))
    if (index && !stride.isZero())
      sum = add(sum, multiply(index, value(stride)));
  return sum;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// An index at the point, in each lane.
static Value laneIndex(ContractionPhase &phase, const LinearIndex &index,
                       const Point &point) {
  ImplicitLocOpBuilder &b = phase.b;
  Value first = phase.add(phase.value(index.base),
                          phase.offset(index.strides, point.indices));
  if (point.vectorAxis == kNoLoop || !index.dependsOn(point.vectorAxis))
    return first;
  auto type = VectorType::get(point.lanes, b.getIndexType());
  int64_t stride = index.strides[point.vectorAxis].factor;
  auto numbers = llvm::map_to_vector(
      llvm::seq<int64_t>(0, point.lanes), [&](int64_t lane) {
        return APInt(64, lane * stride, /*isSigned=*/true);
      });
  Value steps =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, numbers));
  return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first),
                               steps);
}

Value ContractionPhase::emitGeneric(const Element *element, const Point &point,
                                    ElementCache &cache) {
  SmallVector<Value> arguments, indices;
  for (const Element *input : element->inputs)
    arguments.push_back(input ? this->element(input, point, cache) : Value());
  linalg::GenericOp op = element->op;
  if (op.hasIndexSemantics())
    for (const LinearIndex &index : element->opIndices)
      indices.push_back(laneIndex(*this, index, point));
  SmallVector<Value> values =
      vectorizeBody(b, op, arguments, indices, point.lanes, scalars);
  // The op's other results need not compute the body again.
  for (const auto &other : contraction.elements)
    if (other->op == op && other->indices == element->indices)
      cache[other.get()] = values[other->result];
  return values[element->result];
}

Value ContractionPhase::isWithin(const Bound &bound, const Point &point) {
  Value at =
      add(value(bound.index.base), offset(bound.index.strides, point.indices));
  // What is below zero is a large number, unsigned.
  return isLess(at, value(bound.size));
}

/// What is read within the bounds, or the padding; the other is not computed.
Value ContractionPhase::emitPadded(const Element *element, const Point &point,
                                   const ElementCache &cache) {
  Type type = getElementTypeOrSelf(element->tensor.getType());
  if (point.vectorAxis != kNoLoop)
    type = VectorType::get(point.lanes, type);
  auto emit = [&](unsigned input) {
    // What is computed here is known here alone.
    ElementCache inner = cache;
    Value value = this->element(element->inputs[input], point, inner);
    return isa<VectorType>(type)
               ? broadcastToLanes(b, loc(), value, point.lanes)
               : value;
  };
  // No lane changes what the bounds say.
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (const Bound &bound : element->bounds)
    within = both(within, isWithin(bound, point));
  return choose(within, type, [&] { return emit(0); }, [&] { return emit(1); });
}

/// Where an operand's element lies.
Value ContractionPhase::placeOf(const Element &element, const Point &point) {
  Value place = offset(element.strides, point.indices);
  return element.base.isZero() ? place : add(place, value(element.base));
}

void ContractionPhase::prefetch(const Element &element, const Point &point) {
  constexpr unsigned kKeep = 3; // in all caches
  memref::PrefetchOp::create(b, operand(element), placeOf(element, point),
                             /*isWrite=*/false, kKeep, /*isDataCache=*/true);
}

Value ContractionPhase::element(const Element *element, const Point &point,
                                ElementCache &cache) {
  if (Value known = uniform.lookup(element))
    return known;
  if (Value known = cache.lookup(element))
    return known;
  Value value;
  if (element->operand) {
    Type type = getElementTypeOrSelf(element->tensor.getType());
    Value index = placeOf(*element, point);
    Value memory = operand(*element);
    bool vector = point.vectorAxis != kNoLoop &&
                  element->strides[point.vectorAxis].isOne();
    value = vector ? loadVector(b, loc(), memory, index, point.lanes, type,
                                point.mask)
                   : loadScalar(b, loc(), memory, index, type);
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

Value ContractionPhase::factor(const Element *element, const Point &point) {
  ElementCache cache;
  Value value = this->element(element, point, cache);
  if (point.vectorAxis != kNoLoop)
    value = broadcastToLanes(b, loc(), value, point.lanes);
  Type wanted = contraction.type;
  if (auto vectorType = dyn_cast<VectorType>(value.getType()))
    wanted = vectorType.clone(contraction.type);
  return value.getType() == wanted ? value
                                   : arith::ExtFOp::create(b, wanted, value);
}

void ContractionPhase::unrolledLoop(Value count,
                                    llvm::function_ref<void(Value)> emitBody) {
  constexpr int64_t kUnroll = 4;
  Value whole = multiply(divide(count, kUnroll), kUnroll);
  loop(index(0), whole, kUnroll, [&](Value first) {
    for (int64_t i = 0; i < kUnroll; ++i)
      emitBody(add(first, i));
  });
  loop(whole, count, 1, emitBody);
}

void ContractionPhase::emitUniform(const Element *element) {
  if (element->axes == 0) {
    Point nowhere;
    nowhere.indices.assign(contraction.sizes.size(), Value());
    this->element(element, nowhere, uniform);
    return;
  }
  for (const Element *input : element->inputs)
    if (input)
      emitUniform(input);
}

void ContractionPhase::storeResults(const Point &point, Value product,
                                    ElementCache cache) {
  struct Store {
    unsigned result;
    Value value, offset;
  };
  SmallVector<Store> stores;
  auto compute = [&](const Contraction &part, ElementCache &cache) {
    for (auto [i, result] : llvm::enumerate(part.results))
      stores.push_back(
          {unsigned(i),
           broadcastToLanes(b, loc(), element(result, point, cache),
                            point.lanes),
           add(offset(part.resultStrides[i], point.indices),
               value(part.resultBase))});
  };
  cache[contraction.product] = product;
  compute(contraction, cache);
  for (const Contraction &gap : contraction.gaps) {
    ElementCache inGap;
    inGap[gap.product] =
        arith::ConstantOp::create(b, b.getZeroAttr(product.getType()));
    compute(gap, inGap);
  }
  for (const Store &store : stores)
    storeVector(b, loc(), store.value, result(store.result), store.offset,
                point.mask);
}
