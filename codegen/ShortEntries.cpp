// Which functions of a shorter program stand beside those of the whole one.
#include "codegen/ShortEntries.h"

#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "passes/EntryPoints.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnc;

std::string ShortModel::suffix() const {
  return llvm::join(llvm::map_range(overrides,
                                    [](const std::string &text) {
                                      return StringRef(text).split('=').second;
                                    }),
                    "x");
}

ShortDiagnostics::ShortDiagnostics(MLIRContext *context,
                                   const std::vector<std::string> &overrides)
    : ScopedDiagnosticHandler(context) {
  setHandler([&overrides](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
      return success();
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      diagnostic.attachNote()
          << "in the bucket " << llvm::join(overrides, ", ");
    return failure();
  });
}

/// What training leaves must serve both.
static LogicalResult checkState(ModuleOp module, const ShortModel &shorter) {
  ModuleOp other = *shorter.module;
  for (auto parameter : other.getOps<ParameterOp>()) {
    auto whole = module.lookupSymbol<ParameterOp>(parameter.getSymName());
    if (whole && whole.getType() == parameter.getType())
      continue;
    InFlightDiagnostic diagnostic = emitError(parameter.getLoc())
                                    << "'" << parameter.getSymName() << "' is "
                                    << printType(parameter.getType())
                                    << " in the bucket "
                                    << llvm::join(shorter.overrides, ", ");
    if (whole)
      diagnostic << " and " << printType(whole.getType())
                 << " in the model: what is trained has one size";
    else
      diagnostic << " and not in the model";
    return diagnostic;
  }
  return success();
}

/// Whether `part` is `whole`, or it in all but one dimension that is no batch
/// and shorter in that one.
static bool isPart(Type part, Type whole) {
  auto lhs = cast<RankedTensorType>(part), rhs = cast<RankedTensorType>(whole);
  if (lhs.getElementType() != rhs.getElementType() ||
      lhs.getRank() != rhs.getRank())
    return false;
  unsigned numShorter = 0;
  for (auto [size, of] : llvm::zip_equal(lhs.getShape(), rhs.getShape())) {
    if (ShapedType::isDynamic(size) != ShapedType::isDynamic(of) || size > of)
      return false;
    numShorter += size < of;
  }
  return numShorter <= 1;
}

static bool isShortOf(func::FuncOp part, func::FuncOp whole) {
  if (!whole || part.getResultTypes() != whole.getResultTypes() ||
      part.getNumArguments() != whole.getNumArguments() ||
      part.getArgumentTypes() == whole.getArgumentTypes())
    return false;
  for (unsigned i = 0; i < part.getNumArguments(); ++i)
    if (part.getArgAttr(i, kNameAttr) != whole.getArgAttr(i, kNameAttr) ||
        !isPart(part.getArgumentTypes()[i], whole.getArgumentTypes()[i]))
      return false;
  return true;
}

LogicalResult nnc::addShortEntries(ModuleOp module, const ShortModel &shorter) {
  if (failed(checkState(module, shorter)))
    return failure();
  ModuleOp other = *shorter.module;
  bool hasAny = false;
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  for (auto function : other.getOps<func::FuncOp>()) {
    StringRef name = function.getName();
    if (function.isPrivate() ||
        !isShortOf(function, module.lookupSymbol<func::FuncOp>(name)))
      continue;
    auto copy = cast<func::FuncOp>(b.clone(*function));
    copy.setName((name + "." + shorter.suffix()).str());
    copy->setAttr(kShortOfAttr, b.getStringAttr(name));
    hasAny = true;
  }
  if (hasAny)
    return success();
  return module.emitError("no entry point takes less in the bucket ")
         << llvm::join(shorter.overrides, ", ")
         << ": the shape of an input has to depend on it, in one dimension, "
            "and those of losses and metrics may not";
}
