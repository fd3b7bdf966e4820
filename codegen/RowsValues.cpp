// See RowsValues.h.
#include "codegen/RowsValues.h"

#include "codegen/KernelForms.h"
#include "codegen/RandomBits.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

RowsValues::RowsValues(RowsPlan &plan)
    : b(plan.kernel.getLoc(), plan.kernel.getContext()), plan(plan),
      rows(plan.rows) {}

//===----------------------------------------------------------------------===//
// Phases, steps and scopes
//===----------------------------------------------------------------------===//

void RowsValues::forget(ArrayRef<SpaceRole> roles) {
  for (SpaceRole role : roles)
    known[role].clear();
}

void RowsValues::beginPhase(PhaseBuilder &begun) {
  phase = &begun;
  chunk = Chunk();
  forget({Scalar, Row, Column, Full});
  tick();
}

void RowsValues::beginStep(const RowsStep &begun) {
  step = &begun;
  pass = 0;
  chunk = Chunk();
  forget({Row, Column, Full});
  tick();
}

void RowsValues::beginPass(unsigned number) {
  pass = number;
  tick();
}

RowsValues::Scope::Scope(RowsValues &values, Operation *loop,
                         ArrayRef<SpaceRole> fixed, ArrayRef<SpaceRole> varying)
    : values(values), outerAnchors(values.anchors), varying(varying) {
  for (SpaceRole role : fixed)
    if (!values.anchors[role])
      values.anchors[role] = loop;
  values.forget(varying);
}

RowsValues::Scope::~Scope() {
  values.anchors = outerAnchors;
  values.forget(varying);
}

void RowsValues::exchange(Place &place) {
  std::swap(chunk, place.chunk);
  std::swap(known[Column], place.ofColumns);
  std::swap(known[Full], place.ofElements);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Value RowsValues::buffer(BufferRef reference) {
  auto ofTensor = [&](Type type) {
    return phase->buffer(reference, cast<RankedTensorType>(type));
  };
  switch (reference.kind) {
  case BufferRef::Operand:
    return ofTensor(plan.kernel.getArgument(reference.index + 1).getType());
  case BufferRef::Result:
    return ofTensor(plan.kernel.getResultTypes()[reference.index]);
  case BufferRef::Workspace:
    break;
  }
  Type element = plan.workspaces[reference.index].elementType;
  return phase->buffer(reference, MemRefType::get({ShapedType::kDynamic},
                                                  phase->storageOf(element)));
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Value RowsValues::numRows() {
  return rows.rows.perBatch ? phase->multiply(phase->batch(), rows.rows.factor)
                            : phase->index(rows.rows.factor);
}

/// 0, 1, 2 and so on, one a lane.
Value RowsValues::laneNumbers(Type type) {
  auto numbers = llvm::map_to_vector(
      llvm::seq(chunk.lanes),
      [&](int64_t lane) -> Attribute { return b.getIntegerAttr(type, lane); });
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get(chunk.lanes, type), numbers));
}

Value RowsValues::maskFirst(int64_t count) {
  return vector::ConstantMaskOp::create(
      b, VectorType::get(chunk.lanes, b.getI1Type()), ArrayRef<int64_t>{count});
}

Value RowsValues::maskFirst(Value count) {
  // 32 bits: as wide as the elements that the mask is most often for.
  Type type = b.getI32Type();
  Value limit = broadcastToLanes(
      b, b.getLoc(), arith::IndexCastOp::create(b, type, count), chunk.lanes);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, laneNumbers(type),
                               limit);
}

/// The position of the chunk along an axis: a scalar, or one a lane.
Value RowsValues::axisPosition(SpaceRole axis, bool perLane) {
  if (!perLane || !isVector(axis))
    return axis == Row && rows.columns != 1 ? chunk.row : chunk.column;
  auto type = VectorType::get(chunk.lanes, b.getIndexType());
  Value first = vector::BroadcastOp::create(b, type, chunk.column);
  return phase->add(first, laneNumbers(b.getIndexType()));
}

