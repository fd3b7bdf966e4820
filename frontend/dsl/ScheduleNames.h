// What programs call the schedules: by what they do, where their ops say that
// the rate decays, or that it is a rate.
#ifndef NNC_FRONTEND_DSL_SCHEDULENAMES_H
#define NNC_FRONTEND_DSL_SCHEDULENAMES_H

#include "llvm/ADT/StringRef.h"

namespace nnc::dsl {

struct ScheduleName {
  llvm::StringRef name;
  llvm::StringRef op;
};

inline constexpr ScheduleName kScheduleNames[] = {
    {"constant", "constant_rate"},
    {"step", "step_decay"},
    {"exponential", "exponential_decay"},
};

/// Other names are those of their ops.
inline llvm::StringRef toScheduleOp(llvm::StringRef name) {
  for (const ScheduleName &entry : kScheduleNames)
    if (entry.name == name)
      return entry.op;
  return name;
}

inline llvm::StringRef toScheduleName(llvm::StringRef op) {
  for (const ScheduleName &entry : kScheduleNames)
    if (entry.op == op)
      return entry.name;
  return op;
}

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_SCHEDULENAMES_H
