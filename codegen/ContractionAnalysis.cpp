// Loops become axes: unit loops are dropped, and neighbours that every tensor
// walks through in one stride are merged. What cannot be merged into M or N
// becomes an outer axis, what cannot be merged into K is walked around it.
#include "codegen/ContractionAnalysis.h"

#include "codegen/ContractionElements.h"
#include "codegen/ContractionParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

namespace {

/// One contraction under analysis. Loops are those of its linalg.generic.
class Analysis {
public:
  Analysis(func::FuncOp kernel, const Product &product, Value whole,
           Refusal &refusal, ContractionForm form)
      : refusal(refusal), form(form), op(product.op), insert(product.insert),
        shift(product.shift), whole(whole) {
    contraction.kernel = kernel;
  }

  FailureOr<Contraction> run();

private:
  LogicalResult checkProduct();
  LogicalResult checkBody();
  LogicalResult findOperands();
  LogicalResult placeProduct();
  void chooseSides();
  LogicalResult classifyLoops();
  LogicalResult buildResults();
  LogicalResult buildAxes();
  LogicalResult sizeAxes();
  LogicalResult checkColumns();

  bool isToCopy(Value tensor, const Indices &indices);
  const Element *elementOfOperand(unsigned index);

  int channelLoop();
  void findZeroTerms();
  std::optional<ZeroTerms> zeroTermsBeyond(const LinearIndex &index,
                                           BatchSize size);
  SmallVector<SmallVector<int>> mergeLoops(ArrayRef<int> loops,
                                           int alone = kNoLoop);
  bool canMerge(int outerLoop, int innerLoop);

  size_t numLoops() { return loopSizes.size(); }

  Contraction contraction;
  Refusal &refusal;
  ContractionForm form;
  std::optional<ElementBuilder> elements;
  linalg::GenericOp op;
  tensor::InsertSliceOp insert;
  ArrayRef<int64_t> shift;
  Value whole; // what the product is put into, or the product
  SmallVector<BatchSize> loopSizes;
  Indices loops;
  Indices outIndices;        // of the product
  Indices wholeIndices;      // of the same element in `whole`
  SmallVector<int> outLoops; // of its dimensions, those that run
  SmallVector<int> loopsM, loopsN, loopsK, loopsOuter;
  LinearIndex productPlace;
  /// Every place and bound, and the result's place: what loops step through.
  SmallVector<LinearIndex> walked;
  /// The loops of each axis, outermost first.
  SmallVector<SmallVector<int>> axisLoops;
};

} // namespace

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

LogicalResult Analysis::checkProduct() {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return refusal.because("its reduction is not of two operands");
  for (int64_t size : op.getStaticLoopRanges())
    loopSizes.push_back(BatchSize::ofDim(size));
  loops = loopIndices(loopSizes);
  elements.emplace(loopSizes, refusal);
  return checkBody();
}

/// A block argument, or its extension to the sum's type.
static bool isFactor(Value value, BlockArgument argument) {
  if (auto extended = value.getDefiningOp<arith::ExtFOp>())
    value = extended.getIn();
  return value == argument;
}

/// acc + lhs * rhs, on a sum that starts at zero.
LogicalResult Analysis::checkBody() {
  if (!isZeroTensor(op.getDpsInits()[0]))
    return refusal.because("its sum does not start at zero");
  Block *body = op.getBody();
  BlockArgument acc = body->getArgument(2);
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || (add.getLhs() != acc && add.getRhs() != acc))
    return refusal.because("its reduction is no sum");
  Value term = add.getLhs() == acc ? add.getRhs() : add.getLhs();
  auto mul = term.getDefiningOp<arith::MulFOp>();
  auto matches = [&](Value a, Value b) {
    return isFactor(a, body->getArgument(0)) &&
           isFactor(b, body->getArgument(1));
  };
  if (!mul || (!matches(mul.getLhs(), mul.getRhs()) &&
               !matches(mul.getRhs(), mul.getLhs())))
    return refusal.because("its sum is not of products");
  contraction.type = cast<FloatType>(acc.getType());
  if (!contraction.type.isF32() && !contraction.type.isF64())
    return refusal.because("its sum is neither f32 nor f64");
  return success();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// Whether it is read in windows: an index that is a sum of loops.
