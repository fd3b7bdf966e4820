// The pass that rewrites kernels to linalg. It walks a kernel's body once, in
// order, and asks for the lowering of each op: kernels are straight-line code,
// which needs no pattern driver, and types lose their signs on the way.
#include "codegen/AttentionKernel.h"
#include "codegen/KernelForms.h"
#include "codegen/Passes.h"
#include "codegen/lower/Lowering.h"
#include "ir/Dialect.h"
#include "passes/ExpandComposites.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_LOWERTOLINALGPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

Lowerings nnc::allLowerings() {
  Lowerings lowerings;
  addConstantLowerings(lowerings);
  addElementwiseLowerings(lowerings);
  addContractionLowerings(lowerings);
  addConvolutionLowerings(lowerings);
  addReductionLowerings(lowerings);
  addMovementLowerings(lowerings);
  addRandomLowerings(lowerings);
  addWindowLowerings(lowerings);
  addAlignmentLowerings(lowerings);
  return lowerings;
}

static SmallVector<Value> lookUp(const IRMapping &mapping, ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return mapping.lookup(value); });
}

/// Lowers one op at the end of the new body.
static LogicalResult lowerOp(Operation &op, Block *body, IRMapping &mapping,
                             const Lowerings &lowerings) {
  const Lowering *lowering = lowerings.find(op.getName());
  auto lowerable = dyn_cast<Lowerable>(op);
  if (!lowering && !lowerable)
    return op.emitOpError("has no lowering to linalg");
  KernelBuilder b(body, op.getLoc(), /*batch=*/body->getArgument(0));
  SmallVector<Value> operands = lookUp(mapping, op.getOperands());
  FailureOr<SmallVector<Value>> results =
      lowering ? (*lowering)(b, &op, operands)
               : lowerable.lowerToLinalg(b, operands);
  if (failed(results))
    return failure();
  mapping.map(op.getResults(), *results);
  return success();
}

/// What only the lowerings' choices left over: fills whose scalar was used
/// instead, empty tensors of a fill.
static void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// A body whose arguments have signless types. It stands before the old one
/// until that is dropped.
static Block *createBody(func::FuncOp kernel, Block &old, IRMapping &mapping) {
  auto *body = new Block();
  kernel.getBody().getBlocks().insert(Region::iterator(&old), body);
  for (BlockArgument argument : old.getArguments())
    mapping.map(argument, body->addArgument(signlessType(argument.getType()),
                                            argument.getLoc()));
  return body;
}

/// Replaces ops that a target was to have whole by their definition.
static LogicalResult expandComposites(func::FuncOp kernel) {
  for (Operation &op : llvm::make_early_inc_range(
           kernel.getBody().front().without_terminator()))
    if (failed(expandFully(&op, /*training=*/false,
                           [](Operation *) { return false; })))
      return failure();
  return success();
}

static LogicalResult lowerKernel(func::FuncOp kernel,
                                 const Lowerings &lowerings) {
  setAttentionKernel(kernel);
  if (failed(expandComposites(kernel)))
    return failure();
  Block &old = kernel.getBody().front();
  Operation *terminator = old.getTerminator();
  IRMapping mapping;
  Block *body = createBody(kernel, old, mapping);
  for (Operation &op : old.without_terminator())
    if (failed(lowerOp(op, body, mapping, lowerings)))
      return failure();

  auto builder = OpBuilder::atBlockEnd(body);
  auto results =
      func::ReturnOp::create(builder, terminator->getLoc(),
                             lookUp(mapping, terminator->getOperands()));
  kernel.setType(builder.getFunctionType(body->getArgumentTypes(),
                                         results.getOperandTypes()));
  old.dropAllDefinedValueUses();
  old.erase();
  eraseDeadOps(*body);
  return verifyKernelForms(kernel);
}

namespace {

struct LowerToLinalgPass
    : public nnc::impl::LowerToLinalgPassBase<LowerToLinalgPass> {
  void runOnOperation() override {
    Lowerings lowerings = allLowerings();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr("nnc.kernel"))
        if (failed(lowerKernel(function, lowerings)))
          return signalPassFailure();
  }
};

} // namespace
