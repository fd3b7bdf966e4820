// See LaunchGroups.h.
#include "codegen/LaunchGroups.h"

#include "codegen/KernelForms.h"
#include "codegen/LaunchOrder.h"
#include "ir/Ops.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

// What a launch does in the time of some starts of one: beyond it nothing is
// won, and memory is held for longer.
static constexpr double kMostBytes = 8 << 20, kMostFlop = 2 << 27;
/// A launch looks back at so many groups.
static constexpr size_t kMostGroupsBack = 32;

namespace {

struct Group {
  SmallVector<unsigned> launches;
  bool isShort = false;
};

class Grouping {
public:
  Grouping(const LaunchGraph &graph, const Schedule &schedule);

  std::vector<Group> run();

private:
  bool isShort(const LaunchGraph::Launch &launch) const;

  const LaunchGraph &graph;
  const Schedule &schedule;
  /// Of each launch, those that it waits for.
  std::vector<llvm::SmallSetVector<unsigned, 4>> before;
};

} // namespace

/// What overwrites a parameter waits for all who read it.
Grouping::Grouping(const LaunchGraph &graph, const Schedule &schedule)
    : graph(graph), schedule(schedule), before(graph.launches.size()) {
  std::vector<SmallVector<unsigned, 4>> readers(graph.numParameters);
  for (auto [number, launch] : llvm::enumerate(graph.launches)) {
    for (unsigned value : launch.values)
      before[number].insert(graph.values[value].launch);
    for (unsigned parameter : launch.parameters)
      readers[parameter].push_back(number);
  }
  for (const LaunchGraph::Value &value : graph.values)
    if (value.parameter)
      for (unsigned reader : readers[*value.parameter])
        if (reader != value.launch)
          before[value.launch].insert(reader);
}

/// Loops, and calls of a library, have a launch for themselves.
bool Grouping::isShort(const LaunchGraph::Launch &launch) const {
  auto known = dyn_cast<LaunchOp>(launch.op);
  auto kernel =
      known ? schedule.kernels.find(known.getKernel()) : schedule.kernels.end();
  return kernel != schedule.kernels.end() && launch.work.flop <= kMostFlop &&
         launch.work.trafficBytes <= kMostBytes &&
         llvm::none_of(kernel->second.phases, [](const Phase &phase) {
           return phase.matmul.has_value();
         });
}

/// Each launch in the first group behind those that it waits for which takes
/// it, or in one at the end.
std::vector<Group> Grouping::run() {
  std::vector<Group> groups;
  std::vector<size_t> groupOf(graph.launches.size());
  for (unsigned number = 0; number < graph.launches.size(); ++number) {
    size_t first = groups.size() - std::min(groups.size(), kMostGroupsBack);
    for (unsigned other : before[number])
      first = std::max(first, groupOf[other] + 1);
    bool isShort = this->isShort(graph.launches[number]);
    while (first < groups.size() && !(isShort && groups[first].isShort))
      ++first;
    if (first == groups.size())
      groups.push_back({{}, isShort});
    groups[first].launches.push_back(number);
    groupOf[number] = first;
  }
  return groups;
}

std::vector<Operation *> nnc::groupLaunches(func::FuncOp function,
                                            const Schedule &schedule,
                                            int64_t maxBatch) {
  LaunchGraph graph = LaunchGraph::of(function, schedule, maxBatch);
  std::vector<Operation *> asWritten, order;
  for (const LaunchGraph::Launch &launch : graph.launches)
    asWritten.push_back(launch.op);
  auto beside = UnitAttr::get(function.getContext());
  for (const Group &group : Grouping(graph, schedule).run()) {
    for (unsigned number : group.launches)
      order.push_back(asWritten[number]);
    for (unsigned number : ArrayRef(group.launches).drop_front())
      asWritten[number]->setAttr(kBesideAttr, beside);
  }
  moveLaunches(function, order);
  return asWritten;
}

void nnc::ungroupLaunches(func::FuncOp function,
                          ArrayRef<Operation *> asWritten) {
  for (auto launch : function.getOps<LaunchOp>())
    launch->removeAttr(kBesideAttr);
  moveLaunches(function, asWritten);
}
