// See LaunchGraph.h. Lifetimes are counted as PlanMemory counts them.
#include "codegen/LaunchGraph.h"

#include "codegen/CountWork.h"
#include "codegen/Reference.h"
#include "ir/Ops.h"
#include "passes/EntryPoints.h"
#include "runtime/abi.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {

class GraphBuilder {
public:
  GraphBuilder(func::FuncOp function, const Schedule &schedule,
               int64_t maxBatch)
      : function(function), schedule(schedule), maxBatch(maxBatch) {}

  LaunchGraph run();

private:
  LaunchWork workOf(LaunchOp launch);
  int64_t workspaceOf(LaunchOp launch);
  void addSteps(LaunchGraph::Launch &launch, ScanOp scan);
  void addLaunch(Operation &op);
  void addReads();
  void addAssign(AssignOp assign);
  void addParameterReaders();
  void followBack(unsigned launch);
  void findWayThere();
  std::optional<unsigned> lossLaunch();
  unsigned numberOf(StringAttr parameter) {
    return parameters.try_emplace(parameter, parameters.size()).first->second;
  }
  int64_t sizeOf(Type type) {
    return llvm::alignTo(sizeBytes(cast<RankedTensorType>(type)).at(maxBatch),
                         NNC_ALIGNMENT_BYTES);
  }

  func::FuncOp function;
  const Schedule &schedule;
  int64_t maxBatch;
  LaunchGraph graph;
  llvm::DenseMap<mlir::Value, unsigned> numbers; // of values
  llvm::DenseMap<StringAttr, unsigned> parameters;
  llvm::StringMap<LaunchWork> works; // of kernels
};

} // namespace

static mlir::Value skipReshapes(mlir::Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

LaunchWork GraphBuilder::workOf(LaunchOp launch) {
  auto [work, isNew] = works.try_emplace(launch.getKernel());
  if (isNew) {
    auto body = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        launch, launch.getKernelAttr());
    work->second = {double(countFlop(body).at(maxBatch)),
                    double(countTrafficBytes(body).at(maxBatch))};
  }
  return work->second;
}

int64_t GraphBuilder::workspaceOf(LaunchOp launch) {
  auto kernel = schedule.kernels.find(launch.getKernel());
  int64_t bytes = 0;
  if (kernel != schedule.kernels.end())
    for (Extent size : kernel->second.workspaceBytes)
      bytes += llvm::alignTo(size.at(maxBatch), NNC_ALIGNMENT_BYTES);
  return bytes;
}

/// A loop is one launch. In memory, its steps have at least what the largest of
/// their launches takes; the memory plan knows what they have together.
void GraphBuilder::addSteps(LaunchGraph::Launch &launch, ScanOp scan) {
  for (auto step : scan.getBody().getOps<LaunchOp>()) {
    LaunchWork work = workOf(step);
    launch.work.flop += work.flop * scan.getSteps();
    launch.work.trafficBytes += work.trafficBytes * scan.getSteps();
    int64_t bytes = workspaceOf(step);
    for (mlir::Value result : step.getResults())
      bytes += sizeOf(result.getType());
    launch.workspaceBytes = std::max(launch.workspaceBytes, bytes);
  }
}

void GraphBuilder::addLaunch(Operation &op) {
  LaunchGraph::Launch launch;
  launch.op = &op;
  launch.firstResult = graph.values.size();
  launch.numResults = op.getNumResults();
  for (mlir::Value result : op.getResults()) {
    numbers[result] = graph.values.size();
    LaunchGraph::Value value;
    value.value = result;
    value.launch = graph.launches.size();
    value.sizeBytes = sizeOf(result.getType());
    graph.values.push_back(std::move(value));
  }
  if (auto known = dyn_cast<LaunchOp>(op)) {
    launch.work = workOf(known);
    launch.workspaceBytes = workspaceOf(known);
  } else if (auto scan = dyn_cast<ScanOp>(op)) {
    addSteps(launch, scan);
  }
  graph.launches.push_back(std::move(launch));
}

/// What each launch, and what is inside of it, reads.
void GraphBuilder::addReads() {
  for (auto [number, launch] : llvm::enumerate(graph.launches)) {
    llvm::SmallSetVector<unsigned, 4> values, read;
    launch.op->walk([&](Operation *op) {
      for (mlir::Value operand : op->getOperands()) {
        mlir::Value root = skipReshapes(operand);
        if (auto value = numbers.find(root); value != numbers.end())
          values.insert(value->second);
        else if (auto parameter = root.getDefiningOp<ReadOp>())
          read.insert(numberOf(parameter.getParameterAttr().getAttr()));
      }
    });
    launch.values.assign(values.begin(), values.end());
    launch.parameters.assign(read.begin(), read.end());
    for (unsigned value : values)
      graph.values[value].users.push_back(number);
  }
}

