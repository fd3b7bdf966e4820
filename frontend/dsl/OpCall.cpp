// One call of an op: its arguments bound by the op's signature, and the
// parameters that a layer makes. No op is named here.
#include "frontend/dsl/Emitter.h"

#include "ir/Layout.h"
#include "ir/Scopes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

/// The arguments of one call of an op, bound to what its signature declares.
class OpCall {
public:
  OpCall(Emitter &emitter, const CallExpr &call, const Signature &signature,
         Evaluated &evaluated)
      : emitter(emitter), call(call), signature(signature),
        evaluated(evaluated), operands(signature.operands.size()),
        initializers(signature.operands.size()),
        omitted(signature.operands.size()) {}

  Datum build();

private:
  struct Given {
    Datum value;
    SMLoc loc;
  };
  struct Slot {
    enum { Operand, Layer, Attribute, None } kind;
    unsigned index;
  };

  bool isLayer() const;
  bool makesParameters() const;
  const AttributeInfo &info(Slot slot) const {
    return slot.kind == Slot::Layer ? signature.layerArguments[slot.index]
                                    : signature.attributes[slot.index];
  }
  bool bindArguments();
  bool bindPositional(const Argument &argument);
  bool bindNamed(const Argument &argument);
  bool bindAttribute(Slot slot, const Argument &argument);
  bool bindOperand(unsigned index, const Argument &argument);
  bool isUnknownInitializer(unsigned index, const Expression &expression);
  Slot nextSlot(const Expression &expression);
  Slot findSlot(const Argument &argument) const;
  bool claim(StringRef name, SMLoc loc);
  bool checkComplete();
  bool isTensorLike(const Datum &value) const;
  std::vector<StringRef> argumentNames() const;
  const Datum &evaluate(const Expression &expression);

  std::string innerScopeHint() const;
  bool takesChannelsLast() const;
  bool bringChannelsLast(Given &picture);
  Datum bringChannelsFirst(const Datum &result);
  Datum buildPlain();
  Datum buildLayer();
  FailureOr<SmallVector<LayerParameter>> listParameters();
  bool makeParameters(ScopeEntry &scope);
  Type elementType() const;
  bool collectOperands(SmallVectorImpl<mlir::Value> &values);
  bool isTargetOfAll(const OperandInfo &info, const Given &given) const;
  mlir::Value fill(mlir::Value number, mlir::Value like, SMLoc loc);

  Emitter &emitter;
  const CallExpr &call;
  const Signature &signature;
  Evaluated &evaluated;

  std::vector<SmallVector<Given, 1>> operands;
  std::vector<const Expression *> initializers; // in place of an operand
  std::vector<bool> omitted;                    // `bias = false`
  SmallVector<NamedAttribute> attributes;
  SmallVector<NamedAttribute> layerArguments;
  llvm::StringMap<SMLoc> claimed;
  unsigned position = 0; // of the next argument without a name, over all slots
};

bool OpCall::isLayer() const {
  OperationName name(operationName(signature.name), emitter.context);
  return name.hasInterface<Layer>();
}

/// Whether the op is a layer, and an operand that it can make is not given. A
/// variadic one holds all that its layer makes.
bool OpCall::makesParameters() const {
  if (!isLayer())
    return false;
  for (unsigned i = 1; i < operands.size(); ++i) {
    const OperandInfo &info = signature.operands[i];
    if (info.arity == Arity::Variadic && !info.hidden)
      return operands[i].empty();
  }
  for (unsigned i = 1; i < operands.size(); ++i)
    if (operands[i].empty() && !omitted[i] && !signature.operands[i].hidden)
      return true;
  return false;
}

const Datum &OpCall::evaluate(const Expression &expression) {
  auto it = evaluated.find(&expression);
  if (it == evaluated.end())
    it = evaluated.try_emplace(&expression, emitter.evaluate(expression)).first;
  return it->second;
}

std::vector<StringRef> OpCall::argumentNames() const {
  std::vector<StringRef> names;
  auto add = [&](const auto &info) {
    if (!info.hidden && !llvm::is_contained(names, info.name))
      names.push_back(info.name);
  };
  // Layer arguments stand before the operands that layers make.
  llvm::for_each(ArrayRef(signature.operands).take_front(isLayer() ? 1 : -1),
                 add);
  llvm::for_each(signature.layerArguments, add);
  llvm::for_each(signature.operands, add);
  llvm::for_each(signature.attributes, add);
  return names;
}

