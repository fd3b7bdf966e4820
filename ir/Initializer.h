// How parameters begin: the names that #nnc.init knows, and their expansions.
#ifndef NNC_IR_INITIALIZER_H
#define NNC_IR_INITIALIZER_H

#include "ir/Dialect.h"

namespace mlir {
class ImplicitLocOpBuilder;
}

namespace nnc {

struct InitializerArgument {
  llvm::StringRef name;
  std::optional<double> defaultValue; ///< Absent where it must be given.
};

/// An initializer that programs may name.
struct InitializerInfo {
  llvm::StringRef name;
  llvm::SmallVector<InitializerArgument> arguments;
  bool isRandom; ///< Its expansion needs a stream.
};

/// Every initializer: zeros, ones, constant, normal, uniform, glorot_*, he_*,
/// orthogonal; and `literal`, whose argument `value` is a DenseElementsAttr.
llvm::ArrayRef<InitializerInfo> allInitializers();

/// The initializer `name`, or null.
const InitializerInfo *lookupInitializer(llvm::StringRef name);

/// `#nnc.init<name, arguments>`.
InitializerAttr
makeInitializer(mlir::MLIRContext *context, llvm::StringRef name,
                llvm::ArrayRef<std::pair<llvm::StringRef, double>> arguments = {});

/// Succeeds if the name is known and its arguments are given as it wants them.
llvm::LogicalResult
verifyInitializer(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                  llvm::StringRef name, mlir::DictionaryAttr arguments);

} // namespace nnc

#endif // NNC_IR_INITIALIZER_H
