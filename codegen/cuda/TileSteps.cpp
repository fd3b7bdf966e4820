// The sums of a tile, step by step: what a step needs comes to shared memory
// while another is added.
#include "codegen/cuda/TileSteps.h"

#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

using namespace mlir;
using namespace nnc;

/// Of a step that has no next one a thread reads at most so many terms at once,
/// by fours; without a loop a compiler would read all of them ahead.
static constexpr int64_t kMostAtOnce = 16;

/// One barrier a step: what a step writes was read before the barrier of the
/// step before. With slices, each step begins with it, behind the loads of the
/// next one, which a compiler would else move to where few registers are used,
/// late in the step; their sums leave registers for it.
static SmallVector<Value> addReadSteps(GpuContractionPhase &phase,
                                       const Tiling &tiling, TileLoad &lhs,
                                       TileLoad &rhs, TileSums &sums,
                                       TileStep terms, bool isOneStep) {
  Value zero = phase.index(0), one = phase.index(1);
  SmallVector<Value> left = lhs.read(terms), right = rhs.read(terms);
  lhs.write(left, zero);
  rhs.write(right, zero);
  const bool beginsWithBarrier = tiling.shape.slices > 1;
  SmallVector<Value> carried = sums.start();
  if (isOneStep) {
    phase.barrier();
    SmallVector<Value> added = sums.add(carried, zero);
    if (tiling.shape.depth / tiling.shape.slices > kMostAtOnce)
      added.front().getDefiningOp()->setAttr(
          "nnc.unroll", phase.b.getI64IntegerAttr(kMostAtOnce / 4));
    phase.barrier();
    return added;
  }
  if (!beginsWithBarrier)
    phase.barrier();
  carried.push_back(zero);
  auto addStep = [&](Value first, ValueRange carried) {
    TileStep next{phase.add(first, tiling.shape.depth), terms.end,
                  phase.b.getInsertionBlock()->getParentOp()};
    Value half = carried.back();
    SmallVector<Value> left = lhs.read(next), right = rhs.read(next);
    if (beginsWithBarrier)
      phase.barrier();
    SmallVector<Value> added = sums.add(carried.drop_back(), half);
    Value other = phase.subtract(one, half);
    lhs.write(left, other);
    rhs.write(right, other);
    if (!beginsWithBarrier)
      phase.barrier();
    added.push_back(other);
    return added;
  };
  SmallVector<Value> added =
      phase.loop(terms.first, terms.end, phase.index(tiling.shape.depth),
                 carried, addStep);
  added.pop_back();
  if (beginsWithBarrier)
    phase.barrier();
  return added;
}

/// All stages but one are under way before the first step. A step waits for its
/// own, adds it, and copies a later one to where the step before was, which all
/// threads have read.
static SmallVector<Value> addCopiedSteps(GpuContractionPhase &phase,
                                         const Tiling &tiling, TileLoad &lhs,
                                         TileLoad &rhs, TileSums &sums,
                                         TileStep terms) {
  ImplicitLocOpBuilder &b = phase.b;
  const int64_t stages = tiling.stages, depth = tiling.shape.depth;
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  auto copy = [&](Value first, Value stage, Operation *loop) -> Value {
    TileStep step{first, terms.end, loop};
    lhs.copy(step, stage);
    rhs.copy(step, stage);
    auto group =
        nvgpu::DeviceAsyncCreateGroupOp::create(b, token, ValueRange());
    // Printed, neither tokens nor attributes would run into the next line.
    group->setAttr("nnc.counted", b.getUnitAttr());
    return group;
  };
  Value group;
  for (int64_t stage = 0; stage + 1 < stages; ++stage)
    group = copy(phase.add(terms.first, stage * depth), phase.index(stage), {});
  SmallVector<Value> carried = sums.start();
  carried.push_back(phase.index(0));
  auto addStep = [&](Value first, ValueRange carried) {
    Value stage = carried.back();
    nvgpu::DeviceAsyncWaitOp::create(b, group, b.getI32IntegerAttr(stages - 2));
    phase.barrier();
    Value before = phase.remainder(phase.add(stage, stages - 1), stages);
    SmallVector<Value> added = sums.add(carried.drop_back(), stage);
    copy(phase.add(first, (stages - 1) * depth), before,
         b.getInsertionBlock()->getParentOp());
    added.push_back(phase.remainder(phase.add(stage, 1), stages));
    return added;
  };
  SmallVector<Value> added =
      phase.loop(terms.first, terms.end, phase.index(depth), carried, addStep);
  // A few steps one after another would have the places of all their copies.
  added.front().getDefiningOp()->setAttr("nnc.unroll", b.getI64IntegerAttr(1));
  added.pop_back();
  // Slices meet where the copies go.
  if (tiling.shape.slices > 1) {
    nvgpu::DeviceAsyncWaitOp::create(b, group, b.getI32IntegerAttr(0));
    phase.barrier();
  }
  return added;
}

SmallVector<Value> nnc::addSteps(GpuContractionPhase &phase,
                                 const Tiling &tiling, TileLoad &lhs,
                                 TileLoad &rhs, TileSums &sums, TileStep terms,
                                 bool isOneStep) {
  if (tiling.stages)
    return addCopiedSteps(phase, tiling, lhs, rhs, sums, terms);
  return addReadSteps(phase, tiling, lhs, rhs, sums, terms, isOneStep);
}
