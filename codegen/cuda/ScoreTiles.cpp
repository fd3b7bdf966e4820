// What both kinds of score tiles share.
#include "codegen/cuda/ScoreTiles.h"

using namespace mlir;
using namespace nnc;

Value ScoreTiles::alongRow(Value value,
                           llvm::function_ref<Value(Value, Value)> join) {
  for (int64_t mask = 1; mask < lanes; mask *= 2)
    value = join(value, phase.shuffle(value, mask));
  return value;
}

Value ScoreTiles::isFirstOfRow() {
  return phase.isEqual(phase.remainder(phase.thread(), lanes), phase.index(0));
}
