// The file as a whole: functions for scopes, the model, and what is refused.
#include "frontend/Frontend.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Format.h"
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Layout.h"
#include "ir/Scopes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc {
namespace dsl {

LogicalResult ProgramWriter::refuse(Location location, const Twine &what) {
  return emitError(location)
         << what.str() << " has no spelling in the language";
}

//===-- Functions --------------------------------------------------------===//

/// What the ops of an item read that others make, and what others read of them.
static void findBorders(const Item &item, StringRef path, ModuleOp module,
                        SmallVectorImpl<Value> &inputs,
                        SmallVectorImpl<Value> &outputs) {
  llvm::SmallPtrSet<Operation *, 16> inside(item.ops.begin(), item.ops.end());
  llvm::SetVector<Value> taken, given;
  for (Operation *op : item.ops) {
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      bool isHere =
          source && (inside.contains(source) || isa<ConstantOp>(source));
      ParameterOp parameter = parameterOf(operand, module);
      bool isOfScope = parameter && isBelow(parameter.getSymName(), path);
      if (!isHere && !isOfScope)
        taken.insert(operand);
    }
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !inside.contains(user); }))
        given.insert(result);
  }
  llvm::append_range(inputs, taken);
  llvm::append_range(outputs, given);
}

std::string WrittenFunction::text() const {
  return "(" + llvm::join(parameters, ", ") + ") {\n" + body + "}\n";
}

FailureOr<ProgramWriter::FunctionCall>
ProgramWriter::writeFunction(const Item &item, StringRef scope,
                             SmallVectorImpl<Value> &inputs,
                             SmallVectorImpl<Value> &outputs) {
  std::string path =
      (scope.empty() ? item.part : (scope + "." + item.part).str());
  findBorders(item, path, module, inputs, outputs);
  if (outputs.empty())
    outputs.push_back(item.ops.back()->getResult(0));
  BodyWriter body(*this, path);
  WrittenFunction function;
  llvm::StringSet<> taken;
  for (Value input : inputs) {
    function.parameters.push_back(body.newName(taken));
    taken.insert(function.parameters.back());
    body.name(input, function.parameters.back());
  }
  if (failed(body.write(item.ops, outputs)))
    return failure();
  function.body = std::move(body.text);
  return addFunction(StringRef(item.part).split('.').first, path,
                     std::move(function), /*isCell=*/false);
}

std::string ProgramWriter::chooseName(StringRef scope) {
  std::string stem = scope.str();
  // A function goes before an op, or what the language has, of its name.
  static constexpr StringLiteral kKnown[] = {"channels_of", "length", "max",
                                             "min",         "ones",   "rank",
                                             "scan",        "shape",  "zeros"};
  if (!isProgramName(stem) || llvm::is_contained(kKnown, stem) ||
      lookupSignature(module.getContext(), stem))
    stem += "_part";
  std::string name = stem;
  for (unsigned i = 2; !isProgramName(name) || !usedNames.insert(name).second;
       ++i)
    name = stem + "_" + std::to_string(i);
  return name;
}

LogicalResult ProgramWriter::noteForm(const std::string &path,
                                      WrittenFunction function, bool isCell) {
  CallsOfScope &ofScope = calls[path];
  auto form = llvm::find_if(ofScope.forms, [&](const WrittenFunction &other) {
    return other.text() == function.text();
  });
  unsigned number = form - ofScope.forms.begin();
  if (form == ofScope.forms.end())
    ofScope.forms.push_back(std::move(function));
  ofScope.calls.push_back(number);
  if (isCell && ofScope.byDefault.value_or(number) != number)
    return refuse(module.getLoc(),
                  "that loops of the scope '" + path + "' do different things");
  if (isCell)
    ofScope.byDefault = number;
  return success();
}

FailureOr<ProgramWriter::FunctionCall>
ProgramWriter::addFunction(StringRef stem, const std::string &path,
                           WrittenFunction function, bool isCell) {
  auto before = known.find(path);
  if (before != known.end() && before->second.forms.size() > 1)
    return addForm(stem, path, std::move(function));
  const std::string text = function.text();
  // Without a scope nothing is shared.
  if (!path.empty() && failed(noteForm(path, std::move(function), isCell)))
    return failure();
  auto [found, isNew] = functionNames.try_emplace(text, "");
  if (isNew) {
    found->second = chooseName(stem);
    functions += "fn " + found->second + text + "\n";
  }
  return FunctionCall{found->second, ""};
}

//===-- Functions of several forms ---------------------------------------===//

bool ProgramWriter::hasForms() const {
  return llvm::any_of(
      calls, [](auto &entry) { return entry.second.forms.size() > 1; });
}

