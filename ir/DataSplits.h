// Which data a model may be given: what its binding says first.
#ifndef NNC_IR_DATASPLITS_H
#define NNC_IR_DATASPLITS_H

#include "llvm/ADT/StringRef.h"

namespace nnc {

inline constexpr llvm::StringRef kDataSplits[] = {"train", "validation",
                                                  "test"};

} // namespace nnc

#endif // NNC_IR_DATASPLITS_H
