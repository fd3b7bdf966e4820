// The values of a rows kernel, emitted where they are asked for.
//
// A nest of loops (Rows.cpp) says which lanes of the space it is at; a value is
// then loaded, or computed from others, at most once in its scope: a scalar
// once a nest, a row's value once a row, and so on.
#ifndef NNC_CODEGEN_ROWSVALUES_H
#define NNC_CODEGEN_ROWSVALUES_H

#include "codegen/RowsAnalysis.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

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

/// Where a tensor lies in memory.
struct Storage {
  enum Kind { Buffer, Scratch };
  Kind kind = Buffer;
  BufferRef buffer{};
  /// Of a row's worth of elements in the thread's scratch.
  int64_t scratchOffsetBytes = 0;
};

/// A target says how its phases begin and end, and where their buffers are.
class RowsValues {
public:
  RowsValues(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
             RowsKernel &rows);
  virtual ~RowsValues() = default;

  /// What a nest sets: where it is, and before which op the values of a role
  /// are to be computed (null: at the insertion point).
  Chunk chunk;
  mlir::Operation *anchors[4] = {};
  /// Forgets the values of a role: their scope has ended.
  void forget(SpaceRole role) { known[role].clear(); }

  /// The value of `tensor` at the chunk: a vector if its role varies over
  /// lanes, else a scalar.
  mlir::Value get(mlir::Value tensor);
  void set(mlir::Value root, mlir::Value value);
  bool isVector(SpaceRole role) const {
    return chunk.lanes && (rows.columns == 1 ? role & Row : role & Column);
  }

  /// Memory: `root` can be loaded from `storage` from now on.
  void setStorage(mlir::Value root, Storage storage) { stored[root] = storage; }
  bool isStored(mlir::Value root) const { return stored.contains(root); }
  /// Scratch holds values of one row: another nest has to compute them again.
  void forgetScratch();
  void store(mlir::Value root, Storage storage, mlir::Value value);
  void storeResult(unsigned result, mlir::Value value);
  /// A workspace of `elementType`; its size is the schedule's concern.
  unsigned addWorkspace(mlir::Type elementType);
  mlir::Value loadWorkspace(unsigned workspace, mlir::Value index, bool vector);
  void storeWorkspace(unsigned workspace, mlir::Value index, mlir::Value value);

  /// Reductions. Accumulators are one a result of the op.
  /// The accumulators of no element; of `lanes` (0: scalars).
  llvm::SmallVector<mlir::Value> identity(RowsOp &op, int64_t lanes);
  /// The chunk's elements added to the accumulators, lane by lane.
  llvm::SmallVector<mlir::Value> accumulate(RowsOp &op,
                                            mlir::ValueRange accumulators);
  llvm::SmallVector<mlir::Value> combine(RowsOp &op, mlir::ValueRange lhs,
                                         mlir::ValueRange rhs);
  /// The lanes of vectors combined, halves first: an order fixed by the width.
  llvm::SmallVector<mlir::Value> combineLanes(RowsOp &op,
                                              mlir::ValueRange vectors);
  /// Combines with the op's init and makes the results known.
  void finish(RowsOp &op, mlir::ValueRange totals);

  /// Progress of the schedule: what is read before a tick is read before what
  /// is written after it.
  void tick() { ++time; }
  /// Pairs of which the result may be written over the operand.
  llvm::SmallVector<std::pair<unsigned, unsigned>> findAliases();

  /// A mask of the chunk's first `count` lanes; a count above the number of
  /// lanes means all.
  mlir::Value maskFirst(int64_t count);
  mlir::Value maskFirst(mlir::Value count);

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, int64_t rhs);
  /// R, from the batch.
  mlir::Value numRows();

  mlir::ImplicitLocOpBuilder &b;

protected:
  /// A phase's function has begun, with the insertion point in it: values of
  /// the phase before are forgotten, those in memory stay known.
  void beginFunction(mlir::Value batch);
  /// How an element lies in a buffer.
  virtual mlir::Type storageOf(mlir::Type elementType) const = 0;
  /// The argument of the phase's function for a buffer.
  virtual mlir::Value argument(BufferRef reference, mlir::MemRefType type) = 0;
  /// Memory of the thread's own; for Storage::Scratch.
  virtual mlir::Value scratch(int64_t offsetBytes, mlir::MemRefType type) = 0;

  mlir::func::FuncOp kernel;
  RowsKernel &rows;

private:
  mlir::Value uniform(mlir::OpFoldResult value);
  mlir::Value load(Storage storage, mlir::Type elementType, SpaceRole role);
  mlir::Value address(Storage storage, SpaceRole role);
  mlir::Value buffer(BufferRef reference);
  mlir::Value memory(Storage storage, mlir::Type elementType);
  mlir::MemRefType bufferType(BufferRef reference);
  void evaluate(RowsOp &op);
  mlir::Value randomBits(RowsOp &op);
  llvm::SmallVector<mlir::Value> arguments(RowsOp &op);
  llvm::SmallVector<mlir::Value> loopIndices(RowsOp &op);
  mlir::Value axisPosition(SpaceRole axis);
  mlir::Value laneNumbers(mlir::Type type);

  mlir::Value batch;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, mlir::Value> known[4];
  llvm::DenseMap<mlir::Value, Storage> stored;
  llvm::SmallVector<mlir::Type> workspaceTypes;
  int64_t time = 0;
  llvm::DenseMap<unsigned, int64_t> operandReads, resultWrites;
};

} // namespace nnc

#endif // NNC_CODEGEN_ROWSVALUES_H
