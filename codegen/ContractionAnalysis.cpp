// Loops become axes: unit loops are dropped, and neighbours that every tensor
// walks through in one stride are merged. What cannot be merged into M or N
// becomes an outer axis, what cannot be merged into K is walked around it.
#include "codegen/ContractionAnalysis.h"

#include "codegen/ContractionParts.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

namespace {

/// One contraction under analysis. Loops are those of its linalg.generic.
class Analysis {
public:
  Analysis(func::FuncOp kernel, const Product &product, Value whole,
           Refusal &refusal)
      : refusal(refusal), op(product.op), insert(product.insert), whole(whole) {
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

  const Element *build(Value tensor, const Indices &indices);
  LogicalResult fillFrom(Element &element, const Access &access);
  LogicalResult buildPadded(Element &element, Access access);
  LogicalResult buildGeneric(Element &element, linalg::GenericOp op,
                             const Indices &indices);
  const Element *elementOfOperand(unsigned index);

  SmallVector<SmallVector<int>> mergeLoops(ArrayRef<int> loops);
  bool canMerge(int outerLoop, int innerLoop);
  LinearIndex byAxis(const LinearIndex &index);
  void setStrides();
  void setAxes(Element &element);

  size_t numLoops() { return loopSizes.size(); }

  Contraction contraction;
  Refusal &refusal;
  linalg::GenericOp op;
  tensor::InsertSliceOp insert;
  Value whole; // what the product is put into, or the product
  SmallVector<BatchSize> loopSizes;
  Indices loops;
  Indices outIndices;        // of the product
  Indices wholeIndices;      // of the same element in `whole`
  SmallVector<int> outLoops; // of its dimensions, those that run
  SmallVector<int> loopsM, loopsN, loopsK, loopsOuter;
  /// Every place and bound, and the result's place: what loops step through.
  SmallVector<LinearIndex> walked;
  /// The loops of each axis, outermost first.
  SmallVector<SmallVector<int>> axisLoops;
  bool readsIndices = false;
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

/// `indices` are of the tensor that the op computes.
LogicalResult Analysis::buildGeneric(Element &element,
                                     linalg::GenericOp generic,
                                     const Indices &indices) {
  if (generic.getNumReductionLoops() || !isVectorizable(generic))
    return refusal.because("an op around the product is not elementwise");
  OpOperand *init = generic.getDpsInitOperand(element.result);
  AffineMap outMap = generic.getMatchingIndexingMap(init);
  if (!outMap.isPermutation())
    return refusal.because("an op around the product repeats elements");
  Indices opLoops = *compose(inversePermutation(outMap), indices, numLoops());
  element.op = generic;
  if (generic.hasIndexSemantics()) {
    auto isStatic = [](BatchSize stride) { return stride.isStatic(); };
    for (const LinearIndex &index : opLoops)
      if (!llvm::all_of(index.strides, isStatic))
        return refusal.because("an op around the product asks for an index "
                               "that steps by the batch");
    element.opIndices = opLoops; // see setAxes
    readsIndices = true;
  }
  for (OpOperand &operand : generic->getOpOperands()) {
    BlockArgument argument = generic.getMatchingBlockArgument(&operand);
    if (argument.use_empty()) {
      element.inputs.push_back(nullptr);
      continue;
    }
    std::optional<Indices> read =
        compose(generic.getMatchingIndexingMap(&operand), opLoops, numLoops());
    if (!read)
      return refusal.because("an operand's index is no sum of loops");
    const Element *input = build(operand.get(), *read);
    if (!input)
      return failure();
    element.inputs.push_back(input);
  }
  return success();
}

/// What lies within the bounds, and the padding.
LogicalResult Analysis::buildPadded(Element &element, Access access) {
  element.bounds = std::move(access.bounds);
  access.bounds.clear();
  auto inside = std::make_unique<Element>(),
       padding = std::make_unique<Element>();
  if (failed(fillFrom(*inside, access)))
    return failure();
  if (auto scalar = dyn_cast<Value>(access.padding))
    padding->scalar = scalar;
  else
    padding->constant = cast<TypedAttr>(cast<Attribute>(access.padding));
  for (auto *part : {&inside, &padding}) {
    element.inputs.push_back(part->get());
    contraction.elements.push_back(std::move(*part));
  }
  return success();
}

/// How the element that `access` leads to is found or computed.
LogicalResult Analysis::fillFrom(Element &element, const Access &access) {
  if (access.load)
    return refusal.because("an operand is gathered");
  if (!access.bounds.empty())
    return buildPadded(element, access);
  Value tensor = access.tensor;
  element.tensor = tensor;
  if (access.indices)
    element.indices = *access.indices;
  DenseElementsAttr constant;
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    element.operand = argument.getArgNumber() - 1; // the batch comes first
    walked.push_back(access.place);
    return success();
  }
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>()) {
    element.scalar = fill.getInputs()[0];
    return success();
  }
  if (matchPattern(tensor, m_Constant(&constant))) {
    if (!constant.isSplat())
      return refusal.because("it reads a constant of several values");
    element.constant = constant.getSplatValue<TypedAttr>();
    return success();
  }
  if (!access.indices)
    return refusal.because(
        "a reshape crosses the dimensions of what is computed");
  if (tensor == whole) {
    element.isProduct = true;
    return *access.indices == wholeIndices
               ? success()
               : refusal.because("an element of a result needs another element "
                                 "of the product");
  }
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic)
    return refusal.because("it reads what is built element by element");
  element.result = cast<OpResult>(tensor).getResultNumber();
  return buildGeneric(element, generic, *access.indices);
}

