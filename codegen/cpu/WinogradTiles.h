// Windows of 3 x 3 neighbours over an image, cut into Winograd's tiles: where
// each tile's places are, and their transform.
#ifndef NNC_CODEGEN_CPU_WINOGRADTILES_H
#define NNC_CODEGEN_CPU_WINOGRADTILES_H

#include "codegen/cpu/PaddedFactor.h"
#include "codegen/cpu/WinogradTransforms.h"

namespace nnc {

/// One of the two dimensions that windows have.
struct WindowDim {
  unsigned position, tap; // axes of the contraction
  /// The next tap is at the place before.
  bool isReversed;
};

/// A tile is 2 x 2 windows, and 4 x 4 places of the image that they read.
struct WinogradTiles {
  Contraction contraction;
  WindowDim rows, columns;
  /// The other axes along which windows are.
  llvm::SmallVector<unsigned> images;
  /// The axis of the image's channels.
  unsigned channels;
  /// What the left factor is within its padding of zeros.
  const Element *image;
  int64_t lanes;

  static constexpr int64_t kProducts = 16;
  static constexpr int64_t kTaps = 9;

  /// Of a dimension, the last of which may be half.
  int64_t numTiles(const WindowDim &dim) const {
    return (contraction.sizes[dim.position].factor + 1) / 2;
  }
  /// Of all images.
  BatchSize numTiles() const;
  int64_t numChannels() const { return contraction.sizes[channels].factor; }
  bool isOdd(const WindowDim &dim) const {
    return contraction.sizes[dim.position].factor % 2;
  }
  /// The last tile reaches beyond the image, and no padding is there.
  bool isOpen(const WindowDim &dim) const {
    return isOdd(dim) &&
           llvm::none_of(contraction.lhs->bounds, [&](const Bound &bound) {
             return bound.index.dependsOn(dim.position);
           });
  }
};

/// The tiles of a contraction of f32 whose windows have their taps along two of
/// the axes `taps` and lie along `positions`.
mlir::FailureOr<WinogradTiles> findTiles(Contraction contraction,
                                         llvm::ArrayRef<unsigned> taps,
                                         llvm::ArrayRef<unsigned> positions,
                                         unsigned channels, int64_t lanes,
                                         Refusal &refusal);

/// Where a transformed tile goes: the vector of some channels of its product p
/// to `offset` + p * next + the first channel's number, counted from `first`.
struct TileMemory {
  mlir::Value memory, offset;
  int64_t next;
  mlir::Value firstChannel;
  int64_t numChannels;
};

/// What a microtile multiplies: left[offset + row * leftRow + step * leftStep]
/// by the vectors at right[offset + step * rightStep].
struct Factors {
  mlir::Value left, leftOffset;
  int64_t leftRow, leftStep;
  mlir::Value right, rightOffset;
  int64_t rightStep;
};

class TileEmitter {
public:
  TileEmitter(ContractionPhase &phase, const WinogradTiles &tiles)
      : phase(phase), b(phase.b), tiles(tiles) {}

  /// The first window of a tile, by the tile's number.
  Point pointOfTile(mlir::Value tile);
  /// The window at row i and column j of the tile, and whether there is one.
  std::pair<Point, mlir::Value> windowOfTile(const Point &tile, int64_t i,
                                             int64_t j);
  /// Reads the places of a tile, and writes their transform.
  void emitTransform(const Point &tile, const TileMemory &to);

  /// The sums of `count` steps: `height` rows of `vectors` vectors.
  Values sumProducts(const Factors &factors, int64_t height, int64_t vectors,
                     mlir::Value count);

  mlir::VectorType vectorType() const {
    return mlir::VectorType::get(tiles.lanes, tiles.contraction.type);
  }
  mlir::Value zeroVector();

private:
  Point placeInTile(const Point &tile, int64_t i, int64_t j);
  mlir::Value isWithin(const Point &tile, const WindowDim &dim, int64_t number);
  void emitChannels(const Point &tile, const TileMemory &to,
                    llvm::ArrayRef<mlir::Value> rows,
                    llvm::ArrayRef<mlir::Value> columns);
  Values addProducts(const Factors &factors, int64_t height, int64_t vectors,
                     mlir::Value step, mlir::ValueRange sums);

  ContractionPhase &phase;
  mlir::ImplicitLocOpBuilder &b;
  const WinogradTiles &tiles;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRADTILES_H
