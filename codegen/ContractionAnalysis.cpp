// Loops become axes: unit loops are dropped, and neighbours that every tensor
// walks through in one stride are merged. What cannot be merged into M, N or K
// becomes an outer axis.
#include "codegen/ContractionAnalysis.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

namespace {

/// One contraction under analysis. Loops are those of its linalg.generic.
class Analysis {
public:
  explicit Analysis(func::FuncOp kernel) { contraction.kernel = kernel; }

  FailureOr<Contraction> run();

private:
  LogicalResult findProduct();
  LogicalResult checkBody();
  LogicalResult classifyLoops();
  LogicalResult buildResults();
  LogicalResult buildAxes();
  LogicalResult checkColumns();

  FailureOr<SmallVector<int>> loopsOf(AffineMap map, ArrayRef<int> opLoops);
  const Element *build(Value tensor, ArrayRef<int> loops);
  LogicalResult buildGeneric(Element &element, linalg::GenericOp op);
  const Element *elementOfOperand(unsigned index);

  FailureOr<SmallVector<BatchSize>> loopStrides(ShapedType type,
                                                ArrayRef<int> loops);
  FailureOr<SmallVector<SmallVector<int>>> mergeLoops(ArrayRef<int> loops);
  bool canMerge(int outerLoop, int innerLoop);
  LogicalResult setStrides();
  void setAxes(Element &element);