SmallVector<Value> RowsValues::loopIndices(RowsOp &op, bool perLane) {
  if (!op.readsPlaces())
    return {};
  SmallVector<int64_t> ranges = op.op.getStaticLoopRanges();
  SmallVector<Value> indices(ranges.size());
  for (SpaceRole axis : {Row, Column}) {
    int64_t stride = 1;
    bool isInnermost = true;
    for (size_t loop = ranges.size(); loop-- > 0;) {
      if (op.loopAxes[loop] != axis)
        continue;
      Value position = axisPosition(axis, perLane);
      auto constant = [&](int64_t value) {
        return isa<VectorType>(position.getType())
                   ? broadcastToLanes(b, b.getLoc(), phase->index(value),
                                      chunk.lanes)
                   : phase->index(value);
      };
      if (!isInnermost)
        position = arith::DivUIOp::create(b, position, constant(stride));
      bool isOutermost =
          llvm::none_of(llvm::seq<size_t>(0, loop), [&](size_t outer) {
            return op.loopAxes[outer] == axis;
          });
      if (!isOutermost)
        position = arith::RemUIOp::create(b, position, constant(ranges[loop]));
      indices[loop] = position;
      stride *= ranges[loop];
      isInnermost = false;
    }
  }
  for (Value &value : indices)
    if (!value)
      value = phase->index(0);
  return indices;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value RowsValues::memory(Storage storage, Type elementType) {
  if (storage.kind == Storage::Buffer)
    return buffer(storage.buffer);
  auto type = MemRefType::get({rows.columns}, phase->storageOf(elementType));
  return phase->scratch(storage.scratchOffsetBytes, type);
}

/// `place` in the elements of the sample that the kernel is at.
Value RowsValues::atSample(Value place, int64_t elements) {
  if (!rows.isOfSamples || !elements)
    return place;
  return phase->add(phase->multiply(sample, elements), place);
}

/// How many elements of `root` lie there for each sample; 0 where all share
/// them.
int64_t RowsValues::elementsPerSample(Value root, Storage storage) const {
  if (storage.buffer.kind == BufferRef::Workspace)
    return plan.workspaces[storage.buffer.index].elements.perBatch;
  if (!isOfSamples(root))
    return 0;
  SpaceRole role = rows.roleOf(root);
  return (role & Row ? rows.rows.factor : 1) *
         (role & Column ? rows.columns : 1);
}

Value RowsValues::address(Value root, Storage storage) {
  if (storage.kind == Storage::Scratch)
    return chunk.column;
  int64_t perSample = elementsPerSample(root, storage);
  switch (rows.roleOf(root)) {
  case Scalar:
    return atSample(phase->index(0), perSample);
  case Row:
    return atSample(rows.columns == 1 ? chunk.column : chunk.row, perSample);
  case Column:
    return atSample(chunk.column, perSample);
  case Full:
    break;
  }
  Value row = phase->multiply(chunk.row, rows.columns);
  return atSample(phase->add(row, chunk.column), perSample);
}

Value RowsValues::load(Value root, Storage storage) {
  if (storage.kind == Storage::Buffer &&
      storage.buffer.kind == BufferRef::Operand)
    operandReads[storage.buffer.index] = time;
  Type elementType = elementTypeOf(root);
  Value from = memory(storage, elementType);
  Value at = address(root, storage);
  if (!isVector(rows.roleOf(root)))
    return loadScalar(b, b.getLoc(), from, at, elementType);
  return loadVector(b, b.getLoc(), from, at, chunk.lanes, elementType,
                    chunk.mask);
}

void RowsValues::store(Value root, Storage storage) {
  Value value = get(root);
  if (storage.kind == Storage::Buffer &&
      storage.buffer.kind == BufferRef::Result)
    resultWrites[storage.buffer.index] = time;
  Value to = memory(storage, elementTypeOf(root));
  Value at = address(root, storage);
  if (!isVector(rows.roleOf(root)))
    return storeScalar(b, b.getLoc(), value, to, at);
  value = broadcastToLanes(b, b.getLoc(), value, chunk.lanes);
  storeVector(b, b.getLoc(), value, to, at, chunk.mask);
}

void RowsValues::storeResults(ArrayRef<unsigned> results) {
  for (unsigned result : results)
    get(rows.results[result]);
  for (unsigned result : results)
    store(rows.results[result], {Storage::Buffer, {BufferRef::Result, result}});
}

void RowsValues::storeKept(unsigned number) {
  for (const RowsStep::Kept &value : step->kept) {
    bool isResult = value.storage.kind == Storage::Buffer &&
                    value.storage.buffer.kind == BufferRef::Result;
    if (value.pass == number && !isResult)
      store(value.root, value.storage);
  }
}

Accumulators RowsValues::loadPartials(ArrayRef<RowsOp *> ops, Value at,
                                      bool vector) {
  Accumulators parts;
  for (RowsOp *op : ops)
    for (unsigned workspace : plan.partials[op->op]) {
      Value from = buffer({BufferRef::Workspace, workspace});
      Type elementType = plan.workspaces[workspace].elementType;
      Value place = atSample(at, plan.workspaces[workspace].elements.perBatch);
      parts.push_back(
          vector ? loadVector(b, b.getLoc(), from, place, chunk.lanes,
                              elementType, chunk.mask)
                 : loadScalar(b, b.getLoc(), from, place, elementType));
    }
  return parts;
}

void RowsValues::storePartials(ArrayRef<RowsOp *> ops, Value at,
                               ValueRange values) {
  forEachReduction(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    for (auto [workspace, value] :
         llvm::zip(plan.partials[op.op], values.slice(first, width))) {
      Value to = buffer({BufferRef::Workspace, workspace});
      Value place = atSample(at, plan.workspaces[workspace].elements.perBatch);
      if (isa<VectorType>(value.getType()))
        storeVector(b, b.getLoc(), value, to, place, chunk.mask);
      else
        storeScalar(b, b.getLoc(), value, to, place);
    }
    return Accumulators();
  });
}

