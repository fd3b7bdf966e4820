// The phase of a contraction whose left operand is read in windows: an image in
// blocks, copied where it has padding or is computed, and microtiles over it
// that read each window where it lies.
#ifndef NNC_CODEGEN_CPU_WINDOWPHASE_H
#define NNC_CODEGEN_CPU_WINDOWPHASE_H

#include "codegen/cpu/Microtile.h"
#include "codegen/cpu/WindowTiling.h"

namespace nnc {

/// Rows go through the image: a convolution, and its gradient by the image. The
/// right operand, the filter, is packed.
class WindowPhase : MicrotilePhase {
public:
  WindowPhase(const Contraction &contraction, const WindowTiling &tiling,
              ContractionPhase &phase, ScheduledKernel &kernel)
      : MicrotilePhase(contraction, tiling, phase, kernel), tiling(tiling),
        columns{contraction, contraction.rhs, contraction.axisN(),
                tiling.columns(), tiling.lanes} {}

  /// `filter`: the workspace of the packed filter.
  void emit(unsigned filter);
  /// Of the phase's parallel loop.
  static std::optional<Extent> extent(const Contraction &contraction,
                                      const WindowTiling &tiling);

private:
  void emitTile(mlir::Value index);
  void emitBlock(PanelRange range, mlir::Value columnGroup);
  void emitRows(Microtile &tile, PanelRange range,
                llvm::ArrayRef<unsigned> axes);
  llvm::SmallVector<mlir::Value> emitSums(const Microtile &tile);
  llvm::SmallVector<mlir::Value> addChain(const Microtile &tile,
                                          const Terms &terms,
                                          llvm::ArrayRef<unsigned> axes,
                                          mlir::Value number,
                                          mlir::ValueRange sums);
  /// `add` for one index of an axis of K, without rows for which its terms are
  /// all zero.
  llvm::SmallVector<mlir::Value>
  addWithoutZeros(const Microtile &tile, const Terms &terms,
                  const ZeroTerms &zero, int64_t k, mlir::ValueRange sums,
                  llvm::function_ref<llvm::SmallVector<mlir::Value>(
                      const Microtile &, const Terms &, mlir::ValueRange)>
                      add);
  llvm::SmallVector<mlir::Value> addLast(const Microtile &tile,
                                         const Terms &terms, mlir::Value number,
                                         mlir::ValueRange sums);
  const ZeroTerms *zeroTermsOf(unsigned axisK);
  llvm::SmallVector<mlir::Value> addChains(const Microtile &tile,
                                           const Terms &terms);

  const WindowTiling &tiling;
  PanelSource columns;
  mlir::Value image, filter;
  /// Of the image's first element, where windows are read.
  mlir::Value base;
  mlir::Value chainSums;
};

/// The places of the first and the last element that the windows of a block
/// read; `range` is what it has at its level.
std::pair<mlir::Value, mlir::Value> blockSpan(ContractionPhase &phase,
                                              const Contraction &contraction,
                                              const AxisBlock &block,
                                              llvm::ArrayRef<mlir::Value> outer,
                                              PanelRange range);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINDOWPHASE_H
