// How parameters begin: the names that #nnc.init knows, and their expansions.
#ifndef NNC_IR_INITIALIZER_H
#define NNC_IR_INITIALIZER_H

#include "ir/Expr.h"

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
InitializerAttr makeInitializer(
    mlir::MLIRContext *context, llvm::StringRef name,
    llvm::ArrayRef<std::pair<llvm::StringRef, double>> arguments = {});

/// Builds the first value of a parameter of the static type `type`. Random ones
/// take their numbers from `stream` of `counter`, which others do not use.
/// Fails after a diagnostic where the initializer does not suit the type.
llvm::FailureOr<Expr> buildInitializer(mlir::ImplicitLocOpBuilder &b,
                                       InitializerAttr initializer,
                                       mlir::RankedTensorType type,
                                       Counter counter, int64_t stream);

/// Succeeds if the name is known and its arguments are given as it wants them.
llvm::LogicalResult
verifyInitializer(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                  llvm::StringRef name, mlir::DictionaryAttr arguments);

} // namespace nnc

#endif // NNC_IR_INITIALIZER_H
