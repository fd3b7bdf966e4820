// The element of a tensor that a thread asks for: where it is, what it is read
// from or computed of, and the scalar bodies on the way.
#include "codegen/cuda/ElementsScheduler.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

#include <functional>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Value ElementsScheduler::numberOf(const ElementIndex &at,
                                  RankedTensorType type) {
  if (at.number)
    return at.number;
  Value number = phase->index(0);
  for (auto [index, size] : llvm::zip(*at.indices, type.getShape()))
    number = phase->add(phase->multiply(number, phase->size(size)), index);
  return number;
}

SmallVector<Value> ElementsScheduler::indicesOf(const ElementIndex &at,
                                                RankedTensorType type) {
  if (at.indices)
    return *at.indices;
  SmallVector<Value> indices(type.getRank());
  Value rest = at.number;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    int64_t size = type.getDimSize(dim);
    if (size == 1) {
      indices[dim] = phase->index(0);
    } else if (llvm::all_of(type.getShape().take_front(dim),
                            [](int64_t outer) { return outer == 1; })) {
      indices[dim] = rest;
      rest = phase->index(0);
    } else {
      indices[dim] = phase->remainder(rest, phase->size(size));
      rest = phase->divide(rest, phase->size(size));
    }
  }
  return indices;
}

/// The loops of `op` at which it yields the element of its result; null for
/// those that reduce.
SmallVector<Value> ElementsScheduler::loopsOf(linalg::GenericOp op,
                                              unsigned result,
                                              const ElementIndex &at) {
  SmallVector<Value> loops(op.getNumLoops());
  AffineMap map = op.getIndexingMapMatchingResult(op->getResult(result));
  SmallVector<Value> indices = indicesOf(at, tensorType(op->getResult(result)));
  for (auto [expr, index] : llvm::zip(map.getResults(), indices))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = index;
  for (auto [loop, kind] : llvm::zip(loops, op.getIteratorTypesArray()))
    if (!loop && kind == utils::IteratorType::parallel)
      loop = phase->index(0);
  return loops;
}

ElementIndex ElementsScheduler::through(AffineMap map, ValueRange loops) {
  SmallVector<Value> indices;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      indices.push_back(loops[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      indices.push_back(phase->index(constant.getValue()));
    else
      indices.push_back(affine::expandAffineExpr(b, b.getLoc(), expr, loops,
                                                 /*symbolValues=*/{}));
  }
  return ElementIndex::at(std::move(indices));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value ElementsScheduler::load(Value tensor, BufferRef ref, Value number) {
  if (ref.kind == BufferRef::Operand) {
    OperandReads &reads = operandReads[ref.index];
    reads.lastPhase = scheduled.phases.size();
    // Of several threads that have an element, one writes it.
    if (number != element || slices > 1)
      reads.lastOther = scheduled.phases.size();
  }
  return phase->load(ref, tensorType(tensor), number);
}

void ElementsScheduler::store(Value value, Value tensor, Value number) {
  auto place = stored.find(tensor);
  if (place == stored.end()) {
    failed = true;
    return;
  }
  BufferRef ref = place->second;
  if (ref.kind == BufferRef::Result && number == element)
    resultWrites[ref.index] = scheduled.phases.size();
  phase->store(value, ref, tensorType(tensor), number);
}

/// A result may lie on an operand if no phase after the one that writes it
/// reads the operand, and that one reads only the element that it writes.
SmallVector<std::pair<unsigned, unsigned>> ElementsScheduler::findAliases() {
  SmallVector<std::pair<unsigned, unsigned>> aliases;
  for (BlockArgument argument : kernel.getArguments().drop_front()) {
    unsigned operand = argument.getArgNumber() - 1;
    auto reads = operandReads.find(operand);
    if (reads == operandReads.end())
      continue;
    for (auto [result, type] : llvm::enumerate(kernel.getResultTypes())) {
      auto write = resultWrites.find(result);
      if (write != resultWrites.end() && type == argument.getType() &&
          reads->second.lastPhase <= write->second &&
          reads->second.lastOther < write->second)
        aliases.push_back({operand, unsigned(result)});
    }
  }
  return aliases;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The kernel is not of a form that this emitter knows.
Value ElementsScheduler::unsupported(Type type) {
  failed = true;
  return arith::ConstantOp::create(b, b.getZeroAttr(type));
}

/// A value at the top level of the kernel that is no tensor.
Value ElementsScheduler::scalar(Value value) {
  if (Value known = phase->scalars.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions())
    return unsupported(value.getType());
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> axis = dim.getConstantIndex();
    return axis ? phase->size(tensorType(dim.getSource()).getDimSize(*axis))
                : unsupported(value.getType());
  }
  auto operandOf = [&](Value operand) { return scalar(operand); };
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return read(extract.getTensor(), ElementIndex::at(llvm::map_to_vector(
                                         extract.getIndices(), operandOf)));
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    if (isa<RankedTensorType>(operand.getType()))
      return unsupported(value.getType());
    mapping.map(operand, scalar(operand));
  }
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

/// The element of a tensor: from memory if it is there.
Value ElementsScheduler::read(Value tensor, ElementIndex at) {
  if (Value buffer = inPlace.lookup(tensor))
    tensor = buffer;
  if (at.number && at.number == element)
    if (Value known = current.lookup(tensor))
      return known;
  if (auto known = stored.find(tensor); known != stored.end())
    return load(tensor, known->second, numberOf(at, tensorType(tensor)));
  return compute(tensor, std::move(at));
}

Value ElementsScheduler::compute(Value tensor, ElementIndex at) {
  RankedTensorType type = tensorType(tensor);
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return unsupported(type.getElementType());
  SplatElementsAttr splat;
  if (matchPattern(op, m_Constant(&splat)))
    return arith::ConstantOp::create(b, splat.getSplatValue<TypedAttr>());
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](linalg::FillOp fill) { return scalar(fill.value()); })
      .Case([&](tensor::EmptyOp) -> Value {
        return arith::ConstantOp::create(b,
                                         b.getZeroAttr(type.getElementType()));
      })
      .Case([&](tensor::CastOp cast) { return read(cast.getSource(), at); })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>([&](auto reshape) {
        return read(reshape.getSrc(), ElementIndex::at(numberOf(at, type)));
      })
      .Case([&](tensor::ExtractSliceOp slice) { return readSlice(slice, at); })
      .Case(
          [&](tensor::InsertSliceOp slice) { return readInserted(slice, at); })
      .Case([&](linalg::GenericOp generic) {
        unsigned result = cast<OpResult>(tensor).getResultNumber();
        return compute(generic, result, at);
      })
      .Default([&](Operation *) { return unsupported(type.getElementType()); });
}

