// The file as a whole: functions for scopes, the model, and what is refused.
#include "frontend/Frontend.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Format.h"
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Layout.h"

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
static void findBorders(const Item &item, ModuleOp module,
                        SmallVectorImpl<Value> &inputs,
                        SmallVectorImpl<Value> &outputs) {
  llvm::SmallPtrSet<Operation *, 16> inside(item.ops.begin(), item.ops.end());
  llvm::SetVector<Value> taken, given;
  for (Operation *op : item.ops) {
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      bool isHere =
          source && (inside.contains(source) || isa<ConstantOp>(source));
      bool isOfScope = parameterOf(operand, module) &&
                       !splitPath(parameterOf(operand, module).getSymName(), "")
                            .part.empty();
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

FailureOr<std::string>
ProgramWriter::writeFunction(const Item &item, StringRef scope,
                             SmallVectorImpl<Value> &inputs,
                             SmallVectorImpl<Value> &outputs) {
  findBorders(item, module, inputs, outputs);
  if (outputs.empty())
    outputs.push_back(item.ops.back()->getResult(0));
  std::string path =
      (scope.empty() ? item.part : (scope + "." + item.part).str());
  BodyWriter body(*this, path);
  std::vector<std::string> parameters;
  llvm::StringSet<> taken;
  for (Value input : inputs) {
    parameters.push_back(body.newName(taken));
    taken.insert(parameters.back());
    body.name(input, parameters.back());
  }
  if (failed(body.write(item.ops, outputs)))
    return failure();
  std::string text =
      "(" + llvm::join(parameters, ", ") + ") {\n" + body.text + "}\n";
  if (auto known = functionNames.find(text); known != functionNames.end())
    return known->second;
  std::string stem = StringRef(item.part).split('.').first.str();
  // A function goes before an op of its name.
  if (!isProgramName(stem) || lookupSignature(module.getContext(), stem))
    stem += "_part";
  std::string name = stem;
  for (unsigned i = 2; !isProgramName(name) || !usedNames.insert(name).second;
       ++i)
    name = stem + "_" + std::to_string(i);
  functions += "fn " + name + text + "\n";
  functionNames[text] = name;
  return name;
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
  FailureOr<std::string> text = writeModel(model);
  if (failed(text))
    return failure();
  for (auto parameter : module.getOps<ParameterOp>())
    if (!written.contains(parameter.getSymName()))
      return refuse(parameter.getLoc(), "the parameter '" +
                                            parameter.getSymName() +
                                            "', which nothing uses,");
  FailureOr<std::string> recipe = writeRecipe(model);
  if (failed(recipe))
    return failure();
  return functions + *text + *recipe;
}

} // namespace dsl

FailureOr<std::string> exportProgram(ModuleOp module) {
  FailureOr<std::string> text = dsl::ProgramWriter(module).run();
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
