// One entry point's part of the memory plan. Private to PlanMemory.
#ifndef NNC_CODEGEN_ENTRYPLANNER_H
#define NNC_CODEGEN_ENTRYPLANNER_H

#include "codegen/ConstantPool.h"
#include "codegen/LoopPlan.h"
#include "codegen/Placement.h"
#include "codegen/PlanMemory.h"

#include "llvm/ADT/MapVector.h"

#include <memory>

namespace nnc {

/// Buffers of one region, with what is known of them before it is laid out.
struct ArenaPlan {
  explicit ArenaPlan(MemoryRegion region) : region(region) {}

  /// The number of a new buffer, which is that large at the region's batch.
  int64_t add(Extent size, int64_t sizeBytes, int64_t first, int64_t last) {
    lifetimes.push_back({sizeBytes, first, last});
    sizes.push_back(size);
    return lifetimes.size() - 1;
  }
  PlannedBuffer buffer(int64_t number) const {
    return {region, 0, startBytes + placement.offsetsBytes[number],
            sizes[number], std::nullopt};
  }

  MemoryRegion region;
  /// What lies before them.
  int64_t startBytes = 0;
  llvm::SmallVector<Lifetime> lifetimes;
  llvm::SmallVector<Extent> sizes;
  Placement placement;
};

/// Of a buffer: in the arena, or in a thread's own part of the loop around.
struct BufferNumber {
  int64_t number;
  bool isThreads = false;
};

/// A loop, and which buffers serve it.
struct PlannedScan {
  explicit PlannedScan(ScanOp scan) : scan(scan) {}

  ScanOp scan;
  LoopPlan plan;
  llvm::SmallVector<LaunchOp> launches;
  /// What comes before the loop, and the copies at the end of each step; of
  /// loops that run at once, before the first and at the end of the last.
  int64_t begin = 0, end = 0;
  /// The loops that run at the same time as this one and follow it.
  llvm::SmallVector<PlannedScan *, 1> beside;
  /// It is in another's `beside`.
  bool isBeside = false;
  /// Numbers in the arena, of carried values and of kept ones with slots of
  /// their own.
  llvm::SmallVector<int64_t> carried;
  llvm::SmallVector<std::optional<int64_t>> kept;
  /// Of the tensors that are gone over: a copy of the whole, whose slices are
  /// as far apart as they should be; a copy of the step's slice, where slices
  /// cannot be buffers.
  llvm::SmallVector<std::optional<int64_t>> wholeCopies;
  llvm::SmallVector<std::optional<BufferNumber>> sliceCopies;
  /// What lies in a thread's own memory where samples are shared out, behind
  /// what phases take themselves.
  ArenaPlan thread{MemoryRegion::Thread};
};

/// Plans one function. Time is counted in launches, in the order in which they
/// are first run, those with kBesideAttr at the time of the one before, and in
/// the begin and end of loops; what comes after the last of them (copies, and
/// the caller's reading of outputs) is `endOfTime`.
class EntryPlanner {
public:
  EntryPlanner(mlir::func::FuncOp function, const Schedule &schedule,
               const MemoryPlan &plan, ConstantPool &constants)
      : function(function), body(function.getBody().front()),
        schedule(schedule), plan(plan), constants(constants) {}

  /// Fails after a diagnostic.
  mlir::FailureOr<PlannedEntryPoint> run();

private:
  using Number = BufferNumber;

  // What is there.
  mlir::LogicalResult collect();
  mlir::LogicalResult collect(mlir::Operation &op);
  mlir::LogicalResult collectLaunch(LaunchOp launch);
  mlir::LogicalResult collectScan(ScanOp scan);
  void putBeside(PlannedScan &first, PlannedScan &scan);

  // Where it lies.
  void placeInState(AssignOp assign);
  bool mayWriteInPlace(mlir::StringAttr parameter, LaunchOp writer,
                       mlir::Value result);
  void addLifetimes();
  void addLifetimes(LaunchOp launch);
  int64_t addArenaBuffer(Extent size, int64_t first, int64_t last);
  std::optional<int64_t> findEnding(mlir::OpResult result);
  int64_t lastUse(mlir::Value value, int64_t first) const;
  int64_t timeOfUse(mlir::OpOperand &use) const;

