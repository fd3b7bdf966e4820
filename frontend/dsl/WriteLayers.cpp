// Which arguments a layer was called with: tried, and asked of the layer itself
// whether it would then make the parameters that are there.
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Layout.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

namespace {
/// An op's operands as its layer would make or be given them.
class LayerGuess {
public:
  LayerGuess(Operation *op, const Signature &signature, StringRef scope,
             ModuleOp module)
      : op(op), signature(signature), scope(scope), module(module),
        builder(op->getContext()) {}

  std::optional<LayerCall> find();

private:
  bool readOperands();
  std::vector<Attribute> candidatesFor(const AttributeInfo &info);
  bool tryFrom(size_t index, SmallVectorImpl<NamedAttribute> &arguments);
  bool makesTheSame(ArrayRef<NamedAttribute> arguments);
  bool omit(StringRef operand);
  bool isGivenAll() const;
  std::optional<LayerCall> spellCall() const;

  Operation *op;
  const Signature &signature;
  StringRef scope;
  ModuleOp module;
  Builder builder;

  std::string part;
  SmallVector<Value> given; // as the layer is asked, null where it makes one
  std::map<std::string, ParameterOp> made; // by the last part of the name
  SmallVector<NamedAttribute> chosen;
  SmallVector<std::pair<std::string, InitializerAttr>> initializers;
  llvm::StringSet<> givenOperands;
  SmallVector<std::string> omitted; // by `scale = false`
  unsigned numTries = 0;
};
} // namespace

bool LayerGuess::readOperands() {
  SmallVector<int32_t> counts = operandCounts(op, signature);
  unsigned next = 0;
  for (auto [info, count] : llvm::zip_equal(signature.operands, counts)) {
    bool isFirst = &info == signature.operands.begin();
    for (int32_t i = 0; i < count; ++i) {
      Value operand = op->getOperand(next++);
      ParameterOp parameter =
          isFirst ? ParameterOp() : parameterOf(operand, module);
      PathBelow path;
      if (parameter && !isBelow(parameter.getSymName(), scope))
        parameter = {};
      if (parameter)
        path = splitPath(parameter.getSymName(), scope);
      bool isMade = parameter && !path.part.empty() &&
                    !StringRef(path.rest).contains('.');
      if (parameter && !isMade && !path.part.empty())
        return false; // of a scope further below
      if (!isMade) {
        given.push_back(operand);
        givenOperands.insert(info.name);
        continue;
      }
      if (!part.empty() && part != path.part)
        return false;
      part = path.part;
      made[path.rest] = parameter;
      if (info.arity != Arity::Variadic)
        given.push_back({});
    }
    if (count == 0 || info.arity == Arity::Variadic)
      given.push_back({});
  }
  while (!given.empty() && !given.back())
    given.pop_back();
  return true;
}

/// Absent first; then what the shapes of the parameters say, and of what stands
/// in their place.
std::vector<Attribute> LayerGuess::candidatesFor(const AttributeInfo &info) {
  std::vector<Attribute> candidates;
  if (!info.isRequired())
    candidates.push_back({});
  auto add = [&](Attribute value) {
    if (!llvm::is_contained(candidates, value))
      candidates.push_back(value);
  };
  if (info.kind == AttributeKind::Bool) {
    add(builder.getBoolAttr(false));
    add(builder.getBoolAttr(true));
  }
  SmallVector<RankedTensorType> types;
  for (auto &entry : made)
    types.push_back(cast<RankedTensorType>(entry.second.getType()));
  for (Value value : ArrayRef(given).drop_front(!given.empty()))
    if (value)
      types.push_back(cast<RankedTensorType>(value.getType()));
  for (RankedTensorType type : types) {
    ArrayRef<int64_t> shape = type.getShape();
    if (info.kind == AttributeKind::Integer)
      for (int64_t size : llvm::reverse(shape))
        if (size > 0)
          add(builder.getI64IntegerAttr(size));
    if (info.kind == AttributeKind::Dims && shape.size() > 2) {
      ArrayRef<int64_t> window = shape.drop_back(2);
      if (llvm::all_equal(window))
        add(builder.getDenseI64ArrayAttr(window.front()));
      add(builder.getDenseI64ArrayAttr(window));
    }
  }
  return candidates;
}

/// Whether a program may leave out an operand that the layer would make, and
/// has no other word for it.
bool LayerGuess::omit(StringRef operand) {
  bool isOptional = llvm::any_of(signature.operands, [&](auto &info) {
    return info.name == operand && info.arity == Arity::Optional;
  });
  bool hasWord = llvm::any_of(signature.layerArguments,
                              [&](auto &info) { return info.name == operand; });
  omitted.push_back(operand.str());
  return isOptional && !hasWord;
}

