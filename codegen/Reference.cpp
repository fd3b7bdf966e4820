// Upstream's one-shot bufferization and plain loops, fitted to the form of a
// phase: flat buffers that the caller owns, and no allocation.
#include "codegen/Reference.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Transforms/Transforms.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace nnc;

Extent nnc::sizeBytes(RankedTensorType type) {
  int64_t bytes = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes *= size;
  // At most one dimension is dynamic (ir/Types.td).
  return type.hasStaticShape() ? Extent{bytes, 0, 1} : Extent{0, bytes, 1};
}

/// A phase under construction: `function` has one flat buffer for each entry of
/// `buffers`, then batch, begin, end and scratch.
struct ReferencePhase {
  func::FuncOp function;
  SmallVector<BufferRef> buffers;
  SmallVector<Extent> workspaceBytes;

  Block &body() { return function.getBody().front(); }
  Value batch() { return body().getArgument(buffers.size()); }

  Value addBuffer(BufferRef buffer, ShapedType type, Location loc);
  void updateType();
};

static MemRefType flatType(ShapedType type) {
  int64_t size =
      type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  return MemRefType::get({size}, type.getElementType());
}

Value ReferencePhase::addBuffer(BufferRef buffer, ShapedType type,
                                Location loc) {
  buffers.push_back(buffer);
  return body().insertArgument(buffers.size() - 1, flatType(type), loc);
}

void ReferencePhase::updateType() {
  function.setType(
      FunctionType::get(function.getContext(), body().getArgumentTypes(), {}));
}

static ReferencePhase createPhase(func::FuncOp kernel) {
  OpBuilder builder(kernel.getContext());
  builder.setInsertionPointAfter(kernel);
  Location loc = kernel.getLoc();
  ReferencePhase phase;
  phase.function = func::FuncOp::create(builder, loc,
                                        (kernel.getName() + ".reference").str(),
                                        builder.getFunctionType({}, {}));
  Block *body = phase.function.addEntryBlock();
  Type index = builder.getIndexType();
  for (Type type : {index, index, index}) // batch, begin, end
    body->addArgument(type, loc);
  body->addArgument(
      MemRefType::get({ShapedType::kDynamic}, builder.getIntegerType(8)), loc);
  return phase;
}

/// The flat buffer as a row-major memref of `type`'s shape, each `?` the batch.
static Value viewAs(OpBuilder &builder, Location loc, Value flat,
                    ShapedType type, Value batch) {
  SmallVector<OpFoldResult> sizes, strides(type.getRank());
  for (int64_t size : type.getShape())
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(batch)
                        : OpFoldResult(builder.getIndexAttr(size)));
  OpFoldResult stride = builder.getIndexAttr(1);
  AffineExpr product =
      builder.getAffineSymbolExpr(0) * builder.getAffineSymbolExpr(1);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride = affine::makeComposedFoldedAffineApply(builder, loc, product,
                                                   {stride, sizes[i]});
  }
  auto viewType = MemRefType::get(type.getShape(), type.getElementType());
  return memref::ReinterpretCastOp::create(
      builder, loc, viewType, flat, builder.getIndexAttr(0), sizes, strides);
}

/// Copies the kernel's body, with its tensors read from and written to buffers.
static void copyBody(func::FuncOp kernel, ReferencePhase &phase) {
  Block &source = kernel.getBody().front();
  auto builder = OpBuilder::atBlockEnd(&phase.body());
  IRMapping mapping;
  for (auto [i, arg] : llvm::enumerate(source.getArguments().drop_front())) {
    auto type = cast<RankedTensorType>(arg.getType());
    Value flat =
        phase.addBuffer({BufferRef::Operand, unsigned(i)}, type, arg.getLoc());
    Value view = viewAs(builder, arg.getLoc(), flat, type, phase.batch());
    mapping.map(arg, bufferization::ToTensorOp::create(
                         builder, arg.getLoc(), type, view, /*restrict=*/true));
  }
  mapping.map(source.getArgument(0), phase.batch());
  for (Operation &op : source.without_terminator())
    builder.clone(op, mapping);

  Operation *terminator = source.getTerminator();
  for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
    Location loc = result.getLoc();
    auto type = cast<RankedTensorType>(result.getType());
    Value flat = phase.addBuffer({BufferRef::Result, unsigned(i)}, type, loc);
    // The view stands at the top, so that it dominates the op that makes the
    // result: the op can then write there without a copy.
    OpBuilder top = OpBuilder::atBlockBegin(&phase.body());
    Value view = viewAs(top, loc, flat, type, phase.batch());
    bufferization::MaterializeInDestinationOp::create(
        builder, loc, /*result=*/Type(), mapping.lookup(result), view,
        /*restrict=*/true, /*writable=*/true);
  }
  func::ReturnOp::create(builder, terminator->getLoc());
  phase.updateType();
}

