// Finds the two-dimensional space of a rows kernel: tries each place to split
// the largest op's loops into rows and columns, and keeps the first in which
// every tensor has a role.
#include "codegen/cpu/RowsAnalysis.h"

#include "codegen/cpu/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

Value nnc::rootOf(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
            op))
      break;
    tensor = op->getOperand(0);
  }
  return tensor;
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

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

bool nnc::usesInit(linalg::GenericOp op, unsigned result) {
  return !op.getRegionOutputArgs()[result].use_empty();
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

/// Whether `value` is the index of the loop, cast to the result's type.
static bool isLoopIndex(Value value) {
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  return value.getDefiningOp<linalg::IndexOp>() != nullptr;
}

bool nnc::isArgReduction(linalg::GenericOp op,
                         arith::CmpFPredicate &comparison) {
  if (op.getNumResults() != 2 || op.getNumReductionLoops() != 1)
    return false;
  auto yielded = op.getBody()->getTerminator()->getOperands();
  auto choice = yielded[1].getDefiningOp<arith::SelectOp>();
  if (!choice || !isLoopIndex(choice.getTrueValue()) ||
      choice.getFalseValue() != op.getRegionOutputArgs()[1])
    return false;
  auto wins = choice.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!wins || wins.getRhs() != op.getRegionOutputArgs()[0])
    return false;
  comparison = wins.getPredicate();
  switch (comparison) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::UGT:
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::ULT:
    return true;
  default:
    return false;
  }
}

//===----------------------------------------------------------------------===//
// What may stand in a rows kernel
//===----------------------------------------------------------------------===//

/// Collects the generic ops; false where another op would have to be computed.
static bool collectOps(func::FuncOp kernel, RowsKernel &rows) {
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (!generic.hasPureTensorSemantics() || !isVectorizable(generic))
        return false;
      rows.ops[&op].op = generic;
      continue;
    }
    if (isa<func::ReturnOp>(op)) {
      for (Value result : op.getOperands())
        rows.results.push_back(rootOf(result));
      continue;
    }
    if (isa<linalg::FillOp, tensor::EmptyOp, tensor::CollapseShapeOp,
            tensor::ExpandShapeOp, tensor::CastOp, tensor::DimOp>(op))
      continue;
    bool scalar = llvm::none_of(op.getResultTypes(), llvm::IsaPred<TensorType>);
    if (isa<arith::ConstantOp>(op) ||
        (scalar &&
         isa<arith::ArithDialect, math::MathDialect>(op.getDialect())))
      continue;
    return false;
  }
  return llvm::all_of(kernel.getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

static Size sizeOf(int64_t dim) {
  return ShapedType::isDynamic(dim) ? Size{1, true} : Size{dim, false};
}

static Size sizeOf(ArrayRef<int64_t> dims) {
  Size size;
  for (int64_t dim : dims)
    size = size * sizeOf(dim);
  return size;
}

/// The loops that run more than once.
static SmallVector<unsigned> properLoops(linalg::GenericOp op) {
  SmallVector<unsigned> loops;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges()))
    if (size != 1)
      loops.push_back(loop);
  return loops;
}

namespace {

/// Gives every tensor its role in a space of a given size.
class RoleInference {
public:
  RoleInference(RowsKernel &rows) : rows(rows) {}
  bool run();

private:
  /// The axes of `op`'s loops if it covers `domain`; none if its sizes differ.
  std::optional<SmallVector<Role>> loopAxes(linalg::GenericOp op, Role domain);
  /// The role that an operand has; none if it is transposed or cut.
  std::optional<Role> operandRole(AffineMap map, ArrayRef<Role> axes);
  /// The axes that the op reduces; none if it reduces a part of an axis.
  std::optional<Role> reducedAxes(linalg::GenericOp op, ArrayRef<Role> axes);
  /// Whether `op` may cover `domain`, given the roles that are known.
  bool matches(RowsOp &op, Role domain, bool commit);
  /// Decides the ops with one domain left; false on a contradiction.
  bool decideForced(bool &progress);
  void decideFirstOpen();

  RowsKernel &rows;
  DenseMap<Operation *, bool> decided;
};

} // namespace

