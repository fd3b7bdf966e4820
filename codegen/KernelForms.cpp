// See KernelForms.h. Reading takes the attribute's word; verifying matches the
// body, op by op, with what codegen/lower/Movement.cpp writes.
#include "codegen/KernelForms.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace nnc;

static constexpr StringLiteral kGather = "nnc.gather";
static constexpr StringLiteral kScatterAdd = "nnc.scatter_add";
static constexpr StringLiteral kArgReduction = "nnc.arg_reduction";
static constexpr StringLiteral kRandomBits = "nnc.random_bits";
static constexpr StringLiteral kSamples = "nnc.samples";

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static void setForm(Operation *op, StringRef name, int64_t axis,
                    bool isUnsigned) {
  Builder b(op->getContext());
  SmallVector<NamedAttribute> fields{
      b.getNamedAttr("axis", b.getI64IntegerAttr(axis))};
  if (isUnsigned)
    fields.push_back(b.getNamedAttr("unsigned", b.getUnitAttr()));
  op->setAttr(name, b.getDictionaryAttr(fields));
}

static int64_t axisOf(DictionaryAttr form) {
  auto axis = form.getAs<IntegerAttr>("axis");
  return axis ? axis.getInt() : -1;
}

void nnc::setGatherForm(linalg::GenericOp op, int64_t axis, bool isUnsigned) {
  setForm(op, kGather, axis, isUnsigned);
}

void nnc::setScatterAddForm(scf::ForOp op, int64_t axis, bool isUnsigned) {
  setForm(op, kScatterAdd, axis, isUnsigned);
}

void nnc::setArgMaximumForm(linalg::GenericOp op) {
  op->setAttr(kArgReduction, StringAttr::get(op.getContext(), "max"));
}

void nnc::setRandomBitsForm(linalg::GenericOp op, int64_t bits) {
  op->setAttr(kRandomBits, Builder(op.getContext()).getI64IntegerAttr(bits));
}

void nnc::setSamplesForm(scf::ForOp op) {
  op->setAttr(kSamples, UnitAttr::get(op.getContext()));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::optional<GatherForm> nnc::gatherForm(linalg::GenericOp op) {
  auto form = op->getAttrOfType<DictionaryAttr>(kGather);
  auto extracts = op.getBody()->getOps<tensor::ExtractOp>();
  if (!form || extracts.empty() || op.getNumDpsInputs() != 1)
    return std::nullopt;
  return GatherForm{(*extracts.begin()).getTensor(), op.getInputs()[0],
                    axisOf(form), form.contains("unsigned")};
}

bool nnc::isOverSamples(scf::ForOp op) { return op->hasAttr(kSamples); }

/// The loops of a nest, outermost first, each of which holds the next alone.
static SmallVector<scf::ForOp> nestOf(scf::ForOp outermost) {
  SmallVector<scf::ForOp> loops{outermost};
  while (true) {
    Block *body = loops.back().getBody();
    auto inner = dyn_cast<scf::ForOp>(&body->front());
    if (!inner || inner->getNextNode() != body->getTerminator())
      return loops;
    loops.push_back(inner);
  }
}

std::optional<ScatterAddForm> nnc::scatterAddForm(scf::ForOp outermost) {
  auto form = outermost->getAttrOfType<DictionaryAttr>(kScatterAdd);
  if (!form)
    return std::nullopt;
  scf::ForOp innermost = nestOf(outermost).back();
  ScatterAddForm scatter{{}, {}, axisOf(form), form.contains("unsigned")};
  for (auto extract : innermost.getBody()->getOps<tensor::ExtractOp>()) {
    if (isa<IntegerType>(extract.getType()))
      scatter.indices = extract.getTensor();
    else if (extract.getTensor() != innermost.getRegionIterArg(0))
      scatter.updates = extract.getTensor();
  }
  if (!scatter.indices || !scatter.updates)
    return std::nullopt;
  return scatter;
}

std::optional<ArgReductionForm> nnc::argReductionForm(linalg::GenericOp op) {
  auto extreme = op->getAttrOfType<StringAttr>(kArgReduction);
  if (!extreme)
    return std::nullopt;
  return ArgReductionForm{extreme == "max" ? arith::CmpFPredicate::OGT
                                           : arith::CmpFPredicate::OLT};
}

std::optional<RandomBitsForm> nnc::randomBitsForm(linalg::GenericOp op) {
  auto bits = op->getAttrOfType<IntegerAttr>(kRandomBits);
  if (!bits)
    return std::nullopt;
  return RandomBitsForm{bits.getInt()};
}

//===----------------------------------------------------------------------===//
// Verifying
//===----------------------------------------------------------------------===//

static bool isConstant(Value value, int64_t expected) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) &&
         constant.getSExtValue() == expected;
}