SmallVector<std::pair<unsigned, unsigned>> RowsValues::findAliases() {
  SmallVector<std::pair<unsigned, unsigned>> aliases;
  for (BlockArgument argument : plan.kernel.getArguments().drop_front()) {
    unsigned operand = argument.getArgNumber() - 1;
    auto read = operandReads.find(operand);
    if (read == operandReads.end() || readInWindows.contains(operand))
      continue;
    for (auto [result, root] : llvm::enumerate(rows.results))
      if (argument.getType() == plan.kernel.getResultTypes()[result] &&
          rows.roleOf(argument) == rows.roleOf(root) &&
          read->second <= resultWrites.lookup(result))
        aliases.push_back({operand, result});
  }
  return aliases;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value RowsValues::uniform(OpFoldResult value) {
  if (auto scalar = dyn_cast<Value>(value))
    return phase->scalars.lookup(scalar);
  return arith::ConstantOp::create(b, cast<TypedAttr>(cast<Attribute>(value)));
}

void RowsValues::set(Value root, Value value) {
  known[rows.roleOf(root)][root] = value;
}

Value RowsValues::get(Value tensor) {
  Value root = rootOf(tensor);
  if (OpFoldResult value = uniformValue(root))
    return uniform(value);
  SpaceRole role = rows.roleOf(root);
  if (Value value = known[role].lookup(root))
    return value;
  OpBuilder::InsertionGuard guard(b);
  if (anchors[role])
    b.setInsertionPoint(anchors[role]);
  if (const Storage *storage = step->find(root, pass))
    return known[role][root] = load(root, *storage);
  evaluate(*rows.definition(root));
  return known[role].lookup(root);
}

/// Values of the inputs; null for those that the body does not read, or reads
/// in a window.
SmallVector<Value> RowsValues::inputs(RowsOp &op) {
  SmallVector<Value> values;
  for (auto [number, input] : llvm::enumerate(op.op.getInputs()))
    values.push_back(readsInput(op.op, number) && !op.isReadInWindow(number)
                         ? get(input)
                         : Value());
  if (op.windowLoops.empty())
    for (const WindowRead &read : op.windowReads)
      values[read.input] = readWindow(op, read, {}, /*isWhole=*/false);
  return values;
}

/// The inputs, and the inits that the body reads.
SmallVector<Value> RowsValues::arguments(RowsOp &op) {
  SmallVector<Value> values = inputs(op);
  for (auto [result, init] : llvm::enumerate(op.op.getOutputs()))
    values.push_back(usesInit(op.op, result) ? get(init) : Value());
  return values;
}

/// Chunks of that many lanes start at multiples of their number.
Value RowsValues::randomBits(RowsOp &op) {
  Value first = chunk.column;
  // One a column has the same words in every row.
  if (rows.roleOf(op.op->getResult(0)) == Full)
    first = phase->add(phase->multiply(chunk.row, rows.columns), first);
  return emitRandomBits(b, op.op, first, arguments(op));
}

void RowsValues::evaluate(RowsOp &op) {
  assert(op.reduced == Scalar && "a nest makes reductions known");
  if (!op.windowLoops.empty())
    return evaluateWindow(op);
  Value root = op.op->getResult(0);
  bool startsAligned = rows.columns == 1 || rows.columns % kRandomLanes == 0;
  if (randomBitsForm(op.op) && isVector(rows.roleOf(root)) &&
      chunk.lanes == kRandomLanes && startsAligned)
    return set(root, randomBits(op));
  SmallVector<Value> results = vectorizeBody(
      b, op.op, arguments(op), loopIndices(op), chunk.lanes, phase->scalars);
  for (auto [root, value] : llvm::zip(op.op->getResults(), results)) {
    if (isVector(rows.roleOf(root)))
      value = broadcastToLanes(b, op.op.getLoc(), value, chunk.lanes);
    set(root, value);
  }
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static TypedAttr infinity(OpBuilder &builder, Type type, bool negative) {
  auto floatType = cast<FloatType>(type);
  return builder.getFloatAttr(
      floatType, APFloat::getInf(floatType.getFloatSemantics(), negative));
}

/// What changes no element that it is combined with.
static TypedAttr identityOf(OpBuilder &builder, linalg::GenericOp op,
                            unsigned result) {
  Type type = getElementTypeOrSelf(op->getResult(result).getType());
  if (auto form = argReductionForm(op)) {
    if (result == 1)
      return builder.getZeroAttr(type);
    bool isMaximum = form->comparison == arith::CmpFPredicate::OGT;
    return infinity(builder, type, /*negative=*/isMaximum);
  }
  Operation *combiner = combinerOf(op, result);
  // Of a sum it is -0, which LLVM folds away; +0 would turn -0 into +0.
  if (isa<arith::AddFOp>(combiner))
    return builder.getFloatAttr(type, -0.0);
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner))
    return infinity(builder, type, /*negative=*/true);
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(combiner))
    return infinity(builder, type, /*negative=*/false);
  return *arith::getNeutralElement(combiner);
}

