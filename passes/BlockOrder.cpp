// See BlockOrder.h.
#include "passes/BlockOrder.h"

using namespace mlir;
using namespace nnc;

/// Room between labels: a gap holds 32 ops that are placed one behind another.
static constexpr uint64_t kSpacing = uint64_t(1) << 32;

BlockOrder::BlockOrder(Block &block) : block(block) { relabel(); }

void BlockOrder::relabel() {
  uint64_t label = 0;
  for (Operation &op : block)
    labels[&op] = label += kSpacing;
}

void BlockOrder::place(Operation *op) {
  Operation *previous = op->getPrevNode(), *next = op->getNextNode();
  uint64_t low = previous ? labels.lookup(previous) : 0;
  uint64_t high = next ? labels.lookup(next) : low + 2 * kSpacing;
  if (high - low < 2)
    return relabel();
  labels[op] = low + (high - low) / 2;
}
