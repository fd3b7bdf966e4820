// nnc inspect of a model: what it holds before it is compiled.
#include "tools/Compiler.h"
#include "tools/Text.h"

#include "frontend/Frontend.h"
#include "ir/ModelParts.h"
#include "ir/Ops.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"

#include <map>

using namespace mlir;

namespace nnc::tools {

namespace {
/// A parameter, an input or an output.
struct Tensor {
  StringRef name;
  RankedTensorType type;
  std::string how; ///< A parameter's initializer.
  bool isBuffer = false, isFrozen = false;
  StringRef group = {}; ///< An output's; empty: it is in none.
};

struct Contents {
  StringRef name;
  std::vector<Tensor> parameters, inputs, outputs;
  llvm::SmallSetVector<StringRef, 4> steps;
  int64_t numElements = 0; ///< Of all parameters.
  std::map<std::string, int64_t> ops;
};
} // namespace

static StringRef shortName(Operation &op) {
  StringRef name = op.getName().getStringRef();
  name.consume_front("nnc.");
  return name;
}

static Contents collect(ModuleOp module, ModelOp model) {
  Contents contents;
  contents.name = model.getSymName();
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    auto type = cast<RankedTensorType>(parameter.getType());
    contents.parameters.push_back(
        {parameter.getSymName(), type,
         parameter.getInitializer().getName().getValue().str(),
         parameter.getRole() == Role::buffer, parameter.isFrozen()});
    contents.numElements += type.getNumElements();
  }
  for (BlockArgument input : model.getBody().getArguments()) {
    auto name =
        model.getArgAttrOfType<StringAttr>(input.getArgNumber(), "nnc.name");
    contents.inputs.push_back({name ? name.getValue() : "",
                               cast<RankedTensorType>(input.getType()), ""});
  }
  for (Operation &op : model.getBody().front()) {
    if (auto output = dyn_cast<OutputOp>(op))
      contents.outputs.push_back(
          {output.getName(),
           cast<RankedTensorType>(output.getValue().getType()), "", false,
           false, partOf(output)});
    if (isa<LossOp>(op) && !partOf(&op).empty())
      contents.steps.insert(partOf(&op));
    ++contents.ops[shortName(op).str()];
  }
  return contents;
}

static llvm::json::Array describe(const std::vector<Tensor> &tensors) {
  llvm::json::Array array;
  for (const Tensor &tensor : tensors) {
    llvm::json::Array shape;
    for (int64_t dimension : tensor.type.getShape())
      shape.push_back(ShapedType::isDynamic(dimension) ? -1 : dimension);
    llvm::json::Object object{
        {"name", tensor.name},
        {"element_type", printElementType(tensor.type.getElementType())},
        {"shape", std::move(shape)}};
    if (!tensor.how.empty())
      object["initializer"] = tensor.how;
    if (tensor.isBuffer)
      object["role"] = "buffer";
    if (tensor.isFrozen)
      object["frozen"] = true;
    if (!tensor.group.empty())
      object["group"] = tensor.group;
    array.push_back(std::move(object));
  }
  return array;
}

static void printJson(const Contents &contents) {
  llvm::json::Object ops;
  for (const auto &[name, count] : contents.ops)
    ops[name] = count;
  llvm::json::Object object{{"file", "model"},
                            {"model", contents.name},
                            {"parameters", describe(contents.parameters)},
                            {"parameter_elements", contents.numElements},
                            {"inputs", describe(contents.inputs)},
                            {"outputs", describe(contents.outputs)},
                            {"ops", std::move(ops)}};
  if (!contents.steps.empty())
    object["steps"] = llvm::json::Array(contents.steps.getArrayRef());
  llvm::outs() << llvm::json::Value(std::move(object)) << '\n';
}

static void print(StringRef title, const std::vector<Tensor> &tensors) {
  for (const Tensor &tensor : tensors) {
    std::string line = llvm::formatv(
        "  {0,-9}  {1,-32} {2,-20} {3}{4}{5}",
        tensor.isBuffer ? "buffer" : title, printable(tensor.name),
        printType(tensor.type), printable(tensor.how),
        tensor.isFrozen ? ", frozen" : "",
        tensor.group.empty() ? "" : "of " + printable(tensor.group));
    llvm::outs() << StringRef(line).rtrim() << '\n';
  }
}

static void printText(const Contents &contents) {
  llvm::outs() << "model " << printable(contents.name) << ", "
               << contents.numElements << " parameters\n\n";
  print("parameter", contents.parameters);
  print("input", contents.inputs);
  print("output", contents.outputs);
  if (!contents.steps.empty())
    llvm::outs() << "\ntraining steps: "
                 << printable(llvm::join(contents.steps, ", ")) << '\n';
  llvm::outs() << '\n';
  for (const auto &[name, count] : contents.ops)
    llvm::outs() << llvm::formatv("  {0,6}  {1}\n", count, name);
}

int inspectModel(const std::string &path, bool asJson,
                 const std::vector<std::string> &plugins) {
  MLIRContext context;
  prepareContext(context);
  if (int exit = loadPlugins(context, plugins))
    return exit;
  llvm::SourceMgr sources;
  DiagnosticPrinter printer(sources, &context);
  OwningOpRef<ModuleOp> module = loadModel(path, sources, &context, {});
  if (!module)
    return InputWrong;
  auto models = module->getOps<ModelOp>();
  if (models.empty()) {
    llvm::errs() << path << ": error: there is no nnc.model in it\n";
    return InputWrong;
  }
  Contents contents = collect(*module, *models.begin());
  asJson ? printJson(contents) : printText(contents);
  return Done;
}

} // namespace nnc::tools