Accumulators RowsValues::identity(RowsOp &op, int64_t lanes) {
  SmallVector<Value> values;
  for (unsigned result = 0; result < op.op.getNumResults(); ++result) {
    TypedAttr attr = identityOf(b, op.op, result);
    if (lanes)
      attr = DenseElementsAttr::get(VectorType::get(lanes, attr.getType()),
                                    ArrayRef<Attribute>(attr));
    values.push_back(arith::ConstantOp::create(b, attr));
  }
  return values;
}

Accumulators RowsValues::accumulate(RowsOp &op, ValueRange accumulators) {
  SmallVector<Value> values = inputs(op);
  llvm::append_range(values, accumulators);
  bool onLanes = isa<VectorType>(accumulators.front().getType());
  SmallVector<Value> results = vectorizeBody(b, op.op, values, loopIndices(op),
                                             chunk.lanes, phase->scalars);
  for (auto [result, old] : llvm::zip(results, accumulators)) {
    if (!onLanes)
      continue;
    result = broadcastToLanes(b, op.op.getLoc(), result, chunk.lanes);
    if (chunk.mask)
      result = arith::SelectOp::create(b, chunk.mask, result, old);
  }
  return results;
}

/// The better of two maxima (or minima); the first of equals.
static SmallVector<Value> combineArg(ImplicitLocOpBuilder &b,
                                     arith::CmpFPredicate comparison,
                                     ValueRange lhs, ValueRange rhs) {
  Value better = arith::CmpFOp::create(b, comparison, rhs[0], lhs[0]);
  Value equal =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, rhs[0], lhs[0]);
  Value earlier =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rhs[1], lhs[1]);
  Value wins =
      arith::OrIOp::create(b, better, arith::AndIOp::create(b, equal, earlier));
  return {arith::SelectOp::create(b, wins, rhs[0], lhs[0]),
          arith::SelectOp::create(b, wins, rhs[1], lhs[1])};
}

