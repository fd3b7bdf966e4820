// The CPU that code is generated for, as far as an emitter may know it.
#ifndef NNC_CODEGEN_CPU_CPUMODEL_H
#define NNC_CODEGEN_CPU_CPUMODEL_H

#include "mlir/IR/Types.h"

#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>

namespace nnc {

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

#endif // NNC_CODEGEN_CPU_CPUMODEL_H