bool OpCall::claim(StringRef name, SMLoc loc) {
  auto [first, isFirst] = claimed.try_emplace(name, loc);
  if (isFirst)
    return true;
  emitter.error(
      loc, "argument '" + name + "' of '" + call.callee + "' is given twice",
      Note{first->second, "first given here"});
  return false;
}

bool OpCall::isTensorLike(const Datum &value) const {
  return value.isTensor() || value.isError();
}

// Operands come first, layer arguments and attributes then. A layer makes its
// operands but the first itself, so what is no tensor goes past them.
OpCall::Slot OpCall::nextSlot(const Expression &expression) {
  unsigned numOperands = signature.operands.size();
  while (position < numOperands) {
    const OperandInfo &info = signature.operands[position];
    bool skip = info.hidden;
    bool isMade = isLayer() && position > 0;
    if (!skip && info.arity == Arity::Variadic)
      skip = (isMade || !operands[position].empty()) &&
             !isTensorLike(evaluate(expression));
    else if (!skip && position > 0 &&
             (isLayer() || info.arity == Arity::Optional))
      skip = !isTensorLike(evaluate(expression));
    if (!skip)
      return {Slot::Operand,
              info.arity == Arity::Variadic ? position : position++};
    ++position;
  }
  unsigned index = position - numOperands;
  auto take = [&](ArrayRef<AttributeInfo> infos) {
    while (index < infos.size() && infos[index].hidden) {
      ++index;
      ++position;
    }
    if (index < infos.size()) {
      ++position;
      return true;
    }
    index -= infos.size();
    return false;
  };
  if (take(signature.layerArguments))
    return {Slot::Layer, index};
  if (take(signature.attributes))
    return {Slot::Attribute, index};
  return {Slot::None, 0};
}

OpCall::Slot OpCall::findSlot(const Argument &argument) const {
  StringRef name = argument.name->name;
  auto find = [&](const auto &infos) -> std::optional<unsigned> {
    auto it = llvm::find_if(
        infos, [&](auto &info) { return info.name == name && !info.hidden; });
    if (it == infos.end())
      return std::nullopt;
    return it - infos.begin();
  };
  auto operand = find(signature.operands);
  auto layer = find(signature.layerArguments);
  // `bias = false` asks for no bias, `bias = ones` for another one.
  bool isSwitch = llvm::isa<BooleanExpr>(*argument.value);
  if (operand && !(layer && isSwitch))
    return {Slot::Operand, *operand};
  if (layer)
    return {Slot::Layer, *layer};
  if (auto attribute = find(signature.attributes))
    return {Slot::Attribute, *attribute};
  return {Slot::None, 0};
}

bool OpCall::bindAttribute(Slot slot, const Argument &argument) {
  const AttributeInfo &attribute = info(slot);
  if (!claim(attribute.name, argument.loc()))
    return false;
  Attribute value =
      emitter.toAttribute(attribute, call.callee, *argument.value);
  if (!value)
    return false;
  auto &target = slot.kind == Slot::Layer ? layerArguments : attributes;
  target.push_back(emitter.builder.getNamedAttr(attribute.name, value));
  return true;
}

// A word that means nothing, where a layer takes an initializer.
bool OpCall::isUnknownInitializer(unsigned index,
                                  const Expression &expression) {
  auto *name = llvm::dyn_cast<NameExpr>(&expression);
  if (!isLayer() || index == 0 || !name || emitter.lookup(name->name))
    return false;
  emitter.unknownInitializer(name->name, name->loc);
  return true;
}

