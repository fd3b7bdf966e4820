// Kernels to phases: what is the same for every target.
#include "codegen/ScheduleKernels.h"

#include "codegen/BufferAccesses.h"
#include "codegen/KernelForms.h"
#include "codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Process.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_SCHEDULEKERNELSPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

/// Whether every buffer is one that the kernel has.
static bool refersToOwnBuffers(func::FuncOp kernel,
                               const ScheduledKernel &scheduled) {
  // By BufferRef::Kind; the batch comes before the operands.
  const size_t numBuffers[] = {kernel.getNumArguments() - 1,
                               kernel.getNumResults(),
                               scheduled.workspaceBytes.size()};
  return llvm::all_of(scheduled.phases, [&](const Phase &phase) {
    return llvm::all_of(phase.buffers, [&](BufferRef buffer) {
      return buffer.index < numBuffers[buffer.kind];
    });
  });
}

/// What is wrong with a schedule, which the user could do nothing about; empty
/// if nothing is.
static std::string findMistake(func::FuncOp kernel,
                               const ScheduledKernel &scheduled) {
  std::string first;
  ScopedDiagnosticHandler listen(kernel->getContext(), [&](Diagnostic &found) {
    if (first.empty())
      first = ": " + found.str();
  });
  for (const Phase &phase : scheduled.phases)
    if (phase.function && failed(verify(phase.function)))
      return "malformed" + first;
  if (!refersToOwnBuffers(kernel, scheduled))
    return "a phase has a buffer that the kernel lacks";
  return findUnwritten(kernel, scheduled);
}

/// Set where tests run: a fault of the compiler that its user would not notice
/// is an error there.
static bool isStrict() {
  return llvm::sys::Process::GetEnv("NNC_STRICT").has_value();
}

/// Takes a schedule with a mistake back. The kernel still runs, only slower.
static LogicalResult leaveAside(func::FuncOp kernel, ScheduledKernel &scheduled,
                                StringRef mistake) {
  auto describe = [&](InFlightDiagnostic diagnostic) -> InFlightDiagnostic {
    return std::move(diagnostic) << "kernel " << kernel.getName() << ": its "
                                 << scheduled.phases.front().kind
                                 << " schedule is left aside: " << mistake;
  };
  LogicalResult result = success();
  if (isStrict())
    result = describe(kernel.emitError());
  else
    describe(kernel.emitRemark());
  for (Phase &phase : scheduled.phases)
    if (phase.function)
      phase.function.erase();
  return result;
}

/// Whether the scheduler is for kernels of that kind; empty: for a kernel that
/// names none.
static bool isFor(const Scheduler &scheduler, StringRef kind) {
  return scheduler.kinds.empty() || kind.empty() ||
         llvm::is_contained(scheduler.kinds, kind);
}

FailureOr<ScheduledKernel> nnc::scheduleByKind(func::FuncOp kernel,
                                               ArrayRef<Scheduler> schedulers) {
  auto named = kernel->getAttrOfType<StringAttr>("nnc.kind");
  StringRef kind = named ? named.getValue() : "";
  std::string reasons;
  for (const Scheduler &scheduler : schedulers) {
    if (!isFor(scheduler, kind))
      continue;
    Refusal refusal;
    FailureOr<ScheduledKernel> scheduled = scheduler.schedule(kernel, refusal);
    if (failed(scheduled)) {
      reasons += (reasons.empty() ? "" : "; ") + scheduler.name.str() + ": " +
                 refusal.reason().str();
      continue;
    }
    std::string mistake = findMistake(kernel, *scheduled);
    if (mistake.empty()) {
      if (scheduler.kinds.empty())
        scheduled->refusal = reasons;
      // What it leaves to one thread.
      if (!scheduled->refusal.empty() && !refusal.reason().empty())
        scheduled->refusal +=
            "; " + scheduler.name.str() + ": " + refusal.reason().str();
      return scheduled;
    }
    if (failed(leaveAside(kernel, *scheduled, mistake)))
      return failure();
    reasons +=
        (reasons.empty() ? "" : "; ") + scheduler.name.str() + ": " + mistake;
  }
  return failure();
}