  Contraction contraction;
  linalg::GenericOp op;
  SmallVector<BatchSize> loopSizes;
  SmallVector<int> outLoops; // a dimension of the product's
  SmallVector<int> loopsM, loopsN, loopsK, loopsOuter;
  SmallVector<SmallVector<BatchSize>> allStrides; // of each tensor, a loop's
  /// The loops of each axis, outermost first.
  SmallVector<SmallVector<int>> axisLoops;
  bool readsIndices = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// The one linalg.generic with a reduction loop.
LogicalResult Analysis::findProduct() {
  for (Operation &inner : contraction.kernel.getBody().front()) {
    auto generic = dyn_cast<linalg::GenericOp>(inner);
    if (!generic || generic.getNumReductionLoops() == 0)
      continue;
    if (op)
      return failure();
    op = generic;
  }
  if (!op || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return failure();
  for (int64_t size : op.getStaticLoopRanges())
    loopSizes.push_back(BatchSize::ofDim(size));
  return checkBody();
}

/// A block argument, or its extension to the sum's type.
static bool isFactor(Value value, BlockArgument argument) {
  if (auto extended = value.getDefiningOp<arith::ExtFOp>())
    value = extended.getIn();
  return value == argument;
}

static bool isZero(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return matchPattern(tensor, m_AnyZeroFloat());
}

/// acc + lhs * rhs, on a sum that starts at zero.
LogicalResult Analysis::checkBody() {
  Block *body = op.getBody();
  BlockArgument acc = body->getArgument(2);
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || !isZero(op.getDpsInits()[0]))
    return failure();
  Value term = add.getLhs() == acc ? add.getRhs() : add.getLhs();
  auto mul = term.getDefiningOp<arith::MulFOp>();
  if (!mul || (add.getLhs() != acc && add.getRhs() != acc))
    return failure();
  auto matches = [&](Value a, Value b) {
    return isFactor(a, body->getArgument(0)) &&
           isFactor(b, body->getArgument(1));
  };
  if (!matches(mul.getLhs(), mul.getRhs()) &&
      !matches(mul.getRhs(), mul.getLhs()))
    return failure();
  contraction.type = cast<FloatType>(acc.getType());
  return success(contraction.type.isF32() || contraction.type.isF64());
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The loop of each dimension under `map`, whose dimensions are `opLoops`. A
/// loop of size 1 counts as none.
FailureOr<SmallVector<int>> Analysis::loopsOf(AffineMap map,
                                              ArrayRef<int> opLoops) {
  SmallVector<int> loops;
  for (AffineExpr expr : map.getResults()) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (constant && constant.getValue() == 0) {
      loops.push_back(kNoLoop);
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return failure();
    int loop = opLoops[dim.getPosition()];
    loops.push_back(loop == kNoLoop || loopSizes[loop].isOne() ? kNoLoop
                                                               : loop);
  }
  return loops;
}

LogicalResult Analysis::buildGeneric(Element &element,
                                     linalg::GenericOp generic) {
  if (generic.getNumReductionLoops() || !isVectorizable(generic))
    return failure();
  OpOperand *init = generic.getDpsInitOperand(element.result);
  AffineMap outMap = generic.getMatchingIndexingMap(init);
  if (!outMap.isPermutation())
    return failure();
  SmallVector<int> opLoops(generic.getNumLoops(), kNoLoop);
  for (auto [i, expr] : llvm::enumerate(outMap.getResults()))
    opLoops[cast<AffineDimExpr>(expr).getPosition()] = element.loops[i];
  element.op = generic;
  element.opAxes = opLoops; // becomes axes in setAxes
  readsIndices |= generic.hasIndexSemantics();
  for (OpOperand &operand : generic->getOpOperands()) {
    BlockArgument argument = generic.getMatchingBlockArgument(&operand);
    if (argument.use_empty()) {
      element.inputs.push_back(nullptr);
      continue;
    }
    auto loops = loopsOf(generic.getMatchingIndexingMap(&operand), opLoops);
    if (failed(loops))
      return failure();
    const Element *input = build(operand.get(), *loops);
    if (!input)
      return failure();
    element.inputs.push_back(input);
  }
  return success();
}

/// Null if it is nothing that the emitter can produce.
const Element *Analysis::build(Value tensor, ArrayRef<int> loops) {
  for (const auto &known : contraction.elements)
    if (known->tensor == tensor && ArrayRef(known->loops) == loops)
      return known.get();
  auto element = std::make_unique<Element>();
  element->tensor = tensor;
  element->loops.assign(loops.begin(), loops.end());
  DenseElementsAttr constant;
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    element->operand = argument.getArgNumber() - 1; // the batch comes first
  } else if (tensor == op.getResult(0)) {
    if (loops != ArrayRef(outLoops))
      return nullptr;
    element->isProduct = true;
  } else if (auto fill = tensor.getDefiningOp<linalg::FillOp>()) {
    element->scalar = fill.getInputs()[0];
  } else if (matchPattern(tensor, m_Constant(&constant))) {
    if (!constant.isSplat())
      return nullptr;
    element->constant = constant.getSplatValue<TypedAttr>();
  } else if (auto generic = tensor.getDefiningOp<linalg::GenericOp>()) {
    element->result = cast<OpResult>(tensor).getResultNumber();
    if (failed(buildGeneric(*element, generic)))
      return nullptr;
  } else {
    return nullptr;
  }
  contraction.elements.push_back(std::move(element));
  return contraction.elements.back().get();
}

const Element *Analysis::elementOfOperand(unsigned index) {
  SmallVector<int> identity =
      llvm::to_vector(llvm::seq<int>(0, op.getNumLoops()));
  OpOperand *operand = op.getDpsInputOperand(index);
  auto loops = loopsOf(op.getMatchingIndexingMap(operand), identity);
  return failed(loops) ? nullptr : build(operand->get(), *loops);
}

LogicalResult Analysis::buildResults() {
  Operation *terminator = contraction.kernel.getBody().front().getTerminator();
  auto shape = cast<ShapedType>(op.getResult(0).getType()).getShape();
  size_t numBefore = contraction.elements.size();
  for (Value result : terminator->getOperands()) {
    if (cast<ShapedType>(result.getType()).getShape() != shape)
      return failure();
    const Element *element = build(result, outLoops);
    if (!element || element->operand)
      return failure();
    contraction.results.push_back(element);
  }
  contraction.product = build(op.getResult(0), outLoops);
  for (const auto &element : llvm::drop_begin(contraction.elements, numBefore))
    if (element->op)
      contraction.numEpilogueOps +=
          element->op.getBody()->getOperations().size() - 1;
  return success(!contraction.results.empty());
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

static bool reads(const Element *element, int loop) {
  return llvm::is_contained(element->loops, loop);
}

LogicalResult Analysis::classifyLoops() {
  SmallVector<int> identity =
      llvm::to_vector(llvm::seq<int>(0, op.getNumLoops()));
  auto loops =
      loopsOf(op.getMatchingIndexingMap(op.getDpsInitOperand(0)), identity);
  if (failed(loops))
    return failure();
  outLoops = *loops;
  contraction.lhs = elementOfOperand(0);
  contraction.rhs = elementOfOperand(1);
  if (!contraction.lhs || !contraction.rhs)
    return failure();

  int innermost = kNoLoop;
  for (int loop : outLoops)
    innermost = loop == kNoLoop ? innermost : loop;
  auto isColumn = [&](int loop) {
    return reads(contraction.rhs, loop) && !reads(contraction.lhs, loop);
  };
  // Rows and columns change places if the result's neighbours lie along the
  // rows. A product with a vector has no columns; its rows become columns if
  // that lets vectors of them be read.
  bool hasColumns = llvm::any_of(
      outLoops, [&](int loop) { return loop != kNoLoop && isColumn(loop); });
  if (innermost != kNoLoop && !isColumn(innermost) &&
      (hasColumns || (!contraction.lhs->loops.empty() &&
                      contraction.lhs->loops.back() == innermost)))
    std::swap(contraction.lhs, contraction.rhs);

  for (int loop : outLoops) {
    if (loop == kNoLoop)
      continue;
    bool inLhs = reads(contraction.lhs, loop),
         inRhs = reads(contraction.rhs, loop);
    if (!inLhs && !inRhs)
      return failure();
    (inLhs && inRhs ? loopsOuter : inLhs ? loopsM : loopsN).push_back(loop);
  }
  for (int loop : contraction.lhs->loops)
    if (loop != kNoLoop && !llvm::is_contained(outLoops, loop)) {
      if (!reads(contraction.rhs, loop))
        return failure();
      loopsK.push_back(loop);
    }
  for (int loop : contraction.rhs->loops)
    if (loop != kNoLoop && !llvm::is_contained(outLoops, loop) &&
        !reads(contraction.lhs, loop))
      return failure();
  return success();
}

/// Elements between neighbours along each loop of a row-major tensor.
FailureOr<SmallVector<BatchSize>> Analysis::loopStrides(ShapedType type,
                                                        ArrayRef<int> loops) {
  SmallVector<BatchSize> strides(loopSizes.size(), BatchSize());
  // None once the product of the dimensions below has no size.
  std::optional<BatchSize> stride(1);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    if (loops[i] != kNoLoop) {
      if (!strides[loops[i]].isZero() || !stride)
        return failure(); // a diagonal, or the batch squared
      strides[loops[i]] = *stride;
    }
    if (stride)
      stride = stride->times(BatchSize::ofDim(type.getDimSize(i)));
  }
  return strides;
}

bool Analysis::canMerge(int outerLoop, int innerLoop) {
  if (readsIndices)
    return false;
  return llvm::all_of(allStrides, [&](ArrayRef<BatchSize> strides) {
    return strides[innerLoop].times(loopSizes[innerLoop]) == strides[outerLoop];
  });
}

/// Groups of loops, outermost first, that can be walked as one.
FailureOr<SmallVector<SmallVector<int>>>
Analysis::mergeLoops(ArrayRef<int> loops) {
  SmallVector<SmallVector<int>> groups;
  for (int loop : loops)
    if (!groups.empty() && canMerge(groups.back().back(), loop))
      groups.back().push_back(loop);
    else
      groups.push_back({loop});
  return groups;
}

LogicalResult Analysis::buildAxes() {
  for (const auto &element : contraction.elements)
    if (element->operand) {
      auto strides = loopStrides(cast<ShapedType>(element->tensor.getType()),
                                 element->loops);
      if (failed(strides))
        return failure();
      allStrides.push_back(*strides);
    }
  auto outStrides =
      loopStrides(cast<ShapedType>(op.getResult(0).getType()), outLoops);
  if (failed(outStrides))
    return failure();
  allStrides.push_back(*outStrides);

  auto groupsM = *mergeLoops(loopsM), groupsN = *mergeLoops(loopsN),
       groupsK = *mergeLoops(loopsK);
  if (groupsK.size() > 1)
    return failure();
  for (int loop : loopsOuter)
    axisLoops.push_back({loop});
  // The innermost groups are M and N.
  for (auto *groups : {&groupsM, &groupsN})
    for (unsigned i = 0; i + 1 < groups->size(); ++i)
      axisLoops.push_back((*groups)[i]);
  contraction.numOuter = axisLoops.size();
  for (auto *groups : {&groupsM, &groupsN, &groupsK})
    axisLoops.push_back(groups->empty() ? SmallVector<int>() : groups->back());

  for (ArrayRef<int> loops : axisLoops) {
    BatchSize size(1);
    for (int loop : loops) {
      std::optional<BatchSize> product = size.times(loopSizes[loop]);
      if (!product)
        return failure();
      size = *product;
    }
    contraction.sizes.push_back(size);
  }
  return setStrides();
}

void Analysis::setAxes(Element &element) {
  for (int &loop : element.opAxes)
    for (auto [axis, loops] : llvm::enumerate(axisLoops))
      if (llvm::is_contained(loops, loop)) {
        loop = axis;
        break;
      }
  for (auto [axis, loops] : llvm::enumerate(axisLoops))
    for (int loop : loops)
      if (reads(&element, loop))
        element.axes |= 1u << axis;
  if (element.isProduct)
    element.axes |= kProductBit;
  for (const Element *input : element.inputs) // set already: built before
    if (input)
      element.axes |= input->axes & kProductBit;
}

LogicalResult Analysis::setStrides() {
  auto strideOfAxes = [&](ArrayRef<BatchSize> strides) {
    SmallVector<BatchSize> result;
    for (ArrayRef<int> loops : axisLoops)
      result.push_back(loops.empty() ? BatchSize() : strides[loops.back()]);
    return result;
  };
  unsigned next = 0;
  for (auto &element : contraction.elements) {
    setAxes(*element);
    if (element->operand)
      element->strides = strideOfAxes(allStrides[next++]);
  }
  contraction.resultStrides.assign(contraction.results.size(),
                                   strideOfAxes(allStrides.back()));
  return checkColumns();
}

/// Vectors run along N: what the epilogue reads must be the same for all
/// columns, or contiguous; and the results must be contiguous.
LogicalResult Analysis::checkColumns() {
  unsigned n = contraction.axisN();
  if (!contraction.n().isOne() && !contraction.resultStrides[0][n].isOne())
    return failure();
  SmallVector<const Element *> open(contraction.results.begin(),
                                    contraction.results.end());
  while (!open.empty()) {
    const Element *element = open.pop_back_val();
    if (element->operand && !element->strides[n].isZero() &&
        !element->strides[n].isOne())
      return failure();
    for (const Element *input : element->inputs)
      if (input)
        open.push_back(input);
  }
  return success();
}

FailureOr<Contraction> Analysis::run() {
  if (failed(findProduct()) || failed(classifyLoops()) ||
      failed(buildResults()) || failed(buildAxes()))
    return failure();
  return std::move(contraction);
}

FailureOr<Contraction> nnc::analyzeContraction(func::FuncOp kernel) {
  return Analysis(kernel).run();
}

//===----------------------------------------------------------------------===//
// In place
//===----------------------------------------------------------------------===//

static void collectOperands(const Element *element,
                            llvm::SmallDenseSet<unsigned> &operands) {
  if (element->operand)
    operands.insert(*element->operand);
  for (const Element *input : element->inputs)
    if (input)
      collectOperands(input, operands);
}

SmallVector<std::pair<unsigned, unsigned>> Contraction::mayAlias() const {
  llvm::SmallDenseSet<unsigned> excluded;
  collectOperands(lhs, excluded);
  collectOperands(rhs, excluded);
  for (const auto &element : elements)
    if (element->operand && element->strides != resultStrides[0])
      excluded.insert(*element->operand);
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (const auto &element : elements)
    if (element->operand && !excluded.contains(*element->operand))
      for (auto [i, result] : llvm::enumerate(results))
        if (element->tensor.getType() == result->tensor.getType())
          pairs.push_back({*element->operand, unsigned(i)});
  return pairs;
}