bool OpCall::bindOperand(unsigned index, const Argument &argument) {
  const OperandInfo &operand = signature.operands[index];
  bool isVariadic = operand.arity == Arity::Variadic;
  if (!isVariadic && !claim(operand.name, argument.loc()))
    return false;
  if (isLayer() && index > 0) {
    auto *boolean = llvm::dyn_cast<BooleanExpr>(argument.value.get());
    if (boolean && operand.arity == Arity::Optional) {
      omitted[index] = !boolean->value;
      return true;
    }
    // A list of several operands is no initializer.
    bool isSeveral =
        isVariadic && llvm::isa<ListExpr, ComprehensionExpr>(*argument.value);
    if (!isSeveral && emitter.isInitializer(*argument.value)) {
      initializers[index] = argument.value.get();
      return true;
    }
  }
  if (isUnknownInitializer(index, *argument.value))
    return false;
  const Datum &value = evaluate(*argument.value);
  if (value.isError())
    return false;
  SMLoc loc = argument.value->loc;
  if (isVariadic && value.isList()) {
    if (!emitter.expend(loc, value.list().size()))
      return false;
    for (const Datum &element : value.list())
      operands[index].push_back({element, loc});
    return true;
  }
  operands[index].push_back({value, loc});
  return true;
}

bool OpCall::bindPositional(const Argument &argument) {
  Slot slot = nextSlot(*argument.value);
  switch (slot.kind) {
  case Slot::Operand:
    return bindOperand(slot.index, argument);
  case Slot::Layer:
  case Slot::Attribute:
    return bindAttribute(slot, argument);
  case Slot::None:
    break;
  }
  emitter.error(argument.loc(),
                "too many arguments; expected " + usage(call, argumentNames()));
  return false;
}

bool OpCall::bindNamed(const Argument &argument) {
  Slot slot = findSlot(argument);
  if (slot.kind == Slot::Operand)
    return bindOperand(slot.index, argument);
  if (slot.kind != Slot::None)
    return bindAttribute(slot, argument);
  StringRef name = argument.name->name;
  std::string hint = explainMissing(emitter.context, signature, name);
  if (hint.empty())
    hint = suggestion(name, argumentNames());
  if (hint.empty())
    hint = "; expected " + usage(call, argumentNames());
  emitter.error(argument.name->loc,
                "'" + call.callee + "' has no argument '" + name + "'" + hint);
  return false;
}

bool OpCall::bindArguments() {
  bool bound = true;
  for (const Argument &argument : call.arguments)
    bound &= argument.name ? bindNamed(argument) : bindPositional(argument);
  return bound && checkComplete();
}

bool OpCall::checkComplete() {
  auto missing = [&](StringRef name) {
    bool compares = signature.category == Category::Metric ||
                    signature.category == Category::Loss;
    if (name == "target" && compares)
      emitter.error(call.loc, "'" + call.callee +
                                  "' has no target to compare with; expected " +
                                  usage(call, argumentNames()));
    else
      emitter.missingArgument(call, name, argumentNames());
    return false;
  };
  bool isLayerCall = isLayer();
  for (auto [i, operand] : llvm::enumerate(signature.operands)) {
    bool made = isLayerCall && i > 0;
    if (operand.hidden || operand.arity == Arity::Optional || made)
      continue;
    if (operands[i].empty())
      return missing(operand.name);
  }
  // They decide the shapes of parameters that are made.
  for (const AttributeInfo &attribute : signature.layerArguments)
    if (makesParameters() && attribute.isRequired() &&
        !claimed.contains(attribute.name))
      return missing(attribute.name);
  for (const AttributeInfo &attribute : signature.attributes)
    if (attribute.isRequired() && !attribute.hidden &&
        !claimed.contains(attribute.name))
      return missing(attribute.name);
  return true;
}

static bool hasReal(const Datum &value) {
  return value.isReal() ||
         (value.isList() && llvm::any_of(value.list(), hasReal));
}

/// What scalars among the operands become: the element type of the first tensor
/// that holds numbers. Among indices, which say nothing of what they choose
/// from, real numbers are floats.
Type OpCall::elementType() const {
  OperationName name(operationName(signature.name), emitter.context);
  bool isReal = false;
  for (const auto &values : operands)
    for (const Given &given : values)
      isReal |= name.hasInterface<IndexLimited>() && hasReal(given.value);
  for (const auto &values : operands)
    for (const Given &given : values)
      if (given.value.isTensor()) {
        Type type = getElementTypeOrSelf(given.value.tensor().getType());
        if (!type.isInteger(1) && !(isReal && isa<IntegerType>(type)))
          return type;
      }
  return emitter.builder.getF32Type();
}