Value ElementsScheduler::compute(linalg::GenericOp op, unsigned result,
                                 ElementIndex at) {
  if (op.getNumReductionLoops())
    return reduce(op, result, at)[result];
  // Where the loops are the dimensions, an element's number needs not be taken
  // apart.
  bool isWhole =
      op.getIndexingMapMatchingResult(op->getResult(result)).isIdentity();
  bool needsLoops = !isWhole || op.hasIndexSemantics() ||
                    llvm::any_of(op.getIndexingMapsArray(), [](AffineMap map) {
                      return !map.isIdentity();
                    });
  SmallVector<Value> loops =
      needsLoops ? loopsOf(op, result, at) : SmallVector<Value>();
  std::optional<ElementIndex> whole;
  if (isWhole)
    whole = at;
  return evaluateBody(op, loops, whole, {})[result];
}

/// The body of `op` at `loops`. `whole` is what an operand is read at whose
/// dimensions are the loops. The outputs are the accumulators of a reduction.
SmallVector<Value>
ElementsScheduler::evaluateBody(linalg::GenericOp op, ValueRange loops,
                                std::optional<ElementIndex> whole,
                                ValueRange accumulators) {
  IRMapping mapping;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    if (op.isDpsInit(&operand) && !accumulators.empty()) {
      mapping.map(
          argument,
          accumulators[operand.getOperandNumber() - op.getNumDpsInputs()]);
      continue;
    }
    if (!isa<RankedTensorType>(operand.get().getType())) {
      mapping.map(argument, scalar(operand.get()));
      continue;
    }
    AffineMap map = op.getMatchingIndexingMap(&operand);
    ElementIndex at = whole && map.isIdentity() ? *whole : through(map, loops);
    mapping.map(argument, read(operand.get(), at));
  }
  for (auto [number, loop] : llvm::enumerate(loops))
    op.getBody()->walk(
        [&, number = number, loop = loop](linalg::IndexOp index) {
          if (index.getDim() == number)
            mapping.map(index.getResult(), loop);
        });
  run(*op.getBody(), mapping);
  return llvm::map_to_vector(op.getBody()->getTerminator()->getOperands(),
                             [&](Value yielded) {
                               Value value = mapping.lookupOrNull(yielded);
                               return value ? value : scalar(yielded);
                             });
}

