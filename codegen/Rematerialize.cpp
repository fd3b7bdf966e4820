// See Rematerialize.h. The memory plan is the judge: a forecast knows nothing
// of gaps between buffers, so that less is asked of it until the plan fits.
#include "codegen/Rematerialize.h"

#include "codegen/ChooseKept.h"
#include "codegen/LaunchGroups.h"
#include "codegen/LaunchOrder.h"
#include "ir/Ops.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Launches that run again
//===----------------------------------------------------------------------===//

namespace {

/// Makes the launches of an order, and can take them back.
class Repetition {
public:
  Repetition(const LaunchGraph &graph, const KeptValues &kept)
      : graph(graph), kept(kept), order(orderLaunches(graph, kept)) {}

  void insert();
  void remove();
  Recomputation summarize() const;

private:
  void repeat(const LaunchGraph::Launch &launch, Operation *before);
  void readAgain(Operation *reader);
  Value inPlaceOf(Value operand, Operation *reader);

  const LaunchGraph &graph;
  const KeptValues &kept;
  std::vector<OrderedLaunch> order;
  llvm::DenseMap<Value, Value> repeated;
  SmallVector<Operation *> made; // in their order
  SmallVector<std::pair<OpOperand *, Value>> changed;
};

} // namespace

/// What `reader` has in place of `operand`, under the same shape.
Value Repetition::inPlaceOf(Value operand, Operation *reader) {
  if (Value again = repeated.lookup(operand))
    return again;
  auto reshape = operand.getDefiningOp<ReshapeOp>();
  Value source = reshape ? inPlaceOf(reshape.getX(), reader) : Value();
  if (!source || source == reshape.getX())
    return operand;
  OpBuilder b(reader);
  Operation *copy = b.clone(*reshape);
  copy->setOperand(0, source);
  made.push_back(copy);
  return copy->getResult(0);
}

void Repetition::readAgain(Operation *reader) {
  reader->walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value before = operand.get(), now = inPlaceOf(before, reader);
      if (now == before)
        continue;
      operand.set(now);
      changed.push_back({&operand, before});
    }
  });
}

void Repetition::repeat(const LaunchGraph::Launch &launch, Operation *before) {
  OpBuilder b(before);
  Operation *again = b.clone(*launch.op);
  again->walk(
      [&](LaunchOp step) { step->setAttr(kAgainAttr, b.getUnitAttr()); });
  readAgain(again);
  made.push_back(again);
  for (auto [i, result] : llvm::enumerate(again->getResults()))
    if (!kept[launch.firstResult + i])
      repeated[launch.op->getResult(i)] = result;
}

void Repetition::insert() {
  // Each stands before the next launch that is there already.
  for (auto next = order.begin(); next != order.end(); ++next) {
    Operation *op = graph.launches[next->launch].op;
    if (!next->isAgain) {
      if (!graph.isOnWayThere[next->launch])
        readAgain(op);
      continue;
    }
    auto written = std::find_if(next, order.end(), [](OrderedLaunch launch) {
      return !launch.isAgain;
    });
    repeat(graph.launches[next->launch], graph.launches[written->launch].op);
  }
}

void Repetition::remove() {
  for (auto [operand, before] : llvm::reverse(changed))
    operand->set(before);
  for (Operation *op : llvm::reverse(made))
    op->erase();
}

//===----------------------------------------------------------------------===//
// What is said of it
//===----------------------------------------------------------------------===//

namespace {

/// Launches by their kernel, in the order in which kernels first come.
struct Summaries {
  llvm::MapVector<StringRef, LaunchSummary> byKernel;

  void add(const LaunchGraph::Launch &launch, int64_t sizeBytes) {
    auto known = dyn_cast<LaunchOp>(launch.op);
    StringRef kernel =
        known ? known.getKernel() : launch.op->getName().getStringRef();
    LaunchSummary &summary = byKernel[kernel];
    summary.kernel = kernel.str();
    ++summary.numLaunches;
    summary.flop += launch.work.flop;
    summary.sizeBytes += sizeBytes;
  }
  std::vector<LaunchSummary> take() {
    std::vector<LaunchSummary> all;
    for (auto &[kernel, summary] : byKernel)
      all.push_back(std::move(summary));
    return all;
  }
};

} // namespace