/// Gives each user of an empty or filled tensor its own. Where one is shared,
/// eliminateEmptyTensors may put it into the buffer of a result, which is
/// written while another user has yet to read it.
static void separateDestinations(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<tensor::EmptyOp, linalg::FillOp>(op) && !op->use_empty())
      ops.push_back(op);
  });
  // Fills before the empty tensors that they fill.
  for (Operation *op : llvm::reverse(ops))
    for (OpOperand &use : llvm::make_early_inc_range(
             llvm::drop_begin(op->getResult(0).getUses())))
      use.set(OpBuilder(op).clone(*op)->getResult(0));
}

/// Tensors to memrefs. What upstream would allocate becomes a workspace.
static LogicalResult bufferize(ReferencePhase &phase) {
  separateDestinations(phase.function);
  IRRewriter rewriter(phase.function.getContext());
  if (failed(bufferization::eliminateEmptyTensors(rewriter, phase.function)))
    return failure();
  bufferization::OneShotBufferizationOptions options;
  options.allocationFn = [&](OpBuilder &builder, Location loc, MemRefType type,
                             ValueRange, unsigned) -> FailureOr<Value> {
    auto tensor = RankedTensorType::get(type.getShape(), type.getElementType());
    unsigned index = phase.workspaceBytes.size();
    phase.workspaceBytes.push_back(sizeBytes(tensor));
    Value flat = phase.addBuffer({BufferRef::Workspace, index}, type, loc);
    return viewAs(builder, loc, flat, type, phase.batch());
  };
  options.memCpyFn = [](OpBuilder &builder, Location loc, Value from,
                        Value to) -> LogicalResult {
    // A result that was computed in its own buffer.
    if (from != to)
      linalg::makeMemRefCopyOp(builder, loc, from, to);
    return success();
  };
  bufferization::BufferizationState state;
  LogicalResult bufferized =
      bufferization::runOneShotBufferize(phase.function, options, state);
  phase.updateType();
  return bufferized;
}

static LogicalResult lowerToLoops(func::FuncOp function) {
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  IRRewriter rewriter(function.getContext());
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return op.emitOpError("cannot be lowered to loops");
    rewriter.eraseOp(op);
  }
  return success();
}

/// Views fold into the accesses, and index arithmetic becomes arith: what is
/// left is loads and stores at plain indices.
static LogicalResult simplifyAccesses(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  memref::populateResolveShapedTypeResultDimsPatterns(patterns);
  memref::populateFoldMemRefAliasOpPatterns(patterns);
  memref::populateExpandStridedMetadataPatterns(patterns);
  // Reshapes to a dimension of one fold to affine.linearize_index.
  affine::populateAffineExpandIndexOpsPatterns(patterns);
  populateAffineToStdConversionPatterns(patterns);
  return applyPatternsGreedily(function, std::move(patterns));
}

/// Every dynamic size is the batch.
static void replaceDims(ReferencePhase &phase) {
  phase.function.walk([&](memref::DimOp op) {
    op.replaceAllUsesWith(phase.batch());
    op.erase();
  });
}

FailureOr<ScheduledKernel> nnc::scheduleReference(func::FuncOp kernel) {
  ReferencePhase phase = createPhase(kernel);
  copyBody(kernel, phase);
  if (failed(bufferize(phase)) || failed(lowerToLoops(phase.function)) ||
      failed(simplifyAccesses(phase.function)))
    return kernel.emitOpError("has no reference schedule"), failure();
  replaceDims(phase);

  ScheduledKernel scheduled;
  scheduled.workspaceBytes = phase.workspaceBytes;
  scheduled.phases.push_back({phase.function,
                              "reference",
                              Extent{/*constant=*/1, 0, 1},
                              /*grain=*/1,
                              /*threads=*/0,
                              phase.buffers,
                              {}});
  return scheduled;
}
