// See PaddedFactor.h.
#include "codegen/cpu/PaddedFactor.h"

#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

static bool isZero(const Element *element) {
  if (element->scalar)
    return matchPattern(element->scalar, m_AnyZeroFloat());
  auto number = dyn_cast_if_present<FloatAttr>(element->constant);
  return number && number.getValue().isZero();
}

static bool hasBounds(const Element *element) {
  return !element->bounds.empty() ||
         llvm::any_of(element->inputs, [](const Element *input) {
           return input && hasBounds(input);
         });
}

const Element *nnc::imageWithinZeros(const Element *factor, Refusal &refusal) {
  const Element *image = factor->bounds.empty() ? factor : factor->inputs[0];
  if (image != factor && !isZero(factor->inputs[1]))
    return (void)refusal.because("it is padded with something else than 0"),
           nullptr;
  if (hasBounds(image))
    return (void)refusal.because("a factor is computed of a padded one"),
           nullptr;
  return image;
}

void nnc::collectSteps(const Element *element, Steps &steps) {
  if (element->operand)
    steps.push_back(element->strides);
  for (const Bound &bound : element->bounds)
    steps.push_back(bound.index.strides);
  for (const LinearIndex &index : element->opIndices)
    steps.push_back(index.strides);
  for (const Element *input : element->inputs)
    if (input)
      collectSteps(input, steps);
}

Value nnc::emitFactor(ContractionPhase &phase, const Contraction &contraction,
                      const Element *factor, const Point &point) {
  ElementCache cache;
  Value value = broadcastToLanes(
      phase.b, phase.loc(), phase.element(factor, point, cache), point.lanes);
  auto type = VectorType::get(point.lanes, contraction.type);
  if (value.getType() == type)
    return value;
  return arith::ExtFOp::create(phase.b, type, value);
}

Value NearbyFactors::at(ArrayRef<Move> moves) {
  std::vector<std::pair<int64_t, int64_t>> way; // elements, and per batch
  for (ArrayRef<BatchSize> step : steps) {
    way.push_back({0, 0});
    for (auto [axis, count] : moves)
      (step[axis].isStatic() ? way.back().first : way.back().second) +=
          step[axis].factor * count;
  }
  Value &value = known[way];
  if (value)
    return value;
  Point point = origin;
  for (auto [axis, count] : moves)
    point.indices[axis] = phase.add(point.indices[axis], count);
  return value = emitFactor(phase, contraction, factor, point);
}
