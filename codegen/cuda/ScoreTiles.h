// A tile of attention's scores in the hands of a block of threads: which of its
// rows and columns a thread has, and the products that make them and that they
// weigh. The tile's rows stay, and columns come by, a tile of them at a time,
// in shared memory.
#ifndef NNC_CODEGEN_CUDA_SCORETILES_H
#define NNC_CODEGEN_CUDA_SCORETILES_H

#include "codegen/cuda/AttentionPhase.h"

#include <memory>

namespace nnc {

/// Values of a thread are its columns of its first row, of the next, ..
class ScoreTiles {
public:
  using Head = GpuAttentionPhase::Head;
  using Values = GpuAttentionPhase::Values;

  virtual ~ScoreTiles() = default;

  /// The rows and columns that this thread has, as numbers in the tile.
  llvm::ArrayRef<mlir::Value> rows() const { return ownRows; }
  llvm::ArrayRef<mlir::Value> columns() const { return ownColumns; }

  /// Says how long the rows are that come by, `sizes` of each, before anything
  /// else.
  virtual void reserve(llvm::ArrayRef<int64_t> sizes) = 0;
  /// Takes rows of a head from `first` on, beyond its end the last, to stay:
  /// as long as those that come by as number `beside`. Returns their number.
  virtual unsigned hold(const Head &head, mlir::Value first,
                        unsigned beside) = 0;
  /// `emitBody` for each tile of columns in [from, to), with what is carried,
  /// while that of `heads` is there.
  virtual Values forEach(
      std::pair<mlir::Value, mlir::Value> range, llvm::ArrayRef<Head> heads,
      mlir::ValueRange carried,
      llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> emitBody) = 0;

  /// Products of rows that stay and columns that are there: [R, C].
  virtual Values products(unsigned held, unsigned passing) = 0;
  /// Sums [R, size], in an order of their own.
  virtual Values zeroSums(int64_t size) = 0;
  /// sums + weights [R, C] columns [C, size].
  virtual Values addWeighted(mlir::ValueRange sums, mlir::ValueRange weights,
                             unsigned passing) = 0;
  /// Each row of sums times a number.
  virtual Values scaleRows(mlir::ValueRange sums, mlir::ValueRange factors) = 0;
  /// Sums [R, to.size] to the rows of a head from `first` on.
  virtual void storeRows(mlir::ValueRange sums, const Head &to,
                         mlir::Value first) = 0;

  /// The total along a row, of what each thread that has some of it gives, in
  /// all of them.
  mlir::Value
  alongRow(mlir::Value value,
           llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> join);
  /// Whether this thread has the first column of its rows.
  mlir::Value isFirstOfRow();

protected:
  explicit ScoreTiles(GpuAttentionPhase &phase, int64_t lanes)
      : phase(phase), b(phase.b), tile(phase.tile), lanes(lanes) {}

  GpuAttentionPhase &phase;
  mlir::ImplicitLocOpBuilder &b;
  const GpuAttentionTile &tile;
  /// Neighbouring threads that share a row.
  const int64_t lanes;
  Values ownRows, ownColumns;
};

/// Products by multiply-adds of threads, of f32 and f64.
std::unique_ptr<ScoreTiles> makeThreadScoreTiles(GpuAttentionPhase &phase);
/// Products of 16-bit numbers by tensor cores.
std::unique_ptr<ScoreTiles> makeTensorScoreTiles(GpuAttentionPhase &phase);

/// Tiles that have room, the largest unless few samples leave most of the GPU
/// idle then; none where a head is too large for any, or is not of whole
/// matrices of tensor cores.
std::optional<GpuAttentionTile>
chooseThreadScoreTile(const AttentionKernel &attention, int64_t batch,
                      const GpuModel &model);
std::optional<GpuAttentionTile>
chooseTensorScoreTile(const AttentionKernel &attention, const GpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SCORETILES_H
