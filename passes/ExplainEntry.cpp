// Which values of a prediction have gradients that explain it, and the sum that
// these are gradients of.
#include "passes/ExplainEntry.h"

#include "passes/EntryPoints.h"

#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

namespace {
/// The tensor whose places are to be explained, and what it is called.
struct Explained {
  Value value;
  std::string name;
};
} // namespace

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// Adds the users of `value`, and of what it is transposed to.
static void collectUsers(Value value, SmallVectorImpl<Operation *> &users) {
  for (Operation *user : value.getUsers()) {
    users.push_back(user);
    if (isa<TransposeOp>(user))
      collectUsers(user->getResult(0), users);
  }
}

/// The widest type that the uses of `argument` cast it to, f32 at least; null
/// unless all of them cast it to floating point.
static Type findCastType(ArrayRef<Operation *> users, MLIRContext *context) {
  Type widest;
  for (Operation *user : users) {
    if (isa<TransposeOp>(user))
      continue;
    auto conversion = dyn_cast<CastOp>(user);
    if (!conversion || !isFloat(conversion.getResult()))
      return {};
    if (getElementTypeOrSelf(conversion.getResult().getType()).isF64())
      widest = Float64Type::get(context);
    else if (!widest)
      widest = Float32Type::get(context);
  }
  return widest;
}

/// What `conversion` converts is of floating point by now.
static void convertAgain(CastOp conversion) {
  OpBuilder builder(conversion);
  ImplicitLocOpBuilder b(conversion.getLoc(), builder);
  Value converted =
      nnc::cast(Expr(b, conversion.getX()), conversion.getType().getElementType());
  conversion.replaceAllUsesWith(converted);
  conversion.erase();
}

/// Makes floating-point arguments of those that are integers in name only.
static void takeIntegersAsReals(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    if (isFloat(argument))
      continue;
    SmallVector<Operation *> users;
    collectUsers(argument, users);
    Type element = findCastType(users, function.getContext());
    if (!element)
      continue;
    argument.setType(cast<RankedTensorType>(argument.getType()).clone(element));
    function.removeArgAttr(
        argument.getArgNumber(),
        StringAttr::get(function.getContext(), kIndexLimitAttr));
    for (Operation *user : users) {
      if (auto transpose = dyn_cast<TransposeOp>(user))
        transpose.getResult().setType(transpose.getType().clone(element));
      else
        convertAgain(cast<CastOp>(user));
    }
  }
  function.setType(FunctionType::get(function.getContext(),
                                     function.front().getArgumentTypes(),
                                     function.getResultTypes()));
}

/// The name that the parameters of `op` have in common, "conv2d_1" of
/// "conv2d_1.weight"; empty where it has none.
static StringRef getScope(Operation *op) {
  for (Value operand : op->getOperands())
    if (auto read = operand.getDefiningOp<ReadOp>())
      if (StringRef parameter = read.getParameter(); parameter.contains('.'))
        return parameter.rsplit('.').first;
  return {};
}

/// Whether `scope` is `layer` or within it.
static bool isWithin(StringRef scope, StringRef layer) {
  return scope.consume_front(layer) && (scope.empty() || scope.front() == '.');
}

/// Whether `value` has a channel's picture for each sample. A transpose has its
/// operand's, in an order that may be another.
static bool isPictures(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && !value.getDefiningOp<TransposeOp>() && isFloat(value) &&
         type.getRank() == 4 && type.isDynamicDim(0) &&
         type.getDimSize(1) * type.getDimSize(2) > 1;
}

/// The layer that is explained where none is named; null where there is none.
static Explained findLastPictures(func::FuncOp function) {
  Explained last;
  std::string scope = "layer";
  for (Operation &op : function.front()) {
    if (StringRef found = getScope(&op); !found.empty())
      scope = found.str();
    if (op.getNumResults() == 1 && isPictures(op.getResult(0)))
      last = {op.getResult(0), scope};
  }
  return last;
}

static FailureOr<Explained> findLayer(func::FuncOp function, StringRef name) {
  if (name.empty())
    return findLastPictures(function);
  Explained found;
  llvm::SetVector<StringRef> scopes;
  for (Operation &op : function.front()) {
    StringRef scope = getScope(&op);
    if (scope.empty() || op.getNumResults() != 1)
      continue;
    scopes.insert(scope);
    if (isWithin(scope, name))
      found = {op.getResult(0), name.str()};
  }
  if (!found.value)
    return emitError(function.getLoc())
           << "no layer is called '" << name << "'; there "
           << (scopes.empty() ? "is none with parameters"
                              : "are " + llvm::join(scopes, ", "));
  if (!isFloat(found.value))
    return emitError(found.value.getLoc())
           << "layer '" << name << "' has no gradient: it is "
           << found.value.getType();
  return found;
}