/// The next call of the scope, of which it is known that there are several.
ProgramWriter::FunctionCall ProgramWriter::addForm(StringRef stem,
                                                   const std::string &path,
                                                   WrittenFunction function) {
  const CallsOfScope &before = known[path];
  CallsOfScope &now = calls[path];
  now.forms.resize(before.forms.size());
  unsigned form = before.calls[now.calls.size()];
  now.calls.push_back(form);
  now.forms[form] = std::move(function);
  std::string &name = namesOfForms[path];
  if (name.empty())
    name = chooseName(stem);
  bool isDefault = form == before.byDefault.value_or(0);
  return {name, isDefault ? "" : "form = " + std::to_string(form)};
}

/// One function a scope, whose argument `form` says what it does.
LogicalResult ProgramWriter::writeForms() {
  for (auto &[path, name] : namesOfForms) {
    ArrayRef<WrittenFunction> forms = calls[path].forms;
    std::string body;
    for (auto [i, form] : llvm::enumerate(forms)) {
      if (form.parameters != forms.front().parameters)
        return refuse(module.getLoc(), "that calls of the scope '" + path +
                                           "' take different values");
      bool isLast = i + 1 == forms.size();
      body += isLast ? form.body
                     : "  if form == " + std::to_string(i) + " {\n" +
                           form.body + "  }\n";
    }
    std::vector<std::string> parameters = forms.front().parameters;
    parameters.push_back("form = " +
                         std::to_string(known[path].byDefault.value_or(0)));
    functions += "fn " + name + WrittenFunction{parameters, body}.text() + "\n";
  }
  return success();
}

//===-- The model --------------------------------------------------------===//

FailureOr<std::string> ProgramWriter::writeModel(ModelOp model) {
  BodyWriter body(*this, "");
  std::vector<std::string> inputs;
  for (BlockArgument argument : model.getBody().getArguments()) {
    auto name =
        model.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nnc.name");
    if (!name || !isProgramName(name))
      return refuse(model.getLoc(), "an input of that name, or without one,");
    body.name(argument, name.str());
    inputs.push_back(name.str() + ": " + spellType(argument.getType()));
  }
  SmallVector<Operation *> ops;
  for (Operation &op : model.getBody().front())
    if (!isa<ReadOp, ConstantOp>(op))
      ops.push_back(&op);
  if (hasChannelsFirst)
    body.text = "  layout nchw\n\n";
  if (failed(body.write(ops, {})))
    return failure();
  if (!isProgramName(model.getSymName()))
    return refuse(model.getLoc(),
                  "the model's name '" + model.getSymName() + "'");
  return "model " + model.getSymName().str() + "(" + llvm::join(inputs, ", ") +
         ") {\n" + body.text + "}\n";
}

FailureOr<std::string> ProgramWriter::run() {
  ModelOp model;
  for (Operation &op : *module.getBody()) {
    if (auto found = dyn_cast<ModelOp>(op))
      model = found;
    else if (!isa<ParameterOp>(op))
      return refuse(op.getLoc(),
                    "'" + op.getName().getStringRef() + "' beside the model");
  }
  if (!model)
    return refuse(module.getLoc(), "a module without a model");
  module.walk(
      [&](Operation *op) { hasPlaces |= !scopeOf(op->getLoc()).empty(); });
  auto layout = model->getAttrOfType<StringAttr>(kLayoutAttr);
  hasChannelsFirst = layout && layout.getValue() == "nchw";
  FailureOr<std::string> text = writeModel(model);
  if (failed(text))
    return failure();
  for (auto parameter : module.getOps<ParameterOp>())
    if (!written.contains(parameter.getSymName()))
      return refuse(parameter.getLoc(), "the parameter '" +
                                            parameter.getSymName() +
                                            "', which nothing uses,");
  FailureOr<std::string> recipe = writeRecipe(model);
  if (failed(recipe) || failed(writeForms()))
    return failure();
  return functions + *text + *recipe;
}

} // namespace dsl

FailureOr<std::string> exportProgram(ModuleOp module) {
  dsl::ProgramWriter writer(module);
  FailureOr<std::string> text = writer.run();
  // How often a function takes which form is known once all calls are.
  if (succeeded(text) && writer.hasForms())
    text = dsl::ProgramWriter(module, writer.takeCalls()).run();
  if (failed(text))
    return failure();
  MLIRContext *context = module.getContext();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(*text, "the program as written"),
      llvm::SMLoc());
  dsl::Diagnostics diagnostics(sources, context);
  StringRef source =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  std::optional<std::string> formatted = dsl::format(source, diagnostics);
  // What cannot be read back is not written.
  if (!formatted || !parseModel(sources, context))
    return emitError(module.getLoc())
           << "the program that was made of this model is not right, which is "
              "a fault of the compiler: please report the model";
  return *formatted;
}

} // namespace nnc
