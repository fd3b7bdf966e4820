// Passes that leave a note on the module, and one that breaks it.
#include <nnc/compiler/passes/Plugin.h>

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

static void append(ModuleOp module, StringRef note) {
  SmallVector<Attribute> notes;
  if (auto before = module->getAttrOfType<ArrayAttr>("test.notes"))
    llvm::append_range(notes, before);
  Builder builder(module.getContext());
  notes.push_back(builder.getStringAttr(note));
  module->setAttr("test.notes", builder.getArrayAttr(notes));
}

namespace {

struct NotePass : PassWrapper<NotePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(NotePass)
  NotePass() = default;
  NotePass(const NotePass &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "test-note"; }
  void runOnOperation() override { append(getOperation(), text); }
  Option<std::string> text{*this, "text", llvm::cl::desc("what to note")};
};

/// Gives the first result of each nnc.relu another type than its operand's.
struct BreakPass : PassWrapper<BreakPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BreakPass)
  StringRef getArgument() const override { return "test-break"; }
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (op->getName().getStringRef() == "nnc.relu")
        op->getResult(0).setType(
            RankedTensorType::get({7}, Builder(op->getContext()).getF32Type()));
    });
  }
};

} // namespace

static void registerPasses() {
  PassRegistration<NotePass>();
  PassRegistration<BreakPass>();
}

const nnc::Plugin *nncPlugin() {
  static const nnc::Plugin plugin = {"notes", "1.0", registerPasses};
  return &plugin;
}