/// Whether `value` is `size`, of which `?` is the batch, less `difference`.
static bool isSize(Value value, int64_t size, int64_t difference,
                   func::FuncOp kernel) {
  if (!ShapedType::isDynamic(size))
    return isConstant(value, size - difference);
  if (difference == 0)
    return value == kernel.getArgument(0);
  auto sub = value.getDefiningOp<arith::SubIOp>();
  return sub && sub.getLhs() == kernel.getArgument(0) &&
         isConstant(sub.getRhs(), difference);
}

/// What `position` clamps to [0, size): min(max(cast(index), 0), size - 1);
/// null if it is nothing of the kind.
static Value clampedIndex(Value position, int64_t size, bool isUnsigned,
                          func::FuncOp kernel) {
  auto minimum = position.getDefiningOp<arith::MinSIOp>();
  if (!minimum || !isSize(minimum.getRhs(), size, 1, kernel))
    return {};
  auto maximum = minimum.getLhs().getDefiningOp<arith::MaxSIOp>();
  if (!maximum || !isConstant(maximum.getRhs(), 0))
    return {};
  Operation *cast = maximum.getLhs().getDefiningOp();
  bool isCast = isUnsigned ? isa_and_nonnull<arith::IndexCastUIOp>(cast)
                           : isa_and_nonnull<arith::IndexCastOp>(cast);
  return isCast ? cast->getOperand(0) : Value();
}

static LogicalResult verifyGather(linalg::GenericOp op, func::FuncOp kernel) {
  auto wrong = [&](const Twine &what) {
    return op.emitOpError("is no '") << kGather << "': " << what;
  };
  std::optional<GatherForm> gather = gatherForm(op);
  if (!gather)
    return wrong("expected an axis, one input and a tensor.extract");
  auto table = cast<RankedTensorType>(gather->table.getType());
  auto indices = cast<RankedTensorType>(gather->indices.getType());
  int64_t axis = gather->axis, rank = indices.getRank();
  if (axis < 0 || axis >= table.getRank())
    return wrong("the table has no axis " + Twine(axis));
  if (op.getNumResults() != 1 || op.getNumReductionLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      op.getNumLoops() != table.getRank() + rank - 1)
    return wrong("its loops are not the dimensions of its result");
  auto extract = op.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract.getTensor() != gather->table)
    return wrong("it does not yield an element of the table");
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  for (int64_t dim = 0; dim < rank; ++dim)
    if (map.getResult(dim) != getAffineDimExpr(axis + dim, op.getContext()))
      return wrong("index " + Twine(dim) + " is not that of its loop");
  for (auto [dim, position] : llvm::enumerate(extract.getIndices())) {
    if (int64_t(dim) == axis) {
      if (clampedIndex(position, table.getDimSize(axis), gather->isUnsigned,
                       kernel) != op.getBody()->getArgument(0))
        return wrong("the index is not clamped to the axis");
      continue;
    }
    auto loop = position.getDefiningOp<linalg::IndexOp>();
    uint64_t expected = int64_t(dim) < axis ? dim : dim + rank - 1;
    if (!loop || loop.getDim() != expected)
      return wrong("dimension " + Twine(dim) + " is not read along its loop");
  }
  return success();
}

/// Whether the loops run over the whole of `updates` and carry one tensor.
static bool isPlainNest(func::FuncOp kernel, ArrayRef<scf::ForOp> loops,
                        RankedTensorType updates) {
  if (static_cast<int64_t>(loops.size()) != updates.getRank())
    return false;
  for (unsigned depth = 0; depth < loops.size(); ++depth) {
    scf::ForOp loop = loops[depth];
    if (loop.getInitArgs().size() != 1 ||
        !isConstant(loop.getLowerBound(), 0) ||
        !isConstant(loop.getStep(), 1) ||
        !isSize(loop.getUpperBound(), updates.getDimSize(depth), 0, kernel))
      return false;
    if (depth == 0)
      continue;
    scf::ForOp outer = loops[depth - 1];
    if (loop.getInitArgs()[0] != outer.getRegionIterArg(0) ||
        outer.getYieldedValues()[0] != loop.getResult(0))
      return false;
  }
  return true;
}

