// See BufferAccesses.h.
#include "codegen/BufferAccesses.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;
using namespace nnc;

static BufferAccesses accessesBy(Operation *user, Value memref) {
  if (auto view = dyn_cast<ViewLikeOpInterface>(user);
      view && view.getViewSource() == memref)
    return accessesOf(view->getResult(0));
  // What is asked for early is read where it is used.
  if (isa<memref::PrefetchOp>(user))
    return {};
  auto interface = dyn_cast<MemoryEffectOpInterface>(user);
  if (!interface)
    return {/*reads=*/false, /*writes=*/true};
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffectsOnValue(memref, effects);
  BufferAccesses accesses;
  for (const MemoryEffects::EffectInstance &effect : effects) {
    accesses.reads |= isa<MemoryEffects::Read>(effect.getEffect());
    accesses.writes |= isa<MemoryEffects::Write>(effect.getEffect());
  }
  return accesses;
}

BufferAccesses nnc::accessesOf(Value memref) {
  BufferAccesses accesses;
  for (Operation *user : memref.getUsers()) {
    BufferAccesses more = accessesBy(user, memref);
    accesses.reads |= more.reads;
    accesses.writes |= more.writes;
  }
  return accesses;
}

BufferAccesses nnc::accessesOf(const Phase &phase, unsigned number) {
  if (func::FuncOp function = phase.function)
    return accessesOf(function.getArgument(number));
  // A library's call writes its product, and the workspace behind the bias.
  unsigned product = 2, bias = 3;
  bool hasBias = phase.matmul->epilogue == MatmulCall::Bias ||
                 phase.matmul->epilogue == MatmulCall::BiasRelu;
  bool writes = number == product || number >= bias + (hasBias ? 1 : 0);
  return {!writes, writes};
}

static std::string describe(BufferRef buffer) {
  return (buffer.kind == BufferRef::Result ? "result " : "workspace ") +
         std::to_string(buffer.index);
}

std::string nnc::findUnwritten(func::FuncOp kernel,
                               const ScheduledKernel &scheduled) {
  std::set<std::pair<BufferRef::Kind, unsigned>> written;
  for (const Phase &phase : scheduled.phases) {
    SmallVector<BufferRef> reads;
    for (auto [number, buffer] : llvm::enumerate(phase.buffers)) {
      BufferAccesses accesses = accessesOf(phase, number);
      if (accesses.writes)
        written.insert({buffer.kind, buffer.index});
      if (accesses.reads && buffer.kind != BufferRef::Operand)
        reads.push_back(buffer);
    }
    for (BufferRef buffer : reads)
      if (!written.count({buffer.kind, buffer.index}))
        return describe(buffer) + " is read before any phase writes it";
  }
  for (auto [number, type] : llvm::enumerate(kernel.getResultTypes())) {
    bool isEmpty = llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
    if (!isEmpty && !written.count({BufferRef::Result, unsigned(number)}))
      return describe({BufferRef::Result, unsigned(number)}) +
             " is written by no phase";
  }
  return "";
}
