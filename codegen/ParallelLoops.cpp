// See ParallelLoops.h.
#include "codegen/ParallelLoops.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

static constexpr StringLiteral kParallel = "nnc.parallel";

/// The outermost loop of `op` that runs more than once, if its iterations have
/// nothing to do with each other: each has elements of the outputs of its own.
static std::optional<unsigned> findParallelLoop(linalg::LinalgOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  for (unsigned loop = 0; loop < ranges.size(); ++loop) {
    if (ranges[loop] == 1)
      continue;
    auto hasOwnElements = [&](OpOperand &output) {
      AffineMap map = op.getMatchingIndexingMap(&output);
      return llvm::any_of(map.getResults(), [&](AffineExpr index) {
        auto dim = dyn_cast<AffineDimExpr>(index);
        return dim && dim.getPosition() == loop;
      });
    };
    if (kinds[loop] == utils::IteratorType::parallel &&
        llvm::all_of(op.getDpsInitsMutable(), hasOwnElements))
      return loop;
    return std::nullopt;
  }
  return std::nullopt;
}

void nnc::markParallelLoop(linalg::LinalgOp op, ArrayRef<Operation *> loops) {
  if (std::optional<unsigned> loop = findParallelLoop(op))
    loops[*loop]->setAttr(kParallel, UnitAttr::get(op->getContext()));
}

void nnc::markParallelLoop(scf::ForOp loop) {
  loop->setAttr(kParallel, UnitAttr::get(loop.getContext()));
}

bool nnc::isMarkedParallel(Operation *op) { return op->hasAttr(kParallel); }

void nnc::unmarkParallel(Operation *op) { op->removeAttr(kParallel); }

/// The marked loop that `op` is, or has inside of loops that run once.
static scf::ForOp markedLoopIn(Operation *op) {
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!loop || isMarkedParallel(loop))
    return loop;
  APInt first, last;
  bool runsOnce = matchPattern(loop.getLowerBound(), m_ConstantInt(&first)) &&
                  matchPattern(loop.getUpperBound(), m_ConstantInt(&last)) &&
                  first.isZero() && last.isOne() && loop.getInitArgs().empty();
  auto inner = loop.getBody()->without_terminator();
  return runsOnce && llvm::hasSingleElement(inner)
             ? markedLoopIn(&*inner.begin())
             : scf::ForOp();
}

namespace {

/// Assigns each op of a body to a segment, in order.
class Splitter {
public:
  Splitter(Block &body, Refusal &refusal) : body(body), refusal(refusal) {}

  LogicalResult run();
  SmallVector<LoopSegment> segments;

private:
  LogicalResult place(Operation &op);
  void collect(Operation *op, llvm::SetVector<Operation *> &needed);
  llvm::SetVector<Value> valuesOf(Operation *op);

  Block &body;
  Refusal &refusal;
  /// Of ops with effects, and of what depends on them.
  DenseMap<Operation *, unsigned> segmentOf;
};

} // namespace

/// What `op` and the ops in it read of the body's values.
llvm::SetVector<Value> Splitter::valuesOf(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  for (Region &region : op->getRegions())
    getUsedValuesDefinedAbove(region, values);
  return values;
}

LogicalResult Splitter::place(Operation &op) {
  std::optional<unsigned> source;
  for (Value value : valuesOf(&op)) {
    auto known = segmentOf.find(value.getDefiningOp());
    if (known == segmentOf.end())
      continue;
    if (source && *source != known->second)
      return refusal.because("a value of two loops is used outside of both");
    source = known->second;
  }
  bool hasEffects = !isMemoryEffectFree(&op);
  if (!hasEffects && !source)
    return success();
  if (hasEffects && source && *source + 1 != segments.size())
    return refusal.because("a value goes from one loop to a later one");
  if (!source) {
    scf::ForOp parallel = markedLoopIn(&op);
    if (segments.empty() || parallel || segments.back().parallel)
      segments.push_back({{}, parallel});
    source = segments.size() - 1;
  }
  segmentOf[&op] = *source;
  if (hasEffects)
    segments[*source].ops.push_back(&op);
  return success();
}

void Splitter::collect(Operation *op, llvm::SetVector<Operation *> &needed) {
  if (needed.contains(op))
    return;
  for (Value value : valuesOf(op))
    if (Operation *source = value.getDefiningOp())
      collect(source, needed);
  needed.insert(op);
}

LogicalResult Splitter::run() {
  for (Operation &op : body.without_terminator())
    if (failed(place(op)))
      return failure();
  for (LoopSegment &segment : segments) {
    llvm::SetVector<Operation *> needed;
    for (Operation *op : segment.ops)
      collect(op, needed);
    segment.ops = needed.takeVector();
    llvm::sort(segment.ops, [](Operation *lhs, Operation *rhs) {
      return lhs->isBeforeInBlock(rhs);
    });
  }
  return success();
}

FailureOr<SmallVector<LoopSegment>> nnc::splitLoops(Block &body,
                                                    Refusal &refusal) {
  Splitter splitter(body, refusal);
  if (failed(splitter.run()))
    return failure();
  return std::move(splitter.segments);
}