Recomputation Repetition::summarize() const {
  Recomputation summary;
  Summaries again, keeping;
  auto savedBytes = [&](const LaunchGraph::Launch &launch, bool isKept) {
    int64_t bytes = 0;
    for (unsigned i = launch.firstResult;
         i < launch.firstResult + launch.numResults; ++i)
      if (graph.isSaved(graph.values[i]) && kept[i] == isKept)
        bytes += graph.values[i].sizeBytes;
    return bytes;
  };
  for (const OrderedLaunch &ordered : order) {
    const LaunchGraph::Launch &launch = graph.launches[ordered.launch];
    if (ordered.isAgain) {
      again.add(launch, savedBytes(launch, /*isKept=*/false));
      continue;
    }
    ++summary.numLaunches;
    summary.flop += launch.work.flop;
    int64_t bytes = savedBytes(launch, /*isKept=*/true);
    if (graph.isOnWayThere[ordered.launch] && bytes > 0)
      keeping.add(launch, bytes);
  }
  summary.again = again.take();
  summary.kept = keeping.take();
  return summary;
}

//===----------------------------------------------------------------------===//
// Within a budget
//===----------------------------------------------------------------------===//

namespace {

/// A choice for the launches in one of their orders.
struct Proposal {
  const LaunchGraph *graph;
  Choice choice;
};

/// Brings one entry point under the budget.
class Restraint {
public:
  Restraint(ModuleOp module, func::FuncOp function, const Schedule &schedule,
            int64_t maxBatch, int64_t budgetBytes)
      : module(module), function(function), schedule(schedule),
        maxBatch(maxBatch), budgetBytes(budgetBytes) {
    findOrders();
  }

  LogicalResult run(BudgetedPlan &budgeted);

private:
  void findOrders();
  Proposal propose(int64_t arenaBytes) const;
  FailureOr<bool> attempt(const Proposal &proposal);
  LogicalResult reportOverflow(int64_t stateBytes, int64_t leastBytes);
  static int64_t arenaOf(const MemoryPlan &plan, func::FuncOp function) {
    for (const PlannedEntryPoint &entry : plan.entryPoints)
      if (entry.function == function)
        return entry.arenaBytes;
    return 0;
  }

  ModuleOp module;
  func::FuncOp function;
  const Schedule &schedule;
  int64_t maxBatch, budgetBytes;
  /// Of the launches in each order that is tried.
  SmallVector<LaunchGraph, 2> orders;
  MemoryPlan plan; // of the last attempt
  std::optional<Recomputation> summary;
};

} // namespace