Value ElementsScheduler::readSlice(tensor::ExtractSliceOp op, ElementIndex at) {
  RankedTensorType type = op.getType();
  if (type.getRank() != op.getSourceType().getRank())
    return unsupported(type.getElementType());
  SmallVector<Value> indices;
  for (auto [index, offset, stride] : llvm::zip(
           indicesOf(at, type), op.getMixedOffsets(), op.getMixedStrides())) {
    std::optional<int64_t> start = getConstantIntValue(offset),
                           step = getConstantIntValue(stride);
    if (!start || !step)
      return unsupported(type.getElementType());
    indices.push_back(phase->add(phase->multiply(index, *step), *start));
  }
  return read(op.getSource(), ElementIndex::at(std::move(indices)));
}

/// From the slice where it covers the element, else from below it.
Value ElementsScheduler::readInserted(tensor::InsertSliceOp op,
                                      ElementIndex at) {
  RankedTensorType type = op.getType(), slice = op.getSourceType();
  if (type.getRank() != slice.getRank())
    return unsupported(type.getElementType());
  SmallVector<Value> indices = indicesOf(at, type), inner;
  Value isInside = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    std::optional<int64_t> start =
                               getConstantIntValue(op.getMixedOffsets()[dim]),
                           step =
                               getConstantIntValue(op.getMixedStrides()[dim]);
    if (!start || !step)
      return unsupported(type.getElementType());
    bool isCovered = *start == 0 && *step == 1 &&
                     slice.getDimSize(dim) == type.getDimSize(dim);
    // Below the start the difference wraps around, to a large number.
    Value distance = phase->subtract(indices[dim], phase->index(*start));
    inner.push_back(phase->divide(distance, *step));
    if (isCovered)
      continue;
    if (*start > 0)
      isInside = phase->both(
          isInside, phase->isLess(phase->index(*start - 1), indices[dim]));
    if (*step > 1)
      isInside = phase->both(
          isInside,
          phase->isEqual(phase->remainder(distance, *step), phase->index(0)));
    isInside = phase->both(
        isInside,
        phase->isLess(inner[dim], phase->size(slice.getDimSize(dim))));
  }
  return phase->choose(
      isInside, type.getElementType(),
      [&] { return read(op.getSource(), ElementIndex::at(inner)); },
      [&] { return read(op.getDest(), at); });
}

/// A sum whose terms are shared out: rows of them one after another, each
/// lane's to a sum of its own, and then those of all slices together.
SmallVector<Value> ElementsScheduler::reduceSlice(linalg::GenericOp op,
                                                  SmallVector<Value> loops,
                                                  Value init) {
  size_t lane = loops.size() - 1;
  size_t row = llvm::find(loops, Value()) - loops.begin();
  loops[lane - 1] = slices > 1 ? slice : phase->index(0);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(init.getType()));
  SmallVector<Value> sums(ranges[lane], zero);
  auto addRows = [&](int64_t from, int64_t to, Attribute unroll) {
    auto addRow = [&](Value index, ValueRange carried) {
      loops[row] = index;
      SmallVector<Value> next;
      for (auto [number, sum] : llvm::enumerate(carried)) {
        loops[lane] = phase->index(number);
        next.push_back(evaluateBody(op, loops, std::nullopt, sum)[0]);
      }
      return next;
    };
    sums = phase->loop(phase->index(from), phase->index(to), phase->index(1),
                       sums, addRow);
    sums.front().getDefiningOp()->setAttr("nnc.unroll", unroll);
  };
  // Of the rest, as many at once as there are registers beside.
  int64_t kept = std::min(ranges[row], kTermsKept / ranges[lane]);
  addRows(0, kept, b.getUnitAttr());
  if (kept < ranges[row])
    addRows(kept, ranges[row], b.getI64IntegerAttr(4));
  while (sums.size() > 1) {
    for (size_t i = 0; i < sums.size() / 2; ++i)
      sums[i] = arith::AddFOp::create(b, sums[2 * i], sums[2 * i + 1]);
    sums.resize(sums.size() / 2);
  }
  Value total = sums.front();
  for (int64_t mask = slices / 2; mask; mask /= 2)
    total = arith::AddFOp::create(b, total, phase->shuffle(total, mask));
  if (!matchPattern(init, m_AnyZeroFloat()))
    total = arith::AddFOp::create(b, init, total);
  return {total};
}

