// The phases of a contraction that sums over images, as the gradient of a
// filter does: an image in blocks, each copied where it has padding or is
// computed, and sums of all windows over it, which wait from one block to the
// next.
#ifndef NNC_CODEGEN_CPU_IMAGESUMS_H
#define NNC_CODEGEN_CPU_IMAGESUMS_H

#include "codegen/cpu/Microtile.h"
#include "codegen/cpu/WindowTiling.h"

namespace nnc {

class ImageSums : MicrotilePhase {
public:
  ImageSums(const Contraction &contraction, const ImageSumTiling &tiling,
            ContractionPhase &phase, ScheduledKernel &kernel)
      : MicrotilePhase(contraction, tiling, phase, kernel), tiling(tiling),
        columns{contraction, contraction.rhs, contraction.axisN(),
                tiling.columns(), tiling.lanes} {}

  /// The phase that multiplies. `parts`: the workspace for the sums of parts of
  /// K, if there are several; results are computed at once if not.
  void emit(std::optional<unsigned> parts);
  static int64_t extent(const ImageSumTiling &tiling) {
    return tiling.rowGroups * tiling.columnGroups * tiling.numParts;
  }

  /// The phase that adds up parts.
  void emitTotals(unsigned parts);
  static int64_t extentOfTotals(const ImageSumTiling &tiling) {
    return tiling.rowPanels() * tiling.columnPanels;
  }

  /// Bytes of the workspace.
  int64_t partsBytes() const {
    return tiling.numParts * extentOfTotals(tiling) * sumsOfTile() * bytes();
  }

private:
  void takeMemory();
  void emitTile(mlir::Value index);
  void emitBlock(mlir::Value number, PanelRange panelsOfM, PanelRange rows,
                 PanelRange columnShare);
  void setBases(PanelRange range, PanelRange panelsOfM);
  void packColumns(const Microtile &tile, PanelRange range,
                   llvm::ArrayRef<unsigned> axes, mlir::Value number);
  void setRows(Microtile &tile, mlir::Value panel);
  Terms termsOf(const Microtile &tile);
  llvm::SmallVector<mlir::Value> addBlock(const Microtile &tile,
                                          const Terms &terms, PanelRange range,
                                          llvm::ArrayRef<unsigned> axes,
                                          mlir::Value number,
                                          mlir::ValueRange sums);
  PanelRange withoutZerosOf(unsigned axis, PanelRange range);
  void wait(const Microtile &tile, mlir::ValueRange sums);
  void finish(const Microtile &tile, mlir::Value part);
  void forEachTile(PanelRange rows, PanelRange columnShare,
                   llvm::function_ref<void(Microtile &)> startPanel,
                   llvm::function_ref<void(Microtile &)> emitTile);
  /// What a block has along one of its axes.
  PanelRange rangeOf(unsigned axis, PanelRange range);

  const ImageSumTiling &tiling;
  PanelSource columns;
  mlir::Value image, packed;
  /// Of the image where windows are read, and of columns that are not packed:
  /// the place of the block's first element.
  mlir::Value base, columnBase;
  /// Along each axis, in the image where windows are read.
  llvm::SmallVector<BatchSize> strides;
  /// Of M, at which the tile's share begins.
  mlir::Value firstPanelOfM;
  /// Sums of this tile, and what rounding took from them.
  mlir::Value waiting, lostParts;
  /// Sums of all tiles and parts, if there are several.
  mlir::Value parts;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_IMAGESUMS_H