static bool areLoops(ValueRange values, ArrayRef<scf::ForOp> loops) {
  return values.size() == loops.size() &&
         llvm::all_of(llvm::zip(values, loops), [](auto pair) {
           scf::ForOp loop = std::get<1>(pair);
           return std::get<0>(pair) == loop.getInductionVar();
         });
}

static LogicalResult verifyScatterAdd(scf::ForOp op, func::FuncOp kernel) {
  auto wrong = [&](const Twine &what) {
    return op.emitOpError("is no '") << kScatterAdd << "': " << what;
  };
  std::optional<ScatterAddForm> scatter = scatterAddForm(op);
  if (!scatter)
    return wrong("expected an axis, and elements of indices and updates");
  SmallVector<scf::ForOp> nest = nestOf(op);
  ArrayRef<scf::ForOp> loops = nest;
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  auto updates = cast<RankedTensorType>(scatter->updates.getType());
  int64_t rank = cast<RankedTensorType>(scatter->indices.getType()).getRank();
  int64_t axis = scatter->axis;
  if (axis < 0 || axis >= type.getRank() ||
      updates.getRank() != type.getRank() + rank - 1)
    return wrong("the result has no axis " + Twine(axis));
  if (!isPlainNest(kernel, loops, updates))
    return wrong("its loops are not the dimensions of the updates");

  scf::ForOp innermost = loops.back();
  auto insert =
      innermost.getYieldedValues()[0].getDefiningOp<tensor::InsertOp>();
  auto sum = insert ? insert.getScalar().getDefiningOp<arith::AddFOp>()
                    : arith::AddFOp();
  if (!sum || insert.getDest() != innermost.getRegionIterArg(0))
    return wrong("it does not put a sum into what it carries");
  auto old = sum.getLhs().getDefiningOp<tensor::ExtractOp>();
  Value term = sum.getRhs();
  if (auto extended = term.getDefiningOp<arith::ExtFOp>())
    term = extended.getIn();
  auto update = term.getDefiningOp<tensor::ExtractOp>();
  if (!old || old.getTensor() != insert.getDest() ||
      old.getIndices() != insert.getIndices() || !update ||
      update.getTensor() != scatter->updates ||
      !areLoops(update.getIndices(), loops))
    return wrong("the sum is not of what was there and of the update");

  auto position = insert.getIndices();
  Value index = clampedIndex(position[axis], type.getDimSize(axis),
                             scatter->isUnsigned, kernel);
  auto load =
      index ? index.getDefiningOp<tensor::ExtractOp>() : tensor::ExtractOp();
  if (!load || load.getTensor() != scatter->indices ||
      !areLoops(load.getIndices(), loops.slice(axis, rank)))
    return wrong("the index is not clamped to the axis");
  if (!areLoops(position.take_front(axis), loops.take_front(axis)) ||
      !areLoops(position.drop_front(axis + 1), loops.drop_front(axis + rank)))
    return wrong("the other dimensions are not written along their loops");
  return success();
}

static LogicalResult verifyArgReduction(linalg::GenericOp op) {
  auto wrong = [&](const Twine &what) {
    return op.emitOpError("is no '") << kArgReduction << "': " << what;
  };
  auto extreme = op->getAttrOfType<StringAttr>(kArgReduction);
  if (!extreme || (extreme != "max" && extreme != "min"))
    return wrong("expected \"max\" or \"min\"");
  if (op.getNumDpsInputs() != 1 || op.getNumResults() != 2 ||
      op.getNumReductionLoops() != 1)
    return wrong("expected an input, two results and a loop that reduces");
  Block::BlockArgListType best = op.getRegionOutputArgs();
  auto yielded = op.getBody()->getTerminator()->getOperands();
  auto value = yielded[0].getDefiningOp<arith::SelectOp>();
  auto index = yielded[1].getDefiningOp<arith::SelectOp>();
  auto wins = value ? value.getCondition().getDefiningOp<arith::CmpFOp>()
                    : arith::CmpFOp();
  if (!wins || wins.getPredicate() != argReductionForm(op)->comparison ||
      wins.getRhs() != best[0] || value.getTrueValue() != wins.getLhs() ||
      value.getFalseValue() != best[0])
    return wrong("its first result is not the extreme so far");
  auto cast = index ? index.getTrueValue().getDefiningOp<arith::IndexCastOp>()
                    : arith::IndexCastOp();
  auto loop =
      cast ? cast.getIn().getDefiningOp<linalg::IndexOp>() : linalg::IndexOp();
  if (!loop || index.getCondition() != wins ||
      index.getFalseValue() != best[1] ||
      op.getIteratorTypesArray()[loop.getDim()] !=
          utils::IteratorType::reduction)
    return wrong("its second result is not where the extreme is");
  return success();
}