/// A value that becomes a parameter's lies where that one did, if every reader
/// of the old value has run; else it is copied at the end.
void GraphBuilder::addAssign(AssignOp assign) {
  auto found = numbers.find(skipReshapes(assign.getValue()));
  if (found == numbers.end())
    return;
  LaunchGraph::Value &value = graph.values[found->second];
  unsigned parameter = numberOf(assign.getParameterAttr().getAttr());
  auto readsLater = [&](const LaunchGraph::Launch &launch) {
    return llvm::is_contained(launch.parameters, parameter);
  };
  auto later = ArrayRef(graph.launches).drop_front(value.launch + 1);
  bool isInPlace = isa<LaunchOp>(graph.launches[value.launch].op) &&
                   !value.parameter && llvm::none_of(later, readsLater);
  if (!isInPlace)
    value.isReadAtEnd = true;
  else
    value.parameter = parameter;
}

std::optional<unsigned> GraphBuilder::lossLaunch() {
  for (auto [i, result] : llvm::enumerate(
           function.getBody().front().getTerminator()->getOperands())) {
    auto kind = function.getResultAttrOfType<StringAttr>(i, kResultAttr);
    auto found = numbers.find(skipReshapes(result));
    if (kind && kind.getValue() == kLossKind && found != numbers.end())
      return graph.values[found->second].launch;
  }
  return std::nullopt;
}

/// What the loss is computed by, and itself.
void GraphBuilder::followBack(unsigned launch) {
  SmallVector<unsigned> waiting{launch};
  while (!waiting.empty()) {
    unsigned next = waiting.pop_back_val();
    if (graph.isOnWayThere[next])
      continue;
    graph.isOnWayThere.set(next);
    for (unsigned value : graph.launches[next].values)
      waiting.push_back(graph.values[value].launch);
  }
}

void GraphBuilder::findWayThere() {
  graph.isOnWayThere.resize(graph.launches.size());
  if (auto loss = lossLaunch())
    return followBack(*loss);
  std::vector<int64_t> change(graph.launches.size() + 1);
  for (const LaunchGraph::Value &value : graph.values)
    if (!value.users.empty()) {
      change[value.launch] += value.sizeBytes;
      change[value.users.back()] -= value.sizeBytes;
    }
  int64_t alive = 0, most = -1;
  unsigned numThere = 0;
  for (unsigned i = 0; i < graph.launches.size(); ++i)
    if (alive += change[i]; alive > most) {
      most = alive;
      numThere = i + 1;
    }
  graph.isOnWayThere.set(0, numThere);
}

LaunchGraph GraphBuilder::run() {
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    if (!isa<ReshapeOp, ConstantOp, ReadOp, AssignOp>(op))
      addLaunch(op);
  addReads();
  for (auto assign : body.getOps<AssignOp>())
    addAssign(assign);
  for (mlir::Value output : body.getTerminator()->getOperands())
    if (auto found = numbers.find(skipReshapes(output)); found != numbers.end())
      graph.values[found->second].isReadAtEnd = true;
  graph.numParameters = parameters.size();
  findWayThere();
  return std::move(graph);
}

LaunchGraph LaunchGraph::of(func::FuncOp function, const Schedule &schedule,
                            int64_t maxBatch) {
  return GraphBuilder(function, schedule, maxBatch).run();
}

