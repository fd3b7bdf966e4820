#include "codegen/cuda/MergePhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace nnc;

static bool isSame(BufferRef lhs, BufferRef rhs) {
  return lhs.kind == rhs.kind && lhs.index == rhs.index;
}

/// Whether two phases touch a buffer that one of them may write.
static bool dependOnEachOther(const Phase &lhs, const Phase &rhs) {
  return llvm::any_of(lhs.buffers, [&](BufferRef buffer) {
    return buffer.kind != BufferRef::Operand &&
           llvm::any_of(rhs.buffers,
                        [&](BufferRef other) { return isSame(buffer, other); });
  });
}

static bool canMerge(ArrayRef<Phase> phases) {
  for (auto [number, phase] : llvm::enumerate(phases)) {
    if (!phase.function || phase.extent.perBatch ||
        phase.threads != phases.front().threads)
      return false;
    bool usesSharedMemory =
        phase.function
            ->walk([](Operation *op) {
              return isa<memref::AllocaOp, gpu::BarrierOp>(op)
                         ? WalkResult::interrupt()
                         : WalkResult::advance();
            })
            .wasInterrupted();
    if (usesSharedMemory)
      return false;
    for (const Phase &before : phases.take_front(number))
      if (dependOnEachOther(before, phase))
        return false;
  }
  return phases.size() > 1;
}

namespace {

/// The merged function under construction.
class Merger {
public:
  explicit Merger(Phase &first)
      : b(first.function.getLoc(), first.function.getContext()) {
    b.setInsertionPointAfter(first.function);
    // "adam_together" of "adam.elements0": a name that says what it is.
    StringRef kernel = first.function.getName().split('.').first;
    merged.function =
        func::FuncOp::create(b, (kernel + ".together").str(),
                             b.getFunctionType(b.getIndexType(), {}));
    merged.kind = first.kind;
    merged.threads = first.threads;
    b.setInsertionPointToStart(merged.function.addEntryBlock());
    block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  }

  void add(Phase &phase);
  Phase finish();

private:
  Value argumentFor(BufferRef buffer, Type type);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }

  ImplicitLocOpBuilder b;
  Phase merged;
  Value block;
  int64_t numBlocks = 0;
};

} // namespace

Value Merger::argumentFor(BufferRef buffer, Type type) {
  Block &body = merged.function.getBody().front();
  for (auto [number, known] : llvm::enumerate(merged.buffers))
    if (isSame(known, buffer))
      return body.getArgument(number);
  merged.buffers.push_back(buffer);
  return body.insertArgument(merged.buffers.size() - 1, type, b.getLoc());
}

/// Copies the phase's body under "block is one of the next `extent`".
void Merger::add(Phase &phase) {
  Block &from = phase.function.getBody().front();
  IRMapping mapping;
  for (auto [number, buffer] : llvm::enumerate(phase.buffers))
    mapping.map(from.getArgument(number),
                argumentFor(buffer, from.getArgument(number).getType()));
  // Behind the buffers, which may just have grown in number.
  mapping.map(from.getArgument(phase.buffers.size()),
              merged.function.getBody().front().getArguments().back());

  int64_t extent = phase.extent.at(/*batch=*/1);
  // Unsigned: a block before the first wraps around to a large number.
  Value ownBlock =
      numBlocks ? Value(arith::SubIOp::create(b, block, index(numBlocks)))
                : block;
  Value isOwn = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, ownBlock,
                                      index(extent));
  auto branch = scf::IfOp::create(b, isOwn, /*withElseRegion=*/false);
  OpBuilder inside = branch.getThenBodyBuilder();
  for (Operation &op : from.without_terminator()) {
    if (isa<gpu::BlockIdOp>(op))
      mapping.map(op.getResult(0), ownBlock);
    else
      inside.clone(op, mapping);
  }
  numBlocks += extent;
}

Phase Merger::finish() {
  func::ReturnOp::create(b);
  Block &body = merged.function.getBody().front();
  merged.function.setType(b.getFunctionType(body.getArgumentTypes(), {}));
  merged.extent = Extent{numBlocks, 0, 1};
  return std::move(merged);
}

void nnc::mergePhases(ScheduledKernel &scheduled) {
  if (!canMerge(scheduled.phases))
    return;
  Merger merger(scheduled.phases.front());
  for (Phase &phase : scheduled.phases)
    merger.add(phase);
  for (Phase &phase : scheduled.phases)
    phase.function.erase();
  scheduled.phases.clear();
  scheduled.phases.push_back(merger.finish());
}
