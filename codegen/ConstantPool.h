// The contents of a plan's constants, each constant once.
#ifndef NNC_CODEGEN_CONSTANTPOOL_H
#define NNC_CODEGEN_CONSTANTPOOL_H

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <vector>

namespace nnc {

class ConstantPool {
public:
  /// `bytes` outlives the pool.
  explicit ConstantPool(std::vector<uint8_t> &bytes) : bytes(bytes) {}

  /// Where `elements` begin; a multiple of NNC_ALIGNMENT_BYTES.
  int64_t place(mlir::DenseElementsAttr elements);

private:
  void append(mlir::DenseElementsAttr elements);

  std::vector<uint8_t> &bytes;
  llvm::DenseMap<mlir::Attribute, int64_t> offsets;
};

} // namespace nnc

#endif // NNC_CODEGEN_CONSTANTPOOL_H
