// What a run gave, to be read while later runs may be under way.
#ifndef NNC_RUNTIME_RUNOUTPUTS_H
#define NNC_RUNTIME_RUNOUTPUTS_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <string_view>
#include <vector>

namespace nnc::runtime {

class Session;

/// Of a session that outlives it: Session::takeOutputs().
class RunOutputs {
public:
  const EntryPoint &entry() const { return *ran; }
  int64_t batch() const { return ranBatch; }

  /// Whether it stands until so many further runs as Session::mostTaken() says;
  /// else until the next run.
  bool isOnItsWay() const { return number > 0; }

  /// Waits until the outputs are on the host, and those of the runs before it.
  /// DeviceError if one of these failed.
  Status wait() const;

  /// Data of one of entry().outputs that was wanted, on the host. Waits.
  StatusOr<const void *> data(const TensorInfo &output) const;

  /// Sum over the outputs of that kind, each a scalar: the loss ("loss"). 0
  /// where there is none.
  StatusOr<double> sum(std::string_view kind) const;

private:
  friend class Session;
  RunOutputs(const Session &session, const EntryPoint &entry, int64_t batch)
      : session(&session), ran(&entry), ranBatch(batch) {}

  const Session *session;
  const EntryPoint *ran;
  int64_t ranBatch;
  /// Of the send; 0: nothing was sent, and outputs are where they are.
  int64_t number = 0;
  /// Which outputs were sent, ascending, and where each is.
  std::vector<size_t> sent;
  std::vector<const void *> places;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_RUNOUTPUTS_H
