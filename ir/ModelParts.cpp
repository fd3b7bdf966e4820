// What may be a part of a model, and how a part may be called.
#include "ir/ModelParts.h"

#include "ir/Ops.h"
#include "ir/Text.h"

using namespace mlir;

namespace nnc {

StringRef partOf(Operation *op) {
  StringRef name = isa<OutputOp>(op) ? kGroupAttr : kStepAttr;
  auto part = op->getAttrOfType<StringAttr>(name);
  return part ? part.getValue() : StringRef();
}

std::string findNoPartName(StringRef name) {
  std::string problem = findNoParameterName(name);
  if (problem.empty())
    problem = findNoFileName(name);
  if (problem.empty() && name.contains('.'))
    return "has a '.': what belongs to it is named behind one";
  return problem;
}

LogicalResult verifyPart(Operation *op, NamedAttribute attribute) {
  bool isStep = attribute.getName() == kStepAttr;
  bool isOfKind = isStep ? isa<LossOp, MetricOp>(op) : isa<OutputOp>(op);
  auto name = dyn_cast<StringAttr>(attribute.getValue());
  if (!isOfKind || !name)
    return op->emitError("'")
           << attribute.getName().getValue() << "' is the name of a "
           << (isStep ? "training step, of losses and metrics"
                      : "group, of outputs");
  std::string problem = findNoPartName(name);
  if (problem.empty())
    return success();
  return op->emitError("the name of a ")
         << (isStep ? "training step " : "group of outputs ") << problem;
}

} // namespace nnc