/// The loops that reduce, in the thread and in the op's order.
SmallVector<Value> ElementsScheduler::reduce(linalg::GenericOp op,
                                             unsigned result, ElementIndex at) {
  SmallVector<Value> loops = loopsOf(op, result, at), inits;
  for (Value init : op.getDpsInits())
    inits.push_back(read(init, at));
  auto own = op->getAttrOfType<IntegerAttr>(kSlicesAttr);
  if (own && own.getInt() == slices && sliced.contains(op))
    return reduceSlice(op, loops, inits[0]);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  std::function<SmallVector<Value>(unsigned, ValueRange)> nest =
      [&](unsigned number, ValueRange accumulators) -> SmallVector<Value> {
    if (number == loops.size())
      return evaluateBody(op, loops, std::nullopt, accumulators);
    if (loops[number])
      return nest(number + 1, accumulators);
    SmallVector<Value> totals = phase->loop(
        phase->index(0), phase->size(ranges[number]), phase->index(1),
        accumulators, [&](Value index, ValueRange carried) {
          loops[number] = index;
          return nest(number + 1, carried);
        });
    loops[number] = Value();
    return totals;
  };
  return nest(0, inits);
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Repeats the ops of a block, whose arguments are mapped, except for its
/// terminator. Tensors in it are read, and changed, in memory.
void ElementsScheduler::run(Block &block, IRMapping &mapping) {
  auto lookup = [&](Value value) {
    Value known = mapping.lookupOrNull(value);
    return known ? known : scalar(value);
  };
  for (Operation &op : block.without_terminator()) {
    if (isa<linalg::IndexOp>(op))
      continue;
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      auto indices = llvm::map_to_vector(extract.getIndices(), lookup);
      mapping.map(
          extract.getResult(),
          read(extract.getTensor(), ElementIndex::at(std::move(indices))));
    } else if (auto insert = dyn_cast<tensor::InsertOp>(op)) {
      Value buffer = inPlace.lookup(insert.getDest());
      if (!buffer) {
        failed = true;
        return;
      }
      auto indices = llvm::map_to_vector(insert.getIndices(), lookup);
      store(lookup(insert.getScalar()), buffer,
            numberOf(ElementIndex::at(std::move(indices)), tensorType(buffer)));
      inPlace[insert.getResult()] = buffer;
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      runLoop(loop, mapping);
    } else {
      bool isScalar =
          op.getNumRegions() == 0 &&
          llvm::none_of(op.getOperandTypes(), llvm::IsaPred<TensorType>);
      if (!isScalar) {
        failed = true;
        return;
      }
      for (Value operand : op.getOperands())
        mapping.map(operand, lookup(operand));
      b.clone(op, mapping);
    }
  }
}

/// One iteration of a loop that carries nothing but tensors.
void ElementsScheduler::runIteration(scf::ForOp op, Value index,
                                     IRMapping &mapping) {
  for (auto [init, carried] :
       llvm::zip(op.getInitArgs(), op.getRegionIterArgs())) {
    Value buffer = inPlace.lookup(init);
    failed |= !buffer;
    inPlace[carried] = buffer;
  }
  mapping.map(op.getInductionVar(), index);
  if (!failed)
    run(*op.getBody(), mapping);
}

/// A loop whose tensors are changed in place; its other values are carried.
void ElementsScheduler::runLoop(scf::ForOp op, IRMapping &mapping) {
  auto lookup = [&](Value value) {
    Value known = mapping.lookupOrNull(value);
    return known ? known : scalar(value);
  };
  SmallVector<Value> inits;
  SmallVector<unsigned> carried;
  for (auto [number, init] : llvm::enumerate(op.getInitArgs())) {
    if (isa<RankedTensorType>(init.getType())) {
      Value buffer = inPlace.lookup(init);
      failed |= !buffer;
      inPlace[op.getRegionIterArg(number)] = buffer;
      inPlace[op.getResult(number)] = buffer;
      continue;
    }
    inits.push_back(lookup(init));
    carried.push_back(number);
  }
  if (failed)
    return;
  SmallVector<Value> results = phase->loop(
      lookup(op.getLowerBound()), lookup(op.getUpperBound()),
      lookup(op.getStep()), inits, [&](Value index, ValueRange values) {
        mapping.map(op.getInductionVar(), index);
        for (auto [number, value] : llvm::zip(carried, values))
          mapping.map(op.getRegionIterArg(number), value);
        run(*op.getBody(), mapping);
        return llvm::map_to_vector(carried, [&](unsigned number) {
          return lookup(op.getBody()->getTerminator()->getOperand(number));
        });
      });
  for (auto [number, result] : llvm::zip(carried, results))
    mapping.map(op.getResult(number), result);
}
