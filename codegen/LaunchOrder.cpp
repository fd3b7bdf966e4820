// See LaunchOrder.h.
#include "codegen/LaunchOrder.h"

#include "ir/Ops.h"

#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;
using namespace nnc;

namespace {

class Ordering {
public:
  explicit Ordering(const LaunchGraph &graph);

  std::vector<unsigned> run();

private:
  int64_t growthOf(const LaunchGraph::Launch &launch) const;
  std::optional<unsigned> findFree() const;
  void take(unsigned launch);

  const LaunchGraph &graph;
  /// Of each launch: those that wait for it, and for how many it waits.
  std::vector<llvm::SmallSetVector<unsigned, 4>> followers;
  std::vector<unsigned> numMissing;
  std::vector<unsigned> numReaders; // of a value, that have yet to run
  std::set<unsigned> ready;
  std::vector<unsigned> order;
};

} // namespace

Ordering::Ordering(const LaunchGraph &graph)
    : graph(graph), followers(graph.launches.size()),
      numMissing(graph.launches.size()), numReaders(graph.values.size()) {
  std::vector<SmallVector<unsigned, 4>> readers(graph.numParameters);
  for (auto [number, launch] : llvm::enumerate(graph.launches)) {
    for (unsigned value : launch.values)
      followers[graph.values[value].launch].insert(number);
    for (unsigned parameter : launch.parameters)
      readers[parameter].push_back(number);
  }
  for (auto [number, value] : llvm::enumerate(graph.values)) {
    numReaders[number] = value.users.size();
    if (value.parameter)
      for (unsigned reader : readers[*value.parameter])
        if (reader != value.launch)
          followers[reader].insert(value.launch);
  }
  for (auto &those : followers)
    for (unsigned follower : those)
      ++numMissing[follower];
  for (unsigned i = 0; i < numMissing.size(); ++i)
    if (numMissing[i] == 0)
      ready.insert(i);
}

/// Bytes that are in memory once it has run, more than before.
int64_t Ordering::growthOf(const LaunchGraph::Launch &launch) const {
  int64_t growth = 0;
  for (unsigned i = 0; i < launch.numResults; ++i) {
    const LaunchGraph::Value &value = graph.values[launch.firstResult + i];
    bool isKept = value.isReadAtEnd || !value.users.empty();
    if (isKept && !value.parameter)
      growth += value.sizeBytes;
  }
  for (unsigned number : launch.values) {
    const LaunchGraph::Value &value = graph.values[number];
    if (numReaders[number] == 1 && !value.isReadAtEnd && !value.parameter)
      growth -= value.sizeBytes;
  }
  return growth;
}

/// The ready launch that takes no memory, or frees the most.
std::optional<unsigned> Ordering::findFree() const {
  std::optional<unsigned> best;
  int64_t least = 1;
  for (unsigned launch : ready)
    if (int64_t growth = growthOf(graph.launches[launch]); growth < least) {
      least = growth;
      best = launch;
    }
  return best;
}

void Ordering::take(unsigned launch) {
  ready.erase(launch);
  order.push_back(launch);
  for (unsigned value : graph.launches[launch].values)
    --numReaders[value];
  for (unsigned follower : followers[launch])
    if (--numMissing[follower] == 0)
      ready.insert(follower);
}

std::vector<unsigned> Ordering::run() {
  while (!ready.empty())
    take(findFree().value_or(*ready.begin()));
  return std::move(order);
}

std::vector<unsigned> nnc::orderForMemory(const LaunchGraph &graph) {
  return Ordering(graph).run();
}

void nnc::moveLaunches(func::FuncOp function, const LaunchGraph &graph,
                       ArrayRef<unsigned> order) {
  moveLaunches(function, llvm::map_to_vector(order, [&](unsigned launch) {
                 return graph.launches[launch].op;
               }));
}

void nnc::moveLaunches(func::FuncOp function, ArrayRef<Operation *> order) {
  Block &body = function.getBody().front();
  auto reshapes = llvm::to_vector(body.getOps<ReshapeOp>());
  auto assigns = llvm::to_vector(body.getOps<AssignOp>());
  for (Operation *launch : order)
    launch->moveBefore(body.getTerminator());
  // Each behind what it names, which may be one before.
  for (ReshapeOp reshape : reshapes)
    if (Operation *source = reshape.getX().getDefiningOp())
      reshape->moveAfter(source);
  for (AssignOp assign : assigns)
    assign->moveBefore(body.getTerminator());
}
