// See ConstantPool.h.
#include "codegen/ConstantPool.h"

#include "runtime/abi.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

int64_t ConstantPool::place(DenseElementsAttr elements) {
  auto [entry, isNew] = offsets.try_emplace(elements, bytes.size());
  if (isNew)
    append(elements);
  return entry->second;
}

void ConstantPool::append(DenseElementsAttr elements) {
  if (elements.getElementType().isInteger(1)) {
    // Packed to bits in the attribute, a byte each in memory.
    for (bool value : elements.getValues<bool>())
      bytes.push_back(value);
  } else {
    ArrayRef<char> raw = elements.getRawData();
    int64_t copies = elements.isSplat() ? elements.getNumElements() : 1;
    for (int64_t i = 0; i < copies; ++i)
      bytes.insert(bytes.end(), raw.begin(), raw.end());
  }
  bytes.resize(llvm::alignTo(bytes.size(), NNC_ALIGNMENT_BYTES));
}
