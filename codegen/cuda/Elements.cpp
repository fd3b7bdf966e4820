// Elements of tensors are computed where they are read, by walking back from
// them to what lies in memory. Some tensors are put there first: results of the
// kernel, reductions, what loops build element by element, and what would else
// be computed several times over. Those of one shape that need of each other
// only the elements at the same place share a phase.
#include "codegen/cuda/Elements.h"

#include "codegen/Reference.h"
#include "codegen/RowsAnalysis.h"
#include "codegen/cuda/GpuPhase.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;

/// Scalar operations that may be repeated rather than put into memory, which
/// costs a launch of some microseconds, a store and a load.
static constexpr int64_t kCheapOps = 8;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {

/// Which element of a tensor: its row-major number, or an index a dimension, or
/// both where both are known.
struct Position {
  Value number;
  std::optional<SmallVector<Value>> indices;

  static Position at(Value number) { return {number, std::nullopt}; }
  static Position at(SmallVector<Value> indices) {
    return {Value(), std::move(indices)};
  }
};

class ElementsScheduler {
public:
  ElementsScheduler(func::FuncOp kernel, const GpuModel &model, bool separately,
                    Refusal &refusal)
      : b(kernel.getLoc(), kernel.getContext()), kernel(kernel), model(model),
        separately(separately), refusal(refusal), last(kernel) {}

  FailureOr<ScheduledKernel> run();

private:
  // Planning.
  void collectNeeded(Operation *op);
  void planStored();
  bool isComputedWhereRead(Operation &op);
  int64_t costOf(Value tensor);
  BufferRef destinationOf(Value tensor);
  bool mixesElements(Value tensor, bool isWhole);
  bool isReadOutside(Value tensor);

  // Phases.
  void addStored(Operation &op);
  void addToGroup(Value tensor);
  void emitGroup();
  void emitSequence(scf::ForOp op);
  void emitCopy(Value root, unsigned result);
  void inPhase(RankedTensorType domain,
               llvm::function_ref<void(Value)> emitElement);
  void beginPhase();
  void endPhase(Extent numBlocks, int64_t threads);

  // Elements.
  Value read(Value tensor, Position at);
  Value compute(Value tensor, Position at);
  Value compute(linalg::GenericOp op, unsigned result, Position at);
  Value readSlice(tensor::ExtractSliceOp op, Position at);
  Value readInserted(tensor::InsertSliceOp op, Position at);
  SmallVector<Value> evaluateBody(linalg::GenericOp op, ValueRange loops,
                                  std::optional<Position> whole,
                                  ValueRange accumulators);
  SmallVector<Value> reduce(linalg::GenericOp op, unsigned result, Position at);
  void run(Block &block, IRMapping &mapping);
  void runLoop(scf::ForOp op, IRMapping &mapping);
  Value scalar(Value value);

  // Positions.
  Value numberOf(const Position &at, RankedTensorType type);
  SmallVector<Value> indicesOf(const Position &at, RankedTensorType type);
  SmallVector<Value> loopsOf(linalg::GenericOp op, unsigned result,
                             const Position &at);
  Position through(AffineMap map, ValueRange loops);

  // Memory.
  Value load(Value tensor, BufferRef ref, Value number);
  void store(Value value, Value tensor, Value number);
  SmallVector<std::pair<unsigned, unsigned>> findAliases();

  Value unsupported(Type type);

  ImplicitLocOpBuilder b;
  func::FuncOp kernel;
  const GpuModel &model;
  bool separately;
  Refusal &refusal;
  ScheduledKernel scheduled;
  Operation *last;
  bool failed = false;

  llvm::SetVector<Operation *> needed;
  /// What is to be stored, as roots of results; and what is already.
  llvm::SetVector<Value> planned;
  DenseMap<Value, BufferRef> stored;
  /// What the next phase will store, and in it what is known at its element.
  llvm::SetVector<Value> group;
  DenseMap<Value, Value> current;

  /// The phase that is being emitted, and the element of its thread.
  std::unique_ptr<GpuPhase> phase;
  Value element;
  /// Tensors that a sequence changes in place.
  DenseMap<Value, Value> inPlace;

  struct OperandReads {
    int lastPhase = -1;
    /// The last phase that reads elements other than the thread's own.
    int lastOther = -1;
  };
  DenseMap<unsigned, OperandReads> operandReads;
  /// The phase that writes each result, if it writes the thread's element and
  /// no other does.
  DenseMap<unsigned, int> resultWrites;
};

} // namespace

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

