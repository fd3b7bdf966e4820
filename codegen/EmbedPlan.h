// A plan as files of a C program's build: an object with its bytes, and a
// header that opens them.
#ifndef NNC_CODEGEN_EMBEDPLAN_H
#define NNC_CODEGEN_EMBEDPLAN_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc {

struct EmbeddedPlan {
  /// ELF; exports MODEL_plan and MODEL_plan_size, read-only data.
  std::vector<uint8_t> object;
  /// C99 and C++; declares both, and the function MODEL_open.
  std::string header;
};

/// `plan` is what compileToPlan made. MODEL is the model's name, with '_' for
/// what C has no names with.
EmbeddedPlan embedPlan(llvm::ArrayRef<uint8_t> plan);

} // namespace nnc

#endif // NNC_CODEGEN_EMBEDPLAN_H