static std::vector<unsigned> numbersUpTo(size_t count) {
  std::vector<unsigned> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// As written, and for memory: nothing is as cheap as another order.
void Restraint::findOrders() {
  orders.push_back(LaunchGraph::of(function, schedule, maxBatch));
  const LaunchGraph &written = orders.front();
  moveLaunches(function, written, orderForMemory(written));
  orders.push_back(LaunchGraph::of(function, schedule, maxBatch));
}

/// What chooseKept finds best, in whichever order.
Proposal Restraint::propose(int64_t arenaBytes) const {
  auto key = [&](const Proposal &proposal) {
    const Forecast &forecast = proposal.choice.forecast;
    bool fits = forecast.peakBytes <= arenaBytes;
    return std::make_tuple(!fits, fits ? forecast.again.cost() : 0.0,
                           forecast.peakBytes);
  };
  Proposal best{&orders.front(), chooseKept(orders.front(), arenaBytes)};
  for (const LaunchGraph &graph : ArrayRef(orders).drop_front()) {
    Proposal other{&graph, chooseKept(graph, arenaBytes)};
    if (key(other) < key(best))
      best = std::move(other);
  }
  return best;
}

/// Whether the plan of `proposal` fits; if not, no launch of it is left.
FailureOr<bool> Restraint::attempt(const Proposal &proposal) {
  const LaunchGraph &graph = *proposal.graph;
  moveLaunches(function, graph, numbersUpTo(graph.launches.size()));
  Repetition repetition(graph, proposal.choice.kept);
  repetition.insert();
  FailureOr<MemoryPlan> planned = planMemory(module, schedule, maxBatch);
  if (failed(planned))
    return failure();
  plan = std::move(*planned);
  if (plan.stateBytes + arenaOf(plan, function) <= budgetBytes) {
    summary = repetition.summarize();
    return true;
  }
  repetition.remove();
  return false;
}

LogicalResult Restraint::reportOverflow(int64_t stateBytes,
                                        int64_t leastBytes) {
  InFlightDiagnostic error = emitError(function.getLoc());
  error << "a memory budget of " << budgetBytes
        << " bytes is too small: " << function.getName() << " takes at least "
        << leastBytes
        << llvm::formatv(" bytes ({0:F1} MiB)", leastBytes / double(1 << 20))
               .str()
        << " at a batch of " << maxBatch << ", " << stateBytes
        << " of them parameters and optimizer state";
  if (leastBytes > stateBytes && stateBytes < budgetBytes)
    error << "; a smaller batch takes less";
  return error;
}

LogicalResult Restraint::run(BudgetedPlan &budgeted) {
  constexpr int kMostAttempts = 8;
  int64_t stateBytes = budgeted.plan.stateBytes,
          before = stateBytes + arenaOf(budgeted.plan, function),
          target = budgetBytes - stateBytes;
  FailureOr<bool> fits = false;
  for (int i = 0; i < kMostAttempts && !*fits && target > 0; ++i) {
    Proposal proposal = propose(target);
    int64_t forecast = proposal.choice.forecast.peakBytes;
    if (forecast > target)
      break;
    fits = attempt(proposal);
    if (failed(fits))
      return failure();
    int64_t excess = stateBytes + arenaOf(plan, function) - budgetBytes;
    target = std::min(target, forecast) - excess;
  }
  // Nothing fits into less than nothing: the one that takes the least.
  if (!*fits)
    fits = attempt(propose(-1));
  if (failed(fits))
    return failure();
  if (!*fits)
    return reportOverflow(stateBytes, stateBytes + arenaOf(plan, function));
  summary->entryPoint = function.getName().str();
  summary->peakBytesBefore = before;
  summary->peakBytes = stateBytes + arenaOf(plan, function);
  budgeted.recomputations.push_back(std::move(*summary));
  budgeted.plan = std::move(plan);
  return success();
}

/// The plan with launches in groups, where the target has a use for them and
/// they leave it within the budget.
static FailureOr<MemoryPlan> planGrouped(ModuleOp module,
                                         const Schedule &schedule,
                                         int64_t maxBatch,
                                         int64_t budgetBytes) {
  if (!schedule.sharesLaunches)
    return planMemory(module, schedule, maxBatch);
  std::vector<std::pair<func::FuncOp, std::vector<Operation *>>> asWritten;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isPrivate())
      asWritten.push_back(
          {function, groupLaunches(function, schedule, maxBatch)});
  FailureOr<MemoryPlan> plan = planMemory(module, schedule, maxBatch);
  if (failed(plan) || budgetBytes == 0 || plan->peakBytes() <= budgetBytes)
    return plan;
  for (auto &[function, launches] : asWritten)
    ungroupLaunches(function, launches);
  return planMemory(module, schedule, maxBatch);
}

FailureOr<BudgetedPlan> nnc::planWithinBudget(ModuleOp module,
                                              const Schedule &schedule,
                                              int64_t maxBatch,
                                              int64_t budgetBytes) {
  FailureOr<MemoryPlan> plan =
      planGrouped(module, schedule, maxBatch, budgetBytes);
  if (failed(plan))
    return failure();
  BudgetedPlan budgeted{std::move(*plan), {}};
  if (budgetBytes == 0)
    return budgeted;
  // The largest first: what is said of it is what counts.
  SmallVector<std::pair<int64_t, size_t>> tooLarge;
  for (auto [i, entry] : llvm::enumerate(budgeted.plan.entryPoints))
    if (budgeted.plan.stateBytes + entry.arenaBytes > budgetBytes)
      tooLarge.push_back({-entry.arenaBytes, i});
  llvm::sort(tooLarge);
  for (auto [bytes, i] : tooLarge) {
    func::FuncOp function = budgeted.plan.entryPoints[i].function;
    if (failed(Restraint(module, function, schedule, maxBatch, budgetBytes)
                   .run(budgeted)))
      return failure();
  }
  return budgeted;
}