void ElementsScheduler::collectNeeded(Operation *op) {
  if (!op || op->getBlock() != &kernel.getBody().front() || !needed.insert(op))
    return;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      collectNeeded(operand.getDefiningOp());
  });
}

/// Scalar operations for one element, as far back as memory.
int64_t ElementsScheduler::costOf(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op || planned.contains(rootOf(tensor)) ||
      isa<linalg::FillOp, tensor::EmptyOp, arith::ConstantOp>(op))
    return 0;
  int64_t cost = 1;
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    cost = generic.getBody()->getOperations().size() - 1;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (isa<RankedTensorType>(operand.getType()) &&
          operand.getParentBlock() == op->getBlock())
        cost += costOf(operand);
  });
  return cost;
}

/// Whether the results of an op that are read need not be in memory.
bool ElementsScheduler::isComputedWhereRead(Operation &op) {
  if (isa<linalg::FillOp, tensor::EmptyOp, arith::ConstantOp,
          tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op))
    return true;
  if (isa<scf::ForOp>(op) || separately)
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  bool isReduction = generic && generic.getNumReductionLoops();
  if (!isReduction && llvm::all_of(op.getResults(), [&](Value result) {
        return costOf(result) <= kCheapOps;
      }))
    return true;
  if (op.getNumResults() != 1 || !op.getResult(0).hasOneUse())
    return false;
  // The one reader must not ask for an element twice, and have as many threads.
  auto reader = dyn_cast<linalg::GenericOp>(*op.user_begin());
  if (!reader)
    return !isReduction &&
           isa<tensor::InsertSliceOp, tensor::ExtractSliceOp>(*op.user_begin());
  AffineMap map = reader.getMatchingIndexingMap(&*op.getResult(0).use_begin());
  return map.isPermutation() && !(isReduction && reader.getNumReductionLoops());
}

void ElementsScheduler::planStored() {
  Operation *terminator = kernel.getBody().front().getTerminator();
  for (Value result : terminator->getOperands())
    if (Value root = rootOf(result); root.getDefiningOp())
      planned.insert(root);
  for (Operation &op : kernel.getBody().front()) {
    bool isTensor =
        llvm::any_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if (!needed.contains(&op) || !isTensor || isComputedWhereRead(op))
      continue;
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()) && !result.use_empty())
        planned.insert(result);
  }
}

/// The buffer of the first result that is `tensor`, or a new workspace.
BufferRef ElementsScheduler::destinationOf(Value tensor) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  for (auto [number, result] : llvm::enumerate(terminator->getOperands()))
    if (rootOf(result) == tensor)
      return {BufferRef::Result, unsigned(number)};
  scheduled.workspaceBytes.push_back(sizeBytes(tensorType(tensor)));
  return {BufferRef::Workspace, unsigned(scheduled.workspaceBytes.size() - 1)};
}

/// Whether an element of `tensor` needs elements of the group at other places
/// than its own; `isWhole`: the element is at the place of the phase's.
bool ElementsScheduler::mixesElements(Value tensor, bool isWhole) {
  if (group.contains(tensor))
    return !isWhole;
  Operation *op = tensor.getDefiningOp();
  if (!op || stored.contains(tensor))
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic) {
    bool isReshape =
        isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op);
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return mixesElements(operand, isWhole && isReshape);
    });
  }
  bool mixes = false;
  isWhole &=
      generic.getIndexingMapMatchingResult(cast<OpResult>(tensor)).isIdentity();
  for (OpOperand &operand : op->getOpOperands())
    mixes |= mixesElements(
        operand.get(),
        isWhole && generic.getMatchingIndexingMap(&operand).isIdentity());
  op->walk([&](tensor::ExtractOp extract) {
    mixes |= mixesElements(extract.getTensor(), /*isWhole=*/false);
  });
  return mixes;
}