bool LaunchGraph::canRepeat(const Value &value) const {
  return isOfWayThere(value) && !value.isReadAtEnd &&
         isPure(launches[value.launch].op);
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

namespace {

/// Puts launches in order, those to be repeated on demand.
class Orderer {
public:
  Orderer(const LaunchGraph &graph, const KeptValues &kept)
      : graph(graph), kept(kept), isRepeated(graph.launches.size()) {}

  std::vector<OrderedLaunch> run();

private:
  void repeat(unsigned launch);
  /// The launch that has to run again for `value`, if it is not known.
  std::optional<unsigned> missing(unsigned value) const {
    unsigned launch = graph.values[value].launch;
    bool isKnown =
        !graph.isOnWayThere[launch] || kept[value] || isRepeated[launch];
    return isKnown ? std::nullopt : std::optional(launch);
  }

  const LaunchGraph &graph;
  const KeptValues &kept;
  llvm::BitVector isRepeated;
  std::vector<OrderedLaunch> order;
};

} // namespace

/// Repeats `launch`, and first what it reads and is not kept: a stack, as a
/// program may be long.
void Orderer::repeat(unsigned launch) {
  SmallVector<unsigned> waiting{launch};
  while (!waiting.empty()) {
    unsigned next = waiting.back();
    size_t numWaiting = waiting.size();
    if (!isRepeated[next])
      for (unsigned value : llvm::reverse(graph.launches[next].values))
        if (auto before = missing(value))
          waiting.push_back(*before);
    if (waiting.size() > numWaiting)
      continue;
    waiting.pop_back();
    if (isRepeated[next])
      continue;
    isRepeated.set(next);
    order.push_back({next, /*isAgain=*/true});
  }
}

std::vector<OrderedLaunch> Orderer::run() {
  for (unsigned i = 0; i < graph.launches.size(); ++i) {
    if (!graph.isOnWayThere[i])
      for (unsigned value : graph.launches[i].values)
        if (auto before = missing(value))
          repeat(*before);
    order.push_back({i, /*isAgain=*/false});
  }
  return std::move(order);
}

std::vector<OrderedLaunch> nnc::orderLaunches(const LaunchGraph &graph,
                                              const KeptValues &kept) {
  return Orderer(graph, kept).run();
}

//===----------------------------------------------------------------------===//
// Forecast
//===----------------------------------------------------------------------===//

namespace {

/// When each value is written and last read, in the places of an order.
class Lifetimes {
public:
  Lifetimes(const LaunchGraph &graph, const KeptValues &kept,
            ArrayRef<OrderedLaunch> order)
      : graph(graph), kept(kept), order(order), original(graph.values.size()),
        again(graph.values.size()), lastReads(graph.numParameters, -1),
        bytes(order.size() + 1) {}

  int64_t findPeak();

private:
  struct Life {
    int64_t first = -1, last = -1;
  };

  void visit(int64_t now, const OrderedLaunch &ordered);
  void add(int64_t sizeBytes, Life life) {
    bytes[life.first] += sizeBytes;
    if (life.last + 1 < int64_t(bytes.size()))
      bytes[life.last + 1] -= sizeBytes;
  }

  const LaunchGraph &graph;
  const KeptValues &kept;
  ArrayRef<OrderedLaunch> order;
  std::vector<Life> original, again;
  std::vector<int64_t> lastReads; // of parameters
  std::vector<int64_t> bytes;     // what is added where
};

} // namespace

void Lifetimes::visit(int64_t now, const OrderedLaunch &ordered) {
  const LaunchGraph::Launch &launch = graph.launches[ordered.launch];
  bool mayReadAgain = ordered.isAgain || !graph.isOnWayThere[ordered.launch];
  for (unsigned value : launch.values) {
    bool isAgain =
        mayReadAgain && graph.isOfWayThere(graph.values[value]) && !kept[value];
    (isAgain ? again : original)[value].last = now;
  }
  for (unsigned parameter : launch.parameters)
    lastReads[parameter] = now;
  auto &lives = ordered.isAgain ? again : original;
  for (unsigned i = 0; i < launch.numResults; ++i)
    lives[launch.firstResult + i] = {now, now};
  add(launch.workspaceBytes, {now, now});
}

int64_t Lifetimes::findPeak() {
  for (auto [now, ordered] : llvm::enumerate(order))
    visit(now, ordered);
  int64_t end = order.size();
  for (auto [i, value] : llvm::enumerate(graph.values)) {
    Life life = original[i];
    // In place, unless what is repeated reads the old value later.
    bool isInPlace =
        value.parameter && lastReads[*value.parameter] <= life.first;
    if (value.isReadAtEnd || (value.parameter && !isInPlace))
      life.last = end;
    if (!isInPlace)
      add(value.sizeBytes, life);
    if (again[i].first >= 0)
      add(value.sizeBytes, again[i]);
  }
  int64_t alive = 0, peak = 0;
  for (int64_t change : bytes) {
    alive += change;
    peak = std::max(peak, alive);
  }
  return peak;
}

Forecast nnc::forecast(const LaunchGraph &graph, const KeptValues &kept) {
  std::vector<OrderedLaunch> order = orderLaunches(graph, kept);
  Forecast result;
  for (const OrderedLaunch &ordered : order) {
    if (!ordered.isAgain)
      continue;
    const LaunchWork &work = graph.launches[ordered.launch].work;
    result.again.flop += work.flop;
    result.again.trafficBytes += work.trafficBytes;
  }
  result.peakBytes = Lifetimes(graph, kept, order).findPeak();
  return result;
}