/// Null if it is nothing that the emitter can produce.
const Element *Analysis::build(Value tensor, const Indices &indices) {
  for (const auto &known : contraction.elements)
    if (known->tensor == tensor && known->indices == indices)
      return known.get();
  FailureOr<Access> access =
      traceAccess(tensor, indices, loopSizes, refusal, whole);
  if (failed(access))
    return nullptr;
  // The same element under another name.
  bool isPlain = access->bounds.empty() && access->indices;
  if (isPlain && access->tensor != tensor)
    return build(access->tensor, *access->indices);
  auto element = std::make_unique<Element>();
  if (failed(fillFrom(*element, *access)))
    return nullptr;
  element->tensor = tensor;
  element->indices = indices;
  contraction.elements.push_back(std::move(element));
  return contraction.elements.back().get();
}

const Element *Analysis::elementOfOperand(unsigned index) {
  OpOperand *operand = op.getDpsInputOperand(index);
  auto indices = compose(op.getMatchingIndexingMap(operand), loops, numLoops());
  if (!indices)
    return (void)refusal.because("an operand's index is no sum of loops"),
           nullptr;
  return build(operand->get(), *indices);
}

LogicalResult Analysis::buildResults() {
  Operation *terminator = contraction.kernel.getBody().front().getTerminator();
  auto shape = cast<ShapedType>(whole.getType()).getShape();
  std::optional<LinearIndex> place = flatten(wholeIndices, shape, numLoops());
  if (!place)
    return refusal.because("the product's size depends on the batch squared");
  size_t numBefore = contraction.elements.size();
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
    const Element *element = build(result, *indices);
    if (!element)
      return failure();
    if (element->operand)
      return refusal.because("a result is an operand");
    contraction.results.push_back(element);
  }
  contraction.product = build(whole, wholeIndices);
  for (const auto &element : llvm::drop_begin(contraction.elements, numBefore))
    if (element->op)
      contraction.numEpilogueOps +=
          element->op.getBody()->getOperations().size() - 1;
  walked.push_back(*place);
  return success(!contraction.results.empty());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

