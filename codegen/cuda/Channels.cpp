// Neighbouring threads have neighbouring sums in memory, in vectors where all
// operands lie so. Nothing is shared but what caches hold: a window's elements
// are read as often as windows overlap.
//
//   channels  a thread a vector of sums, or of a part of their terms: whole
//   runs
//             of the innermost summed axis
//   results   adds up the parts, and computes the results
#include "codegen/cuda/Channels.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/TileShape.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;
/// Fewer columns than a thread of the smallest tile has in all.
static constexpr int64_t kFew = 8;
/// Vectors of sums are of 16 bytes in f32.
static constexpr int64_t kMaxLanes = 4;
/// Threads that hide the latency of memory: 1,024 of each of 132
/// multiprocessors.
static constexpr int64_t kEnoughThreads = 132 * 1024;
/// Loops of so many iterations are written out.
static constexpr int64_t kShortLoop = 8;

namespace {

class ChannelScheduler {
public:
  ChannelScheduler(const Contraction &contraction, const ContractionAxes &axes,
                   Operation *previous, StringRef suffix);

  ScheduledKernel run();

private:
  void emitSums();
  void emitResults();
  void chooseParts();
  int64_t countLanes();

  Value addTerms(GpuContractionPhase &phase, const GpuPoint &point, Value part);
  Value addRun(GpuContractionPhase &phase, const GpuPoint &point, Value sum);
  Value addTerm(GpuContractionPhase &phase, const GpuPoint &point, Value sum);
  Value inF32(Value value);
  GpuPoint locate(GpuContractionPhase &phase, Value vector);
  Value partial(GpuContractionPhase &phase, Value part, Value vector);

  /// Vectors of sums.
  BatchSize numVectors() const {
    return BatchSize(sums.size.factor / lanes, sums.size.perBatch);
  }

  const Contraction &contraction;
  StringRef suffix;
  ImplicitLocOpBuilder b;
  Operation *last;
  /// The sums in the order in which they lie in memory, and the axes of K
  /// around the innermost.
  AxisGroup sums, runs;
  int64_t lanes = 1, numParts = 1;
  Type type;
  ScheduledKernel scheduled;
};

} // namespace

