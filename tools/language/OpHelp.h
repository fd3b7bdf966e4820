// What is said of an op to who would call it: its arguments as a call has them,
// and what its record explains.
#ifndef NNC_TOOLS_LANGUAGE_OPHELP_H
#define NNC_TOOLS_LANGUAGE_OPHELP_H

#include "ir/Signature.h"

#include <string>
#include <vector>

namespace nnc::tools {

struct CallArgument {
  std::string name;
  std::string defaultValue; ///< Empty: there is none.
  bool isOptional = false;
};

/// The op that programs call `name`, where `step` is a schedule's; null if none
/// is.
const Signature *findCallable(mlir::MLIRContext *context, llvm::StringRef name);

/// What programs call it.
std::string nameInPrograms(const Signature &signature);

/// The arguments of a call, in their order. Those of optimizers and schedules
/// are as the training block has them.
std::vector<CallArgument> argumentsOf(mlir::MLIRContext *context,
                                      const Signature &signature);

/// "axis = 1", or "x".
std::string spellArgument(const CallArgument &argument);

/// "dense(x, units, weight, bias)", with the defaults that there are.
std::string spellCall(llvm::StringRef name,
                      llvm::ArrayRef<CallArgument> arguments);

/// What the record of `nnc.NAME` says after its summary, without the example in
/// IR; empty where there is no such record.
llvm::StringRef recordText(llvm::StringRef name);

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_OPHELP_H