static bool reads(const Element *element, int loop) {
  return llvm::any_of(element->indices, [&](const LinearIndex &index) {
    return index.dependsOn(loop);
  });
}

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
    return reads(contraction.rhs, loop) && !reads(contraction.lhs, loop);
  };
  int innermost = outLoops.back();
  bool hasColumns = llvm::any_of(outLoops, isColumn);
  const Indices &lhs = contraction.lhs->indices;
  bool readsVectors = !lhs.empty() &&
                      lhs.back().asLoop() == unsigned(innermost) &&
                      !reads(contraction.rhs, innermost);
  if (!isColumn(innermost) && (hasColumns || readsVectors))
    std::swap(contraction.lhs, contraction.rhs);
}

LogicalResult Analysis::classifyLoops() {
  for (int loop : outLoops) {
    bool inLhs = reads(contraction.lhs, loop),
         inRhs = reads(contraction.rhs, loop);
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
  if (readsIndices)
    return false;
  return llvm::all_of(walked, [&](const LinearIndex &index) {
    return index.strides[innerLoop].times(loopSizes[innerLoop]) ==
           index.strides[outerLoop];
  });
}

/// Groups of loops, outermost first, that can be walked as one.
SmallVector<SmallVector<int>> Analysis::mergeLoops(ArrayRef<int> loops) {
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
    for (const Bound &bound : element->bounds)
      walked.push_back(bound.index);
  auto groupsM = mergeLoops(loopsM), groupsN = mergeLoops(loopsN),
       groupsK = mergeLoops(loopsK);
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
  setStrides();
  return checkColumns();
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

/// An index of the loops as one of the axes.
LinearIndex Analysis::byAxis(const LinearIndex &index) {
  LinearIndex result{index.base, {}};
  for (ArrayRef<int> loops : axisLoops)
    result.strides.push_back(loops.empty() ? BatchSize()
                                           : index.strides[loops.back()]);
  return result;
}

void Analysis::setAxes(Element &element) {
  for (LinearIndex &index : element.opIndices)
    index = byAxis(index);
  for (auto [axis, loops] : llvm::enumerate(axisLoops))
    for (int loop : loops)
      if (reads(&element, loop))
        element.axes |= 1u << axis;
  if (element.isProduct)
    element.axes |= kProductBit;
  for (const Element *input : element.inputs) // set already: built before
    if (input)
      element.axes |= input->axes & kProductBit;
  for (Bound &bound : element.bounds)
    bound.index = byAxis(bound.index);
}

void Analysis::setStrides() {
  unsigned next = 0;
  for (auto &element : contraction.elements) {
    setAxes(*element);
    if (!element->operand)
      continue;
    LinearIndex place = byAxis(walked[next++]);
    element->base = place.base;
    element->strides = std::move(place.strides);
    for (auto [axis, stride] : llvm::enumerate(element->strides))
      if (!stride.isZero())
        element->axes |= 1u << axis;
  }
  LinearIndex result = byAxis(walked[next]);
  contraction.resultBase = result.base;
  contraction.resultStrides.assign(contraction.results.size(), result.strides);
}

bool nnc::isVectorAlong(const Element *element, unsigned axis) {
  if (element->operand && !element->strides[axis].isZero() &&
      !element->strides[axis].isOne())
    return false;
  bool isCut = llvm::any_of(element->bounds, [&](const Bound &bound) {
    return bound.index.dependsOn(axis);
  });
  return !isCut && llvm::all_of(element->inputs, [&](const Element *input) {
    return !input || isVectorAlong(input, axis);
  });
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
  if (failed(classifyLoops()) || failed(buildResults()) || failed(buildAxes()))
    return failure();
  return std::move(contraction);
}

FailureOr<Contraction> nnc::analyzeContraction(func::FuncOp kernel,
                                               Refusal &refusal) {
  FailureOr<Products> found = findProducts(kernel, refusal);
  if (failed(found))
    return failure();
  if (found->products.size() != 1 || found->rest)
    return refusal.because("its result is put together of several products");
  return analyzeProduct(kernel, *found, found->products.front(), refusal);
}

FailureOr<Contraction> nnc::analyzeProduct(func::FuncOp kernel,
                                           const Products &products,
                                           const Product &product,
                                           Refusal &refusal) {
  return Analysis(kernel, product, products.whole, refusal).run();
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
  return pairs;
}