bool nnc::isByChannel(const Contraction &contraction,
                      const ContractionAxes &axes) {
  int64_t batch = typicalBatch(contraction.kernel);
  return !axes.outer.isOne() && std::min(axes.columns.size.estimate(batch),
                                         axes.rows.size.estimate(batch)) < kFew;
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

ChannelScheduler::ChannelScheduler(const Contraction &contraction,
                                   const ContractionAxes &axes,
                                   Operation *previous, StringRef suffix)
    : contraction(contraction), suffix(suffix),
      b(contraction.lhs->tensor.getLoc(), contraction.type.getContext()),
      last(previous) {
  for (const AxisGroup *group : {&axes.outer, &axes.rows, &axes.columns}) {
    llvm::append_range(sums.axes, group->axes);
    // The product's own size, which the caller has counted.
    sums.size = *sums.size.times(group->size);
  }
  ArrayRef<BatchSize> strides = contraction.resultStrides[0];
  int64_t batch = typicalBatch(contraction.kernel);
  llvm::sort(sums.axes, [&](unsigned a, unsigned b) {
    return std::pair(-strides[a].estimate(batch), a) <
           std::pair(-strides[b].estimate(batch), b);
  });
  runs = axes.summed;
  if (!runs.axes.empty() && runs.axes.back() == contraction.axisK()) {
    runs.axes.pop_back();
    runs.size = BatchSize(1);
    for (unsigned axis : runs.axes)
      runs.size = *runs.size.times(contraction.sizes[axis]);
  }
  lanes = countLanes();
  type = lanes > 1 ? Type(VectorType::get(lanes, contraction.type))
                   : Type(contraction.type);
  chooseParts();
}

int64_t ChannelScheduler::countLanes() {
  if (sums.axes.empty())
    return 1;
  unsigned axis = sums.axes.back();
  if (!contraction.resultStrides[0][axis].isOne())
    return 1;
  int64_t count = resultLanes(contraction, axis, kMaxLanes);
  for (const Element *operand : {contraction.lhs, contraction.rhs})
    count = std::min(count, vectorLanes(contraction, operand, axis, kMaxLanes));
  return count;
}

/// Powers of two, so that bits depend on the shape alone.
void ChannelScheduler::chooseParts() {
  int64_t batch = typicalBatch(contraction.kernel);
  int64_t threads = numVectors().estimate(batch),
          numRuns = runs.size.estimate(batch);
  while (threads * numParts < kEnoughThreads && numParts * 2 <= numRuns &&
         numParts < kMostParts &&
         contraction.numTerms.estimate(batch) / numParts > kLeastPart)
    numParts *= 2;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

GpuPoint ChannelScheduler::locate(GpuContractionPhase &phase, Value vector) {
  GpuPoint point = phase.origin();
  phase.locate(sums, phase.multiply(vector, lanes), point);
  if (lanes > 1) {
    point.vectorAxis = sums.axes.back();
    point.lanes = lanes;
  }
  for (unsigned axis : sums.axes)
    point.outsideAxes |= 1u << axis;
  return point;
}

/// An operand of 16 bits in the sum's type.
Value ChannelScheduler::inF32(Value value) {
  if (value.getType() == type)
    return value;
  return arith::ExtFOp::create(b, type, value);
}

Value ChannelScheduler::addTerm(GpuContractionPhase &phase,
                                const GpuPoint &point, Value sum) {
  Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Value lhs = phase.elementOrZero(contraction.lhs, point, always),
        rhs = phase.elementOrZero(contraction.rhs, point, always);
  Value product = arith::MulFOp::create(b, inF32(lhs), inF32(rhs));
  return arith::AddFOp::create(b, sum, product);
}

static void unrollShort(ValueRange results, BatchSize size) {
  Operation *loop = results.front().getDefiningOp();
  if (size.isStatic() && size.factor <= kShortLoop)
    loop->setAttr("nnc.unroll", UnitAttr::get(loop->getContext()));
}

/// All terms along the innermost axis.
Value ChannelScheduler::addRun(GpuContractionPhase &phase,
                               const GpuPoint &point, Value sum) {
  BatchSize size = contraction.sizes[contraction.axisK()];
  auto add = [&](Value at, ValueRange carried) {
    GpuPoint inner = point;
    inner.indices[contraction.axisK()] = at;
    return SmallVector<Value>{addTerm(phase, inner, carried.front())};
  };
  SmallVector<Value> added =
      phase.loop(phase.index(0), phase.value(size), phase.index(1), sum, add);
  unrollShort(added, size);
  return added.front();
}

/// The runs of a part, one after another.
Value ChannelScheduler::addTerms(GpuContractionPhase &phase,
                                 const GpuPoint &point, Value part) {
  Value numRuns = phase.value(runs.size);
  Value first = phase.index(0), end = numRuns;
  if (numParts > 1) {
    Value length = phase.value(Extent::of(runs.size, numParts));
    first = phase.minimum(phase.multiply(part, length), numRuns);
    end = phase.minimum(phase.add(first, length), numRuns);
  }
  auto add = [&](Value run, ValueRange carried) {
    GpuPoint inner = point;
    inner.loop = b.getInsertionBlock()->getParentOp();
    phase.locate(runs, run, inner);
    return SmallVector<Value>{addRun(phase, inner, carried.front())};
  };
  SmallVector<Value> added = phase.loop(
      first, end, phase.index(1), phase.zero(contraction.type, lanes), add);
  if (numParts == 1)
    unrollShort(added, runs.size);
  return added.front();
}

/// Where a vector of partial sums is: [part, sum].
Value ChannelScheduler::partial(GpuContractionPhase &phase, Value part,
                                Value vector) {
  return phase.multiply(
      phase.add(phase.multiply(part, phase.value(numVectors())), vector),
      lanes);
}

void ChannelScheduler::emitSums() {
  GpuContractionPhase phase(b, contraction, last, "channels" + suffix);
  Value number = phase.globalThread(kThreads);
  BatchSize numThreads = *numVectors().times(numParts);
  phase.when(phase.isLess(number, phase.value(numThreads)), [&] {
    Value part = phase.index(0), vector = number;
    if (numParts > 1) {
      part = phase.divide(number, phase.value(numVectors()));
      vector = phase.remainder(number, phase.value(numVectors()));
    }
    GpuPoint point = locate(phase, vector);
    Value sum = addTerms(phase, point, part);
    if (numParts == 1)
      phase.storeResults(sum, point);
    else
      phase.storeAt(sum, phase.partialSums(), partial(phase, part, vector));
  });
  scheduled.phases.push_back(
      phase.finish("contraction", Extent::of(numThreads, kThreads), kThreads));
  last = scheduled.phases.back().function;
}

void ChannelScheduler::emitResults() {
  GpuContractionPhase phase(b, contraction, last, "results" + suffix);
  Value vector = phase.globalThread(kThreads);
  phase.when(phase.isLess(vector, phase.value(numVectors())), [&] {
    Value sum = phase.addParts(numParts, sums.size,
                               phase.multiply(vector, lanes), lanes);
    phase.storeResults(sum, locate(phase, vector));
  });
  scheduled.phases.push_back(phase.finish(
      "contraction", Extent::of(numVectors(), kThreads), kThreads));
}

ScheduledKernel ChannelScheduler::run() {
  emitSums();
  if (numParts > 1) {
    int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
    scheduled.workspaceBytes.push_back(
        Extent::of(*sums.size.times(bytes * numParts)));
    emitResults();
  }
  scheduled.mayAlias = contraction.mayAlias();
  return std::move(scheduled);
}

ScheduledKernel nnc::scheduleChannels(const Contraction &contraction,
                                      const ContractionAxes &axes,
                                      Operation *previous, StringRef suffix) {
  return ChannelScheduler(contraction, axes, previous, suffix).run();
}
