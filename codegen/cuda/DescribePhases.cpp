// See DescribePhases.h.
#include "codegen/cuda/DescribePhases.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/GpuPhase.h"

#include "mlir/IR/SymbolTable.h"

#include <set>

using namespace mlir;
using namespace nnc;

/// A name that is an identifier too, which is what a kernel's must be.
static void makeIdentifier(func::FuncOp function) {
  std::string name = toIdentifier(function.getName());
  if (name == function.getName())
    return;
  std::string unique = name;
  Operation *module = function->getParentOp();
  for (unsigned number = 1; SymbolTable::lookupSymbolIn(module, unique);
       ++number)
    unique = name + "_" + std::to_string(number);
  function.setName(unique);
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

Attribute nnc::toAttribute(MLIRContext *context, Extent extent) {
  return DenseI64ArrayAttr::get(
      context, {extent.constant, extent.perBatch, extent.divisor});
}

/// The attributes that codegen/cuda/EmitCuda.h lists.
static void describePhase(func::FuncOp kernel, const ScheduledKernel &scheduled,
                          const Phase &phase) {
  func::FuncOp function = phase.function;
  makeIdentifier(function);
  Builder builder(function.getContext());
  function->setAttr("nnc.threads", builder.getI64IntegerAttr(phase.threads));
  function->setAttr("nnc.blocks",
                    toAttribute(function.getContext(), phase.extent));
  static constexpr StringRef names[] = {"x", "y", "work"};
  for (auto [i, buffer] : llvm::enumerate(phase.buffers)) {
    auto type = cast<MemRefType>(function.getArgumentTypes()[i]);
    function.setArgAttr(i, "nnc.elements",
                        toAttribute(function.getContext(),
                                    bufferElements(kernel, scheduled, buffer,
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
      if (function)
        function.setArgAttr(i, "nnc.fresh",
                            UnitAttr::get(function.getContext()));
    }
}

void nnc::describePhases(func::FuncOp kernel, ScheduledKernel &scheduled) {
  for (const Phase &phase : scheduled.phases)
    if (phase.function)
      describePhase(kernel, scheduled, phase);
  markFresh(scheduled);
}