/// Whether a number is what a loss compares each element with, as in
/// bce_logits(x, 1): of classes, it would be one of them.
bool OpCall::isTargetOfAll(const OperandInfo &info, const Given &given) const {
  bool hasClasses = llvm::any_of(signature.operands, [](auto &operand) {
    return operand.name == "class_weights";
  });
  return signature.category == Category::Loss && !hasClasses &&
         info.name == "target" && given.value.isNumber();
}

/// `number` for each element of `like`; null after an error.
mlir::Value OpCall::fill(mlir::Value number, mlir::Value like, SMLoc loc) {
  SmallVector<int64_t> dims =
      nnc::toDims(cast<RankedTensorType>(like.getType()).getShape());
  Datum filled =
      emitter.buildOp(loc, "broadcast", number,
                      emitter.builder.getNamedAttr(
                          "shape", emitter.builder.getDenseI64ArrayAttr(dims)));
  return filled.isTensor() ? filled.tensor() : mlir::Value();
}

bool OpCall::collectOperands(SmallVectorImpl<mlir::Value> &values) {
  Type type = elementType();
  for (auto [group, info] : llvm::zip_equal(operands, signature.operands)) {
    bool isVariadic = info.arity == Arity::Variadic;
    for (Given &given : group) {
      Type scalar =
          given.value.isBoolean() ? emitter.builder.getI1Type() : type;
      values.push_back(emitter.toTensor(given.value, scalar, given.loc));
      if (values.back() && isTargetOfAll(info, given))
        values.back() = fill(values.back(), values.front(), given.loc);
      if (!values.back())
        return false;
    }
    // Absent, or the end of several, where one after it is given.
    if (isVariadic || group.empty())
      values.push_back({});
  }
  while (!values.empty() && !values.back())
    values.pop_back();
  return true;
}

// `relu(dense(x, 4)) as first` means dense.
std::string OpCall::innerScopeHint() const {
  for (const Argument &argument : call.arguments) {
    auto *inner = llvm::dyn_cast<CallExpr>(argument.value.get());
    OperationName name(operationName(inner ? inner->callee : "none"),
                       emitter.context);
    if (inner && (emitter.functions.contains(inner->callee) ||
                  name.hasInterface<Layer>()))
      return ("; it belongs behind the call inside: " + call.callee + "(" +
              inner->callee + "(...) as " + call.scope->name.name + ")")
          .str();
  }
  return "";
}

Datum OpCall::buildPlain() {
  if (call.scope)
    return emitter.error(call.scope->name.loc,
                         "'as' names the parameters of a call, and '" +
                             call.callee + "' has none" + innerScopeHint());
  SmallVector<mlir::Value> values;
  if (!collectOperands(values))
    return {};
  return emitter.buildOp(call.loc, signature.name, values, attributes);
}

/// What the layer says that it makes, given the operands so far.
FailureOr<SmallVector<LayerParameter>> OpCall::listParameters() {
  SmallVector<mlir::Value> given;
  for (auto [group, info] : llvm::zip_equal(operands, signature.operands)) {
    for (Given &operand : group) {
      mlir::Value tensor =
          emitter.toTensor(operand.value, elementType(), operand.loc);
      if (!tensor)
        return failure();
      operand.value = Datum(tensor);
      given.push_back(tensor);
    }
    if (group.empty() || info.arity == Arity::Variadic)
      given.push_back({});
  }
  while (!given.empty() && !given.back())
    given.pop_back();
  OperationName name(operationName(signature.name), emitter.context);
  std::string message;
  FailureOr<SmallVector<LayerParameter>> parameters = failure();
  {
    ScopedDiagnosticHandler capture(emitter.context,
                                    [&](Diagnostic &diagnostic) {
                                      message = diagnostic.str();
                                      return success();
                                    });
    SmallVector<NamedAttribute> arguments(layerArguments);
    llvm::append_range(arguments, attributes);
    parameters = name.getInterface<Layer>()->getLayerParameters(
        emitter.diagnostics.location(call.loc), given,
        emitter.builder.getDictionaryAttr(arguments));
  }
  if (failed(parameters))
    emitter.error(call.loc, inUsersTerms(message),
                  emitter.explainOperands(given));
  return parameters;
}