void nnc::registerScheduling(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, func::FuncDialect,
                  gpu::GPUDialect, linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, nvgpu::NVGPUDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
}

std::optional<int64_t> nnc::largestBatch(func::FuncOp kernel) {
  auto module = kernel->getParentOfType<ModuleOp>();
  if (auto known = module->getAttrOfType<IntegerAttr>("nnc.max_batch"))
    return known.getInt();
  return std::nullopt;
}

int64_t nnc::typicalBatch(func::FuncOp kernel) {
  return largestBatch(kernel).value_or(kTypicalBatch);
}

/// Heard where remarks are asked for: `nnc compile --remarks`, and the options
/// of nnc-opt that begin with --remark.
static void remarkOnRefusal(func::FuncOp kernel, StringRef refusal) {
  if (refusal.empty())
    return;
  remark::missed(kernel.getLoc(), remark::RemarkOpts::name("plain loops")
                                      .category("schedule")
                                      .function(kernel.getName()))
      << remark::reason("{0}", refusal);
}

FailureOr<Schedule> nnc::scheduleKernels(ModuleOp module, const Target &target,
                                         int64_t maxBatch) {
  module->getContext()
      ->loadDialect<affine::AffineDialect, bufferization::BufferizationDialect,
                    gpu::GPUDialect, memref::MemRefDialect, nvgpu::NVGPUDialect,
                    vector::VectorDialect>();
  Schedule schedule;
  schedule.loops = target.loops();
  schedule.sharesLaunches = target.sharesLaunches();
  schedule.phases = ModuleOp::create(module.getLoc());
  if (maxBatch)
    (*schedule.phases)
        ->setAttr("nnc.max_batch",
                  Builder(module.getContext()).getI64IntegerAttr(maxBatch));
  SmallVector<func::FuncOp> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr("nnc.kernel")) {
      kernels.push_back(function.clone());
      schedule.phases->push_back(kernels.back());
    }
  for (func::FuncOp kernel : kernels) {
    if (failed(verifyKernelForms(kernel)))
      return failure();
    FailureOr<ScheduledKernel> scheduled = target.schedule(kernel);
    if (failed(scheduled))
      return failure();
    if (std::string mistake = findMistake(kernel, *scheduled); !mistake.empty())
      return kernel.emitOpError("is scheduled wrongly: ") << mistake, failure();
    remarkOnRefusal(kernel, scheduled->refusal);
    for (Phase &phase : scheduled->phases)
      if (phase.function)
        schedule.phaseInfos[phase.function.getName()] = {
            phase.kind, phase.threads, scheduled->refusal};
    schedule.kernels[kernel.getName()] = std::move(*scheduled);
  }
  for (func::FuncOp kernel : kernels)
    kernel.erase();
  if (failed(verify(*schedule.phases)))
    return failure();
  return schedule;
}

//===----------------------------------------------------------------------===//
// The schedule as attributes of the phases
//===----------------------------------------------------------------------===//

static std::string describe(BufferRef buffer) {
  static constexpr StringRef kKinds[] = {"operand ", "result ", "workspace "};
  return (kKinds[buffer.kind] + Twine(buffer.index)).str();
}

static Attribute describe(Builder &builder, Extent extent) {
  return builder.getI64ArrayAttr(
      {extent.constant, extent.perBatch, extent.divisor});
}

/// From row to row and from matrix to matrix, "transposed" first if it is so.
static Attribute describe(Builder &builder, const MatrixLayout &layout) {
  SmallVector<Attribute> parts = {describe(builder, layout.leading),
                                  describe(builder, layout.stride)};
  if (layout.transposed)
    parts.insert(parts.begin(), builder.getStringAttr("transposed"));
  return builder.getArrayAttr(parts);
}

