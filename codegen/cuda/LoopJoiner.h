// The state of JoinLoops.cpp and LoopSteps.cpp: one phase that runs all steps
// of a loop, or of several, while it is written.
#ifndef NNC_CODEGEN_CUDA_LOOPJOINER_H
#define NNC_CODEGEN_CUDA_LOOPJOINER_H

#include "codegen/cuda/KeptBuffers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// At the largest batch: two a multiprocessor, of which the largest GPUs have
/// about 130.
inline constexpr int64_t kMostBlocks = 256;
/// Of shared memory, of which any kernel may declare 48 KiB.
inline constexpr int64_t kMostKeptBytes = 40 << 10;

/// Of a step's samples, which are of this type, to where a loop begins.
struct FirstValue {
  PlannedCopy copy;
  mlir::Type element;
};

struct JoinedLoop {
  const PlannedLoop *loop;
  /// The commands of a step.
  llvm::ArrayRef<PlannedCommand> step;
  /// What it begins with.
  llvm::SmallVector<FirstValue, 0> before = {};
};

class LoopJoiner {
public:
  /// `loops`: those that run at once.
  LoopJoiner(llvm::ArrayRef<JoinedLoop> loops, int64_t maxBatch,
             mlir::ModuleOp phases)
      : b(loops.front().loop->loc, phases.getContext()), loops(loops),
        maxBatch(maxBatch), rows(llvm::divideCeil(maxBatch, kMostBlocks)),
        phases(phases) {}

  /// The launch of a phase that is added to the module.
  PlannedLaunch run();

private:
  struct Argument {
    PlannedBuffer whole;
    mlir::Type element;
    std::string name;
  };

  /// What a phase reads and writes through `view` is in `memory` too.
  struct KeptView {
    mlir::Value view, memory, begin;
  };

  void collect(const PlannedBuffer &buffer, mlir::Type element,
               llvm::StringRef name);
  void collectArguments(const PlannedCommand &command);
  unsigned argumentOf(const PlannedBuffer &buffer, mlir::Type element) const;
  void chooseThreads();
  Extent countBlocks() const;
  mlir::func::FuncOp createFunction();

  void emitLoops();
  void keepBuffers(const JoinedLoop &joined);
  void emitFirst(const FirstValue &value);
  void fill(const KeptBuffer &buffer, mlir::Value memory,
            const FirstValue *given);
  bool isFilledBy(const KeptBuffer &buffer, const FirstValue &value);
  void forEach(int64_t perSample, int64_t atOnce,
               llvm::function_ref<void(mlir::Value)> emitElement);
  mlir::Value slotOfKept(const KeptBuffer &kept, const PlannedBuffer &buffer);
  llvm::SmallVector<KeptView> findKeptViews(const PlannedLaunch &launch,
                                            mlir::func::FuncOp phase,
                                            const mlir::IRMapping &mapping);
  void passThroughKept(llvm::ArrayRef<KeptView> views,
                       llvm::ArrayRef<mlir::Operation *> ops);
  void keepAllWeights(mlir::func::FuncOp function);
  void emitSteps(const JoinedLoop &joined);
  void fetchNext(const JoinedLoop &joined, mlir::Value number);
  void emitCommands(llvm::ArrayRef<PlannedCommand> commands);
  void emitPhase(const PlannedLaunch &launch);
  void emitBlock(mlir::func::FuncOp phase, const PlannedLaunch &launch,
                 mlir::Value block, mlir::Value thread);
  void emitCopy(const PlannedCopy &copy);
  mlir::Value viewOf(const PlannedBuffer &buffer, mlir::Type element);
  mlir::Value elementsOf(Extent bytes, mlir::Type element, mlir::Value samples);
  mlir::Value slotOf(const PlannedSlot &slot);

  PlannedLaunch describe(mlir::func::FuncOp function) const;
  void addWork(const PlannedLaunch &part, int64_t count,
               PlannedLaunch &launch) const;
  void forEachCommand(llvm::function_ref<void(const PlannedCommand &)> visit);

  mlir::func::FuncOp phaseOf(const PlannedLaunch &launch) const {
    return mlir::ModuleOp(phases).lookupSymbol<mlir::func::FuncOp>(
        launch.phase);
  }

  mlir::Value named(llvm::StringRef name, mlir::Value value) {
    value.setLoc(mlir::NameLoc::get(b.getStringAttr(name), b.getLoc()));
    return value;
  }
  mlir::Value constant(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) {
    return b.createOrFold<mlir::arith::AddIOp>(lhs, rhs);
  }
  mlir::Value multiply(mlir::Value lhs, int64_t rhs) {
    return b.createOrFold<mlir::arith::MulIOp>(lhs, constant(rhs));
  }

  mlir::ImplicitLocOpBuilder b;
  llvm::ArrayRef<JoinedLoop> loops;
  int64_t maxBatch;
  /// Samples of a block.
  int64_t rows;
  mlir::ModuleOp phases;

  llvm::SmallVector<Argument> arguments;
  int64_t threads = 0;
  mlir::Block *entry = nullptr;
  /// How many steps the loop that is being written has, and which it begins
  /// with; the block's first
  /// sample and how many it has; the thread; the step.
  int64_t steps = 0, firstStep = 0;
  mlir::Value first, samples, thread, at;
  /// What the block keeps in shared memory of the loop that is being written,
  /// and the room left for more.
  llvm::SmallVector<std::pair<KeptBuffer, mlir::Value>, 0> kept;
  int64_t keptBytes = kMostKeptBytes;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_LOOPJOINER_H
