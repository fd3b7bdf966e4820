// Scopes, parameters, their types and initializers.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "ir/Initializer.h"
#include "ir/Layout.h"
#include "ir/Text.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc::dsl {

//===-- Scopes -----------------------------------------------------------===//

static std::string joinPath(StringRef scope, StringRef name) {
  return scope.empty() ? name.str() : (scope + "." + name).str();
}

// The name of a call's scope, relative to the scope it is in.
std::optional<std::string> Emitter::chooseScope(const CallExpr &call,
                                                StringRef callee) {
  ScopeEntry &outer = *frame->scope;
  if (!call.scope) {
    // dense, dense_1, dense_2; past those that `as` has taken.
    unsigned &next = outer.nextNumbers[callee];
    for (unsigned i = next;; ++i) {
      std::string name =
          i == 0 ? callee.str() : (callee + "_" + Twine(i)).str();
      auto owner = scopeOwners.find(joinPath(outer.path, name));
      bool isTaken = owner != scopeOwners.end() && owner->second.isNamed;
      if (isTaken || !outer.callNames.insert(name).second)
        continue;
      scopeOwners.try_emplace(joinPath(outer.path, name),
                              ScopeOwner{callee, call.loc, false});
      next = i + 1;
      return name;
    }
  }
  std::string name = call.scope->name.name.str();
  SMLoc loc = call.scope->name.loc;
  if (call.scope->index) {
    std::optional<int64_t> index =
        expectInteger(*call.scope->index, "the index of a scope");
    if (!index)
      return std::nullopt;
    name += "." + std::to_string(*index);
  }
  auto [owner, isNew] = scopeOwners.try_emplace(joinPath(outer.path, name),
                                                ScopeOwner{callee, loc, true});
  const ScopeOwner &first = owner->second;
  if (isNew || (first.isNamed && first.callee == callee))
    return name;
  if (first.isNamed)
    error(loc,
          "scope '" + name + "' belongs to '" + first.callee + "', and '" +
              callee + "' cannot share its parameters",
          Note{first.loc, "'" + name + "' is first used here"});
  else
    error(loc,
          "scope '" + name +
              "' is that of a call without a name; write "
              "'as " +
              name +
              "' there too to share its "
              "parameters",
          Note{first.loc, "the other call"});
  return std::nullopt;
}

void Emitter::inScope(const CallExpr &call, StringRef callee,
                      llvm::function_ref<void(ScopeEntry &)> body) {
  std::optional<std::string> name = chooseScope(call, callee);
  if (!name)
    return;
  ScopeEntry &outer = *frame->scope;
  ScopeEntry entry;
  entry.path = joinPath(outer.path, *name);
  if (entry.path.size() > kMaxPathBytes) {
    error(call.loc, "the name of this scope is " + Twine(entry.path.size()) +
                        " bytes long: at most " + Twine(kMaxPathBytes) +
                        " are supported");
    return;
  }
  uint64_t usesBefore = parameterUses;
  body(entry);
  if (call.scope || parameterUses != usesBefore)
    return;
  --outer.nextNumbers[callee];
  outer.callNames.erase(*name);
  scopeOwners.erase(entry.path);
}

//===-- Parameters -------------------------------------------------------===//

void Emitter::emitParam(const ParamStmt &statement) {
  const Identifier &name = statement.name;
  std::string path = joinPath(frame->scope->path, name.name);
  bool isFree = checkReserved(name, "a parameter");
  std::string problem = findNoParameterName(path);
  if (problem.empty() && path == model.getName())
    problem = "is the name of the model";
  if (!problem.empty()) {
    error(name.loc, "'" + path + "' cannot name a parameter: it " + problem);
    isFree = false;
  }
  auto [first, isFirst] =
      frame->scope->paramNames.try_emplace(name.name, name.loc);
  if (!isFirst) {
    bool sameLine = first->second == name.loc;
    error(name.loc,
          "parameter '" + name.name + "' is defined twice" +
              (sameLine ? "; put the body of the loop in a function, "
                          "each call of which has its own"
                        : ""),
          sameLine ? std::vector<Note>()
                   : std::vector<Note>{{first->second, "first defined here"}});
    isFree = false;
  }
  RankedTensorType type = resolveType(statement.type, TypeUse::Parameter);
  Attribute initializer =
      type ? resolveInitializer(*statement.initializer, type) : Attribute();
  mlir::Value value;
  if (isFree && initializer)
    value = useParameter(path, type, initializer, name.loc);
  bind(name, value ? Datum(value) : Datum());
}

