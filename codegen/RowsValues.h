// The values of a rows kernel, emitted where they are asked for.
//
// A nest of loops says which lanes of the space it is at; a value is then
// loaded from where the plan says that it lies, or computed from others, at
// most once in its scope: a scalar once a nest, a row's value once a row, and
// so on.
#ifndef NNC_CODEGEN_ROWSVALUES_H
#define NNC_CODEGEN_ROWSVALUES_H

#include "codegen/PhaseBuilder.h"
#include "codegen/RowsPlan.h"

#include <array>

namespace nnc {

/// The lanes that a nest is at.
struct Chunk {
  /// 0: one element, as a scalar.
  int64_t lanes = 0;
  /// The row; unused in a flat space.
  mlir::Value row;
  /// The first lane's column, or its element in a flat space.
  mlir::Value column;
  /// Null where all lanes are inside of the space.
  mlir::Value mask;
};

/// Accumulators of reductions, one a result of each op.
using Accumulators = llvm::SmallVector<mlir::Value>;

/// `apply` to each op, with the place of its accumulators among those of all
/// and their number; what it returns, one after another.
Accumulators forEachReduction(
    llvm::ArrayRef<RowsOp *> ops,
    llvm::function_ref<Accumulators(RowsOp &, unsigned, unsigned)> apply);

class RowsValues {
public:
  explicit RowsValues(RowsPlan &plan);

  /// A phase's function has begun, with the insertion point in it: nothing is
  /// known but what lies in memory.
  void beginPhase(PhaseBuilder &phase);
  /// A step begins: what it reads from memory is what the plan says.
  void beginStep(const RowsStep &step);
  /// A pass over the row begins, which reads what those before it have kept.
  void beginPass(unsigned pass);

  /// A loop, or a part of a nest, while this lives. Values of the roles `fixed`
  /// are the same in all of its iterations, and are computed before it, unless
  /// an outer loop has them before itself. Values of the roles `varying` are
  /// others in each, and none of them is known when it ends.
  class Scope {
  public:
    Scope(RowsValues &values, mlir::Operation *loop,
          llvm::ArrayRef<SpaceRole> fixed, llvm::ArrayRef<SpaceRole> varying);
    Scope(const Scope &) = delete;
    ~Scope();

  private:
    RowsValues &values;
    std::array<mlir::Operation *, 4> outerAnchors;
    llvm::SmallVector<SpaceRole> varying;
  };

  /// Where the nest is.
  Chunk chunk;
  /// Lanes of the nest's row beside those that it is at, and what is known of
  /// them.
  struct Place {
    Chunk chunk;
    llvm::DenseMap<mlir::Value, mlir::Value> ofColumns, ofElements;
  };
  /// Goes to `place`, which takes the one that the nest was at.
  void exchange(Place &place);
  /// The sample, where each has a space of its own.
  mlir::Value sample;

  /// The value of `tensor` at the chunk: a vector if its role varies over
  /// lanes, else a scalar.
  mlir::Value get(mlir::Value tensor);
  void set(mlir::Value root, mlir::Value value);
  bool isVector(SpaceRole role) const {
    return chunk.lanes && (rows.columns == 1 ? role & Row : role & Column);
  }

  /// Stores results of the kernel. All are read before any is written: a result
  /// may lie on an operand. So they come last of what is done at a chunk.
  void storeResults(llvm::ArrayRef<unsigned> results);
  /// Stores what the step keeps that was computed in `pass`, beside results.
  void storeKept(unsigned pass = 0);
  /// Partial results of reductions: element `at` of their workspaces, or, with
  /// `vector`, those of the chunk's lanes from there on.
  Accumulators loadPartials(llvm::ArrayRef<RowsOp *> ops, mlir::Value at,
                            bool vector);
  void storePartials(llvm::ArrayRef<RowsOp *> ops, mlir::Value at,
                     mlir::ValueRange values);

  /// The accumulators of no element; of `lanes` (0: scalars).
  Accumulators identities(llvm::ArrayRef<RowsOp *> ops, int64_t lanes);
  /// The chunk's elements added to the accumulators, lane by lane.
  Accumulators accumulate(llvm::ArrayRef<RowsOp *> ops,
                          mlir::ValueRange accumulators);
  Accumulators combine(llvm::ArrayRef<RowsOp *> ops, mlir::ValueRange lhs,
                       mlir::ValueRange rhs);
  /// The lanes of vectors combined, halves first: an order fixed by the width.
  Accumulators combineLanes(RowsOp &op, mlir::ValueRange vectors);
  /// Combines with the ops' inits and makes the results known.
  void finish(llvm::ArrayRef<RowsOp *> ops, mlir::ValueRange totals);

