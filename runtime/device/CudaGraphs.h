// Runs that were recorded as CUDA graphs, to be run again by one call.
#ifndef NNC_RUNTIME_DEVICE_CUDAGRAPHS_H
#define NNC_RUNTIME_DEVICE_CUDAGRAPHS_H

#include "runtime/device/CudaDriver.h"

#include <functional>
#include <list>
#include <map>
#include <tuple>

namespace nnc::runtime {

class CudaGraphs {
public:
  /// What the addresses and sizes of a run's commands follow from.
  struct Key {
    const void *entry;
    int64_t batch;
    /// Of the inputs.
    int place;

    bool operator==(const Key &other) const {
      return std::tie(entry, batch, place) ==
             std::tie(other.entry, other.batch, other.place);
    }
  };

  /// Keeps the `most` graphs that were last run.
  CudaGraphs(const CudaDriver &driver, size_t most)
      : driver(driver), most(most) {}

  /// Null if there is none; otherwise it is now the last that was run.
  CudaGraphExec *find(const Key &key);

  /// Whether a run like this one was announced before. The first is not worth
  /// a graph: libraries choose and load what they need in it.
  bool announce(const Key &key);

  /// Records what `issue` does on `stream`, which is not done then. Leaves
  /// `stream` as it was on failure.
  StatusOr<CudaGraphExec *> record(const Key &key, CudaStream *stream,
                                   const std::function<Status()> &issue);

  /// No more graphs for runs like this one.
  void refuse(const Key &key);

private:
  struct Entry {
    Key key;
    CudaHandle<CudaGraphExec> graph;
  };
  enum class Interest { Announced, Refused };

  Status instantiate(CudaGraph *graph, const Key &key, CudaStream *stream);

  const CudaDriver &driver;
  size_t most;
  /// The last that was run is the first. So few that a search is short.
  std::list<Entry> graphs;
  /// By entry point and batch: both places are alike.
  std::map<std::pair<const void *, int64_t>, Interest> interests;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDAGRAPHS_H