mlir::Value Emitter::useParameter(const std::string &path,
                                  RankedTensorType type, Attribute initializer,
                                  SMLoc loc, Role role,
                                  ArrayRef<int64_t> pytorchDims) {
  ++parameterUses;
  if (trace)
    trace->usesParameter(loc, path, type);
  if (auto it = parameters.find(path); it != parameters.end()) {
    const ParameterUse &first = it->second;
    if (first.type == type)
      return first.value;
    error(loc,
          "the shared parameter '" + path + "' would be " + printType(type) +
              " here",
          Note{first.callLoc.isValid() ? first.callLoc : first.loc,
               "it is " + printType(first.type) + " here"});
    return nullptr;
  }
  if (type.getNumDynamicDims() != 0 || !isa<FloatType>(type.getElementType())) {
    error(loc, "a parameter has a known size and elements that are floats, "
               "found " +
                   printType(type));
    return nullptr;
  }
  Location location = diagnostics.location(loc);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(model);
    auto made = ParameterOp::create(
        builder, location, builder.getStringAttr(path), TypeAttr::get(type),
        cast<InitializerAttr>(initializer), RoleAttr::get(context, role));
    if (!pytorchDims.empty())
      made->setAttr(kPytorchDimsAttr,
                    builder.getDenseI64ArrayAttr(pytorchDims));
  }
  // Not in the step of a loop: another loop may share it.
  OpBuilder atEnd = OpBuilder::atBlockEnd(&model.getBody().front());
  mlir::Value value = ReadOp::create(atEnd, location, type,
                                     FlatSymbolRefAttr::get(context, path));
  parameters.try_emplace(path,
                         ParameterUse{value, type, loc, frame->callLoc, role});
  return value;
}

//===-- Types ------------------------------------------------------------===//

Type Emitter::resolveElementType(const Identifier &name) {
  if (Type type = parseElementType(name.name, context))
    return type;
  if (Binding *binding = lookup(name.name))
    if (binding->value.isElementType())
      return binding->value.elementType();
  std::string hint = suggestion(name.name, elementTypeNames());
  if (hint.empty())
    hint = "; expected one of " + llvm::join(elementTypeNames(), ", ");
  error(name.loc, "unknown element type '" + name.name + "'" + hint);
  return nullptr;
}

bool Emitter::resolveDimension(const Dimension &dimension, bool allowBatch,
                               SmallVectorImpl<int64_t> &shape) {
  SMLoc loc = dimension.size->loc;
  auto *name = llvm::dyn_cast<NameExpr>(dimension.size.get());
  if (name && name->name != "batch" && !lookup(name->name)) {
    std::vector<StringRef> names = visibleNames();
    std::string hint = suggestion(name->name, names);
    if (hint.empty())
      hint = "; write " + name->name.str() +
             " = SIZE where it is first used, "
             "or declare 'const " +
             name->name.str() + " = SIZE'";
    error(loc, "unknown dimension '" + name->name + "'" + hint);
    return false;
  }
  Datum size = evaluate(*dimension.size);
  if (size.isError())
    return false;
  if (size.isBatch()) {
    if (allowBatch && shape.empty()) {
      shape.push_back(ShapedType::kDynamic);
      return true;
    }
    error(loc, allowBatch ? "'batch' is the first dimension of a tensor only"
                          : "the size of a parameter cannot depend on 'batch'");
    return false;
  }
  if (!size.isInteger() || size.integer() < 1) {
    error(loc, "a dimension must be a whole number of at least 1, found " +
                   size.describe());
    return false;
  }
  shape.push_back(size.integer());
  if (!dimension.binding)
    return true;
  const Identifier &binding = *dimension.binding;
  if (!checkReserved(binding, "a dimension"))
    return false;
  if (Binding *first = lookup(binding.name)) {
    error(binding.loc, "'" + binding.name + "' is defined twice",
          Note{first->declaration.loc, "first defined here"});
    return false;
  }
  if (trace)
    trace->named(binding.name, size);
  dimensions.insert({binding.name, {size, binding}});
  return true;
}

// The limit of hasSupportedSize: products of it with an element's size and a
// batch of thousands stay within 64 bits.
static constexpr int64_t kMaxElements = int64_t(1) << 40;

static bool isTooLarge(ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  return llvm::any_of(shape, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      return false;
    return llvm::MulOverflow(elements, size, elements) ||
           elements > kMaxElements;
  });
}

