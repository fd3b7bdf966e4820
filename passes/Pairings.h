// What a model gives to losses and metrics that they are not for, as far as it
// shows in the program: probabilities as logits, logits as probabilities, and
// labels as numbers.
#ifndef NNC_PASSES_PAIRINGS_H
#define NNC_PASSES_PAIRINGS_H

#include "ir/Ops.h"

namespace nnc {

/// Warns of each, where it stands, and says what to write.
void warnOfPairings(ModelOp model);

} // namespace nnc

#endif // NNC_PASSES_PAIRINGS_H
