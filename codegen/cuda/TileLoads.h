// An operand's part of a tile on its way from the device's memory to that of a
// block: which thread reads what, in vectors where neighbours lie together.
#ifndef NNC_CODEGEN_CUDA_TILELOADS_H
#define NNC_CODEGEN_CUDA_TILELOADS_H

#include "codegen/cuda/ContractionPhase.h"
#include "codegen/cuda/TileShape.h"

namespace nnc {

/// How a tile of an operand lies in shared memory: rows (or columns) x depth.
struct TileLayout {
  mlir::Type type;
  /// Rows, or columns, of the tile.
  int64_t extent;
  int64_t depth;
  /// Neighbours are terms of one row; else rows of one term.
  bool alongDepth;
  /// From one row to the next, or from one term to the next.
  int64_t stride;
  /// Pieces of 16 bytes change places within a line, so that those of lines
  /// side by side lie in other banks, and lines need no room between them.
  bool isSwizzled = false;

  int64_t numElements() const { return (alongDepth ? extent : depth) * stride; }
  /// Of the element of a row (or column) and a term.
  mlir::Value placeOf(GpuPhase &phase, mlir::Value row, mlir::Value term) const;
};

/// How an operand's elements are read: as vectors along the terms, or along the
/// rows.
struct ReadDirection {
  bool alongDepth = false;
  int64_t lanes = 1;
};

/// Whether the operand is read in vectors of 16 bytes that need no change.
bool isCopied(const Contraction &contraction, const ContractionAxes &axes,
              const Element *element, const AxisGroup &group);

/// The terms that a step adds.
struct TileStep {
  /// The first, a multiple of the tile's depth, and the end of those that
  /// exist.
  mlir::Value first, end;
  /// The loop over steps that it is in, if any.
  mlir::Operation *loop = nullptr;
};

class TileLoad {
public:
  /// Of the operand `element` along the axes `group`, of which `extent` are in
  /// the tile.
  TileLoad(GpuContractionPhase &phase, const Contraction &contraction,
           const ContractionAxes &axes, const Element *element,
           const AxisGroup &group, const Tiling &tiling, int64_t extent);

  const TileLayout &getLayout() const { return layout; }
  mlir::Value getMemory() const { return memory; }
  /// Whether it comes to shared memory as it lies, not converted.
  bool isCopied() const { return areCopied; }
  /// What a thread holds of a step, known once located.
  size_t numReads() const { return vectors.size(); }

  /// Decides once what each thread reads: of the tile that begins at row (or
  /// column) `first`, where the outer axes are those of `point`.
  void locate(mlir::Value first, const GpuPoint &point);

  /// Reads this thread's elements of a step; zeros where there are none.
  llvm::SmallVector<mlir::Value> read(const TileStep &step);
  /// Puts them into one of the two halves of shared memory.
  void write(mlir::ValueRange values, mlir::Value half);
  /// Begins to copy them to one of the stages of shared memory.
  void copy(const TileStep &step, mlir::Value stage);

private:
  void placeVectors(const GpuPoint &point);
  mlir::Value convert(mlir::Value value);
  GpuPoint pointOf(unsigned vector, const TileStep &step);

  /// What a thread reads at once.
  struct Vector {
    /// Its first row (or column) and its first term in the tile.
    mlir::Value row, term;
    mlir::Value isRow;
    GpuPoint point;
  };

  GpuContractionPhase &phase;
  const Contraction &contraction;
  const ContractionAxes &axes;
  const Element *element;
  const AxisGroup &group;
  TileUnit unit;
  int64_t threads;
  TileLayout layout;
  mlir::Value memory;
  bool areCopied = false;

  ReadDirection direction;
  llvm::SmallVector<Vector> vectors;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILELOADS_H