bool LayerGuess::makesTheSame(ArrayRef<NamedAttribute> arguments) {
  SmallVector<NamedAttribute> all(arguments);
  for (const AttributeInfo &info : signature.attributes)
    if (std::optional<Attribute> value = op->getInherentAttr(info.name);
        value && *value)
      all.push_back(builder.getNamedAttr(info.name, *value));
  ScopedDiagnosticHandler silence(op->getContext(),
                                  [](Diagnostic &) { return success(); });
  FailureOr<SmallVector<LayerParameter>> parameters =
      op->getName().getInterface<Layer>()->getLayerParameters(
          op->getLoc(), given, builder.getDictionaryAttr(all));
  if (failed(parameters))
    return false;
  size_t numFound = 0;
  initializers.clear();
  omitted.clear();
  for (const LayerParameter &parameter : *parameters) {
    StringRef name =
        parameter.name.empty() ? parameter.operand : StringRef(parameter.name);
    auto found = made.find(name.str());
    if (found == made.end()) {
      bool isThere =
          !parameter.type || givenOperands.contains(parameter.operand);
      if (!isThere && !omit(parameter.operand))
        return false;
      continue;
    }
    if (!parameter.type)
      return false;
    ParameterOp is = found->second;
    auto dims = is->getAttrOfType<DenseI64ArrayAttr>(kPytorchDimsAttr);
    ArrayRef<int64_t> isDims =
        dims ? ArrayRef<int64_t>(dims) : ArrayRef<int64_t>();
    if (is.getType() != parameter.type ||
        isDims != ArrayRef(parameter.pytorchDims))
      return false;
    if (is.getInitializer() != parameter.initializer)
      initializers.push_back({parameter.operand.str(), is.getInitializer()});
    ++numFound;
  }
  return numFound == made.size();
}

bool LayerGuess::tryFrom(size_t index,
                         SmallVectorImpl<NamedAttribute> &arguments) {
  constexpr unsigned kMostTries = 20000;
  if (index == signature.layerArguments.size()) {
    if (++numTries > kMostTries || !makesTheSame(arguments))
      return false;
    chosen.assign(arguments.begin(), arguments.end());
    return true;
  }
  const AttributeInfo &info = signature.layerArguments[index];
  for (Attribute candidate : candidatesFor(info)) {
    if (candidate)
      arguments.push_back(builder.getNamedAttr(info.name, candidate));
    if (tryFrom(index + 1, arguments))
      return true;
    if (candidate)
      arguments.pop_back();
  }
  return false;
}

std::optional<LayerCall> LayerGuess::spellCall() const {
  LayerCall call{part, {}};
  bool isInOrder = true;
  for (const AttributeInfo &info : signature.layerArguments) {
    auto found = llvm::find_if(chosen, [&](NamedAttribute argument) {
      return argument.getName() == info.name;
    });
    if (found == chosen.end()) {
      isInOrder = false;
      continue;
    }
    std::optional<std::string> value = spellAttribute(info, found->getValue());
    if (!value)
      return std::nullopt;
    // `dense(x, 128)`, `conv2d(x, 64, kernel = [3])`.
    if (info.kind == AttributeKind::Dims) {
      auto dims = cast<DenseI64ArrayAttr>(found->getValue());
      if (dims.size() == 1)
        value = std::to_string(dims[0]);
    }
    isInOrder &= info.kind == AttributeKind::Integer;
    call.arguments.push_back(isInOrder ? *value
                                       : info.name.str() + " = " + *value);
  }
  for (const std::string &operand : omitted)
    call.arguments.push_back(operand + " = false");
  for (auto &[operand, initializer] : initializers) {
    StringRef name = operand;
    const OperandInfo *info = llvm::find_if(
        signature.operands, [&](auto &known) { return known.name == name; });
    std::optional<std::string> value = spellInitializer(initializer);
    if (!value || info->arity == Arity::Variadic)
      return std::nullopt;
    call.arguments.push_back(operand + " = " + *value);
  }
  return call;
}

/// Whether there is nothing left that the layer would make.
bool LayerGuess::isGivenAll() const {
  auto others = ArrayRef(signature.operands).drop_front();
  auto list = llvm::find_if(others, [](const OperandInfo &info) {
    return info.arity == Arity::Variadic && !info.hidden;
  });
  if (list != others.end())
    return givenOperands.contains(list->name);
  return llvm::all_of(others, [&](const OperandInfo &info) {
    return info.hidden || givenOperands.contains(info.name);
  });
}

std::optional<LayerCall> LayerGuess::find() {
  SmallVector<NamedAttribute> arguments;
  if (!readOperands())
    return std::nullopt;
  if (made.empty() && isGivenAll())
    return LayerCall{"", {}};
  if (!tryFrom(0, arguments))
    return std::nullopt;
  return spellCall();
}

std::optional<LayerCall> recognizeLayer(Operation *op, StringRef scope,
                                        ModuleOp module) {
  auto described = dyn_cast<Described>(op);
  if (!described || !op->getName().hasInterface<Layer>())
    return std::nullopt;
  return LayerGuess(op, described.getSignature(), scope, module).find();
}

} // namespace nnc::dsl