static bool isWindow(const LinearIndex &index) {
  return llvm::count_if(index.strides,
                        [](BatchSize stride) { return !stride.isZero(); }) > 1;
}

bool Analysis::isToCopy(Value tensor, const Indices &indices) {
  if (!form.copiesWindows || contraction.copied ||
      llvm::none_of(indices, isWindow))
    return false;
  FailureOr<Access> access = traceAccess(tensor, indices, loopSizes, refusal);
  return succeeded(access) && !access->load &&
         (!access->bounds.empty() || !isa<BlockArgument>(access->tensor));
}

const Element *Analysis::elementOfOperand(unsigned index) {
  OpOperand *operand = op.getDpsInputOperand(index);
  auto indices = compose(op.getMatchingIndexingMap(operand), loops, numLoops());
  if (!indices)
    return (void)refusal.because("an operand's index is no sum of loops"),
           nullptr;
  if (!isToCopy(operand->get(), *indices))
    return elements->build(operand->get(), *indices);
  contraction.copied = std::make_unique<TensorToCopy>();
  return elements->buildCopied(operand->get(), *indices, *contraction.copied);
}

LogicalResult Analysis::buildResults() {
  Operation *terminator = contraction.kernel.getBody().front().getTerminator();
  auto shape = cast<ShapedType>(whole.getType()).getShape();
  std::optional<LinearIndex> place = flatten(wholeIndices, shape, numLoops());
  if (!place)
    return refusal.because("the product's size depends on the batch squared");
  size_t numBefore = elements->elements.size();
  elements->setProduct(whole, wholeIndices);
  for (Value result : terminator->getOperands()) {
    auto resultShape = cast<ShapedType>(result.getType()).getShape();
    std::optional<Indices> indices = wholeIndices;
    if (sizeOfShape(resultShape) != sizeOfShape(shape))
      return refusal.because("a result is not of the product's size");
    if (resultShape != shape)
      indices = unflatten(*place, resultShape, loopSizes);
    if (!indices)
      return refusal.because(
          "a result's shape crosses the product's dimensions");
    const Element *element = elements->build(result, *indices);
    if (!element)
      return failure();
    if (element->operand)
      return refusal.because("a result is an operand");
    contraction.results.push_back(element);
  }
  contraction.product = elements->build(whole, wholeIndices);
  for (const auto &element : llvm::drop_begin(elements->elements, numBefore))
    if (element->op)
      contraction.numEpilogueOps +=
          element->op.getBody()->getOperations().size() - 1;
  productPlace = std::move(*place);
  return success(!contraction.results.empty());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Where an element of the product is in what it is put into.
LogicalResult Analysis::placeProduct() {
  wholeIndices = outIndices;
  if (!insert)
    return success();
  auto shape = cast<ShapedType>(op.getResult(0).getType()).getShape();
  auto partShape = insert.getSourceType().getShape();
  std::optional<Indices> indices = outIndices;
  if (partShape != shape) {
    std::optional<LinearIndex> place = flatten(outIndices, shape, numLoops());
    indices = place ? unflatten(*place, partShape, loopSizes) : std::nullopt;
  }
  if (!indices)
    return refusal.because("a reshape crosses the dimensions of what is "
                           "computed");
  FailureOr<Indices> placed = sliceIndices(insert, insert.getDroppedDims(),
                                           *indices, numLoops(), refusal);
  if (failed(placed))
    return failure();
  wholeIndices = std::move(*placed);
  for (auto [index, step] : llvm::zip(wholeIndices, shift)) {
    auto steps = LinearIndex::constant(BatchSize(step), numLoops());
    std::optional<LinearIndex> shifted = index.plus(steps);
    if (!shifted)
      return refusal.because("a gap's index has no form that can be counted");
    index = std::move(*shifted);
  }
  return success();
}

LogicalResult Analysis::findOperands() {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto indices = compose(map, loops, numLoops());
  for (unsigned dim = 0; indices && dim < indices->size(); ++dim) {
    const LinearIndex &index = (*indices)[dim];
    if (std::optional<unsigned> loop = index.asLoop())
      outLoops.push_back(*loop);
    else if (!index.isConstant() || !index.base.isZero())
      indices = std::nullopt;
  }
  if (!indices)
    return refusal.because("an index of the product is no loop");
  outIndices = std::move(*indices);
  if (failed(placeProduct()))
    return failure();
  contraction.lhs = elementOfOperand(0);
  contraction.rhs = elementOfOperand(1);
  return success(contraction.lhs && contraction.rhs);
}

/// Rows and columns change places if the result's neighbours lie along the
/// rows. A product with a vector has no columns; its rows become columns if
/// that lets vectors of them be read.
void Analysis::chooseSides() {
  if (outLoops.empty())
    return;
  auto isColumn = [&](int loop) {
    return readsLoop(contraction.rhs, loop) &&
           !readsLoop(contraction.lhs, loop);
  };
  int innermost = outLoops.back();
  bool hasColumns = llvm::any_of(outLoops, isColumn);
  const Indices &lhs = contraction.lhs->indices;
  bool readsVectors = !lhs.empty() &&
                      lhs.back().asLoop() == unsigned(innermost) &&
                      !readsLoop(contraction.rhs, innermost);
  if (!isColumn(innermost) && (hasColumns || readsVectors))
    std::swap(contraction.lhs, contraction.rhs);
}

LogicalResult Analysis::classifyLoops() {
  for (int loop : outLoops) {
    bool inLhs = readsLoop(contraction.lhs, loop),
         inRhs = readsLoop(contraction.rhs, loop);
    if (!inLhs && !inRhs)
      return refusal.because("a dimension of the product is neither operand's");
    (inLhs && inRhs ? loopsOuter : inLhs ? loopsM : loopsN).push_back(loop);
  }
  // In the order in which the left operand lies in memory; then what it
  // repeats, which the right one may repeat as well: the terms are still added
  // up.
  for (const LinearIndex &index : contraction.lhs->indices)
    for (int loop = 0; loop < int(numLoops()); ++loop)
      if (index.dependsOn(loop) && !llvm::is_contained(outLoops, loop) &&
          !llvm::is_contained(loopsK, loop))
        loopsK.push_back(loop);
  for (int loop = 0; loop < int(numLoops()); ++loop)
    if (!loopSizes[loop].isOne() && !llvm::is_contained(outLoops, loop) &&
        !llvm::is_contained(loopsK, loop))
      loopsK.push_back(loop);
  return success();
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

bool Analysis::canMerge(int outerLoop, int innerLoop) {
  if (elements->readsIndices || form.hasAxisALoop)
    return false;
  return llvm::all_of(walked, [&](const LinearIndex &index) {
    return index.strides[innerLoop].times(loopSizes[innerLoop]) ==
           index.strides[outerLoop];
  });
}

/// The loop of the last dimension of what is to be copied, if it has many
/// indices: rows along it alone can be copied in panels.
int Analysis::channelLoop() {
  constexpr int64_t kManyChannels = 16;
  const Element &lhs = *contraction.lhs;
  if (!lhs.copied)
    return kNoLoop;
  std::optional<unsigned> loop = lhs.indices.back().asLoop();
  bool hasMany = loop && loopSizes[*loop].isStatic() &&
                 loopSizes[*loop].factor >= kManyChannels;
  return hasMany ? int(*loop) : kNoLoop;
}

/// Groups of loops, outermost first, that can be walked as one; `alone` is one
/// that stays so.
SmallVector<SmallVector<int>> Analysis::mergeLoops(ArrayRef<int> loops,
                                                   int alone) {
  SmallVector<SmallVector<int>> groups;
  for (int loop : loops)
    if (!groups.empty() && loop != alone &&
        canMerge(groups.back().back(), loop))
      groups.back().push_back(loop);
    else
      groups.push_back({loop});
  return groups;
}

LogicalResult Analysis::buildAxes() {
  walked = elements->walked();
  walked.push_back(productPlace);
  auto groupsM = mergeLoops(loopsM, channelLoop()),
       groupsN = mergeLoops(loopsN), groupsK = mergeLoops(loopsK);
  for (int loop : loopsOuter)
    axisLoops.push_back({loop});
  // The innermost groups are M, N and K.
  for (auto *groups : {&groupsM, &groupsN})
    for (unsigned i = 0; i + 1 < groups->size(); ++i)
      axisLoops.push_back((*groups)[i]);
  contraction.numOuter = axisLoops.size();
  for (auto *groups : {&groupsM, &groupsN, &groupsK})
    axisLoops.push_back(groups->empty() ? SmallVector<int>() : groups->back());
  for (unsigned i = 0; i + 1 < groupsK.size(); ++i)
    axisLoops.push_back(groupsK[i]);
  if (axisLoops.size() > kMaxAxes)
    return refusal.because("it has too many dimensions");
  if (failed(sizeAxes()))
    return failure();
  elements->setAxes(axisLoops);
  LinearIndex result = byAxis(productPlace, axisLoops);
  contraction.resultBase = result.base;
  contraction.resultStrides.assign(contraction.results.size(), result.strides);
  findZeroTerms();
  return checkColumns();
}

/// Where a bound is of one loop of rows, an axis by itself, and one of K, which
/// is outermost in its axis.
std::optional<ZeroTerms> Analysis::zeroTermsBeyond(const LinearIndex &index,
                                                   BatchSize size) {
  ZeroTerms zero = {};
  zero.base = index.base.factor;
  zero.size = size.factor;
  bool isKnown = index.base.isStatic() && size.isStatic(), hasRow = false,
       hasK = false;
  for (auto [axis, axisLoops] : llvm::enumerate(axisLoops))
    for (auto [number, loop] : llvm::enumerate(axisLoops)) {
      BatchSize stride = index.strides[loop];
      if (stride.isZero())
        continue;
      bool isOfK = axis >= contraction.axisK();
      isKnown &= stride.isStatic() && number == 0 && !(isOfK ? hasK : hasRow) &&
                 (isOfK || axisLoops.size() == 1);
      (isOfK ? hasK : hasRow) = true;
      (isOfK ? zero.axisK : zero.rowAxis) = axis;
      (isOfK ? zero.strideK : zero.rowStride) = stride.factor;
      if (!isOfK)
        continue;
      zero.termsOfK = 1;
      for (int inner : ArrayRef(axisLoops).drop_front())
        zero.termsOfK *= loopSizes[inner].factor;
    }
  return isKnown && hasRow && hasK ? std::optional(zero) : std::nullopt;
}

void Analysis::findZeroTerms() {
  const Element &lhs = *contraction.lhs;
  if (!lhs.copied || lhs.copied->element->bounds.empty())
    return;
  const Element &padding = *lhs.copied->element->inputs[1];
  if (!(padding.constant ? matchPattern(padding.constant, m_AnyZeroFloat())
                         : matchPattern(padding.scalar, m_AnyZeroFloat())))
    return;
  // Dimensions of one index are none of what is copied.
  SmallVector<LinearIndex> indices;
  auto shape = cast<ShapedType>(lhs.tensor.getType()).getShape();
  for (auto [size, index] : llvm::zip(shape, lhs.indices))
    if (size != 1)
      indices.push_back(index);
  for (const Bound &bound : lhs.copied->element->bounds)
    for (auto [dim, index] : llvm::enumerate(indices)) {
      if (!bound.index.dependsOn(dim))
        continue;
      std::optional<LinearIndex> place =
          index.plus(LinearIndex::constant(bound.index.base, numLoops()));
      auto zero = place ? zeroTermsBeyond(*place, bound.size) : std::nullopt;
      if (zero)
        contraction.zeroTerms.push_back(*zero);
    }
}

LogicalResult Analysis::sizeAxes() {
  std::optional<BatchSize> numTerms(1);
  for (auto [axis, loops] : llvm::enumerate(axisLoops)) {
    std::optional<BatchSize> size(1);
    for (int loop : loops)
      size = size ? size->times(loopSizes[loop]) : size;
    if (!size)
      return refusal.because("an axis depends on the batch squared");
    contraction.sizes.push_back(*size);
    if (axis >= contraction.axisK() && numTerms)
      numTerms = numTerms->times(*size);
  }
  if (!numTerms)
    return refusal.because("its sums depend on the batch squared");
  contraction.numTerms = *numTerms;
  return success();
}

/// Vectors run along N: what the epilogue reads must be the same for all
/// columns, or contiguous; and the results must be contiguous.
LogicalResult Analysis::checkColumns() {
  unsigned n = contraction.axisN();
  if (!contraction.n().isOne() && !contraction.resultStrides[0][n].isOne())
    return refusal.because("the columns of its result are not contiguous");
  for (const Element *result : contraction.results)
    if (!isVectorAlong(result, n))
      return refusal.because("an operand of its epilogue cannot be read along "
                             "the columns");
  return success();
}

FailureOr<Contraction> Analysis::run() {
  if (failed(checkProduct()) || failed(findOperands()))
    return failure();
  chooseSides();
  contraction.hasWindows = llvm::any_of(contraction.lhs->indices, isWindow);
  if (contraction.rhs->copied)
    return refusal.because("its columns are read in windows");
  if (failed(classifyLoops()) || failed(buildResults()) || failed(buildAxes()))
    return failure();
  contraction.elements = std::move(elements->elements);
  return std::move(contraction);
}

FailureOr<Contraction> nnc::analyzeContraction(func::FuncOp kernel,
                                               Refusal &refusal,
                                               ContractionForm form) {
  FailureOr<Products> found = findProducts(kernel, refusal);
  if (failed(found))
    return failure();
  if (found->products.size() != 1 || found->rest)
    return refusal.because("its result is put together of several products");
  return analyzeProduct(kernel, *found, found->products.front(), refusal, form);
}

FailureOr<Contraction> nnc::analyzeProduct(func::FuncOp kernel,
                                           const Products &products,
                                           const Product &product,
                                           Refusal &refusal,
                                           ContractionForm form) {
  return Analysis(kernel, product, products.whole, refusal, form).run();
}

//===----------------------------------------------------------------------===//
// In place
//===----------------------------------------------------------------------===//

static void collectOperands(const Element *element,
                            llvm::SmallDenseSet<unsigned> &operands) {
  if (element->operand)
    operands.insert(*element->operand);
  if (element->copied)
    collectOperands(element->copied->element, operands);
  for (const Element *input : element->inputs)
    if (input)
      collectOperands(input, operands);
}

SmallVector<std::pair<unsigned, unsigned>> Contraction::mayAlias() const {
  llvm::SmallDenseSet<unsigned> excluded;
  collectOperands(lhs, excluded);
  collectOperands(rhs, excluded);
  for (const auto &element : elements)
    if (element->operand &&
        (element->base != resultBase || element->strides != resultStrides[0]))
      excluded.insert(*element->operand);
  func::FuncOp function = kernel;
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (const auto &element : elements)
    if (element->operand && !excluded.contains(*element->operand))
      for (auto [i, result] : llvm::enumerate(results))
        if (function.getArgumentTypes()[*element->operand + 1] ==
            function.getResultTypes()[i])
          pairs.push_back({*element->operand, unsigned(i)});
  for (const Contraction &gap : gaps) {
    auto inGap = gap.mayAlias();
    llvm::erase_if(pairs,
                   [&](auto pair) { return !llvm::is_contained(inGap, pair); });
  }
  return pairs;
}
