// A list of graphs with the last used first, and what is worth recording.
#include "runtime/device/CudaGraphs.h"

#include <algorithm>

namespace nnc::runtime {

CudaGraphExec *CudaGraphs::find(const Key &key) {
  auto found =
      std::find_if(graphs.begin(), graphs.end(),
                   [&](const Entry &entry) { return entry.key == key; });
  if (found == graphs.end())
    return nullptr;
  graphs.splice(graphs.begin(), graphs, found);
  return found->graph.get();
}

// Bounded like the graphs; who runs that many batch sizes begins anew.
static constexpr size_t mostInterests = 4096;

bool CudaGraphs::announce(const Key &key) {
  if (interests.size() >= mostInterests)
    interests.clear();
  auto [found, isNew] =
      interests.emplace(std::pair(key.entry, key.batch), Interest::Announced);
  return !isNew && found->second == Interest::Announced;
}

void CudaGraphs::refuse(const Key &key) {
  interests[{key.entry, key.batch}] = Interest::Refused;
}

StatusOr<CudaGraphExec *>
CudaGraphs::record(const Key &key, CudaStream *stream,
                   const std::function<Status()> &issue) {
  // This thread's alone: others may allocate meanwhile.
  Status status =
      driver.streamBeginCapture(stream, CudaDriver::captureOfThisThread);
  if (!status.isOk())
    return status;
  Status issued = guardMemory(issue);
  CudaGraph *graph = nullptr;
  // Ended in any case: the stream could not be used otherwise.
  status = driver.streamEndCapture(stream, &graph);
  CudaHandle<CudaGraph> owner(graph, driver.graphDestroy.get());
  if (!issued.isOk())
    return issued;
  if (status.isOk())
    status = instantiate(graph, key, stream);
  if (!status.isOk())
    return status;
  return graphs.front().graph.get();
}

Status CudaGraphs::instantiate(CudaGraph *graph, const Key &key,
                               CudaStream *stream) {
  CudaGraphExec *made = nullptr;
  Status status = driver.graphInstantiate(&made, graph, 0);
  if (!status.isOk())
    return status;
  CudaHandle<CudaGraphExec> owner(made, driver.graphExecDestroy.get());
  if (graphs.size() >= most) {
    // It may still be running.
    status = driver.streamSynchronize(stream);
    if (!status.isOk())
      return status;
    graphs.pop_back();
  }
  graphs.push_front({key, std::move(owner)});
  return {};
}

} // namespace nnc::runtime
