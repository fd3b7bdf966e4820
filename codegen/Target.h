// What a target must provide: how a kernel is scheduled on it, and what its
// phases are compiled to. codegen/Target.cpp has the list of targets.
//
// A kernel is a private func.func with the unit attribute `nnc.kernel`, as
// docs/architecture.md section 3 says: `index` batch first, then tensors;
// results returned; a body of linalg on tensors in which every `?` is the
// batch.
#ifndef NNC_CODEGEN_TARGET_H
#define NNC_CODEGEN_TARGET_H

#include "passes/BatchSize.h"
#include "passes/FusionPreferences.h"
#include "runtime/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nnc {

struct MemoryPlan;
struct Schedule;

/// A size as a function of the batch: ceil((constant + perBatch * batch) /
/// divisor). Mirrors nnc.plan.Extent.
struct Extent {
  int64_t constant = 0;
  int64_t perBatch = 0;
  int64_t divisor = 1;

  /// ceil(size / divisor).
  static Extent of(BatchSize size, int64_t divisor = 1) {
    return size.perBatch ? Extent{0, size.factor, divisor}
                         : Extent{size.factor, 0, divisor};
  }

  int64_t at(int64_t batch) const {
    return (constant + perBatch * batch + divisor - 1) / divisor;
  }
};

/// One buffer argument of a phase, by its place in the kernel's signature.
struct BufferRef {
  enum Kind {
    /// Tensor operand `index` of the kernel (the batch not counted).
    Operand,
    /// Result `index` of the kernel.
    Result,
    /// `ScheduledKernel::workspaceBytes[index]`.
    Workspace
  };
  Kind kind;
  unsigned index;
};

/// How a matrix lies in memory: element (row, column) is at row * leading +
/// column, or at column * leading + row if `transposed`; sizes in elements.
struct MatrixLayout {
  bool transposed = false;
  Extent leading;
  /// From one matrix of a batched product to the next.
  Extent stride;
};

/// d[o, m, n] = epilogue(sum over k of a[o, m, k] * b[o, k, n]), computed by a
/// library of the target's. Mirrors nnc.plan.Matmul.
struct MatmulCall {
  enum Epilogue { None, Bias, Relu, BiasRelu };

  Extent count, m, n, k;
  MatrixLayout a, b, d;
  /// Of a and b; sums are in f32, or in f64 where this is f64.
  mlir::Type operandType;
  mlir::Type resultType;
  /// f32 operands may be rounded to TF32.
  bool allowTf32 = false;
  /// A bias has n elements of `resultType`.
  Epilogue epilogue = None;
};

/// One function that the target runs over [0, extent), or one call of a
/// library.
///
/// On a CPU: indices of the outermost parallel loop, split over threads. Form:
/// func.func @name(memref<NxT> or memref<?xT> per entry of `buffers`, all
/// one-dimensional with an identity layout; then batch, begin, end : index;
/// then scratch : memref<?xi8>) with no result. i1 is stored as i8; 16-bit
/// floats may be given as i16. Lowered with bare pointers: never take
/// memref.dim of an argument.
///
/// On a GPU: blocks of `threads` threads. Form: func.func @name(the buffers;
/// then batch : index), with gpu.block_id, gpu.thread_id (x alone), gpu.barrier
/// and gpu.shuffle in its body; shared memory is a memref.alloca of the address
/// space gpu.address_space<workgroup> in the entry block.
struct Phase {
  /// Null for a library call.
  mlir::func::FuncOp function;
  /// "contraction", "product", "rows", "movement", "attention", "scatter",
  /// "elements", "step" or "reference"; "loop", "several" where a plan has put
  /// phases into one.
  std::string kind;
  Extent extent;
  /// CPU: the fewest indices worth a thread of their own.
  int64_t grain = 1;
  /// GPU: threads a block, a multiple of 32.
  int64_t threads = 0;
  /// Of a library call: a, b, d, then the bias if there is one, then the
  /// library's workspace.
  llvm::SmallVector<BufferRef> buffers;
  std::optional<MatmulCall> matmul;
};

/// A kernel as its target runs it.
struct ScheduledKernel {
  /// In order, with a barrier between one and the next.
  std::vector<Phase> phases;
  /// Buffers in the arena that live while the kernel runs.
  llvm::SmallVector<Extent> workspaceBytes;
  /// For each thread, alive during one phase.
  int64_t scratchBytes = 0;
  /// (operand, result): the result may be written into the operand's buffer,
  /// because an element of the operand is read only by the loop iteration that
  /// writes the same element of the result, and before it does.
  llvm::SmallVector<std::pair<unsigned, unsigned>> mayAlias;
  /// It is all that a step of a loop does, a thread an element.
  bool isStep = false;
  /// Why this is the plain form, in words; empty where it is not.
  std::string refusal;
};

/// Compiled phases, as the plan carries them.
struct CodeImage {
  struct Kernel {
    std::string name;
    /// CPU: of its entry, of type nnc_kernel_fn (runtime/abi.h), in `bytes`.
    uint64_t offsetBytes = 0;
    /// GPU: which unit of `modules` it is in.
    unsigned unit = 0;
  };
  /// GPU: what a kernel uses of a multiprocessor, as its compiler reports it.
  struct Resources {
    std::string kernel;
    /// Of each thread.
    uint32_t registers = 0;
    /// Memory of each thread, of which spilled registers take a part; bytes of
    /// the loads and stores that spill.
    uint32_t stackBytes = 0;
    uint32_t spillBytes = 0;
    /// Of each block.
    uint32_t sharedBytes = 0;
  };
  /// GPU: one unit compiled for one architecture: a cubin for "sm_90", PTX for
  /// "compute_90".
  struct Module {
    unsigned unit = 0;
    std::string architecture;
    std::vector<uint8_t> bytes;
    /// Of the unit's kernels. Empty for PTX.
    std::vector<Resources> resources;
  };

