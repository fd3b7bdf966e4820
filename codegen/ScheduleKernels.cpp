// Kernels to phases: what is the same for every target.
#include "codegen/ScheduleKernels.h"

#include "codegen/BufferAccesses.h"
#include "codegen/GeneratedText.h"
#include "codegen/Passes.h"
#include "codegen/cuda/GpuPhase.h"

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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_SCHEDULEKERNELSPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

/// What is wrong with a schedule, which the user could do nothing about; empty
/// if nothing is.
static std::string findMistake(func::FuncOp kernel,
                               const ScheduledKernel &scheduled) {
  ScopedDiagnosticHandler silence(kernel->getContext(), [](Diagnostic &) {});
  for (const Phase &phase : scheduled.phases)
    if (phase.function && failed(verify(phase.function)))
      return "malformed";
  return findUnwritten(kernel, scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleByFirst(func::FuncOp kernel,
                                                ArrayRef<Emitter> emitters) {
  for (const Emitter &emitter : emitters) {
    FailureOr<ScheduledKernel> scheduled = emitter(kernel);
    if (failed(scheduled))
      continue;
    std::string mistake = findMistake(kernel, *scheduled);
    if (mistake.empty())
      return scheduled;
    // The kernel still runs, only slower.
    kernel.emitRemark() << "kernel " << kernel.getName() << ": its "
                        << scheduled->phases.front().kind
                        << " schedule is left aside: " << mistake;
    for (Phase &phase : scheduled->phases)
      if (phase.function)
        phase.function.erase();
  }
  return failure();
}

void nnc::registerScheduling(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, func::FuncDialect,
                  gpu::GPUDialect, linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect,
                  vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
}

//===----------------------------------------------------------------------===//
// What printers of a GPU's phases are told
//===----------------------------------------------------------------------===//

/// A name that is an identifier too, which is what a kernel's must be.
static void makeIdentifier(func::FuncOp function, SymbolTable &symbols) {
  std::string name = toIdentifier(function.getName());
  if (name == function.getName())
    return;
  std::string unique = name;
  for (unsigned number = 1; symbols.lookup(unique); ++number)
    unique = name + "_" + std::to_string(number);
  symbols.remove(function);
  function.setName(unique);
  symbols.insert(function);
}

static Extent bufferElements(func::FuncOp kernel,
                             const ScheduledKernel &scheduled, BufferRef buffer,
                             Type element) {
  if (buffer.kind == BufferRef::Workspace) {
    Extent size = scheduled.workspaceBytes[buffer.index];
    size.divisor *= (element.getIntOrFloatBitWidth() + 7) / 8;
    return size;
  }
  // The batch comes before the operands.
  Type type = buffer.kind == BufferRef::Operand
                  ? kernel.getArgumentTypes()[buffer.index + 1]
                  : kernel.getResultTypes()[buffer.index];
  return numElements(cast<RankedTensorType>(type));
}

/// The attributes that codegen/cuda/EmitCuda.h lists.
static void describePhase(func::FuncOp kernel, const ScheduledKernel &scheduled,
                          Phase &phase, SymbolTable &symbols) {
  func::FuncOp function = phase.function;
  makeIdentifier(function, symbols);
  Builder builder(function.getContext());
  auto toAttribute = [&](Extent extent) {
    return builder.getDenseI64ArrayAttr(
        {extent.constant, extent.perBatch, extent.divisor});
  };
  function->setAttr("nnc.threads", builder.getI64IntegerAttr(phase.threads));
  function->setAttr("nnc.blocks", toAttribute(phase.extent));
  static constexpr StringRef names[] = {"x", "y", "work"};
  for (auto [i, buffer] : llvm::enumerate(phase.buffers)) {
    auto type = cast<MemRefType>(function.getArgumentTypes()[i]);
    function.setArgAttr(i, "nnc.elements",
                        toAttribute(bufferElements(kernel, scheduled, buffer,
                                                   type.getElementType())));
    function.setArgAttr(
        i, "nnc.name",
        builder.getStringAttr(names[buffer.kind] + Twine(buffer.index)));
  }
}

/// Marks each result and workspace where it first appears.
static void markFresh(const ScheduledKernel &scheduled) {
  std::set<std::pair<BufferRef::Kind, unsigned>> known;
  for (const Phase &phase : scheduled.phases)
    for (auto [i, buffer] : llvm::enumerate(phase.buffers)) {
      if (buffer.kind == BufferRef::Operand ||
          !known.insert({buffer.kind, buffer.index}).second)
        continue;
      func::FuncOp function = phase.function;
      if (function && phase.threads)
        function.setArgAttr(i, "nnc.fresh",
                            UnitAttr::get(function.getContext()));
    }
}

std::optional<int64_t> nnc::largestBatch(func::FuncOp kernel) {
  auto module = kernel->getParentOfType<ModuleOp>();
  if (auto known = module->getAttrOfType<IntegerAttr>("nnc.max_batch"))
    return known.getInt();
  return std::nullopt;
}

FailureOr<Schedule> nnc::scheduleKernels(ModuleOp module, const Target &target,
                                         int64_t maxBatch) {
  module->getContext()
      ->loadDialect<affine::AffineDialect, bufferization::BufferizationDialect,
                    gpu::GPUDialect, memref::MemRefDialect,
                    vector::VectorDialect>();
  Schedule schedule;
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
    FailureOr<ScheduledKernel> scheduled = target.schedule(kernel);
    if (failed(scheduled))
      return failure();
    if (std::string mistake = findUnwritten(kernel, *scheduled);
        !mistake.empty())
      return kernel.emitOpError("is scheduled wrongly: ") << mistake, failure();
    SymbolTable symbols(*schedule.phases);
    for (Phase &phase : scheduled->phases)
      if (phase.function && phase.threads)
        describePhase(kernel, *scheduled, phase, symbols);
    markFresh(*scheduled);
    for (Phase &phase : scheduled->phases)
      if (phase.function)
        schedule.phaseInfos[phase.function.getName()] = {phase.kind,
                                                         phase.threads};
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
    auto created = createTarget(target, reference);
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
