// Copies a part of a model into a function.
#include "passes/ModelFunction.h"

#include "passes/CompleteModel.h"
#include "passes/EntryPoints.h"

#include "ir/Watching.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

/// Succeeds if nothing is called `name` but perhaps the model, which goes.
static LogicalResult checkFree(ModelOp model, StringRef name) {
  auto module = model->getParentOfType<ModuleOp>();
  Operation *other = module.lookupSymbol(name);
  if (!other || other == model)
    return success();
  return emitError(other->getLoc())
         << "'" << name
         << "' is an entry point of the plan; choose another name";
}

/// The model's arguments that `values` or `producers` use.
static SmallVector<BlockArgument>
findArguments(Block &body, ArrayRef<Value> values,
              const llvm::DenseSet<Operation *> &producers) {
  llvm::DenseSet<Value> used(values.begin(), values.end());
  for (Operation *op : producers)
    used.insert_range(op->getOperands());
  SmallVector<BlockArgument> arguments;
  for (BlockArgument argument : body.getArguments())
    if (used.contains(argument))
      arguments.push_back(argument);
  return arguments;
}

static void nameResults(func::FuncOp function, ArrayRef<EntryResult> results) {
  Builder b(function.getContext());
  for (auto [index, result] : llvm::enumerate(results)) {
    function.setResultAttr(index, kNameAttr, b.getStringAttr(result.name));
    function.setResultAttr(index, kResultAttr, b.getStringAttr(result.kind));
    StringRef better =
        result.better.empty() ? betterOf(result.value) : result.better;
    if (result.kind == kMetricKind && !better.empty())
      function.setResultAttr(index, kBetterAttr, b.getStringAttr(better));
    if (!result.classesOf.empty())
      function.setResultAttr(index, kClassesOfAttr,
                             b.getStringAttr(result.classesOf));
  }
}

FailureOr<func::FuncOp> buildFunction(ModelOp model, StringRef name,
                                      ArrayRef<EntryResult> results,
                                      IRMapping &mapping) {
  if (failed(checkFree(model, name)))
    return failure();
  SmallVector<Value> values = llvm::map_to_vector(
      results, [](const EntryResult &r) { return r.value; });
  llvm::DenseSet<Operation *> producers = findProducers(values);
  Block &whole = model.getBody().front();
  SmallVector<BlockArgument> arguments =
      findArguments(whole, values, producers);

  OpBuilder b(model);
  auto function = func::FuncOp::create(
      b, model.getLoc(), name,
      b.getFunctionType(
          ValueRange(ArrayRef<Value>(llvm::to_vector_of<Value>(arguments)))
              .getTypes(),
          ValueRange(values).getTypes()));
  Block *body = function.addEntryBlock();
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    mapping.map(argument, body->getArgument(index));
    body->getArgument(index).setLoc(argument.getLoc());
    if (DictionaryAttr attrs = model.getArgAttrDict(argument.getArgNumber()))
      function.setArgAttrs(index, attrs);
  }
  b.setInsertionPointToStart(body);
  for (Operation &op : whole)
    if (producers.contains(&op))
      b.clone(op, mapping);
  nameResults(function, results);
  SmallVector<Value> returned = llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookup(value); });
  func::ReturnOp::create(b, model.getLoc(), returned);
  return function;
}

} // namespace nnc
