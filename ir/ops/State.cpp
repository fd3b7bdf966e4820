// Syntax and verifiers of ops about the program and its state.
#include "ir/Freezing.h"
#include "ir/ModelParts.h"
#include "ir/Ops.h"
#include "ir/Recipe.h"
#include "ir/Text.h"

#include "runtime/RecipeNumbers.h"

#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

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

/// `name` as a message shows it, whatever is in it.
static std::string quoteName(StringRef name) {
  return findNoName(name).empty() ? ("'" + name + "'").str() : "the name";
}

static LogicalResult checkFileName(Location location, StringRef op,
                                   StringRef name) {
  std::string problem = findNoFileName(name);
  if (problem.empty())
    return success();
  return OpSite(location, op).error() << quoteName(name) << " " << problem;
}

namespace {
/// Where each name was given first.
class UniqueNames {
public:
  explicit UniqueNames(StringRef kind) : kind(kind) {}

  LogicalResult add(StringRef name, Location location) {
    auto [first, isNew] = places.try_emplace(name, location);
    if (isNew)
      return success();
    InFlightDiagnostic diagnostic = emitError(location)
                                    << "there is " << kind << " '" << name
                                    << "' already; give one another name";
    diagnostic.attachNote(first->second) << "the first is here";
    return diagnostic;
  }

private:
  StringRef kind;
  llvm::StringMap<Location> places;
};
} // namespace

/// Plans, files of predictions and logs tell inputs, outputs and metrics by
/// their names, those of a part among themselves; the loss and the confusion
/// matrix stand among the metrics.
static LogicalResult checkNames(ModelOp model) {
  UniqueNames inputs("an input");
  llvm::StringMap<UniqueNames> outputs, metrics;
  for (BlockArgument input : model.getBody().getArguments()) {
    auto name =
        model.getArgAttrOfType<StringAttr>(input.getArgNumber(), "nnc.name");
    if (name && (failed(checkFileName(input.getLoc(), "input", name)) ||
                 failed(inputs.add(name, input.getLoc()))))
      return failure();
  }
  LogicalResult result = success();
  for (Operation &op : model.getBody().front()) {
    if (auto output = dyn_cast<OutputOp>(op))
      result = outputs.try_emplace(partOf(output), "an output")
                   .first->second.add(output.getName(), op.getLoc());
    else if (auto metric = dyn_cast<MetricOp>(op))
      result = metrics.try_emplace(partOf(metric), "a metric")
                   .first->second.add(metric.getName(), op.getLoc());
    if (failed(result))
      return failure();
  }
  return success();
}

/// Losses and metrics are all of training steps, or none is; and what the
/// recipe says of steps is said of some that there are.
static LogicalResult checkSteps(ModelOp model) {
  llvm::SmallSetVector<StringRef, 4> steps;
  Operation *ofNone = nullptr;
  for (Operation &op : model.getBody().front())
    if (isa<LossOp, MetricOp>(op)) {
      StringRef step = partOf(&op);
      if (step.empty())
        ofNone = &op;
      else
        steps.insert(step);
    }
  if (ofNone && !steps.empty())
    return emitError(ofNone->getLoc())
           << "the model has training steps, and this is of none; move it "
              "into one of them: "
           << llvm::join(steps, ", ");
  auto check = [&](StringRef step) -> LogicalResult {
    if (step.empty() || steps.contains(step))
      return success();
    InFlightDiagnostic diagnostic = emitError(model.getLoc())
                                    << "the model has no training step '"
                                    << step << "'";
    if (!steps.empty())
      diagnostic << "; there are " << llvm::join(steps, ", ");
    return diagnostic;
  };
  for (const RecipeUpdate &update : model.getRecipe().getUpdates())
    if (failed(check(update.step)))
      return failure();
  SmallVector<OrderedStep> order = model.getRecipe().getOrder();
  llvm::StringSet<> ordered;
  for (const OrderedStep &turn : order) {
    if (failed(check(turn.step)))
      return failure();
    ordered.insert(turn.step);
  }
  // Those that are in no round follow the others in a plan.
  size_t count = order.size() + steps.size() - ordered.size();
  if (count <= runtime::mostOrderedSteps)
    return success();
  return emitError(model.getLoc())
         << "the model has " << count
         << " training steps with all turns of its order: at most "
         << runtime::mostOrderedSteps << " are supported";
}

/// Succeeds if the settings among the attributes of `op` are a recipe.
static LogicalResult checkRecipe(Operation *op, SettingPlace place) {
  std::string problem = explainRecipe(collectSettings(op), place);
  return problem.empty() ? success()
                         : LogicalResult(emitError(op->getLoc()) << problem);
}

