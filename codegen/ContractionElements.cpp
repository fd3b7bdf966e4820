// See ContractionElements.h.
#include "codegen/ContractionElements.h"

#include "codegen/Vectorize.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// By loops
//===----------------------------------------------------------------------===//

/// `indices` are of the tensor that the op computes.
LogicalResult ElementBuilder::buildGeneric(Element &element,
                                           linalg::GenericOp generic,
                                           const Indices &indices) {
  if (generic.getNumReductionLoops() || !isVectorizable(generic))
    return refusal.because("an op around the product is not elementwise");
  OpOperand *init = generic.getDpsInitOperand(element.result);
  AffineMap outMap = generic.getMatchingIndexingMap(init);
  if (!outMap.isPermutation())
    return refusal.because("an op around the product repeats elements");
  Indices opLoops =
      *compose(inversePermutation(outMap), indices, loopSizes.size());
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
    std::optional<Indices> read = compose(
        generic.getMatchingIndexingMap(&operand), opLoops, loopSizes.size());
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
LogicalResult ElementBuilder::buildPadded(Element &element, Access access) {
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
    elements.push_back(std::move(*part));
  }
  return success();
}

/// How the element that `access` leads to is found or computed.
LogicalResult ElementBuilder::fillFrom(Element &element, const Access &access) {
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
    places.push_back(access.place);
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
  if (tensor == product) {
    element.isProduct = true;
    return *access.indices == productIndices
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
const Element *ElementBuilder::build(Value tensor, const Indices &indices) {
  for (const auto &known : elements)
    if (known->tensor == tensor && known->indices == indices)
      return known.get();
  FailureOr<Access> access =
      traceAccess(tensor, indices, loopSizes, refusal, product);
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
  elements.push_back(std::move(element));
  return elements.back().get();
}

//===----------------------------------------------------------------------===//
// Tensors to copy
//===----------------------------------------------------------------------===//

/// The dimension that the bound is of, where it is of one alone.
static std::optional<unsigned> dimensionOf(const Bound &bound) {
  LinearIndex index = bound.index;
  index.base = BatchSize();
  return index.asLoop();
}

/// Whether the last two dimensions can be walked as one: places step from one
/// row to the next as within a row, and nothing but padding of the whole tensor
/// begins or ends between.
static bool hasWholeRows(const TensorToCopy &copied,
                         ArrayRef<LinearIndex> places) {
  unsigned rank = copied.shape.size();
  if (rank < 2)
    return false;
  unsigned last = rank - 1, row = rank - 2;
  if (!copied.shape[row].isStatic())
    return false;
  for (const auto &element : copied.elements)
    for (const Bound &bound : element->bounds)
      if (bound.index.dependsOn(last) ||
          (bound.index.dependsOn(row) && element.get() != copied.element))
        return false;
  return llvm::all_of(places, [&](const LinearIndex &place) {
    return place.strides[last].times(copied.shape[last]) == place.strides[row];
  });
}

const Element *ElementBuilder::buildCopied(Value tensor, const Indices &indices,
                                           TensorToCopy &copied) {
  auto shape = cast<RankedTensorType>(tensor.getType()).getShape();
  std::optional<LinearIndex> place = flatten(indices, shape, loopSizes.size());
  if (!place)
    return (void)refusal.because(
               "an element's place depends on the batch squared"),
           nullptr;
  for (int64_t size : shape)
    if (size != 1)
      copied.shape.push_back(BatchSize::ofDim(size));
  if (copied.shape.empty())
    copied.shape.push_back(BatchSize(1));
  if (!copied.shape.back().isStatic())
    return (void)refusal.because("the batch is an operand's last dimension"),
           nullptr;
  unsigned rank = copied.shape.size(), next = 0;
  Indices dims;
  for (int64_t size : shape)
    dims.push_back(size == 1 ? LinearIndex::constant(BatchSize(), rank)
                             : LinearIndex::loop(next++, rank));
  ElementBuilder inner(copied.shape, refusal);
  copied.element = inner.build(tensor, dims);
  if (!copied.element)
    return nullptr;
  SmallVector<SmallVector<int>> axes;
  for (unsigned dim = 0; dim < rank; ++dim)
    axes.push_back({int(dim)});
  inner.setAxes(axes);
  copied.elements = std::move(inner.elements);
  for (const Bound &bound : copied.element->bounds)
    if (!dimensionOf(bound))
      return (void)refusal.because("padding begins along two dimensions"),
             nullptr;
  copied.hasWholeRows =
      !inner.readsIndices && hasWholeRows(copied, inner.places);
  auto element = std::make_unique<Element>();
  element->tensor = tensor;
  element->indices = indices;
  element->copied = &copied;
  places.push_back(std::move(*place));
  elements.push_back(std::move(element));
  return elements.back().get();
}

//===----------------------------------------------------------------------===//
// By axes
//===----------------------------------------------------------------------===//

bool nnc::readsLoop(const Element *element, int loop) {
  return llvm::any_of(element->indices, [&](const LinearIndex &index) {
    return index.dependsOn(loop);
  });
}

LinearIndex nnc::byAxis(const LinearIndex &index,
                        ArrayRef<SmallVector<int>> axisLoops) {
  LinearIndex result{index.base, {}};
  for (ArrayRef<int> loops : axisLoops)
    result.strides.push_back(loops.empty() ? BatchSize()
                                           : index.strides[loops.back()]);
  return result;
}

SmallVector<LinearIndex> ElementBuilder::walked() const {
  SmallVector<LinearIndex> walked = places;
  for (const auto &element : elements)
    for (const Bound &bound : element->bounds)
      walked.push_back(bound.index);
  return walked;
}

void ElementBuilder::setAxesOf(Element &element,
                               ArrayRef<SmallVector<int>> axisLoops) {
  for (LinearIndex &index : element.opIndices)
    index = byAxis(index, axisLoops);
  for (auto [axis, loops] : llvm::enumerate(axisLoops))
    for (int loop : loops)
      if (readsLoop(&element, loop))
        element.axes |= 1u << axis;
  if (element.isProduct)
    element.axes |= kProductBit;
  for (const Element *input : element.inputs) // set already: built before
    if (input)
      element.axes |= input->axes & kProductBit;
  for (Bound &bound : element.bounds)
    bound.index = byAxis(bound.index, axisLoops);
}

void ElementBuilder::setAxes(ArrayRef<SmallVector<int>> axisLoops) {
  unsigned next = 0;
  for (auto &element : elements) {
    setAxesOf(*element, axisLoops);
    if (!element->operand && !element->copied)
      continue;
    LinearIndex place = byAxis(places[next++], axisLoops);
    element->base = place.base;
    element->strides = std::move(place.strides);
    for (auto [axis, stride] : llvm::enumerate(element->strides))
      if (!stride.isZero())
        element->axes |= 1u << axis;
  }
}

bool nnc::isVectorAlong(const Element *element, unsigned axis) {
  if (!element->strides.empty() && !element->strides[axis].isZero() &&
      !element->strides[axis].isOne())
    return false;
  bool isCut = llvm::any_of(element->bounds, [&](const Bound &bound) {
    return bound.index.dependsOn(axis);
  });
  return !isCut && llvm::all_of(element->inputs, [&](const Element *input) {
    return !input || isVectorAlong(input, axis);
  });
}
