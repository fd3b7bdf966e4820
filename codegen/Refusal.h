// Why an emitter leaves a kernel alone, in words for people: the kernel is
// right, and something else will run it.
#ifndef NNC_CODEGEN_REFUSAL_H
#define NNC_CODEGEN_REFUSAL_H

#include "mlir/Support/LLVM.h"

#include "llvm/ADT/Twine.h"

#include <string>

namespace nnc {

/// Collects the reason on its way out of an analysis:
///
///   if (sums > 1)
///     return refusal.because("there are two sums");
class Refusal {
public:
  /// Lower case, no full stop, as diagnostics are. The first reason stays: what
  /// follows from it says less.
  llvm::LogicalResult because(const llvm::Twine &reason) {
    if (text.empty())
      text = reason.str();
    return llvm::failure();
  }

  /// Empty where nothing was refused.
  llvm::StringRef reason() const { return text; }

private:
  std::string text;
};

} // namespace nnc

#endif // NNC_CODEGEN_REFUSAL_H
