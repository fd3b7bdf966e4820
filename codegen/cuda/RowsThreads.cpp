// What threads of a rows kernel on a GPU do together: lanes, warps, blocks.
#include "codegen/cuda/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

void GpuRowsScheduler::unroll(ValueRange results, int64_t iterations) {
  if (results.empty() || iterations == 1)
    return;
  results.front().getDefiningOp()->setAttr("nnc.unroll",
                                           b.getI64IntegerAttr(iterations));
}

/// The lanes of a thread's vectors combined, halves first.
Accumulators GpuRowsScheduler::combineLanes(ArrayRef<RowsOp *> ops,
                                            Accumulators vectors) {
  if (vectors.empty() || !isa<VectorType>(vectors.front().getType()))
    return vectors;
  int64_t lanes = cast<VectorType>(vectors.front().getType()).getNumElements();
  std::vector<Accumulators> parts;
  for (int64_t lane = 0; lane < lanes; ++lane)
    parts.push_back(llvm::map_to_vector(vectors, [&](Value vector) -> Value {
      return vector::ExtractOp::create(b, vector, lane);
    }));
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      parts[lane] = values.combine(ops, parts[lane], parts[lane + half]);
  return parts.front();
}

/// The totals of `threads` neighbours in a warp, in each of them. Both of a
/// pair combine the same two, in an order that changes no bit of a sum or
/// maximum.
Accumulators GpuRowsScheduler::butterfly(ArrayRef<RowsOp *> ops,
                                         Accumulators own, int64_t threads) {
  for (int64_t mask = threads / 2; mask > 0; mask /= 2) {
    auto others = llvm::map_to_vector(
        own, [&](Value value) { return phase().shuffle(value, mask); });
    own = values.combine(ops, own, others);
  }
  return own;
}

/// The totals of each `threads` neighbours of a block, in all of them.
Accumulators GpuRowsScheduler::combineThreads(ArrayRef<RowsOp *> ops,
                                              Accumulators own, int64_t threads,
                                              int64_t blockThreads) {
  own = butterfly(ops, std::move(own), std::min(threads, kWarp));
  if (threads <= kWarp)
    return own;
  // One value a warp, of which every warp then reads those of its group.
  int64_t warps = threads / kWarp;
  Value thread = phase().thread();
  auto shared = llvm::map_to_vector(own, [&](Value value) {
    return phase().shared(blockThreads / kWarp, value.getType());
  });
  Value isFirst = phase().isEqual(phase().remainder(thread, kWarp), index(0));
  phase().when(isFirst, [&] {
    Value warp = phase().divide(thread, kWarp);
    for (auto [value, memory] : llvm::zip(own, shared))
      memref::StoreOp::create(b, value, memory, warp);
  });
  phase().barrier();
  Value at = phase().remainder(thread, warps);
  if (threads < blockThreads)
    at = phase().add(phase().multiply(phase().divide(thread, threads), warps),
                     at);
  auto loaded = llvm::map_to_vector(shared, [&](Value memory) -> Value {
    return memref::LoadOp::create(b, memory, at);
  });
  return butterfly(ops, std::move(loaded), warps);
}
