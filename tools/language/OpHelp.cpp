// Calls of ops by their signatures, and the texts of their records.
#include "tools/language/OpHelp.h"

#include "frontend/dsl/ScheduleNames.h"

#include "ir/Dialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

namespace nnc::tools {

/// The records of the dialect as mlir-tblgen documents them.
static constexpr unsigned char records[] = {
#include "OpRecords.inc"
};

/// As a program writes it: the records spell as C++ does.
static std::string spellDefault(const AttributeInfo &attribute) {
  llvm::StringRef value = attribute.defaultValue;
  if (attribute.kind == AttributeKind::Enum)
    value = value.substr(value.rfind(':') + 1);
  if (attribute.kind == AttributeKind::Dims)
    return value.empty() ? "" : ("[" + value.trim("{} ") + "]").str();
  return value.trim('"').str();
}

const Signature *findCallable(mlir::MLIRContext *context,
                              llvm::StringRef name) {
  const Signature *signature = lookupSignature(context, name);
  if (!signature)
    signature = lookupSignature(context, dsl::toScheduleOp(name));
  bool isCallable = signature && signature->category != Category::Internal;
  return isCallable ? signature : nullptr;
}

std::string nameInPrograms(const Signature &signature) {
  return signature.category == Category::Schedule
             ? dsl::toScheduleName(signature.name).str()
             : signature.name.str();
}

std::vector<CallArgument> argumentsOf(mlir::MLIRContext *context,
                                      const Signature &signature) {
  mlir::OperationName name(operationName(signature.name), context);
  bool isLayer = name.hasInterface<Layer>();
  std::vector<CallArgument> arguments;
  auto has = [&](llvm::StringRef name) {
    return llvm::any_of(arguments,
                        [&](auto &known) { return known.name == name; });
  };
  auto addOperand = [&](const OperandInfo &operand) {
    bool isMade = isLayer && !arguments.empty();
    if (!operand.hidden && !has(operand.name))
      arguments.push_back(
          {operand.name.str(), "", isMade || operand.arity == Arity::Optional});
  };
  auto addAttribute = [&](const AttributeInfo &attribute) {
    if (!attribute.hidden && !has(attribute.name))
      arguments.push_back({attribute.name.str(), spellDefault(attribute),
                           !attribute.isRequired()});
  };
  // The other operands of these are the optimizer's own.
  if (signature.category == Category::Optimizer ||
      signature.category == Category::Schedule) {
    bool isSchedule = signature.category == Category::Schedule;
    arguments.push_back({isSchedule ? "base" : "learning_rate", "", false});
    llvm::for_each(signature.attributes, addAttribute);
    return arguments;
  }
  // As calls are bound: what decides a layer's parameters, then these.
  llvm::ArrayRef<OperandInfo> operands = signature.operands;
  llvm::for_each(operands.take_front(isLayer ? 1 : operands.size()),
                 addOperand);
  llvm::for_each(signature.layerArguments, addAttribute);
  llvm::for_each(operands.drop_front(isLayer ? 1 : operands.size()),
                 addOperand);
  llvm::for_each(signature.attributes, addAttribute);
  return arguments;
}

std::string spellArgument(const CallArgument &argument) {
  return argument.name +
         (argument.defaultValue.empty() ? "" : " = " + argument.defaultValue);
}

std::string spellCall(llvm::StringRef name,
                      llvm::ArrayRef<CallArgument> arguments) {
  std::string text = (name + "(").str();
  for (auto [i, argument] : llvm::enumerate(arguments))
    text += (i ? ", " : "") + spellArgument(argument);
  return text + ")";
}

/// Without what MLIR adds, and up to the example, which is no program.
static llvm::StringRef explanation(llvm::StringRef record) {
  for (llvm::StringRef end :
       {"\n```", "\nTraits:", "\nInterfaces:", "\nEffects:", "\n####"})
    record = record.take_front(record.find(end));
  // The summary stands alone, in `_`.
  record = record.drop_front(std::min(record.find("\n_"), record.size()));
  record = record.drop_front(std::min(record.find("_\n"), record.size()));
  return record.trim("_\n ");
}

static llvm::StringMap<llvm::StringRef> findRecords() {
  llvm::StringMap<llvm::StringRef> found;
  // Of any byte: text may hold names with accents.
  llvm::StringRef rest(reinterpret_cast<const char *>(records), sizeof records);
  constexpr llvm::StringLiteral kHeading = "### `nnc.";
  size_t begin = rest.find(kHeading);
  while (begin != llvm::StringRef::npos) {
    rest = rest.drop_front(begin + kHeading.size());
    begin = rest.find(kHeading);
    llvm::StringRef record = rest.take_front(begin);
    found[record.take_until([](char c) { return c == '`'; })] =
        explanation(record);
  }
  return found;
}

llvm::StringRef recordText(llvm::StringRef name) {
  static const llvm::StringMap<llvm::StringRef> known = findRecords();
  return known.lookup(name);
}

} // namespace nnc::tools
