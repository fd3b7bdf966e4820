// See KernelParts.h.
#include "codegen/cuda/KernelParts.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nnc;

static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

func::FuncOp nnc::deriveKernel(func::FuncOp kernel, Operation *previous,
                               StringRef suffix, ArrayRef<Value> inputs,
                               ArrayRef<Value> outputs) {
  OpBuilder builder(kernel.getContext());
  builder.setInsertionPointAfter(previous);
  SmallVector<Type> types(kernel.getArgumentTypes());
  llvm::append_range(types, TypeRange(ValueRange(inputs)));
  auto part = func::FuncOp::create(
      builder, kernel.getLoc(), (kernel.getName() + "." + suffix).str(),
      builder.getFunctionType(types, TypeRange(ValueRange(outputs))));
  Block *body = part.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  IRMapping mapping;
  Block &source = kernel.getBody().front();
  for (auto [from, to] : llvm::zip(source.getArguments(), body->getArguments()))
    mapping.map(from, to);
  auto own = body->getArguments().drop_front(kernel.getNumArguments());
  for (Operation &op : source.without_terminator()) {
    builder.clone(op, mapping);
    for (auto [input, argument] : llvm::zip(inputs, own))
      if (input.getDefiningOp() == &op)
        mapping.map(input, argument);
  }
  auto results = llvm::map_to_vector(
      outputs, [&](Value output) { return mapping.lookup(output); });
  func::ReturnOp::create(builder, kernel.getLoc(), results);
  eraseDeadOps(*body);
  return part;
}
