// Upstream's one-shot bufferization and plain loops, fitted to the form of a
// phase: flat buffers that the caller owns, and no allocation.
#include "codegen/Reference.h"

#include "codegen/KernelForms.h"
#include "codegen/ParallelLoops.h"
#include "codegen/cpu/CpuPhase.h"

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
#include "mlir/IR/Matchers.h"
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

/// Plain operations that are worth a thread of their own.
static constexpr int64_t kGrainOps = 4096;

/// A kernel that is being made loops: `function` has one flat buffer for each
/// entry of `buffers`, then the batch.
struct KernelLoops {
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

Value KernelLoops::addBuffer(BufferRef buffer, ShapedType type, Location loc) {
  buffers.push_back(buffer);
  return body().insertArgument(buffers.size() - 1, flatType(type), loc);
}

void KernelLoops::updateType() {
  function.setType(
      FunctionType::get(function.getContext(), body().getArgumentTypes(), {}));
}

static KernelLoops createFunction(func::FuncOp kernel) {
  OpBuilder builder(kernel.getContext());
  builder.setInsertionPointAfter(kernel);
  Location loc = kernel.getLoc();
  KernelLoops loops;
  loops.function =
      func::FuncOp::create(builder, loc, (kernel.getName() + ".loops").str(),
                           builder.getFunctionType({}, {}));
  loops.function.addEntryBlock()->addArgument(builder.getIndexType(), loc);
  return loops;
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
static void copyBody(func::FuncOp kernel, KernelLoops &loops) {
  Block &source = kernel.getBody().front();
  auto builder = OpBuilder::atBlockEnd(&loops.body());
  IRMapping mapping;
  for (auto [i, arg] : llvm::enumerate(source.getArguments().drop_front())) {
    auto type = cast<RankedTensorType>(arg.getType());
    Value flat =
        loops.addBuffer({BufferRef::Operand, unsigned(i)}, type, arg.getLoc());
    Value view = viewAs(builder, arg.getLoc(), flat, type, loops.batch());
    mapping.map(arg, bufferization::ToTensorOp::create(
                         builder, arg.getLoc(), type, view, /*restrict=*/true));
  }
  mapping.map(source.getArgument(0), loops.batch());
  for (Operation &op : source.without_terminator())
    builder.clone(op, mapping);

  Operation *terminator = source.getTerminator();
  for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
    Location loc = result.getLoc();
    auto type = cast<RankedTensorType>(result.getType());
    Value flat = loops.addBuffer({BufferRef::Result, unsigned(i)}, type, loc);
    // The view stands at the top, so that it dominates the op that makes the
    // result: the op can then write there without a copy.
    OpBuilder top = OpBuilder::atBlockBegin(&loops.body());
    Value view = viewAs(top, loc, flat, type, loops.batch());
    bufferization::MaterializeInDestinationOp::create(
        builder, loc, /*result=*/Type(), mapping.lookup(result), view,
        /*restrict=*/true, /*writable=*/true);
  }
  func::ReturnOp::create(builder, terminator->getLoc());
  loops.updateType();
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
static LogicalResult bufferize(KernelLoops &loops) {
  separateDestinations(loops.function);
  IRRewriter rewriter(loops.function.getContext());
  if (failed(bufferization::eliminateEmptyTensors(rewriter, loops.function)))
    return failure();
  bufferization::OneShotBufferizationOptions options;
  options.allocationFn = [&](OpBuilder &builder, Location loc, MemRefType type,
                             ValueRange, unsigned) -> FailureOr<Value> {
    auto tensor = RankedTensorType::get(type.getShape(), type.getElementType());
    unsigned index = loops.workspaceBytes.size();
    loops.workspaceBytes.push_back(sizeBytes(tensor));
    Value flat = loops.addBuffer({BufferRef::Workspace, index}, type, loc);
    return viewAs(builder, loc, flat, type, loops.batch());
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
      bufferization::runOneShotBufferize(loops.function, options, state);
  loops.updateType();
  return bufferized;
}

static LogicalResult lowerToLoops(func::FuncOp function) {
  SmallVector<linalg::LinalgOp> ops;
  function.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  IRRewriter rewriter(function.getContext());
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::LinalgLoops> loops =
        linalg::linalgOpToLoops(rewriter, op);
    if (failed(loops))
      return op.emitOpError("cannot be lowered to loops");
    markParallelLoop(op, *loops);
    rewriter.eraseOp(op);
  }
  return success();
}

/// Loops over samples may be shared out once they carry no buffers, which are
/// the same in each iteration.
static LogicalResult markSampleLoops(func::FuncOp function) {
  bool any = false;
  function.walk([&](scf::ForOp loop) { any |= isOverSamples(loop); });
  if (!any)
    return success();
  RewritePatternSet patterns(function.getContext());
  scf::ForOp::getCanonicalizationPatterns(patterns, function.getContext());
  if (failed(applyPatternsGreedily(function, std::move(patterns))))
    return failure();
  function.walk([&](scf::ForOp loop) {
    if (isOverSamples(loop) && loop.getInitArgs().empty())
      markParallelLoop(loop);
  });
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
static void replaceDims(KernelLoops &loops) {
  loops.function.walk([&](memref::DimOp op) {
    op.replaceAllUsesWith(loops.batch());
    op.erase();
  });
}

/// The kernel as loops over buffers, in a function of its own after it.
static FailureOr<KernelLoops> makeLoops(func::FuncOp kernel) {
  KernelLoops loops = createFunction(kernel);
  copyBody(kernel, loops);
  if (failed(bufferize(loops)) || failed(lowerToLoops(loops.function)) ||
      failed(markSampleLoops(loops.function)) ||
      failed(simplifyAccesses(loops.function)))
    return kernel.emitOpError("has no reference schedule"), failure();
  replaceDims(loops);
  return loops;
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

/// How often a loop runs, from 0 and in steps of one; none where that is not
/// plainly said.
static std::optional<Extent> extentOf(scf::ForOp loop, Value batch) {
  APInt first, last, step;
  if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&first)) ||
      !matchPattern(loop.getStep(), m_ConstantInt(&step)) || !first.isZero() ||
      !step.isOne())
    return std::nullopt;
  if (loop.getUpperBound() == batch)
    return Extent{0, 1, 1};
  if (matchPattern(loop.getUpperBound(), m_ConstantInt(&last)))
    return Extent{last.getSExtValue()};
  return std::nullopt;
}

/// The plain operations of one iteration, at a batch of one.
static int64_t workOf(scf::ForOp loop, Value batch) {
  int64_t work = 0;
  for (Operation &op : loop.getBody()->without_terminator()) {
    auto inner = dyn_cast<scf::ForOp>(op);
    std::optional<Extent> extent;
    if (inner)
      extent = extentOf(inner, batch);
    work += inner ? workOf(inner, batch) * (extent ? extent->at(1) : 1) : 1;
  }
  return std::max<int64_t>(work, 1);
}

/// Copies a segment into a phase of its own.
static Phase writePhase(func::FuncOp kernel, KernelLoops &loops,
                        const LoopSegment &segment, Operation *previous,
                        const Twine &suffix) {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  CpuPhase phase(b, kernel, previous, suffix);
  IRMapping mapping;
  mapping.map(loops.batch(), phase.batch());
  for (auto [number, ref] : llvm::enumerate(loops.buffers)) {
    BlockArgument buffer = loops.body().getArgument(number);
    bool isUsed = llvm::any_of(buffer.getUsers(), [&](Operation *user) {
      Operation *op = loops.body().findAncestorOpInBlock(*user);
      return llvm::is_contained(segment.ops, op);
    });
    if (isUsed)
      mapping.map(buffer,
                  phase.buffer(ref, cast<MemRefType>(buffer.getType())));
  }
  auto cloneAll = [&] {
    for (Operation *op : segment.ops)
      b.clone(*op, mapping);
  };
  // An empty range must do nothing, and a sum is not begun in the phase that
  // adds to it.
  if (segment.isPart && !segment.parallel)
    phase.when(phase.isLess(phase.begin(), phase.end()), cloneAll);
  else
    cloneAll();
  Extent extent{1};
  int64_t grain = 1;
  if (segment.parallel) {
    extent = *extentOf(segment.parallel, loops.batch());
    grain = kGrainOps / workOf(segment.parallel, loops.batch());
  }
  phase.getFunction().walk([&](scf::ForOp loop) {
    if (segment.parallel && isMarkedParallel(loop)) {
      loop.setLowerBound(phase.begin());
      loop.setUpperBound(phase.end());
    }
    unmarkParallel(loop);
  });
  return phase.finish("reference", extent, grain);
}

/// All of a body as one thread's.
static LoopSegment wholeBody(Block &body) {
  LoopSegment segment;
  for (Operation &op : body.without_terminator())
    segment.ops.push_back(&op);
  return segment;
}

static ScheduledKernel writePhases(func::FuncOp kernel, KernelLoops &loops,
                                   ArrayRef<LoopSegment> segments) {
  ScheduledKernel scheduled;
  scheduled.workspaceBytes = loops.workspaceBytes;
  Operation *previous = kernel;
  for (const LoopSegment &segment : segments) {
    size_t number = scheduled.phases.size();
    scheduled.phases.push_back(
        writePhase(kernel, loops, segment, previous,
                   "reference" + (number ? Twine(number) : Twine())));
    previous = scheduled.phases.back().function;
  }
  loops.function.erase();
  return scheduled;
}

FailureOr<ScheduledKernel> nnc::scheduleReference(func::FuncOp kernel) {
  FailureOr<KernelLoops> loops = makeLoops(kernel);
  if (failed(loops))
    return failure();
  return writePhases(kernel, *loops, wholeBody(loops->body()));
}

/// The segments of the loops' body. Those whose loop has no plain bounds are
/// one thread's.
static SmallVector<LoopSegment> segmentsOf(KernelLoops &loops,
                                           Refusal &refusal) {
  FailureOr<SmallVector<LoopSegment>> segments =
      splitLoops(loops.body(), refusal);
  if (failed(segments))
    return {wholeBody(loops.body())};
  for (LoopSegment &segment : *segments) {
    segment.isPart = segments->size() > 1;
    if (segment.parallel && !extentOf(segment.parallel, loops.batch()))
      segment.parallel = {};
    bool hasLoop = llvm::any_of(segment.ops, llvm::IsaPred<scf::ForOp>);
    if (!segment.parallel && hasLoop)
      (void)refusal.because(
          "a loop whose iterations depend on each other runs on "
          "one thread");
  }
  return *segments;
}

FailureOr<ScheduledKernel> nnc::scheduleLoops(func::FuncOp kernel,
                                              Refusal &refusal) {
  FailureOr<KernelLoops> loops = makeLoops(kernel);
  if (failed(loops))
    return failure();
  return writePhases(kernel, *loops, segmentsOf(*loops, refusal));
}