std::optional<SmallVector<Role>> RoleInference::loopAxes(linalg::GenericOp op,
                                                         Role domain) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<Role> axes(ranges.size(), Scalar);
  SmallVector<unsigned> loops = properLoops(op);
  Size rowsLeft = domain & Row ? rows.rows : Size();
  Size covered;
  size_t next = 0;
  for (; next < loops.size() && !(covered == rowsLeft); ++next) {
    covered = covered * sizeOf(ranges[loops[next]]);
    axes[loops[next]] = Row;
  }
  if (!(covered == rowsLeft))
    return std::nullopt;
  Size columns;
  for (; next < loops.size(); ++next) {
    columns = columns * sizeOf(ranges[loops[next]]);
    axes[loops[next]] = Column;
  }
  Size expected{domain & Column ? rows.columns : 1, false};
  if (!(columns == expected))
    return std::nullopt;
  return axes;
}

std::optional<Role> RoleInference::operandRole(AffineMap map,
                                               ArrayRef<Role> axes) {
  int64_t last = -1;
  unsigned numRow = 0, numColumn = 0;
  for (AffineExpr expr : map.getResults()) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0)
        return std::nullopt;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return std::nullopt;
    int64_t loop = dim.getPosition();
    if (axes[loop] == Scalar)
      continue;
    if (loop <= last)
      return std::nullopt;
    last = loop;
    ++(axes[loop] == Row ? numRow : numColumn);
  }
  if ((numRow && numRow != llvm::count(axes, Row)) ||
      (numColumn && numColumn != llvm::count(axes, Column)))
    return std::nullopt;
  return Role((numRow ? Row : 0) | (numColumn ? Column : 0));
}

