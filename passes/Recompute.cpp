// Values that a kernel reads, and could compute of what it reads anyway, or of
// what lies in memory in place of them.
#include "passes/Bodies.h"
#include "passes/Passes.h"
#include "passes/RecomputeInProducts.h"
#include "passes/RowFusion.h"
#include "passes/Scans.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_RECOMPUTEPASS
#include "passes/Passes.h.inc"
} // namespace nnc

/// Ops in place of one read: each is an instruction or two.
static constexpr size_t kMostOps = 16;
/// What has at most one element for so many of a value's is read for nothing.
static constexpr int64_t kSmallShare = 16;
static constexpr int64_t kTypicalBatch = 64;

static int64_t numElements(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  std::optional<BatchSize> size = sizeOfShape(type.getShape());
  return size ? size->estimate(kTypicalBatch) : INT64_MAX;
}

static bool isSmall(Value value, Value beside) {
  return numElements(value) <= numElements(beside) / kSmallShare;
}

static double bitsOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return double(numElements(value)) * type.getElementTypeBitWidth();
}

namespace {

/// How a value is computed anew.
struct Chain {
  /// Each after those that it uses.
  llvm::SetVector<Operation *> ops;
  /// What is read for it that was not before.
  llvm::SetVector<Value> newlyRead;
};

class Recomputation {
public:
  explicit Recomputation(RowFusion &fusion) : fusion(fusion) {}

  /// Users first, so that what is computed of a value no longer needs it.
  void run() {
    SmallVector<unsigned> groups = fusion.groups();
    for (unsigned number : llvm::reverse(groups)) {
      if (!fusion.group(number).isRows || fusion.group(number).isFree)
        continue;
      givesSamples = fusion.hasSamples(number);
      SmallVector<Operation *> ops(fusion.group(number).ops);
      for (Operation *op : llvm::reverse(ops))
        if (isCheap(op) && !isa<ConstantOp>(op))
          visit(op->getResult(0), number);
    }
  }

private:
  void visit(Value value, unsigned own);
  std::optional<Chain> trace(Value value, unsigned own, unsigned reader);
  bool collect(Value value, Value root, unsigned own,
               const DenseSet<Value> &reads, Chain &chain);
  DenseSet<Value> readsOf(unsigned number) const;

  RowFusion &fusion;
  /// Whether the group at hand can give to others what is of samples alone.
  bool givesSamples = false;
};

} // namespace

/// A size is known without a look at what it is the size of.
DenseSet<Value> Recomputation::readsOf(unsigned number) const {
  DenseSet<Value> reads;
  for (Operation *op : fusion.group(number).ops)
    if (!isa<SizeOp>(op))
      reads.insert_range(op->getOperands());
  return reads;
}

bool Recomputation::collect(Value value, Value root, unsigned own,
                            const DenseSet<Value> &reads, Chain &chain) {
  Operation *op = value.getDefiningOp();
  bool isOwn = op && fusion.groupOf(op) == own;
  bool isConstant = op && isa<ConstantOp>(op) && isCheap(op);
  if (value != root && !isConstant) {
    bool isGiven = !isOwn || !givesSamples || isOfSamples(value);
    if (reads.contains(value) || (isSmall(value, root) && isGiven))
      return true;
    if (!isOwn) {
      chain.newlyRead.insert(value);
      return true;
    }
  }
  if (!isCheap(op) || chain.ops.size() >= kMostOps)
    return false;
  for (Value operand : op->getOperands())
    if (!collect(operand, root, own, reads, chain))
      return false;
  chain.ops.insert(op);
  return true;
}

/// How `reader` would compute `value` of the group `own`, where it need not
/// read more for it.
std::optional<Chain> Recomputation::trace(Value value, unsigned own,
                                          unsigned reader) {
  Chain chain;
  if (!collect(value, value, own, readsOf(reader), chain))
    return std::nullopt;
  double bits = 0;
  for (Value read : chain.newlyRead)
    bits += bitsOf(read);
  if (bits > bitsOf(value))
    return std::nullopt;
  return chain;
}

void Recomputation::visit(Value value, unsigned own) {
  llvm::SetVector<unsigned> readers;
  bool isInMemory = false;
  for (Operation *user : value.getUsers()) {
    std::optional<unsigned> group = fusion.groupOf(user);
    // A reshape alone is no kernel.
    bool isKernel =
        group && fusion.group(*group).isRows && !fusion.group(*group).isFree;
    if (!isKernel)
      isInMemory = true;
    else if (group != own)
      readers.insert(*group);
  }
  SmallVector<std::pair<unsigned, Chain>> others;
  for (unsigned reader : readers) {
    std::optional<Chain> chain = trace(value, own, reader);
    if (chain && chain->newlyRead.empty() &&
        fusion.computeIn(reader, value, chain->ops.getArrayRef()))
      continue;
    if (!chain || chain->newlyRead.empty())
      isInMemory = true;
    else
      others.emplace_back(reader, std::move(*chain));
  }
  // Another read in place of this one saves the write, if nobody needs that.
  if (!isInMemory)
    for (auto &[reader, chain] : others)
      fusion.computeIn(reader, value, chain.ops.getArrayRef());
}

namespace {

struct RecomputePass : public nnc::impl::RecomputePassBase<RecomputePass> {
  using RecomputePassBase::RecomputePassBase;

  void runOnOperation() override {
    forEachBody(getOperation(), [&](Block &body) {
      RowFusion fusion(body, /*samples=*/true);
      fusion.absorbFree();
      Recomputation(fusion).run();
      fusion.finish();
      recomputeInProducts(body, hasTanh16);
    });
  }
};

} // namespace
