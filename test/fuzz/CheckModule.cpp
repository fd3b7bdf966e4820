// Places, texts and names of a module, and what the pipeline makes of it.
#include "test/fuzz/CheckModule.h"

#include "ir/Ops.h"
#include "passes/EntryPoints.h"
#include "passes/Pipeline.h"
#include "test/fuzz/CheckText.h"
#include "test/fuzz/Require.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc::fuzz {

namespace {
/// The pass manager's own verifier would make a wrong pass look like a wrong
/// program.
class ValidAfterPass : public PassInstrumentation {
public:
  explicit ValidAfterPass(const Errors &errors) : errors(errors) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    require(succeeded(verify(op)), "a pass leaves a valid module",
            pass->getName().str() + ": " + errors.last);
  }

private:
  const Errors &errors;
};
} // namespace

static void checkPlaces(ModuleOp module) {
  module.walk([](Operation *op) {
    op->getLoc()->walk([](Location place) {
      if (auto line = dyn_cast<FileLineColLoc>(place))
        checkText(line.getFilename().str(), "the file of a place");
      return WalkResult::advance();
    });
  });
}

/// A name that becomes one of a file.
static void checkFileName(StringRef name, const char *what) {
  checkText(name.str(), what);
  require(!name.contains('/') && !name.starts_with("."),
          "a name stays in its folder", what);
}

static void checkTexts(ModuleOp module) {
  for (auto parameter : module.getOps<ParameterOp>()) {
    StringRef name = parameter.getSymName();
    checkText(name.str(), "the name of a parameter");
    require(name != "__metadata__" && !name.starts_with("nnc."),
            "a parameter is a weight in a file of weights", name.str());
  }
  for (auto model : module.getOps<ModelOp>()) {
    checkText(model.getSymName().str(), "the name of the model");
    for (BlockArgument input : model.getBody().getArguments())
      if (auto name = model.getArgAttrOfType<StringAttr>(input.getArgNumber(),
                                                         kNameAttr))
        checkFileName(name.getValue(), "the name of an input");
    for (auto output : model.getBody().getOps<OutputOp>())
      checkFileName(output.getName(), "the name of an output");
  }
}

/// Names that a plan tells inputs and outputs apart by.
static void checkNames(ArrayAttr tensors, const char *what) {
  llvm::StringSet<> names;
  if (!tensors)
    return;
  for (auto tensor : tensors.getAsRange<DictionaryAttr>())
    if (auto name = tensor.getAs<StringAttr>(kNameAttr))
      require(names.insert(name.getValue()).second, what, name.str());
}

static LogicalResult runPasses(ModuleOp module, const Errors &errors) {
  PipelineOptions options;
  options.gradientsEntry = true;
  PassManager pm(module->getName());
  pm.enableVerifier(false);
  pm.addInstrumentation(std::make_unique<ValidAfterPass>(errors));
  buildPipeline(pm, Stage::AsWritten, Stage::Fused, options);
  return pm.run(module);
}

void checkModule(ModuleOp module, const Errors &errors) {
  checkPlaces(module);
  checkTexts(module);
  const unsigned before = errors.count;
  if (failed(runPasses(module, errors))) {
    require(errors.count > before, "a module that is refused has a message");
    return;
  }
  for (auto entry : module.getOps<func::FuncOp>()) {
    checkNames(entry.getArgAttrsAttr(), "names of inputs are unique");
    checkNames(entry.getResAttrsAttr(), "names of outputs are unique");
  }
}

} // namespace nnc::fuzz
