// Syntax and verifiers of ops about the program and its state.
#include "ir/Ops.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Model
//===----------------------------------------------------------------------===//

ParseResult ModelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto makeType = [](Builder &builder, ArrayRef<Type> arguments,
                     ArrayRef<Type> results,
                     function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), makeType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ModelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult ModelOp::verify() {
  OpSite site(getLoc(), "model");
  if (!getFunctionType().getResults().empty())
    return site.error() << "@" << getSymName()
                        << " has results: expected outputs in its body";
  for (auto [i, type] : llvm::enumerate(getFunctionType().getInputs()))
    if (!hasSupportedSize(type))
      return site.error()
             << "input " << i << " is " << printType(type)
             << ": expected a tensor with at most one batch dimension";
  return success();
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (type.hasStaticShape())
    return success();
  return OpSite(getLoc(), "parameter").error()
         << "@" << getSymName() << " is " << printType(type)
         << ": a parameter does not depend on the batch";
}

/// Succeeds if `symbol` is a parameter of type `type`.
static LogicalResult checkParameter(Operation *user, FlatSymbolRefAttr symbol,
                                    Type type, SymbolTableCollection &symbols) {
  OpSite site(user->getLoc(), user->getName().stripDialect());
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(user, symbol);
  if (!parameter)
    return site.error() << "there is no parameter " << symbol;
  if (parameter.getType() == type)
    return success();
  InFlightDiagnostic diagnostic =
      site.error() << symbol << " is " << printType(parameter.getType())
                   << ", here it is " << printType(type);
  diagnostic.attachNote(parameter.getLoc()) << "the parameter is declared here";
  return diagnostic;
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkParameter(*this, getParameterAttr(), getType(), symbols);
}

LogicalResult AssignOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return checkParameter(*this, getParameterAttr(), getValue().getType(),
                        symbols);
}

//===----------------------------------------------------------------------===//
// Calculus
//===----------------------------------------------------------------------===//

LogicalResult GradientOp::verify() {
  OpSite site(getLoc(), "gradient");
  if (getVariables().size() != getGradients().size())
    return site.error() << "there are " << getVariables().size()
                        << " variables and " << getGradients().size()
                        << " gradients";
  for (auto [i, variable, gradient] :
       llvm::enumerate(getVariables(), getGradients()))
    if (variable.getType() != gradient.getType())
      return site.error() << "types differ: variable " << i << " is "
                          << printType(variable.getType())
                          << ", its gradient is "
                          << printType(gradient.getType());
  return success();
}

LogicalResult OptimizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getParameters().size() != getGradients().size())
    return OpSite(getLoc(), "optimize").error()
           << "there are " << getParameters().size() << " parameters and "
           << getGradients().size() << " gradients";
  for (auto [symbol, gradient] : llvm::zip(getParameters(), getGradients()))
    if (failed(checkParameter(*this, cast<FlatSymbolRefAttr>(symbol),
                              gradient.getType(), symbols)))
      return failure();
  return success();
}
