// The entry point "generate": what "predict" computes of a sequence, one token
// at a time, with what later tokens need of earlier ones kept in the state. For
// nnc-build-entry-points.
#ifndef NNC_PASSES_GENERATEENTRY_H
#define NNC_PASSES_GENERATEENTRY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace nnc {

struct GenerateOptions {
  /// How many sequences go on side by side; 0: there is no such entry point.
  int64_t sequences = 0;
  /// The input that has the tokens, and the output that has a number for each
  /// token that may be next; empty: as docs/generation.md says.
  std::string input, output;
};

/// What the output is called that has a number for each token, where no name is
/// given.
inline constexpr llvm::StringLiteral kLogitsName = "logits";

/// Puts @generate in the place of `predict`, a copy of @predict of the model.
/// Its argument is the next token of each sequence, [sequences, 1], its result
/// the logits of the one after, [sequences, tokens].
///
/// Fails after a diagnostic: where there is no such input or output, and at the
/// op for which earlier tokens depend on later ones.
llvm::LogicalResult buildGenerateEntry(mlir::func::FuncOp predict,
                                       const GenerateOptions &options);

} // namespace nnc

#endif // NNC_PASSES_GENERATEENTRY_H