static RecipeAttr recipeOf(Operation *op) {
  return RecipeAttr::get(op->getContext(), collectSettings(op));
}

/// Data is bound to inputs that there are, and steps are of such.
static LogicalResult checkBoundInputs(ModelOp model) {
  llvm::DenseSet<Attribute> inputs;
  for (BlockArgument input : model.getBody().getArguments())
    inputs.insert(model.getArgAttr(input.getArgNumber(), "nnc.name"));
  if (auto bindings = model->getAttrOfType<ArrayAttr>("data"))
    for (auto binding : bindings.getAsRange<DictionaryAttr>())
      for (Attribute input : binding.getAs<ArrayAttr>("inputs"))
        if (!inputs.contains(input))
          return emitError(model.getLoc())
                 << "data is bound to " << input << ", which is no input";
  if (auto steps = model->getAttrOfType<ArrayAttr>("sample_steps"))
    for (auto step : steps.getAsRange<DictionaryAttr>())
      if (!inputs.contains(step.get("input")))
        return emitError(model.getLoc())
               << "there are steps for " << step.get("input")
               << ", which is no input";
  return success();
}

LogicalResult OutputOp::verify() {
  return checkFileName(getLoc(), "output", getName());
}

/// What training reports under a name.
static LogicalResult checkReportedName(Location loc, StringRef what,
                                       StringRef name) {
  if (name == "loss" || name == "confusion")
    return OpSite(loc, what).error()
           << "'" << name
           << "' is what training reports itself; choose another name";
  return checkFileName(loc, what, name);
}

LogicalResult LossOp::verify() {
  return getName() ? checkReportedName(getLoc(), "loss", *getName())
                   : success();
}

LogicalResult MetricOp::verify() {
  return checkReportedName(getLoc(), "metric", getName());
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
  if (std::string problem = findNoName(getSymName()); !problem.empty())
    return site.error() << "the model's name " << problem;
  if (failed(checkRecipe(*this, kOnModel)) || failed(checkBoundInputs(*this)) ||
      failed(checkSteps(*this)))
    return failure();
  return checkNames(*this);
}

RecipeAttr ModelOp::getRecipe() { return recipeOf(*this); }

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  OpSite site(getLoc(), "parameter");
  auto type = cast<RankedTensorType>(getType());
  std::string problem = findNoParameterName(getSymName());
  if (isOfModel() && !problem.empty())
    return site.error() << quoteName(getSymName()) << " " << problem;
  if (type.hasStaticShape())
    return success();
  return site.error() << "@" << getSymName() << " is " << printType(type)
                      << ": a parameter does not depend on the batch";
}

bool ParameterOp::isOfModel() {
  return getRole() == Role::parameter || getRole() == Role::buffer;
}

bool ParameterOp::isTrained() {
  return getRole() == Role::parameter && !isFrozen();
}

bool ParameterOp::isFrozen() { return (*this)->hasAttr(kFrozenAttr); }

void ParameterOp::setFrozen() {
  (*this)->setAttr(kFrozenAttr, UnitAttr::get(getContext()));
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

LogicalResult OptimizeOp::verify() { return checkRecipe(*this, kOnUpdate); }

RecipeAttr OptimizeOp::getRecipe() { return recipeOf(*this); }

/// Succeeds if `symbol` is a scalar whose elements are as `isOfKind` wants
/// them, or not given.
static LogicalResult checkScalar(Operation *user, FlatSymbolRefAttr symbol,
                                 StringRef expected,
                                 llvm::function_ref<bool(Type)> isOfKind,
                                 SymbolTableCollection &symbols) {
  if (!symbol)
    return success();
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(user, symbol);
  auto type = parameter ? cast<RankedTensorType>(parameter.getType())
                        : RankedTensorType();
  if (type && type.getRank() == 0 && isOfKind(type.getElementType()))
    return success();
  InFlightDiagnostic diagnostic = OpSite(user->getLoc(), "optimize").error()
                                  << symbol << " must be " << expected
                                  << ", found ";
  if (!type)
    return diagnostic << "none of that name";
  return diagnostic << printType(type);
}

LogicalResult OptimizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto isCounter = [](Type type) { return type.isInteger(64); };
  if (failed(checkScalar(*this, getCounterAttr(), "a scalar i64", isCounter,
                         symbols)) ||
      failed(checkScalar(*this, getRateAttr(), "a scalar of floats",
                         llvm::IsaPred<FloatType>, symbols)))
    return failure();
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
