// What a target must provide: the machine it stands for, and how a kernel is
// scheduled on it.
//
// A kernel is a private func.func with the unit attribute `nnc.kernel`, as
// docs/architecture.md section 3 says: `index` batch first, then tensors;
// results returned; a body of linalg on tensors in which every `?` is the
// batch.
#ifndef NNC_CODEGEN_TARGET_H
#define NNC_CODEGEN_TARGET_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace nnc {

/// A size as a function of the batch: ceil((constant + perBatch * batch) /
/// divisor). Mirrors nnc.plan.Extent.
struct Extent {
  int64_t constant = 0;
  int64_t perBatch = 0;
  int64_t divisor = 1;

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

/// One function that the runtime's threads run over [0, extent).
///
/// Form: func.func @name(memref<NxT> or memref<?xT> per entry of `buffers`, all
/// one-dimensional with an identity layout; then batch, begin, end : index;
/// then scratch : memref<?xi8>) with no result. i1 is stored as i8; 16-bit
/// floats may be given as i16. Lowered with bare pointers: never take
/// memref.dim of an argument.
struct Phase {
  mlir::func::FuncOp function;
  /// "contraction", "rows", "movement" or "reference".
  std::string kind;
  Extent extent;
  /// The fewest indices worth a thread of their own.
  int64_t grain = 1;
  llvm::SmallVector<BufferRef> buffers;
};

/// A kernel as its target runs it.
struct ScheduledKernel {
  /// In order, with a barrier between one and the next.
  llvm::SmallVector<Phase> phases;
  /// Buffers in the arena that live while the kernel runs.
  llvm::SmallVector<Extent> workspaceBytes;
  /// For each thread, alive during one phase.
  int64_t scratchBytes = 0;
  /// (operand, result): the result may be written into the operand's buffer,
  /// because an element of the operand is read only by the loop iteration that
  /// writes the same element of the result, and before it does.
  llvm::SmallVector<std::pair<unsigned, unsigned>> mayAlias;
};

/// The CPU that code is generated for. Everything that an emitter's choice
/// depends on is here; nothing is read from the machine that compiles.
struct CpuModel {
  /// As LLVM names them: "x86-64-v3", and the features that code may use.
  std::string name;
  llvm::SmallVector<std::string> features;
  /// Width of a vector register, and how many there are.
  int64_t vectorBytes = 32;
  int64_t vectorRegisters = 16;
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 512 << 10;
  int64_t l3Bytes = 16 << 20;
  bool hasFma = true;

  int64_t lanes(mlir::Type elementType) const {
    return vectorBytes * 8 / elementType.getIntOrFloatBitWidth();
  }
};

} // namespace nnc

#endif // NNC_CODEGEN_TARGET_H