  /// Progress of the schedule: what is read before a tick is read before what
  /// is written after it.
  void tick() { ++time; }
  /// Pairs of which the result may be written over the operand.
  llvm::SmallVector<std::pair<unsigned, unsigned>> findAliases();

  /// A mask of the chunk's first `count` lanes; a count above the number of
  /// lanes means all.
  mlir::Value maskFirst(int64_t count);
  mlir::Value maskFirst(mlir::Value count);

  /// R, from the batch.
  mlir::Value numRows();

  mlir::ImplicitLocOpBuilder b;

private:
  mlir::Value uniform(mlir::OpFoldResult value);
  void store(mlir::Value root, Storage storage);
  mlir::Value load(mlir::Value root, Storage storage);
  mlir::Value address(mlir::Value root, Storage storage);
  int64_t elementsPerSample(mlir::Value root, Storage storage) const;
  mlir::Value atSample(mlir::Value place, int64_t elements);
  mlir::Value buffer(BufferRef reference);
  mlir::Value memory(Storage storage, mlir::Type elementType);
  void evaluate(RowsOp &op);
  Accumulators identity(RowsOp &op, int64_t lanes);
  Accumulators accumulate(RowsOp &op, mlir::ValueRange accumulators);
  Accumulators combine(RowsOp &op, mlir::ValueRange lhs, mlir::ValueRange rhs);
  void finish(RowsOp &op, mlir::ValueRange totals);
  mlir::Value randomBits(RowsOp &op);
  llvm::SmallVector<mlir::Value> inputs(RowsOp &op);
  llvm::SmallVector<mlir::Value> arguments(RowsOp &op);
  void evaluateWindow(RowsOp &op);
  Accumulators reduceWindow(RowsOp &op, mlir::ValueRange outside,
                            mlir::ValueRange inits, bool isWhole);
  Accumulators accumulateWindow(RowsOp &op, mlir::ValueRange outside,
                                llvm::ArrayRef<mlir::Value> at,
                                mlir::ValueRange sums, bool isWhole);
  mlir::Value readWindow(RowsOp &op, const WindowRead &read,
                         llvm::ArrayRef<mlir::Value> at, bool isWhole);
  llvm::SmallVector<mlir::Value> windowIndices(RowsOp &op,
                                               const WindowRead &read,
                                               llvm::ArrayRef<mlir::Value> at);
  mlir::Value isInBounds(const WindowRead &read, mlir::ValueRange indices);
  mlir::Value isWholeWindow(RowsOp &op, const WindowRead &read);
  std::optional<BatchSize> laneStride(const RowsOp &op,
                                      const WindowRead &read) const;
  bool areTogether(const RowsOp &op, const WindowRead &read) const;
  mlir::Value evaluate(const LinearIndex &index, mlir::ValueRange indices);
  mlir::Value onLanesOf(mlir::Value value, mlir::Value other);
  llvm::SmallVector<mlir::Value> loopIndices(RowsOp &op, bool perLane = true);
  mlir::Value axisPosition(SpaceRole axis, bool perLane);
  mlir::Value laneNumbers(mlir::Type type);

  void forget(llvm::ArrayRef<SpaceRole> roles);

  RowsPlan &plan;
  RowsKernel &rows;
  PhaseBuilder *phase = nullptr;
  const RowsStep *step = nullptr;
  unsigned pass = 0;
  /// Before which op the values of a role are to be computed; null: at the
  /// insertion point.
  std::array<mlir::Operation *, 4> anchors = {};
  llvm::DenseMap<mlir::Value, mlir::Value> known[4];
  int64_t time = 0;
  llvm::DenseMap<unsigned, int64_t> operandReads, resultWrites;
  /// Operands of which other elements are read than the one at hand.
  llvm::DenseSet<unsigned> readInWindows;
};

} // namespace nnc

#endif // NNC_CODEGEN_ROWSVALUES_H