/// The sum of all floating-point outputs, each times a new argument.
static FailureOr<Value> buildWeightedSum(func::FuncOp function) {
  Operation *terminator = function.front().getTerminator();
  llvm::StringSet<> names;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    names.insert(
        function.getArgAttrOfType<StringAttr>(i, kNameAttr).getValue());
  OpBuilder builder(terminator);
  Value total;
  for (auto [index, output] : llvm::enumerate(terminator->getOperands())) {
    if (!isFloat(output))
      continue;
    auto name = function.getResultAttrOfType<StringAttr>(index, kNameAttr);
    auto argument = builder.getStringAttr(name.getValue() + ".upstream");
    if (!names.insert(argument.getValue()).second)
      return emitError(function.getLoc())
             << "input '" << argument.getValue()
             << "' has the name of what explains output '" << name.getValue()
             << "'; rename it";
    if (failed(function.insertArgument(
            function.getNumArguments(), output.getType(),
            builder.getDictionaryAttr(
                builder.getNamedAttr(kNameAttr, argument)),
            output.getLoc())))
      return failure();
    ImplicitLocOpBuilder b(output.getLoc(), builder);
    Expr part = sum(Expr(b, output) * Expr(b, function.getArguments().back()));
    total = total ? Value(Expr(b, total) +
                          cast(part, getElementTypeOrSelf(total.getType())))
                  : Value(part);
  }
  if (!total)
    return emitError(function.getLoc())
           << "no output is of a floating-point type: none has a gradient";
  return total;
}

/// Has `function` return one more value.
static LogicalResult addResult(func::FuncOp function, Value value,
                               const std::string &name, StringRef kind) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (function.getResultAttrOfType<StringAttr>(i, kNameAttr) == name)
      return emitError(function.getLoc())
             << "output '" << name
             << "' has the name of what explains others; rename it";
  Operation *terminator = function.front().getTerminator();
  terminator->insertOperands(terminator->getNumOperands(), value);
  Builder b(function.getContext());
  SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    attributes.push_back(function.getResultAttrDict(i));
  attributes.push_back(b.getDictionaryAttr(
      {b.getNamedAttr(kNameAttr, b.getStringAttr(name)),
       b.getNamedAttr(kResultAttr, b.getStringAttr(kind))}));
  function.setType(b.getFunctionType(function.getArgumentTypes(),
                                     terminator->getOperandTypes()));
  function.setAllResultAttrs(attributes);
  return success();
}

LogicalResult completeExplainEntry(func::FuncOp function, StringRef layerName) {
  takeIntegersAsReals(function);
  FailureOr<Explained> layer = findLayer(function, layerName);
  if (failed(layer))
    return failure();
  SmallVector<Value> variables;
  SmallVector<std::string> names;
  for (BlockArgument argument : function.getArguments())
    if (isFloat(argument)) {
      variables.push_back(argument);
      names.push_back(
          function
              .getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr)
              .str());
    }
  if (layer->value)
    variables.push_back(layer->value);
  if (variables.empty())
    return emitError(function.getLoc())
           << "no input is of a floating-point type, or cast to one: there is "
              "no gradient that would explain an output; occlusion, lime and "
              "shapley need none";
  FailureOr<Value> total = buildWeightedSum(function);
  if (failed(total))
    return failure();

  OpBuilder b(function.front().getTerminator());
  auto gradient = GradientOp::create(
      b, total->getLoc(), ValueRange(variables).getTypes(), *total, variables);
  for (auto [index, name] : llvm::enumerate(names))
    if (failed(addResult(function, gradient.getGradients()[index],
                         name + ".gradient", kInputGradientKind)))
      return failure();
  if (!layer->value)
    return success();
  return success(succeeded(addResult(function, layer->value,
                                     layer->name + ".layer", kLayerKind)) &&
                 succeeded(addResult(function, gradient.getGradients().back(),
                                     layer->name + ".layer_gradient",
                                     kLayerGradientKind)));
}

} // namespace nnc
