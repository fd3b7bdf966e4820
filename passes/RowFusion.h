// Grouping ops into rows kernels: what the passes FuseElementwise,
// FuseReductions and FuseSiblings have in common.
//
// The passes differ in which pairs of groups they propose; whether a pair can
// be one kernel is decided here, by the rules of passes/RowSpace.h.
#ifndef NNC_PASSES_ROWFUSION_H
#define NNC_PASSES_ROWFUSION_H

#include "passes/GroupGraph.h"
#include "passes/RowSpace.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace nnc {

/// A kernel of more ops compiles slowly and keeps nothing in registers.
inline constexpr size_t kMostKernelOps = 160;

/// The groups of a block: its "rows" regions, opened, and each op by itself.
class RowFusion {
public:
  /// Opens the regions and gives each user outside of an op's region a copy of
  /// its own of what costs nothing to compute: constants, broadcasts, reshapes
  /// and the like. With `samples`, each sample may have a space of its own.
  explicit RowFusion(mlir::Block &block, bool samples = false);

  struct Group {
    /// In the order of the block.
    llvm::SmallVector<mlir::Operation *> ops;
    /// Whether the ops can be part of a rows kernel.
    bool isRows = false;
    bool hasReduction = false;
    /// Only ops that cost nothing.
    bool isFree = false;
    /// Every value has one element.
    bool isScalar = false;
  };

  /// The groups' numbers, in the order of their first ops. Merged groups are
  /// left out.
  llvm::SmallVector<unsigned> groups() const;
  const Group &group(unsigned number) const { return table[number]; }
  /// The group of an op of the block; none of its terminator, and of regions
  /// that groups have become.
  std::optional<unsigned> groupOf(mlir::Operation *op) const;
  /// The place of a group's first op in the block, as it was at the start.
  size_t position(unsigned number) const {
    return positions.at(table[number].ops.front());
  }

  /// Groups that a group's operands come from, and those that use its results.
  llvm::SmallVector<unsigned> producers(unsigned number) const;
  llvm::SmallVector<unsigned> consumers(unsigned number) const;
  /// The operands from outside of the group.
  llvm::SmallVector<mlir::Value> inputs(unsigned number) const;

  /// Whether `producer` computes scalars that others than `consumer` use too.
  /// Such a kernel is left for FuseSiblings: merged with the first of its
  /// users, it would delay the rest.
  bool isSharedScalar(unsigned producer, unsigned consumer) const;
  /// Whether a group gives a scalar to anything outside of it.
  bool endsWithScalar(unsigned number) const;

  /// Makes one group of two, if they can be one kernel: they share a space, and
  /// no op between them would have to run in the middle. Returns the number
  /// that remains valid: that of the merged group. `--debug-only=row-fusion`
  /// says why if not.
  std::optional<unsigned> merge(unsigned a, unsigned b);
  /// Whether each sample has a space of its own in a group: then so has what it
  /// gives to others.
  bool hasSamples(unsigned number) const;
  /// Has a group compute `value`, which it reads, by copies of `ops`, each of
  /// which is after those that it uses; false where that is no one kernel.
  /// Nothing is merged after it.
  bool computeIn(unsigned number, mlir::Value value,
                 llvm::ArrayRef<mlir::Operation *> ops);
  /// Whether a group has as many ops as a kernel may.
  bool isFull(unsigned number) const;

  /// Merges what is free with its users. Copies that find no kernel to be part
  /// of become one op again.
  void absorbFree();

  /// Turns every group of several ops into a region, and sorts the block.
  void finish();

private:
  void openRegions();
  std::optional<unsigned> regionOf(mlir::Operation *op) const;
  void copyFreeOps();
  void makeGroups();
  void addGroup(llvm::ArrayRef<mlir::Operation *> ops);
  /// Why two groups cannot be one; empty if they can.
  llvm::StringRef reasonAgainst(unsigned a, unsigned b,
                                llvm::ArrayRef<mlir::Operation *> merged);
  llvm::SmallVector<mlir::Operation *> mergedOps(unsigned a, unsigned b) const;
  void removeUnusedCopies();
  void removeUnused();

  mlir::Block &block;
  bool samples;
  std::vector<Group> table;
  /// The regions that ops were in, by numbers of their own.
  llvm::DenseMap<mlir::Operation *, unsigned> regions;
  GroupGraph graph;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  /// Places in the block when the groups were made.
  llvm::DenseMap<mlir::Operation *, size_t> positions;
  /// Copies by what they are copies of.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> originals;
};

} // namespace nnc

#endif // NNC_PASSES_ROWFUSION_H
