// A copy of the weights of a run's best epoch, on the host: in checkpoints
// beside the state, and at the end in its place. Where the model keeps
// averages, these are the weights: what the epoch was judged by, and what files
// have.
#ifndef NNC_TOOLS_TRAIN_BESTWEIGHTS_H
#define NNC_TOOLS_TRAIN_BESTWEIGHTS_H

#include "runtime/Session.h"

#include <vector>

namespace nnc::tools {

class BestWeights {
public:
  bool isEmpty() const { return copies.empty(); }

  /// Takes the weights of now in place of what it has.
  runtime::Status take(const runtime::Session &session);
  /// Puts them into the session. Nothing where it has none.
  runtime::Status restore(runtime::Session &session) const;

  /// For a checkpoint; they borrow what this has.
  std::vector<runtime::TensorToSave> toSave(const runtime::Plan &plan) const;
  /// From one that was written so. InvalidFile if any is missing or misshapen.
  runtime::Status load(const runtime::Plan &plan,
                       const runtime::SafetensorsFile &checkpoint);

private:
  /// One a tensor that weights have, in the plan's order.
  std::vector<std::vector<char>> copies;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_BESTWEIGHTS_H