/// Of the words themselves, that they are the generator's is for tests: ten
/// rounds of it are a hundred ops.
static LogicalResult verifyRandomBits(linalg::GenericOp op) {
  auto wrong = [&](const Twine &what) {
    return op.emitOpError("is no '") << kRandomBits << "': " << what;
  };
  std::optional<RandomBitsForm> form = randomBitsForm(op);
  if (!form || form->bits < 1 || form->bits > 32)
    return wrong("expected 1 to 32 bits");
  auto isCounter = [&](Value input) {
    auto type = cast<RankedTensorType>(input.getType());
    return type.getRank() == 0 && type.getElementType().isInteger(64);
  };
  if (op.getNumDpsInputs() != 3 || op.getNumResults() != 1 ||
      op.getNumReductionLoops() || !llvm::all_of(op.getInputs(), isCounter) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return wrong("expected seed, step and stream, and an element a loop");
  Value word = op.getBody()->getTerminator()->getOperand(0);
  if (form->bits == 32)
    return success();
  auto shift = word.getDefiningOp<arith::ShRUIOp>();
  if (!shift || !isConstant(shift.getRhs(), 32 - form->bits))
    return wrong("the word is not shifted by " + Twine(32 - form->bits));
  return success();
}

/// Whether `op`, within `loop`, touches of the tensors that are made there only
/// what has the iteration's number as its first index.
static bool staysInSample(Operation *op, scf::ForOp loop) {
  auto isOwn = [&](Value tensor, ValueRange indices) {
    bool isMadeOutside = !loop.getRegion().isAncestor(tensor.getParentRegion());
    return isMadeOutside ||
           (!indices.empty() && indices.front() == loop.getInductionVar());
  };
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return isOwn(extract.getTensor(), extract.getIndices());
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return loop.getRegion().isAncestor(insert.getDest().getParentRegion()) &&
           isOwn(insert.getDest(), insert.getIndices());
  return isa<scf::ForOp, scf::YieldOp>(op) ||
         llvm::none_of(op->getOperandTypes(), llvm::IsaPred<TensorType>);
}

static LogicalResult verifySamples(scf::ForOp op) {
  bool isOfTensors = llvm::all_of(op.getInitArgs().getTypes(),
                                  llvm::IsaPred<RankedTensorType>);
  bool isPlain =
      isConstant(op.getLowerBound(), 0) && isConstant(op.getStep(), 1);
  WalkResult walked = op.getBody()->walk([&](Operation *inner) {
    return staysInSample(inner, op) ? WalkResult::advance()
                                    : WalkResult::interrupt();
  });
  if (isOfTensors && isPlain && !walked.wasInterrupted())
    return success();
  return op.emitOpError("is no '") << kSamples << "': an iteration reads or "
                                   << "writes what is another's";
}

/// What `name` on `op` is proved by, if it is an op of that type.
template <typename Op>
static LogicalResult verifyForm(Operation &op, StringRef name,
                                llvm::function_ref<LogicalResult(Op)> verify) {
  if (!op.hasAttr(name))
    return success();
  auto typed = dyn_cast<Op>(op);
  if (!typed)
    return op.emitOpError("cannot be a '") << name << "'";
  return verify(typed);
}

LogicalResult nnc::verifyKernelForms(func::FuncOp kernel) {
  using Generic = linalg::GenericOp;
  for (Operation &op : kernel.getBody().front()) {
    auto isGather = [&](Generic op) { return verifyGather(op, kernel); };
    auto isScatter = [&](scf::ForOp op) {
      return verifyScatterAdd(op, kernel);
    };
    if (failed(verifyForm<Generic>(op, kGather, isGather)) ||
        failed(verifyForm<scf::ForOp>(op, kScatterAdd, isScatter)) ||
        failed(verifyForm<Generic>(op, kArgReduction, verifyArgReduction)) ||
        failed(verifyForm<Generic>(op, kRandomBits, verifyRandomBits)) ||
        failed(verifyForm<scf::ForOp>(op, kSamples, verifySamples)))
      return failure();
  }
  return success();
}

bool nnc::areEqual(func::FuncOp lhs, func::FuncOp rhs) {
  return lhs.getFunctionType() == rhs.getFunctionType() &&
         lhs.getArgAttrsAttr() == rhs.getArgAttrsAttr() &&
         OperationEquivalence::isRegionEquivalentTo(
             &lhs.getBody(), &rhs.getBody(),
             OperationEquivalence::IgnoreLocations);
}
