// Products too small to be worth a call of the library: which, and in what
// tiles.
#ifndef NNC_CODEGEN_CUDA_SMALLPRODUCTS_H
#define NNC_CODEGEN_CUDA_SMALLPRODUCTS_H

#include "codegen/cuda/TileShape.h"

#include <optional>

namespace nnc {

/// The tiles of a kernel for this product of matrices; none where a call of the
/// library, and launches for what it cannot do, take less time by estimate.
std::optional<Tiling> chooseSmallTiling(const Contraction &contraction,
                                        const ContractionAxes &axes,
                                        const GpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_SMALLPRODUCTS_H