bool OpCall::makeParameters(ScopeEntry &scope) {
  FailureOr<SmallVector<LayerParameter>> parameters = listParameters();
  if (failed(parameters))
    return false;
  // Several may become one variadic operand.
  std::vector<bool> isGiven;
  for (auto &group : operands)
    isGiven.push_back(!group.empty());
  for (const LayerParameter &parameter : *parameters) {
    auto it = llvm::find_if(signature.operands, [&](const OperandInfo &info) {
      return info.name == parameter.operand;
    });
    unsigned index = it - signature.operands.begin();
    if (!parameter.type || isGiven[index] || omitted[index])
      continue;
    Attribute initializer = parameter.initializer;
    if (initializers[index])
      initializer =
          emitter.resolveInitializer(*initializers[index], parameter.type);
    if (!initializer)
      return false;
    mlir::Value value = emitter.useParameter(
        scope.path + "." +
            (parameter.name.empty() ? parameter.operand.str() : parameter.name),
        parameter.type, initializer, call.loc,
        it->isBuffer ? Role::buffer : Role::parameter, parameter.pytorchDims);
    if (!value)
      return false;
    operands[index].push_back({Datum(value), call.loc});
  }
  for (auto [i, initializer] : llvm::enumerate(initializers))
    if (initializer && operands[i].empty()) {
      emitter.error(initializer->loc, "'" + call.callee + "' makes no '" +
                                          signature.operands[i].name +
                                          "' of these arguments");
      return false;
    }
  return true;
}

static void enterScope(Operation &op, StringRef scope) {
  op.setLoc(withScope(op.getLoc(), scope));
}

Datum OpCall::buildLayer() {
  Datum result;
  emitter.inScope(call, call.callee, [&](ScopeEntry &scope) {
    SmallVector<mlir::Value> values;
    const bool makes = makesParameters();
    bool isComplete = !makes || makeParameters(scope);
    if (isComplete && collectOperands(values))
      result = emitter.buildOp(call.loc, signature.name, values, attributes);
    if (result.isTensor() && makes)
      enterScope(*result.tensor().getDefiningOp(), scope.path);
  });
  return result;
}

/// Whether the op has the channels of its first operand and of its result last,
/// and the program has them first.
bool OpCall::takesChannelsLast() const {
  OperationName name(operationName(signature.name), emitter.context);
  return emitter.channelsFirst && name.hasTrait<ChannelsLast>();
}

bool OpCall::bringChannelsLast(Given &picture) {
  mlir::Value tensor =
      emitter.toTensor(picture.value, elementType(), picture.loc);
  if (!tensor)
    return false;
  picture.value = Datum(tensor);
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  if (!emitter.hasChannelsFirst(rank))
    return true;
  picture.value = emitter.buildOp(
      call.loc, "transpose", tensor,
      emitter.builder.getNamedAttr(
          "permutation",
          emitter.builder.getDenseI64ArrayAttr(channelsToLast(rank))));
  return true;
}

Datum OpCall::bringChannelsFirst(const Datum &result) {
  if (!result.isTensor())
    return result;
  mlir::Value tensor = result.tensor();
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  if (!emitter.hasChannelsFirst(rank))
    return result;
  return emitter.buildOp(
      call.loc, "transpose", tensor,
      emitter.builder.getNamedAttr(
          "permutation", emitter.builder.getDenseI64ArrayAttr(
                             invertPermutation(channelsToLast(rank)))));
}

Datum OpCall::build() {
  if (!bindArguments())
    return {};
  if (!takesChannelsLast())
    return isLayer() ? buildLayer() : buildPlain();
  for (Given &picture : operands.front())
    if (!bringChannelsLast(picture))
      return {};
  return bringChannelsFirst(isLayer() ? buildLayer() : buildPlain());
}

Datum Emitter::callOp(const CallExpr &call, const Signature &signature,
                      Evaluated &evaluated) {
  // Where no model is being built, there is no place for an op.
  if (!frame)
    return error(call.loc, "a constant cannot hold a tensor");
  return OpCall(*this, call, signature, evaluated).build();
}

} // namespace nnc::dsl