/// A declaration that stands for a call of a library.
static func::FuncOp declareCall(OpBuilder &builder, Location loc,
                                StringRef kernel, const MatmulCall &call) {
  static constexpr StringRef kEpilogues[] = {"none", "bias", "relu",
                                             "bias, relu"};
  auto function = func::FuncOp::create(builder, loc, (kernel + ".matmul").str(),
                                       builder.getFunctionType({}, {}));
  function.setPrivate();
  SmallVector<Attribute> sizes;
  for (Extent size : {call.count, call.m, call.n, call.k})
    sizes.push_back(describe(builder, size));
  function->setAttr("nnc.count_m_n_k", builder.getArrayAttr(sizes));
  function->setAttr("nnc.a", describe(builder, call.a));
  function->setAttr("nnc.b", describe(builder, call.b));
  function->setAttr("nnc.d", describe(builder, call.d));
  function->setAttr("nnc.types", builder.getTypeArrayAttr(
                                     {call.operandType, call.resultType}));
  function->setAttr("nnc.epilogue",
                    builder.getStringAttr(kEpilogues[call.epilogue]));
  return function;
}

/// Gives the calls of a kernel declarations, in the order of its phases.
static void declareCalls(StringRef name, ScheduledKernel &kernel,
                         ModuleOp phases) {
  auto builder = OpBuilder::atBlockEnd(phases.getBody());
  Operation *previous = nullptr;
  for (Phase &phase : llvm::reverse(kernel.phases)) {
    if (!phase.function) {
      if (previous)
        builder.setInsertionPoint(previous);
      phase.function =
          declareCall(builder, phases.getLoc(), name, *phase.matmul);
    }
    previous = phase.function;
  }
}

static void annotatePhase(const Phase &phase) {
  Builder builder(phase.function->getContext());
  auto buffers = llvm::map_to_vector(
      phase.buffers, [](BufferRef buffer) { return describe(buffer); });
  phase.function->setAttr("nnc.kind", builder.getStringAttr(phase.kind));
  if (!phase.matmul)
    phase.function->setAttr("nnc.extent", describe(builder, phase.extent));
  if (!phase.threads && !phase.matmul)
    phase.function->setAttr("nnc.grain",
                            builder.getI64IntegerAttr(phase.grain));
  phase.function->setAttr("nnc.buffers",
                          builder.getStrArrayAttr(SmallVector<StringRef>(
                              buffers.begin(), buffers.end())));
}

static void annotateKernel(const ScheduledKernel &kernel) {
  for (const Phase &phase : kernel.phases)
    annotatePhase(phase);
  func::FuncOp first = kernel.phases.front().function;
  Builder builder(first->getContext());
  if (!kernel.workspaceBytes.empty())
    first->setAttr("nnc.workspace_bytes",
                   builder.getArrayAttr(llvm::map_to_vector(
                       kernel.workspaceBytes, [&](const Extent &extent) {
                         return describe(builder, extent);
                       })));
  if (kernel.scratchBytes)
    first->setAttr("nnc.scratch_bytes",
                   builder.getI64IntegerAttr(kernel.scratchBytes));
  if (!kernel.mayAlias.empty())
    first->setAttr(
        "nnc.may_alias",
        builder.getArrayAttr(
            llvm::map_to_vector(kernel.mayAlias, [&](auto pair) -> Attribute {
              return builder.getI64ArrayAttr({pair.first, pair.second});
            })));
}

void nnc::annotate(const Schedule &schedule) {
  // By name: the table has an order of its own.
  SmallVector<StringRef> names(schedule.kernels.keys());
  llvm::sort(names);
  for (StringRef name : names) {
    ScheduledKernel kernel = schedule.kernels.lookup(name);
    declareCalls(name, kernel, *schedule.phases);
    annotateKernel(kernel);
  }
}

namespace {

struct ScheduleKernelsPass
    : public nnc::impl::ScheduleKernelsPassBase<ScheduleKernelsPass> {
  using ScheduleKernelsPassBase::ScheduleKernelsPassBase;

  void runOnOperation() override {
    auto created = createTarget(target, {reference});
    if (!created) {
      getOperation().emitError(llvm::toString(created.takeError()));
      return signalPassFailure();
    }
    FailureOr<Schedule> schedule = scheduleKernels(getOperation(), **created);
    if (failed(schedule))
      return signalPassFailure();
    annotate(*schedule);
    replaceModule(*schedule);
  }

  /// What launches kernels goes too: there is nothing left to launch.
  void replaceModule(Schedule &schedule) {
    Block *body = getOperation().getBody();
    body->clear();
    body->getOperations().splice(body->end(),
                                 schedule.phases->getBody()->getOperations());
  }
};

} // namespace
