// See RowsAnalysis.h.
#include "codegen/RowsAnalysis.h"

#include "codegen/KernelForms.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

Type nnc::elementTypeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

int64_t nnc::elementBytes(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

int64_t nnc::elementBytes(Value tensor) {
  return elementBytes(elementTypeOf(tensor));
}

OpFoldResult nnc::uniformValue(Value root) {
  if (auto fill = root.getDefiningOp<linalg::FillOp>())
    return fill.value();
  SplatElementsAttr splat;
  if (matchPattern(root, m_Constant(&splat)))
    return splat.getSplatValue<Attribute>();
  return {};
}

RowsOp *RowsKernel::definition(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  auto found = ops.find(op);
  return found == ops.end() ? nullptr : &found->second;
}

unsigned RowsKernel::stageOf(Value tensor) {
  RowsOp *op = definition(tensor);
  return op ? op->stage : 0;
}

bool RowsKernel::followsRowReduction(Value tensor) {
  RowsOp *op = definition(tensor);
  return op && op->followsRowReduction;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

bool nnc::usesInit(linalg::GenericOp op, unsigned result) {
  return !op.getRegionOutputArgs()[result].use_empty();
}

bool nnc::readsInput(linalg::GenericOp op, unsigned input) {
  return !op.getRegionInputArgs()[input].use_empty();
}

Operation *nnc::combinerOf(linalg::GenericOp op, unsigned result) {
  BlockArgument accumulator = op.getRegionOutputArgs()[result];
  Operation *combiner =
      op.getBody()->getTerminator()->getOperand(result).getDefiningOp();
  if (!combiner || !accumulator.hasOneUse() ||
      *accumulator.user_begin() != combiner)
    return nullptr;
  if (!isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
           arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
           arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp,
           arith::AndIOp, arith::OrIOp>(combiner))
    return nullptr;
  return combiner;
}

//===----------------------------------------------------------------------===//
// What may stand in a rows kernel
//===----------------------------------------------------------------------===//

/// Whether `tensor` has no value.
static bool isEmpty(Value tensor) {
  return rootOf(tensor).getDefiningOp<tensor::EmptyOp>() != nullptr;
}

static LogicalResult collectOp(Operation &op, RowsKernel &rows,
                               Refusal &refusal) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (!generic.hasPureTensorSemantics() || !isVectorizable(generic))
      return refusal.because("a body has more than scalar arithmetic");
    for (auto [number, input] : llvm::enumerate(generic.getInputs()))
      if (isEmpty(input) && readsInput(generic, number))
        return refusal.because("it reads a tensor that has no value");
    rows.ops[&op].op = generic;
    return success();
  }
  if (isa<func::ReturnOp>(op)) {
    if (llvm::any_of(op.getOperands(), isEmpty))
      return refusal.because("it returns a tensor that has no value");
    for (Value result : op.getOperands())
      rows.results.push_back(rootOf(result));
    for (Value result : rows.results)
      if (result.getDefiningOp<tensor::InsertSliceOp>())
        return refusal.because("it returns what it has padded");
    return success();
  }
  // Padding is the bounds of a window, and no tensor of its own.
  if (isa<linalg::FillOp, tensor::EmptyOp, tensor::CollapseShapeOp,
          tensor::ExpandShapeOp, tensor::CastOp, tensor::DimOp,
          tensor::InsertSliceOp, arith::ConstantOp>(op))
    return success();
  bool isScalar = llvm::none_of(op.getResultTypes(), llvm::IsaPred<TensorType>);
  if (isScalar && isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return success();
  return refusal.because("it has " + op.getName().getStringRef());
}

/// Collects the generic ops, where no other would have to be computed.
static LogicalResult collectOps(func::FuncOp kernel, RowsKernel &rows,
                                Refusal &refusal) {
  if (!kernel.getBody().hasOneBlock())
    return refusal.because("it has several blocks");
  if (!llvm::all_of(kernel.getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return refusal.because("a result is no tensor");
  for (Operation &op : kernel.getBody().front())
    if (failed(collectOp(op, rows, refusal)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Ops as loop nests
//===----------------------------------------------------------------------===//

/// The loop that each dimension of an operand runs with; none where an index is
/// more than a loop's.
static std::optional<SmallVector<int64_t>> loopsOf(AffineMap map) {
  SmallVector<int64_t> loops;
  for (AffineExpr expr : map.getResults()) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim && !(constant && constant.getValue() == 0))
      return std::nullopt;
    loops.push_back(dim ? int64_t(dim.getPosition()) : -1);
  }
  return loops;
}

int64_t nnc::windowSize(const RowsOp &op) {
  SmallVector<int64_t> ranges = linalg::GenericOp(op.op).getStaticLoopRanges();
  int64_t size = 1;
  for (unsigned loop : op.windowLoops)
    size *= ranges[loop];
  return size;
}

/// Takes all of the op's reductions for a window: a loop that an element of the
/// result goes through by itself.
static LogicalResult describeWindow(RowsOp &rowsOp, Refusal &refusal) {
  for (auto [loop, isReduced] : llvm::enumerate(rowsOp.isReduced)) {
    if (!isReduced)
      continue;
    if (ShapedType::isDynamic(rowsOp.ranges[loop]))
      return refusal.because("a window is as large as the batch");
    rowsOp.windowLoops.push_back(loop);
    rowsOp.ranges[loop] = 1;
  }
  if (rowsOp.windowLoops.empty())
    return refusal.because("an index is more than a loop's");
  for (unsigned result = 0; result < rowsOp.op.getNumResults(); ++result)
    if (!usesInit(rowsOp.op, result))
      return refusal.because("a window's result is of its last element alone");
  return success();
}

/// `map` with its quotients of loops as dimensions behind the loops. Fails
/// where one is of more than a loop and a number.
static FailureOr<AffineMap>
takeQuotients(AffineMap map, SmallVectorImpl<LoopQuotient> &quotients) {
  DenseMap<AffineExpr, AffineExpr> replacements;
  bool isKnown = true;
  auto add = [&](AffineExpr expr) {
    if (expr.getKind() != AffineExprKind::FloorDiv ||
        replacements.contains(expr))
      return;
    auto quotient = cast<AffineBinaryOpExpr>(expr);
    AffineExpr of = quotient.getLHS();
    int64_t offset = 0;
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(of);
        sum && of.getKind() == AffineExprKind::Add)
      if (auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS())) {
        offset = constant.getValue();
        of = sum.getLHS();
      }
    auto loop = dyn_cast<AffineDimExpr>(of);
    auto divisor = dyn_cast<AffineConstantExpr>(quotient.getRHS());
    isKnown &= loop && divisor && offset >= 0 && divisor.getValue() > 0;
    if (!isKnown)
      return;
    replacements[expr] =
        getAffineDimExpr(map.getNumDims() + quotients.size(), map.getContext());
    quotients.push_back({loop.getPosition(), offset, divisor.getValue()});
  };
  for (AffineExpr expr : map.getResults())
    expr.walk(add);
  if (!isKnown)
    return failure();
  return map.replace(replacements, map.getNumDims() + quotients.size(),
                     /*numResultSyms=*/0);
}

/// Whether `bound` holds wherever the loops are.
static bool alwaysHolds(const Bound &bound, ArrayRef<BatchSize> sizes) {
  int64_t least = bound.index.base.factor, most = least;
  bool isStatic = bound.index.base.isStatic() && bound.size.isStatic();
  for (auto [stride, size] : llvm::zip(bound.index.strides, sizes)) {
    if (stride.isZero())
      continue;
    isStatic &= stride.isStatic() && size.isStatic();
    int64_t way = stride.factor * (size.factor - 1);
    (way < 0 ? least : most) += way;
  }
  return isStatic && least >= 0 && most < bound.size.factor;
}

/// Where an operand that is read in a window lies.
static LogicalResult addWindowRead(RowsOp &rowsOp, OpOperand &operand,
                                   Refusal &refusal) {
  linalg::GenericOp op = rowsOp.op;
  auto sizes = llvm::map_to_vector(op.getStaticLoopRanges(), BatchSize::ofDim);
  WindowRead read;
  read.input = operand.getOperandNumber();
  FailureOr<AffineMap> map =
      takeQuotients(op.getMatchingIndexingMap(&operand), read.quotients);
  if (failed(map))
    return refusal.because("an index is no sum of loops");
  for (const LoopQuotient &quotient : read.quotients) {
    if (!sizes[quotient.loop].isStatic())
      return refusal.because("an index is a quotient of the batch");
    int64_t last = sizes[quotient.loop].factor - 1 + quotient.offset;
    sizes.push_back(BatchSize(last / quotient.divisor + 1));
  }
  std::optional<Indices> indices =
      compose(*map, loopIndices(sizes), sizes.size());
  if (!indices)
    return refusal.because("an index is no sum of loops");
  FailureOr<Access> access =
      traceAccess(operand.get(), *indices, sizes, refusal);
  if (failed(access))
    return failure();
  auto tensor = dyn_cast<BlockArgument>(access->tensor);
  if (!tensor || access->load || !op.isDpsInput(&operand))
    return refusal.because("a window is read of what the kernel computes");
  read.tensor = tensor;
  read.place = access->place;
  read.padding = access->padding;
  for (const Bound &bound : access->bounds)
    if (!alwaysHolds(bound, sizes))
      read.bounds.push_back(bound);
  rowsOp.windowReads.push_back(std::move(read));
  return success();
}

/// Whether both read the same places of tensors of one shape.
static bool readAlike(const WindowRead &lhs, const WindowRead &rhs) {
  auto shapeOf = [](const WindowRead &read) {
    return cast<RankedTensorType>(read.tensor.getType()).getShape();
  };
  return shapeOf(lhs) == shapeOf(rhs) && lhs.place == rhs.place;
}

/// The size of the innermost loop of the space, if an op that asks where it is
/// does not care where along that loop: rows of such elements keep what it
/// knows of places the same in all lanes.
static int64_t channelsOf(const RowsOp &rowsOp) {
  linalg::GenericOp op = rowsOp.op;
  if (!rowsOp.readsPlaces())
    return 1;
  auto isOfWindow = [&](unsigned loop) {
    return llvm::is_contained(rowsOp.windowLoops, loop);
  };
  unsigned end = op.getNumLoops();
  while (end > 0 && isOfWindow(end - 1))
    --end;
  if (end == 0 || ShapedType::isDynamic(rowsOp.ranges[end - 1]))
    return 1;
  for (const WindowRead &read : rowsOp.windowReads) {
    BatchSize stride = read.place.strides[end - 1];
    if (!stride.isOne() && !stride.isZero())
      return 1;
  }
  bool isAsked = false;
  for (auto index : op.getBody()->getOps<linalg::IndexOp>())
    isAsked |= index.getDim() == end - 1;
  return isAsked ? 1 : rowsOp.ranges[end - 1];
}

/// Whether the operand's index is a loop in each dimension, none of a window.
static bool isPlainRead(const RowsOp &rowsOp, AffineMap map) {
  std::optional<SmallVector<int64_t>> loops = loopsOf(map);
  return loops && llvm::none_of(rowsOp.windowLoops, [&](unsigned loop) {
           return llvm::is_contained(*loops, loop);
         });
}

/// The loops of an op within one sample.
static SpaceOp inSample(const SpaceOp &op) {
  SpaceOp sample;
  sample.ranges = op.ranges;
  llvm::replace(sample.ranges, ShapedType::kDynamic, int64_t(1));
  return sample;
}

/// Puts the operand among the op's uses of the space, or its reads of memory.
static LogicalResult describeOperand(RowsOp &rowsOp, OpOperand &operand,
                                     bool ofSamples, Refusal &refusal) {
  AffineMap map = rowsOp.op.getMatchingIndexingMap(&operand);
  if (!isPlainRead(rowsOp, map))
    return addWindowRead(rowsOp, operand, refusal);
  Value root = rootOf(operand.get());
  if (uniformValue(root) || root.getDefiningOp<tensor::EmptyOp>())
    return success();
  SpaceOp::Use use{root, *loopsOf(map)};
  if (isa<BlockArgument>(root) && rowsOp.op.isDpsInput(&operand) &&
      isCutUse(ofSamples ? inSample(rowsOp) : rowsOp, use))
    return addWindowRead(rowsOp, operand, refusal);
  if (root.getDefiningOp<tensor::InsertSliceOp>())
    return refusal.because("it pads a tensor that is no window's");
  rowsOp.uses.push_back(std::move(use));
  return success();
}

static LogicalResult describeLoops(RowsOp &rowsOp, bool ofSamples,
                                   Refusal &refusal) {
  linalg::GenericOp op = rowsOp.op;
  rowsOp.ranges = op.getStaticLoopRanges();
  for (utils::IteratorType kind : op.getIteratorTypesArray())
    rowsOp.isReduced.push_back(kind == utils::IteratorType::reduction);
  auto hasLoops = [](AffineMap map) { return loopsOf(map).has_value(); };
  if (!llvm::all_of(op.getIndexingMapsArray(), hasLoops) &&
      failed(describeWindow(rowsOp, refusal)))
    return failure();
  for (OpOperand &operand : op->getOpOperands()) {
    bool isRead =
        !op.isDpsInput(&operand) || readsInput(op, operand.getOperandNumber());
    if (isRead && failed(describeOperand(rowsOp, operand, ofSamples, refusal)))
      return failure();
  }
  bool hasWindow = !rowsOp.windowLoops.empty();
  for (const WindowRead &read : rowsOp.windowReads)
    if (hasWindow && !readAlike(read, rowsOp.windowReads.front()))
      return refusal.because("a window is of several operands");
  rowsOp.wantedColumns = channelsOf(rowsOp);
  for (OpResult result : op->getResults()) {
    AffineMap map = op.getIndexingMapMatchingResult(result);
    if (!isPlainRead(rowsOp, map))
      return refusal.because("a result's index is more than a loop's");
    rowsOp.uses.push_back({result, *loopsOf(map)});
  }
  return success();
}

/// Whether an op asks where in the batch it is, or reads in memory by that.
static bool needsPosition(const std::pair<Operation *, RowsOp> &entry) {
  return entry.second.readsPlaces();
}

/// Every op by its loops: all of them, or those within one sample.
static FailureOr<SmallVector<SpaceOp, 0>>
describeAll(RowsKernel &rows, bool ofSamples, Refusal &refusal) {
  SmallVector<SpaceOp, 0> ops;
  for (auto &[op, rowsOp] : rows.ops) {
    rowsOp = RowsOp();
    rowsOp.op = cast<linalg::GenericOp>(op);
    if (failed(describeLoops(rowsOp, ofSamples, refusal)))
      return failure();
    ops.push_back(rowsOp);
  }
  return ops;
}

/// Finds the space, and what each op and tensor is in it.
static LogicalResult placeInSpace(RowsKernel &rows, Refusal &refusal) {
  FailureOr<SmallVector<SpaceOp, 0>> described =
      describeAll(rows, /*ofSamples=*/false, refusal);
  if (failed(described))
    return failure();
  SmallVector<SpaceOp, 0> ops = std::move(*described);
  std::optional<RowSpace> space = inferRowSpace(ops, rows.results);
  if (!space) {
    described = describeAll(rows, /*ofSamples=*/true, refusal);
    if (failed(described))
      return failure();
    ops = std::move(*described);
    if (llvm::none_of(rows.ops, needsPosition))
      space = inferSampleSpace(ops, rows.results);
    rows.isOfSamples = space.has_value();
  }
  if (!space)
    return refusal.because("its ops share no space of rows and columns");
  rows.rows = space->rows;
  rows.columns = space->columns;
  rows.roles = std::move(space->roles);
  for (auto [entry, op] : llvm::zip(rows.ops, ops))
    static_cast<SpaceOp &>(entry.second) = std::move(op);
  return success();
}

/// Whether the space has a role for every tensor that varies in it.
static bool hasEveryRole(RowsKernel &rows) {
  auto isKnown = [&](Value tensor) {
    Value root = rootOf(tensor);
    return rows.roles.contains(root) || uniformValue(root) ||
           root.getDefiningOp<tensor::EmptyOp>() ||
           !isa<RankedTensorType>(root.getType());
  };
  auto hasPlaces = [&](RowsOp &rowsOp) {
    for (auto [number, input] : llvm::enumerate(rowsOp.op.getInputs()))
      if (!isKnown(input) && readsInput(rowsOp.op, number) &&
          !rowsOp.isReadInWindow(number))
        return false;
    return llvm::all_of(rowsOp.op.getOutputs(), isKnown) &&
           llvm::all_of(rowsOp.op->getResults(), isKnown);
  };
  return llvm::all_of(rows.results, isKnown) &&
         llvm::all_of(rows.ops,
                      [&](auto &entry) { return hasPlaces(entry.second); });
}

//===----------------------------------------------------------------------===//
// What the emitter asks for beyond roles
//===----------------------------------------------------------------------===//

/// Whether an index of the op can be told from the position along its axis: the
/// dimensions below it are static.
static bool hasStaticStrides(RowsOp &rowsOp) {
  if (!rowsOp.readsPlaces())
    return true;
  SmallVector<int64_t> ranges = rowsOp.op.getStaticLoopRanges();
  bool hasOuterRow = false;
  for (auto [range, axis] : llvm::zip(ranges, rowsOp.loopAxes)) {
    // Loops that run once lie on no axis, and may stand between.
    if (ShapedType::isDynamic(range) && hasOuterRow)
      return false;
    hasOuterRow |= axis == Row;
  }
  return true;
}

static bool hasKnownReductions(RowsOp &rowsOp) {
  if (rowsOp.reduced == Scalar)
    return true;
  if (rowsOp.reduced == Column && argReductionForm(rowsOp.op))
    return true;
  for (unsigned result = 0; result < rowsOp.op.getNumResults(); ++result)
    if (!combinerOf(rowsOp.op, result))
      return false;
  return true;
}

/// Stages in program order, which is an order of dependence.
static void assignStages(RowsKernel &rows) {
  for (auto &[op, rowsOp] : rows.ops) {
    unsigned stage = 0;
    for (Value operand : op->getOperands())
      stage = std::max(stage, rows.stageOf(rootOf(operand)));
    rowsOp.stage = stage + (rowsOp.reduced & Row ? 1 : 0);
    rowsOp.followsRowReduction =
        rowsOp.reduced == Column ||
        (rowsOp.reduced == Scalar &&
         llvm::any_of(op->getOperands(), [&](Value operand) {
           return rows.followsRowReduction(rootOf(operand));
         }));
  }
}

FailureOr<RowsKernel> nnc::analyzeRows(func::FuncOp kernel, Refusal &refusal) {
  RowsKernel rows;
  if (failed(collectOps(kernel, rows, refusal)) ||
      failed(placeInSpace(rows, refusal)))
    return failure();
  if (!hasEveryRole(rows))
    return refusal.because("a tensor has no place in the space");
  for (auto &[op, rowsOp] : rows.ops) {
    if (!hasStaticStrides(rowsOp))
      return refusal.because("an index is a position divided by the batch");
    if (!hasKnownReductions(rowsOp))
      return refusal.because("it reduces by what has no partial results");
  }
  assignStages(rows);
  return rows;
}
