// Registration of the dialect, constants, and initializer attributes.
#include "ir/Dialect.h"

#include "ir/ConvolutionLayers.h"
#include "ir/Expr.h"
#include "ir/Freezing.h"
#include "ir/Initializer.h"
#include "ir/Layout.h"
#include "ir/ModelParts.h"
#include "ir/Ops.h"
#include "ir/RecurrentLayers.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

#include "ir/Dialect.cpp.inc"
#include "ir/Enums.cpp.inc"
#include "ir/Interfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.cpp.inc"
#define GET_OP_CLASSES
#include "ir/Ops.cpp.inc"

namespace nnc {

void NncDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/Attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/Ops.cpp.inc"
      >();
}

Operation *NncDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

/// The recipe that a module keeps is as sound as its model's was.
static LogicalResult verifyRecipe(Operation *op, NamedAttribute attribute) {
  if (isa<RecipeAttr>(attribute.getValue()))
    return success();
  auto settings = dyn_cast<DictionaryAttr>(attribute.getValue());
  if (!settings)
    return op->emitError("'") << kRecipeAttr << "' must be a recipe, found "
                              << attribute.getValue();
  std::string problem = explainRecipe(settings, kOnModule);
  return problem.empty() ? success() : LogicalResult(op->emitError(problem));
}

static LogicalResult verifyFrozen(Operation *op, NamedAttribute attribute) {
  auto parameter = dyn_cast<ParameterOp>(op);
  if (parameter && parameter.isOfModel() && isa<UnitAttr>(attribute.getValue()))
    return success();
  return op->emitError("'")
         << kFrozenAttr << "' is a mark of parameters and buffers";
}

static LogicalResult verifyPytorchDims(Operation *op,
                                       NamedAttribute attribute) {
  auto parameter = dyn_cast<ParameterOp>(op);
  auto dims = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
  if (!parameter || !parameter.isOfModel() || !dims)
    return op->emitError("'") << kPytorchDimsAttr
                              << "' is an array of integers, of parameters and "
                                 "buffers";
  int64_t rank = cast<RankedTensorType>(parameter.getType()).getRank();
  if (isPermutation(dims, rank))
    return success();
  return op->emitError("'")
         << kPytorchDimsAttr << "' has [" << dims.asArrayRef()
         << "]: expected each of the " << rank << " dimensions once";
}

LogicalResult NncDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  if (attribute.getName() == kRecipeAttr)
    return verifyRecipe(op, attribute);
  if (attribute.getName() == kFrozenAttr)
    return verifyFrozen(op, attribute);
  if (attribute.getName() == kPytorchDimsAttr)
    return verifyPytorchDims(op, attribute);
  if (attribute.getName() == kStepAttr || attribute.getName() == kGroupAttr)
    return verifyPart(op, attribute);
  return success();
}

void registerDialect(DialectRegistry &registry) {
  registry.insert<NncDialect>();
}

//===----------------------------------------------------------------------===//
// Initializers
//===----------------------------------------------------------------------===//

// #nnc.init<name> or #nnc.init<name, {argument = value}>; a parameter's syntax
// leaves out the prefix.
Attribute InitializerAttr::parse(AsmParser &parser, Type) {
  StringRef name;
  DictionaryAttr arguments = parser.getBuilder().getDictionaryAttr({});
  llvm::SMLoc start = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&name))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      parser.parseAttribute(arguments))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<InitializerAttr>(
      start, parser.getContext(), parser.getBuilder().getStringAttr(name),
      arguments);
}

void InitializerAttr::print(AsmPrinter &printer) const {
  printer << '<' << getName().getValue();
  if (!getArguments().empty())
    printer << ", " << getArguments();
  printer << '>';
}

LogicalResult
InitializerAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                        StringAttr name, DictionaryAttr arguments) {
  return verifyInitializer(emitError, name.getValue(), arguments);
}

} // namespace nnc
