// Syntax and verifiers of fused regions and kernel launches.
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Fused
//===----------------------------------------------------------------------===//

// nnc.fused "kind" (%argument = %operand, ...) {attributes} : (types) -> types
// { ... }
ParseResult FusedOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr kind;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  FunctionType type;
  llvm::SMLoc start = parser.getCurrentLocation();
  if (parser.parseAttribute(kind, getKindAttrName(result.name),
                            result.attributes) ||
      parser.parseAssignmentList(arguments, operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), start,
                             result.operands))
    return failure();
  result.addTypes(type.getResults());
  for (auto [argument, argumentType] : llvm::zip(arguments, type.getInputs()))
    argument.type = argumentType;
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  FusedOp::ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void FusedOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getKindAttr() << " (";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInputs()),
                        printer, [&](auto pair) {
                          printer.printRegionArgument(std::get<0>(pair), {},
                                                      true);
                          printer << " = " << std::get<1>(pair);
                        });
  printer << ')';
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getKindAttrName()});
  printer << " : ";
  printer.printFunctionalType(*this);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult FusedOp::verify() {
  OpSite site(getLoc(), "fused");
  if (TypeRange(getBody().getArgumentTypes()) !=
      TypeRange(getInputs().getTypes()))
    return site.error()
           << "the arguments of the region differ from the operands in "
              "number or type";
  // This runs before the region's own checks: it may end in anything.
  Block &body = getBody().front();
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return site.error() << "the region does not end in nnc.yield";
  if (TypeRange(yield.getValues().getTypes()) != TypeRange(getResultTypes()))
    return site.error()
           << "the yielded values differ from the results in number or "
              "type";
  return success();
}

void YieldOp::build(OpBuilder &, OperationState &) {}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  OpSite site(getLoc(), "launch");
  auto kernel =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return site.error() << "there is no kernel " << getKernelAttr();
  // A lowered kernel takes the batch first, and its ui8 have become i8: only
  // the numbers can be compared at every stage.
  TypeRange arguments = kernel.getArgumentTypes();
  if (!arguments.empty() && arguments.front().isIndex())
    arguments = arguments.drop_front();
  if (arguments.size() == getInputs().size() &&
      kernel.getNumResults() == getNumResults())
    return success();
  return site.error() << getKernelAttr() << " takes " << arguments.size()
                      << " operands and returns " << kernel.getNumResults()
                      << " results, here there are " << getInputs().size()
                      << " and " << getNumResults();
}
