// Each group of results becomes a kernel and is scheduled; then the phases'
// bodies are put into one function, each for a range of its blocks. Starting a
// kernel costs as much as reading a megabyte, and most parameters are smaller.
#include "codegen/cuda/SideBySide.h"

#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/KernelParts.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

namespace {

/// Results that share work, and how they are computed.
struct Part {
  SmallVector<unsigned> results;
  ScheduledKernel schedule;

  Phase &phase() { return schedule.phases.front(); }
  int64_t numBlocks() { return phase().extent.at(0); }
};

class SideBySideScheduler {
public:
  SideBySideScheduler(func::FuncOp kernel, PartScheduler schedulePart,
                      Refusal &refusal)
      : kernel(kernel), schedulePart(std::move(schedulePart)), refusal(refusal),
        b(kernel.getLoc(), kernel.getContext()) {}
  ~SideBySideScheduler() {
    for (func::FuncOp function : derived)
      function.erase();
  }

  FailureOr<ScheduledKernel> run();

private:
  void findParts();
  LogicalResult schedule(Part &part, unsigned number);
  void emit(GpuPhase &phase, Part &part, int64_t firstBlock, int64_t threads);
  void addAliases();

  func::FuncOp kernel;
  PartScheduler schedulePart;
  Refusal &refusal;
  ImplicitLocOpBuilder b;
  std::vector<Part> parts;
  /// Parts as kernels, and their phases.
  SmallVector<func::FuncOp> derived;
  ScheduledKernel scheduled;
};

} // namespace

/// The ops that do work for `value`.
static void collectWork(Value value, llvm::SetVector<Operation *> &work) {
  Operation *op = value.getDefiningOp();
  if (!op || work.contains(op))
    return;
  if (isa<linalg::GenericOp, scf::ForOp>(op))
    work.insert(op);
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentBlock() == op->getBlock())
        collectWork(operand, work);
  });
}

/// Results with an op in common belong together.
void SideBySideScheduler::findParts() {
  auto results = kernel.getBody().front().getTerminator()->getOperands();
  llvm::EquivalenceClasses<unsigned> groups;
  DenseMap<Operation *, unsigned> users;
  for (auto [number, result] : llvm::enumerate(results)) {
    groups.insert(number);
    llvm::SetVector<Operation *> work;
    collectWork(result, work);
    for (Operation *op : work) {
      auto [user, isNew] = users.insert({op, unsigned(number)});
      if (!isNew)
        groups.unionSets(user->second, number);
    }
  }
  DenseMap<unsigned, unsigned> partOfGroup;
  for (unsigned number = 0; number < results.size(); ++number) {
    auto [part, isNew] =
        partOfGroup.insert({groups.getLeaderValue(number), parts.size()});
    if (isNew)
      parts.emplace_back();
    parts[part->second].results.push_back(number);
  }
}

/// Whether the threads of a phase have nothing to do with each other.
static bool isIndependent(Phase &phase) {
  return !phase.function
              .walk([](Operation *op) {
                return isa<gpu::BarrierOp, gpu::ShuffleOp, memref::AllocaOp>(op)
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
}

LogicalResult SideBySideScheduler::schedule(Part &part, unsigned number) {
  auto results = kernel.getBody().front().getTerminator()->getOperands();
  auto outputs = llvm::map_to_vector(
      part.results, [&](unsigned result) { return results[result]; });
  func::FuncOp function = deriveKernel(
      kernel, kernel, "part" + std::to_string(number), {}, outputs);
  derived.push_back(function);
  FailureOr<ScheduledKernel> schedule = schedulePart(function);
  if (failed(schedule))
    return refusal.because("a part of it has no schedule");
  part.schedule = std::move(*schedule);
  for (Phase &phase : part.schedule.phases)
    derived.push_back(phase.function);
  if (part.schedule.phases.size() != 1 || !part.schedule.workspaceBytes.empty())
    return refusal.because("a part of it takes several phases");
  if (part.phase().extent.perBatch != 0)
    return refusal.because("a part of it grows with the batch");
  if (!isIndependent(part.phase()))
    return refusal.because("the threads of a part work together");
  return success();
}

/// The part's body for `numBlocks` of the phase's blocks.
void SideBySideScheduler::emit(GpuPhase &phase, Part &part, int64_t firstBlock,
                               int64_t threads) {
  Phase &own = part.phase();
  Block &body = own.function.getBody().front();
  IRMapping mapping;
  for (auto [argument, ref] : llvm::zip(body.getArguments(), own.buffers)) {
    if (ref.kind == BufferRef::Result)
      ref.index = part.results[ref.index];
    mapping.map(argument,
                phase.buffer(ref, cast<MemRefType>(argument.getType())));
  }
  mapping.map(body.getArguments().back(), phase.batch());
  // Before the first block the difference wraps around.
  Value block = phase.subtract(phase.block(), phase.index(firstBlock));
  Value isOurs = phase.isLess(block, phase.index(part.numBlocks()));
  if (own.threads < threads)
    isOurs = phase.both(isOurs,
                        phase.isLess(phase.thread(), phase.index(own.threads)));
  phase.when(isOurs, [&] {
    for (Operation &op : body.without_terminator()) {
      if (auto id = dyn_cast<gpu::BlockIdOp>(op))
        mapping.map(id.getResult(), block);
      else if (auto id = dyn_cast<gpu::ThreadIdOp>(op))
        mapping.map(id.getResult(), phase.thread());
      else
        b.clone(op, mapping);
    }
  });
}

/// A part may write over what no other part reads.
void SideBySideScheduler::addAliases() {
  auto reads = [](Part &part, unsigned operand) {
    return llvm::any_of(part.phase().buffers, [&](BufferRef ref) {
      return ref.kind == BufferRef::Operand && ref.index == operand;
    });
  };
  for (Part &part : parts)
    for (auto [operand, result] : part.schedule.mayAlias) {
      bool isShared = llvm::any_of(parts, [&, operand = operand](Part &other) {
        return &other != &part && reads(other, operand);
      });
      if (!isShared)
        scheduled.mayAlias.push_back({operand, part.results[result]});
    }
}

FailureOr<ScheduledKernel> SideBySideScheduler::run() {
  if (!kernel.getBody().hasOneBlock())
    return refusal.because("it has several blocks");
  findParts();
  if (parts.size() < 2)
    return refusal.because("its results share their work");
  int64_t threads = 0, numBlocks = 0;
  for (auto [number, part] : llvm::enumerate(parts)) {
    if (failed(schedule(part, number)))
      return failure();
    threads = std::max(threads, part.phase().threads);
  }
  GpuPhase phase(b, kernel, kernel, "parts");
  for (Part &part : parts) {
    emit(phase, part, numBlocks, threads);
    numBlocks += part.numBlocks();
  }
  scheduled.phases.push_back(
      phase.finish(parts.front().phase().kind, Extent{numBlocks}, threads));
  addAliases();
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleSideBySide(func::FuncOp kernel,
                                                   PartScheduler schedulePart,
                                                   Refusal &refusal) {
  return SideBySideScheduler(kernel, std::move(schedulePart), refusal).run();
}
