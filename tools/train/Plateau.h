// Rates that become smaller where training no longer helps: what a run
// remembers of the epochs for them.
#ifndef NNC_TOOLS_TRAIN_PLATEAU_H
#define NNC_TOOLS_TRAIN_PLATEAU_H

#include "tools/train/Observer.h"
#include "tools/train/Stopping.h"

#include "runtime/Checkpoint.h"
#include "runtime/Session.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// The plateaus of a plan's rates over the epochs of a run.
class Plateaus {
public:
  /// InvalidArgument where one watches what is not there: `isValidated` says
  /// whether there is a validation.
  runtime::Status begin(const runtime::Plan &plan, bool isValidated);
  /// Makes the rates smaller that the epoch is the last straw for.
  runtime::Status epoch(const EpochRecord &record, runtime::Session &session);

  void save(runtime::Metadata &notes) const;
  /// False if the notes are not those of these plateaus.
  bool restore(const runtime::Metadata &notes);

private:
  struct Watched {
    runtime::Plateau plateau;
    /// Its number in a record, and which values of it are better.
    StopRule rule;
    /// The best so far, after the epochs that `hasBest` says.
    double best = 0;
    bool hasBest = false;
    int64_t rests = 0;
  };

  std::vector<Watched> watched;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_PLATEAU_H