/// Whether anything but the group's own tensors needs a tensor of the group.
bool ElementsScheduler::isReadOutside(Value tensor) {
  Block &block = kernel.getBody().front();
  return llvm::any_of(tensor.getUsers(), [&](Operation *inner) {
    Operation *user = block.findAncestorOpInBlock(*inner);
    if (isa<func::ReturnOp>(user))
      return true;
    return llvm::any_of(user->getResults(), [&](Value result) {
      if (group.contains(result))
        return false;
      return planned.contains(result) || isReadOutside(result);
    });
  });
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Value ElementsScheduler::numberOf(const Position &at, RankedTensorType type) {
  if (at.number)
    return at.number;
  Value number = phase->index(0);
  for (auto [index, size] : llvm::zip(*at.indices, type.getShape()))
    number = phase->add(phase->multiply(number, phase->size(size)), index);
  return number;
}

SmallVector<Value> ElementsScheduler::indicesOf(const Position &at,
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
                                              const Position &at) {
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

Position ElementsScheduler::through(AffineMap map, ValueRange loops) {
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
  return Position::at(std::move(indices));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value ElementsScheduler::load(Value tensor, BufferRef ref, Value number) {
  if (ref.kind == BufferRef::Operand) {
    OperandReads &reads = operandReads[ref.index];
    reads.lastPhase = scheduled.phases.size();
    if (number != element)
      reads.lastOther = scheduled.phases.size();
  }
  return phase->load(ref, tensorType(tensor), number);
}

void ElementsScheduler::store(Value value, Value tensor, Value number) {
  BufferRef ref = stored.lookup(tensor);
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
    return read(extract.getTensor(), Position::at(llvm::map_to_vector(
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
Value ElementsScheduler::read(Value tensor, Position at) {
  if (Value buffer = inPlace.lookup(tensor))
    tensor = buffer;
  if (at.number && at.number == element)
    if (Value known = current.lookup(tensor))
      return known;
  if (auto known = stored.find(tensor); known != stored.end())
    return load(tensor, known->second, numberOf(at, tensorType(tensor)));
  return compute(tensor, std::move(at));
}

Value ElementsScheduler::compute(Value tensor, Position at) {
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
        return read(reshape.getSrc(), Position::at(numberOf(at, type)));
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
                                 Position at) {
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
  std::optional<Position> whole;
  if (isWhole)
    whole = at;
  return evaluateBody(op, loops, whole, {})[result];
}

/// The body of `op` at `loops`. `whole` is what an operand is read at whose
/// dimensions are the loops. The outputs are the accumulators of a reduction.
SmallVector<Value>
ElementsScheduler::evaluateBody(linalg::GenericOp op, ValueRange loops,
                                std::optional<Position> whole,
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
    Position at = whole && map.isIdentity() ? *whole : through(map, loops);
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

Value ElementsScheduler::readSlice(tensor::ExtractSliceOp op, Position at) {
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
  return read(op.getSource(), Position::at(std::move(indices)));
}

/// From the slice where it covers the element, else from below it.
Value ElementsScheduler::readInserted(tensor::InsertSliceOp op, Position at) {
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
      [&] { return read(op.getSource(), Position::at(inner)); },
      [&] { return read(op.getDest(), at); });
}

/// The loops that reduce, in the thread and in the op's order.
SmallVector<Value> ElementsScheduler::reduce(linalg::GenericOp op,
                                             unsigned result, Position at) {
  SmallVector<Value> loops = loopsOf(op, result, at), inits;
  for (Value init : op.getDpsInits())
    inits.push_back(read(init, at));
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
      mapping.map(extract.getResult(),
                  read(extract.getTensor(), Position::at(std::move(indices))));
    } else if (auto insert = dyn_cast<tensor::InsertOp>(op)) {
      Value buffer = inPlace.lookup(insert.getDest());
      if (!buffer) {
        failed = true;
        return;
      }
      auto indices = llvm::map_to_vector(insert.getIndices(), lookup);
      store(lookup(insert.getScalar()), buffer,
            numberOf(Position::at(std::move(indices)), tensorType(buffer)));
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

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

void ElementsScheduler::beginPhase() {
  size_t number = scheduled.phases.size();
  phase = std::make_unique<GpuPhase>(
      b, kernel, last, "elements" + (number ? Twine(number) : Twine()));
}

void ElementsScheduler::endPhase(Extent numBlocks, int64_t threads) {
  scheduled.phases.push_back(phase->finish("elements", numBlocks, threads));
  last = scheduled.phases.back().function;
  element = Value();
}

/// A phase with a thread for each element of a tensor of type `domain`.
void ElementsScheduler::inPhase(RankedTensorType domain,
                                llvm::function_ref<void(Value)> emitElement) {
  beginPhase();
  Extent total = numElements(domain);
  int64_t threads = kThreads;
  if (!total.perBatch)
    threads = std::min<int64_t>(
        threads,
        llvm::alignTo(std::max<int64_t>(total.constant, 1), model.warpThreads));
  element = phase->globalThread(threads);
  bool isExact = !total.perBatch && total.constant % threads == 0;
  Value isInside = isExact ? arith::ConstantOp::create(b, b.getBoolAttr(true))
                           : phase->isLess(element, phase->value(total));
  phase->when(isInside, [&] { emitElement(element); });
  endPhase(divideUp(total, threads), threads);
}

/// Stores what is in the group. All is read before any is written: a result may
/// lie on an operand.
void ElementsScheduler::emitGroup() {
  if (group.empty() || failed)
    return;
  inPhase(tensorType(group.front()), [&](Value number) {
    for (Value tensor : group)
      current[tensor] = compute(tensor, Position::at(number));
    for (Value tensor : group) {
      if (!isReadOutside(tensor))
        continue;
      stored[tensor] = destinationOf(tensor);
      store(current[tensor], tensor, number);
    }
  });
  group.clear();
  current.clear();
}

void ElementsScheduler::addToGroup(Value tensor) {
  auto shapeOf = [](Value value) { return tensorType(value).getShape(); };
  if (!group.empty() &&
      (separately || shapeOf(tensor) != shapeOf(group.front()) ||
       mixesElements(tensor, /*isWhole=*/true)))
    emitGroup();
  group.insert(tensor);
}

/// What a loop builds: its start by all threads, the loop by one of them.
void ElementsScheduler::emitSequence(scf::ForOp op) {
  for (auto [init, result] : llvm::zip(op.getInitArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    BufferRef destination = destinationOf(result);
    inPhase(tensorType(result),
            [&, init = init, result = result](Value number) {
              Value value = read(init, Position::at(number));
              stored[result] = destination;
              store(value, result, number);
            });
    if (destination.kind == BufferRef::Result)
      resultWrites.erase(destination.index);
    inPlace[init] = result;
  }
  beginPhase();
  Value isFirst = phase->isEqual(phase->thread(), phase->index(0));
  phase->when(isFirst, [&] {
    IRMapping mapping;
    runLoop(op, mapping);
  });
  endPhase(Extent{1}, model.warpThreads);
  inPlace.clear();
}

/// A result that is an operand, or another result.
void ElementsScheduler::emitCopy(Value root, unsigned result) {
  RankedTensorType type = tensorType(root);
  inPhase(type, [&](Value number) {
    Value value = read(root, Position::at(number));
    phase->store(value, {BufferRef::Result, result}, type, number);
    resultWrites[result] = scheduled.phases.size();
  });
}

void ElementsScheduler::addStored(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op); loop && needed.contains(&op)) {
    emitGroup();
    return emitSequence(loop);
  }
  for (Value result : op.getResults())
    if (planned.contains(result))
      addToGroup(result);
}

FailureOr<ScheduledKernel> ElementsScheduler::run() {
  if (!kernel.getBody().hasOneBlock())
    return failure();
  for (BlockArgument argument : kernel.getArguments().drop_front())
    stored[argument] = {BufferRef::Operand, argument.getArgNumber() - 1};
  Block &block = kernel.getBody().front();
  collectNeeded(block.getTerminator());
  planStored();
  for (Operation &op : block)
    if (!failed)
      addStored(op);
  emitGroup();
  for (auto [number, result] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    Value root = rootOf(result);
    BufferRef ref = stored.lookup(root);
    if (!failed && (ref.kind != BufferRef::Result || ref.index != number))
      emitCopy(root, number);
  }
  if (failed) {
    for (Phase &phase : scheduled.phases)
      phase.function.erase();
    return refusal.because("it holds an op whose elements cannot be computed "
                           "one by one");
  }
  scheduled.mayAlias = findAliases();
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleElements(func::FuncOp kernel,
                                                 const GpuModel &model,
                                                 bool separately,
                                                 Refusal &refusal) {
  return ElementsScheduler(kernel, model, separately, refusal).run();
}
