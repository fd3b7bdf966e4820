// Where every value of a program lies, and what runs on it in which order: a
// module of launches and its schedule in, commands over buffers out.
#ifndef NNC_CODEGEN_PLANMEMORY_H
#define NNC_CODEGEN_PLANMEMORY_H

#include "codegen/ScheduleKernels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <variant>
#include <vector>

namespace nnc {

/// Of a launch that runs again what another has computed.
inline constexpr llvm::StringLiteral kAgainAttr = "nnc.again";

/// Mirrors nnc.plan.Region.
enum class MemoryRegion { State, Arena, Input, Constant, Thread };

/// Where a buffer is among equal slots; mirrors nnc.plan.Slot.
struct PlannedSlot {
  int64_t first = 0;
  int64_t count = 1;
  /// Bytes from one to the next; no divisor.
  Extent stride;
  /// It follows the step of the loop.
  bool moves = false;
};

/// An address: the base of a region (of one input), and an offset from it.
struct PlannedBuffer {
  MemoryRegion region;
  /// Which input; else 0.
  int64_t index = 0;
  int64_t offsetBytes = 0;
  Extent sizeBytes;
  std::optional<PlannedSlot> slot;
};

/// A value that is complete after a command; mirrors nnc.plan.Written.
struct PlannedResult {
  unsigned buffer;
  mlir::Type elementType;
};

/// One phase of a launch.
struct PlannedLaunch {
  /// The phase's function.
  std::string phase;
  llvm::SmallVector<PlannedBuffer> buffers;
  Extent extent;
  int64_t grain = 1;
  /// Of the whole kernel, but for products of a library, on the last of its
  /// phases; 0 on the others.
  Extent flop, trafficBytes;
  mlir::Location loc;
  /// The launch has kAgainAttr.
  bool isAgain = false;
  llvm::SmallVector<PlannedResult, 1> written = {};
};

/// A call of the target's library.
struct PlannedMatmul {
  MatmulCall call;
  llvm::SmallVector<PlannedBuffer> buffers;
  /// "matmul_relu_Bx128x784.matmul".
  std::string name;
  Extent flop, trafficBytes;
  mlir::Location loc;
  bool isAgain = false;
};

struct PlannedCopy {
  PlannedBuffer from, to;
};

/// Runs the commands that follow it once a step; mirrors nnc.plan.Loop.
struct PlannedLoop {
  int64_t steps = 1;
  size_t length = 0;
  bool reverse = false;
  /// The most samples that a thread takes at a time; 0: they are not shared
  /// out.
  int64_t rows = 0;
  int64_t grain = 1;
  mlir::Location loc;
  /// Target::joinLoops() makes one launch of it: its buffers are alive for as
  /// long as it runs, and are of samples, or the same at each step.
  bool isJoined = false;
  /// In the same launch as the loop before it.
  bool isBeside = false;
};

using PlannedCommand =
    std::variant<PlannedLaunch, PlannedMatmul, PlannedCopy, PlannedLoop>;

struct PlannedEntryPoint {
  mlir::func::FuncOp function;
  std::vector<PlannedCommand> commands;
  /// One a result of the function.
  llvm::SmallVector<PlannedBuffer> outputs;
  int64_t arenaBytes = 0;
  int64_t scratchBytes = 0;
};

struct MemoryPlan {
  std::vector<PlannedEntryPoint> entryPoints;
  /// Offset of each nnc.parameter in the state region, by its name.
  llvm::StringMap<int64_t> stateOffsetsBytes;
  int64_t stateBytes = 0;
  std::vector<uint8_t> constants;
  int64_t maxBatch = 1;

  /// What a session allocates for one run of its largest entry point: state
  /// and arena.
  int64_t peakBytes() const;
  void print(llvm::raw_ostream &os) const;
};

/// Plans the public functions of `module`, which nnc-outline-kernels has left
/// with launches, reads, assigns, reshapes, constants, and loops over launches,
/// reshapes and constants. Fails after a diagnostic where anything else is
/// found.
mlir::FailureOr<MemoryPlan>
planMemory(mlir::ModuleOp module, const Schedule &schedule, int64_t maxBatch);

} // namespace nnc

#endif // NNC_CODEGEN_PLANMEMORY_H