std::optional<Role> RoleInference::reducedAxes(linalg::GenericOp op,
                                               ArrayRef<Role> axes) {
  unsigned numRow = 0, numColumn = 0;
  for (auto [axis, kind] : llvm::zip(axes, op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction && axis != Scalar)
      ++(axis == Row ? numRow : numColumn);
  if ((numRow && numRow != llvm::count(axes, Row)) ||
      (numColumn && numColumn != llvm::count(axes, Column)))
    return std::nullopt;
  return Role((numRow ? Row : 0) | (numColumn ? Column : 0));
}

bool RoleInference::matches(RowsOp &rowsOp, Role domain, bool commit) {
  linalg::GenericOp op = rowsOp.op;
  std::optional<SmallVector<Role>> axes = loopAxes(op, domain);
  if (!axes)
    return false;
  std::optional<Role> reduced = reducedAxes(op, *axes);
  if (!reduced)
    return false;
  SmallVector<std::pair<Value, Role>> found;
  auto note = [&](Value tensor, AffineMap map) {
    std::optional<Role> role = operandRole(map, *axes);
    if (!role)
      return false;
    Value root = rootOf(tensor);
    if (!uniformValue(root) && !root.getDefiningOp<tensor::EmptyOp>())
      found.push_back({root, *role});
    return true;
  };
  for (OpOperand &operand : op->getOpOperands())
    if (!note(operand.get(), op.getMatchingIndexingMap(&operand)))
      return false;
  for (OpResult result : op->getResults())
    if (!note(result, op.getIndexingMapMatchingResult(result)))
      return false;
  for (auto [tensor, role] : found)
    if (auto known = rows.roles.find(tensor);
        known != rows.roles.end() && known->second != role)
      return false;
  if (!commit)
    return true;
  rowsOp.domain = domain;
  rowsOp.reduced = *reduced;
  rowsOp.loopAxes = std::move(*axes);
  for (auto [tensor, role] : found)
    rows.roles[tensor] = role;
  decided[op] = true;
  return true;
}

bool RoleInference::decideForced(bool &progress) {
  for (auto &[op, rowsOp] : rows.ops) {
    if (decided.lookup(op))
      continue;
    SmallVector<Role> open;
    for (Role domain : {Full, Column, Row, Scalar})
      if ((rows.columns != 1 || !(domain & Column)) &&
          matches(rowsOp, domain, /*commit=*/false))
        open.push_back(domain);
    if (open.empty())
      return false;
    if (open.size() > 1)
      continue;
    matches(rowsOp, open.front(), /*commit=*/true);
    progress = true;
  }
  return true;
}

/// Of square spaces, an op on a vector that nothing ties to rows.
void RoleInference::decideFirstOpen() {
  for (auto &[op, rowsOp] : rows.ops)
    if (!decided.lookup(op)) {
      if (!matches(rowsOp, Column, /*commit=*/true))
        matches(rowsOp, Row, /*commit=*/true);
      return;
    }
}

bool RoleInference::run() {
  rows.roles.clear();
  while (decided.size() < rows.ops.size()) {
    bool progress = false;
    if (!decideForced(progress))
      return false;
    if (progress)
      continue;
    size_t before = decided.size();
    decideFirstOpen();
    if (decided.size() == before)
      return false;
  }
  return true;
}

/// A result that no op touches, or that is uniform: by its size.
static bool assignRemainingResults(RowsKernel &rows) {
  for (Value result : rows.results) {
    if (rows.roles.contains(result))
      continue;
    Size size = sizeOf(cast<RankedTensorType>(result.getType()).getShape());
    if (size == rows.rows * Size{rows.columns, false})
      rows.roles[result] = rows.columns == 1 ? Row : Full;
    else if (size == Size())
      rows.roles[result] = Scalar;
    else if (size == rows.rows)
      rows.roles[result] = Row;
    else if (size == Size{rows.columns, false})
      rows.roles[result] = Column;
    else
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// What the emitter asks for beyond roles
//===----------------------------------------------------------------------===//

/// Whether an index of the op can be told from the position along its axis: the
/// dimensions below it are static.
static bool hasStaticStrides(RowsOp &rowsOp) {
  if (!rowsOp.op.hasIndexSemantics())
    return true;
  SmallVector<int64_t> ranges = rowsOp.op.getStaticLoopRanges();
  for (size_t loop = 1; loop < ranges.size(); ++loop)
    if (ShapedType::isDynamic(ranges[loop]) && rowsOp.loopAxes[loop - 1] == Row)
      return false;
  return true;
}

static bool hasKnownReductions(RowsOp &rowsOp) {
  if (rowsOp.reduced == Scalar)
    return true;
  // Over a vector of columns alone: no loop nest has that shape.
  if (rowsOp.domain == Column)
    return false;
  arith::CmpFPredicate comparison;
  if (rowsOp.reduced == Column && isArgReduction(rowsOp.op, comparison))
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
  }
}

/// Splits of the largest op's loops, the flat space first.
static SmallVector<std::pair<Size, int64_t>> candidateSpaces(RowsKernel &rows) {
  SmallVector<int64_t> largest;
  auto consider = [&](ArrayRef<int64_t> dims) {
    SmallVector<int64_t> proper(dims);
    llvm::erase(proper, 1);
    Size size = sizeOf(proper), best = sizeOf(largest);
    if (std::tuple(proper.size(), size.perBatch, size.count) >
        std::tuple(largest.size(), best.perBatch, best.count))
      largest = proper;
  };
  for (auto &[op, rowsOp] : rows.ops)
    consider(rowsOp.op.getStaticLoopRanges());
  for (Value result : rows.results)
    consider(cast<RankedTensorType>(result.getType()).getShape());
  SmallVector<std::pair<Size, int64_t>> spaces{{sizeOf(largest), 1}};
  for (size_t split = largest.size(); split-- > 1;) {
    ArrayRef<int64_t> dims = largest;
    Size columns = sizeOf(dims.drop_front(split));
    if (!columns.perBatch)
      spaces.push_back({sizeOf(dims.take_front(split)), columns.count});
  }
  return spaces;
}

FailureOr<RowsKernel> nnc::analyzeRows(func::FuncOp kernel) {
  RowsKernel rows;
  if (!kernel.getBody().hasOneBlock() || !collectOps(kernel, rows))
    return failure();
  for (auto [numRows, numColumns] : candidateSpaces(rows)) {
    rows.rows = numRows;
    rows.columns = numColumns;
    if (!RoleInference(rows).run() || !assignRemainingResults(rows))
      continue;
    for (auto &[op, rowsOp] : rows.ops)
      if (!hasStaticStrides(rowsOp) || !hasKnownReductions(rowsOp))
        return failure();
    assignStages(rows);
    return rows;
  }
  return failure();
}