Accumulators RowsValues::combine(RowsOp &op, ValueRange lhs, ValueRange rhs) {
  if (auto form = argReductionForm(op.op))
    return combineArg(b, form->comparison, lhs, rhs);
  SmallVector<Value> combined;
  for (auto [result, pair] : llvm::enumerate(llvm::zip(lhs, rhs))) {
    auto [left, right] = pair;
    Operation *clone = b.clone(*combinerOf(op.op, result));
    clone->setOperands({left, right});
    clone->getResult(0).setType(left.getType());
    combined.push_back(clone->getResult(0));
  }
  return combined;
}

Accumulators RowsValues::combineLanes(RowsOp &op, ValueRange vectors) {
  SmallVector<Value> halves(vectors);
  int64_t lanes = cast<VectorType>(halves.front().getType()).getNumElements();
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    auto slice = [&](int64_t offset) {
      return llvm::map_to_vector(halves, [&](Value vector) -> Value {
        return vector::ExtractStridedSliceOp::create(
            b, vector, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{half},
            ArrayRef<int64_t>{1});
      });
    };
    SmallVector<Value> low = slice(0), high = slice(half);
    halves = combine(op, low, high);
  }
  return llvm::map_to_vector(halves, [&](Value vector) -> Value {
    return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
  });
}

void RowsValues::finish(RowsOp &op, ValueRange totals) {
  SmallVector<Value> inits;
  for (auto [init, total] : llvm::zip(op.op.getOutputs(), totals)) {
    Value value = get(init);
    if (isa<VectorType>(total.getType()))
      value = broadcastToLanes(b, op.op.getLoc(), value, chunk.lanes);
    inits.push_back(value);
  }
  SmallVector<Value> results = combine(op, inits, totals);
  for (auto [root, value] : llvm::zip(op.op->getResults(), results))
    set(root, value);
}

Accumulators nnc::forEachReduction(
    ArrayRef<RowsOp *> ops,
    llvm::function_ref<Accumulators(RowsOp &, unsigned, unsigned)> apply) {
  Accumulators results;
  unsigned first = 0;
  for (RowsOp *op : ops) {
    unsigned width = op->op.getNumResults();
    llvm::append_range(results, apply(*op, first, width));
    first += width;
  }
  return results;
}

Accumulators RowsValues::identities(ArrayRef<RowsOp *> ops, int64_t lanes) {
  return forEachReduction(
      ops, [&](RowsOp &op, unsigned, unsigned) { return identity(op, lanes); });
}

Accumulators RowsValues::accumulate(ArrayRef<RowsOp *> ops,
                                    ValueRange accumulators) {
  return forEachReduction(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    return accumulate(op, accumulators.slice(first, width));
  });
}

Accumulators RowsValues::combine(ArrayRef<RowsOp *> ops, ValueRange lhs,
                                 ValueRange rhs) {
  return forEachReduction(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    return combine(op, lhs.slice(first, width), rhs.slice(first, width));
  });
}

void RowsValues::finish(ArrayRef<RowsOp *> ops, ValueRange totals) {
  forEachReduction(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    finish(op, totals.slice(first, width));
    return Accumulators();
  });
}