RankedTensorType Emitter::resolveType(const TypeSpec &spec, TypeUse use) {
  Type elementType = resolveElementType(spec.element);
  SmallVector<int64_t> shape;
  bool valid = elementType != nullptr;
  for (const Dimension &dimension : spec.shape)
    valid &= resolveDimension(dimension, use != TypeUse::Parameter, shape);
  if (!valid)
    return nullptr;
  bool isInput = use == TypeUse::Input;
  if (isInput && (shape.empty() || !ShapedType::isDynamic(shape.front()))) {
    error(spec.element.loc, "the first dimension of an input must be 'batch', "
                            "as in " +
                                spec.element.name + "[batch, 784]");
    return nullptr;
  }
  if (isTooLarge(shape)) {
    error(spec.element.loc, "this tensor is too large: at most 2^40 elements "
                            "are supported");
    return nullptr;
  }
  return RankedTensorType::get(shape, elementType);
}

//===-- Initializers -----------------------------------------------------===//

static StringRef initializerName(const Expression &expression) {
  if (auto *name = llvm::dyn_cast<NameExpr>(&expression))
    return name->name;
  if (auto *call = llvm::dyn_cast<CallExpr>(&expression))
    return call->callee;
  return "";
}

bool Emitter::isInitializer(const Expression &expression) const {
  if (llvm::isa<ListExpr, ComprehensionExpr, NumberExpr>(expression))
    return true;
  StringRef name = initializerName(expression);
  bool isShadowed = functions.contains(name) ||
                    (frame && frame->names.find(name) != frame->names.end());
  return !name.empty() && !isShadowed && lookupInitializer(name);
}

Attribute Emitter::literalInitializer(const Expression &expression,
                                      RankedTensorType type) {
  Datum value = evaluate(expression);
  if (value.isError())
    return nullptr;
  if (value.isNumber())
    return makeInitializer(context, "constant", {{"value", value.number()}});
  if (!value.isList()) {
    error(expression.loc, "expected an initializer, a number or a list of "
                          "numbers, found " +
                              value.describe());
    return nullptr;
  }
  DenseElementsAttr elements =
      toElements(value, type.getElementType(), expression.loc);
  if (!elements)
    return nullptr;
  if (elements.getType() != type) {
    error(expression.loc, "this list is " + printType(elements.getType()) +
                              ", and the parameter is " + printType(type));
    return nullptr;
  }
  return InitializerAttr::get(
      context, builder.getStringAttr("literal"),
      builder.getDictionaryAttr(builder.getNamedAttr("value", elements)));
}

static std::vector<StringRef> initializerNames() {
  std::vector<StringRef> names;
  for (const InitializerInfo &info : allInitializers())
    if (info.name != "literal")
      names.push_back(info.name);
  return names;
}

Attribute Emitter::unknownInitializer(StringRef name, SMLoc loc) {
  std::vector<StringRef> names = initializerNames();
  std::string hint = suggestion(name, names);
  if (hint.empty())
    hint = "; expected one of " + llvm::join(names, ", ");
  error(loc, "unknown initializer '" + name + "'" + hint);
  return nullptr;
}

Attribute Emitter::resolveInitializer(const Expression &expression,
                                      RankedTensorType type) {
  StringRef name = initializerName(expression);
  const InitializerInfo *info =
      isInitializer(expression) ? lookupInitializer(name) : nullptr;
  if (!info && !name.empty() && !lookup(name) && !functions.contains(name))
    return unknownInitializer(name, expression.loc);
  if (!info)
    return literalInitializer(expression, type);

  // `zeros` is short for `zeros()`.
  CallExpr withoutArguments(expression.loc);
  withoutArguments.callee = name;
  auto *given = llvm::dyn_cast<CallExpr>(&expression);
  const CallExpr &call = given ? *given : withoutArguments;
  std::vector<StringRef> names;
  for (const InitializerArgument &argument : info->arguments)
    names.push_back(argument.name);
  auto matched = matchArguments(call, names);
  if (!matched)
    return nullptr;
  SmallVector<std::pair<StringRef, double>> arguments;
  for (auto [argument, known] : llvm::zip_equal(*matched, info->arguments)) {
    if (!argument && !known.defaultValue) {
      missingArgument(call, known.name, names);
      return nullptr;
    }
    if (!argument)
      continue;
    Datum value = evaluate(*argument->value);
    if (!value.isError() && !value.isNumber())
      error(argument->value->loc, "expected a number as '" + known.name +
                                      "', found " + value.describe());
    if (!value.isNumber())
      return nullptr;
    arguments.push_back({known.name, value.number()});
  }
  return makeInitializer(context, name, arguments);
}

} // namespace nnc::dsl