  /// CPU: machine code that runs wherever it is placed, at an address that is a
  /// multiple of NNC_ALIGNMENT_BYTES: it holds its constants, refers to nothing
  /// outside of itself, and contains no absolute address. sim: a shared object
  /// that exports each kernel by its name.
  std::vector<uint8_t> bytes;
  /// In the order of the module's functions.
  std::vector<Kernel> kernels;
  /// What the code may use and a machine may lack, in LLVM's names.
  std::vector<std::string> features;
  std::vector<Module> modules;
  /// The kernels as the target's source, if it has one.
  std::string text;
  /// A line on how this was compiled, for people. May be empty.
  std::string report;
};

/// A form between phases and code that `--emit` can show.
struct TargetStage {
  llvm::StringRef name, summary;
  /// Whether it is made with what Target::checkTools() looks for.
  bool needsTools = false;
};

/// What a target's phases make of buffers in loops.
struct LoopSupport {
  /// What the address of a buffer is a multiple of, where it is a part of
  /// another. A slice that begins elsewhere is copied.
  int64_t alignmentBytes = NNC_ALIGNMENT_BYTES;
  /// Phases may be called with some of the samples as their batch, by threads
  /// that do not wait for each other.
  bool sharesSamples = false;
  /// One launch may run all steps, each block with samples of its own.
  bool joinsSteps = false;
};

/// What code is generated for.
class Target {
public:
  virtual ~Target() = default;

  /// The runtime's device that runs the plan: "cpu", "cuda" or "sim".
  virtual llvm::StringRef name() const = 0;

  /// What it would have of the passes that fuse.
  virtual FusionPreferences fusion() const { return {}; }

  virtual LoopSupport loops() const { return {}; }

  /// Puts the loops of a plan that are marked so into launches of one phase
  /// each, which joins those of `schedule`. Fails after a diagnostic.
  virtual mlir::LogicalResult joinLoops(Schedule &schedule,
                                        MemoryPlan &plan) const {
    return mlir::success();
  }

  /// Whether launches that need nothing of each other may become one, which
  /// shareLaunches() sees to. They are then planned to be alive at once.
  virtual bool sharesLaunches() const { return false; }
  /// Fails after a diagnostic.
  virtual mlir::LogicalResult shareLaunches(Schedule &schedule,
                                            MemoryPlan &plan) const {
    return mlir::success();
  }

  /// Adds the phases that no launch of a program runs: those by which a device
  /// brings data to a program that trains.
  virtual void addDataPhases(Schedule &schedule) const {}

  /// Schedules one kernel, which is left as it is. Phases are placed after it,
  /// with all that print() and compile() need to know of them. Fails after a
  /// diagnostic.
  virtual mlir::FailureOr<ScheduledKernel>
  schedule(mlir::func::FuncOp kernel) const = 0;

  /// Whether this machine has what compile() needs, before anything else is
  /// done. The error says what is missing.
  virtual llvm::Error checkTools() const { return llvm::Error::success(); }

  /// Compiles a module of phases, which is consumed. Fails after a diagnostic.
  virtual mlir::FailureOr<CodeImage> compile(mlir::ModuleOp phases) const = 0;

  /// The forms between phases and code that can be shown.
  virtual llvm::ArrayRef<TargetStage> stages() const = 0;

  /// The phases, which are consumed, as text of one of stages(). Fails after a
  /// diagnostic.
  virtual mlir::FailureOr<std::string> print(mlir::ModuleOp phases,
                                             llvm::StringRef stage) const = 0;
};

/// Who multiplies matrices on a GPU.
enum class ProductChoice {
  /// Whoever takes less time, by estimate.
  Estimated,
  /// The library, where it can.
  Library,
  /// Kernels of the compiler's own, where it has them.
  Generated
};

/// What a target may be asked for beside its name.
struct TargetOptions {
  /// Plain loops for every kernel.
  bool reference = false;
  /// A GPU's products may round f32 operands to TF32.
  bool allowTf32 = false;
  ProductChoice products = ProductChoice::Estimated;
  /// Each phase has a launch of its own.
  bool separateLaunches = false;
};

/// The targets of one device, which differ in what exactly they make code for:
/// one line in the list of codegen/Target.cpp.
struct TargetFamily {
  /// For messages; the first is the family's own.
  llvm::ArrayRef<llvm::StringRef> names;
  /// Whether the first name, ':' and anything is a name too, which create()
  /// reads.
  bool isOpen;
  /// The names and what they stand for, for help texts.
  llvm::StringRef help;
  /// As each of its targets has them.
  llvm::ArrayRef<TargetStage> stages;
  /// The target of one of those names.
  llvm::Expected<std::unique_ptr<Target>> (*create)(llvm::StringRef name,
                                                    TargetOptions options);
};

/// In the order in which texts name them; those of plugins last.
llvm::ArrayRef<const TargetFamily *> targetFamilies();

/// Adds a plugin's targets. `family` lives as long as the program.
void registerTargets(const TargetFamily &family);

/// Lists the names that are known and suggests the nearest.
llvm::Error unknownTarget(llvm::StringRef name,
                          llvm::ArrayRef<llvm::StringRef> known);

/// The target of that name, as `nnc compile --target` takes it. An unknown name
/// is an error that lists the names and suggests the nearest, or says that this
/// build was made without that target.
llvm::Expected<std::unique_ptr<Target>>
createTarget(llvm::StringRef name, TargetOptions options = {});

} // namespace nnc

#endif // NNC_CODEGEN_TARGET_H