  void addLifetimes(PlannedScan &scan);
  void addCarried(PlannedScan &scan);
  void addKept(PlannedScan &scan);
  void addOperandCopies(PlannedScan &scan);
  bool hasOtherSlots(mlir::Value operand, Extent stride);
  void addStepBuffers(PlannedScan &scan, LaunchOp launch);
  Number addStepBuffer(PlannedScan &scan, Extent size, int64_t first,
                       int64_t last);
  bool isFilledBefore(PlannedScan &scan, LaunchOp launch, unsigned workspace);
  void placeThreads(PlannedScan &scan);

  // Addresses.
  PlannedBuffer bufferOf(mlir::Value value);
  PlannedBuffer bufferOf(mlir::BlockArgument argument);
  PlannedBuffer bufferOf(mlir::OpResult result, PlannedScan &scan);
  PlannedBuffer bufferOf(PlannedScan &scan, Number number);
  PlannedBuffer workspaceOf(LaunchOp launch, unsigned index);
  PlannedBuffer carriedBuffer(PlannedScan &scan, unsigned index, int64_t first,
                              bool moves);
  PlannedBuffer writtenPlace(PlannedScan &scan, LoopPlan::Place place);
  PlannedBuffer sliceOf(PlannedScan &scan, unsigned index);
  PlannedBuffer partOf(PlannedScan &scan, unsigned index);
  bool hasSlot(mlir::OpResult result, PlannedScan &scan);
  PlannedBuffer stateBuffer(mlir::StringAttr parameter, mlir::Value value);
  PlannedBuffer noBuffer(mlir::Value value);
  PlannedScan *scanAround(mlir::Value value);

  // Commands.
  void emit(mlir::Operation &op, PlannedEntryPoint &entry);
  void emitPhases(LaunchOp launch, PlannedEntryPoint &entry,
                  llvm::function_ref<bool(unsigned)> isWanted);
  void emitScan(PlannedScan &scan, PlannedEntryPoint &entry);
  void emitBeforeLoop(PlannedScan &scan, PlannedEntryPoint &entry);
  void emitLoop(PlannedScan &scan, PlannedEntryPoint &entry);
  void emitStep(PlannedScan &scan, PlannedEntryPoint &entry);
  void emitEnd(PlannedEntryPoint &entry);
  bool isOverwritten(mlir::Value root) const;
  bool needsOwnOutput(mlir::Value root);
  bool isStaged(AssignOp assign) const;

  const ScheduledKernel &kernelOf(LaunchOp launch) const {
    return schedule.kernels.find(launch.getKernel())->second;
  }

  mlir::func::FuncOp function;
  mlir::Block &body;
  const Schedule &schedule;
  const MemoryPlan &plan;
  ConstantPool &constants;

  llvm::SmallVector<LaunchOp> launches;
  /// By their op.
  llvm::MapVector<mlir::Operation *, std::unique_ptr<PlannedScan>> scans;
  /// The first of the loops that run at once which was collected last, while no
  /// launch has come after it.
  PlannedScan *lastScan = nullptr;
  llvm::SmallVector<AssignOp> assigns;
  llvm::DenseMap<mlir::Operation *, int64_t> timeOf;
  int64_t endOfTime = 0;
  /// The values that read each parameter.
  llvm::MapVector<mlir::StringAttr, llvm::SmallVector<mlir::Value>> reads;
  llvm::DenseMap<mlir::StringAttr, AssignOp> assignOf;
  /// Results that are written where the parameter lies.
  llvm::DenseMap<mlir::Value, mlir::StringAttr> inPlace;

  ArenaPlan arena{MemoryRegion::Arena};
  /// Of results of launches.
  llvm::DenseMap<mlir::Value, Number> numbers;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Number>> workspaces;
  /// Buffers that end-of-run copies go through: of outputs, by their number,
  /// and of assigns.
  llvm::DenseMap<unsigned, int64_t> outputCopies;
  llvm::DenseMap<mlir::Operation *, int64_t> stagedAssigns;
  /// After a diagnostic.
  bool isFaulty = false;
};

} // namespace nnc

#endif // NNC_CODEGEN_ENTRYPLANNER_H
