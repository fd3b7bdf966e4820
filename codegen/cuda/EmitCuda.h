// From phases for a GPU to CUDA C++ that a person can read.
//
// What a schedule says of a phase beyond its body, scheduleKernels writes into
// attributes, which hand-written phases may have too:
//   nnc.threads     of the function: threads a block
//   nnc.blocks      of the function, [constant, per batch, divisor]
//   nnc.resident    of the function: how many of its blocks a multiprocessor is
//                   to hold at once, which bounds their registers
//   nnc.apart       of the function, a unit: it needs nothing of the phase before
//                   it in its kernel, and writes elsewhere
//   nnc.elements    of a buffer argument, likewise; where it is absent, the
//                   argument's type says
//   nnc.name        of a buffer argument
//   nnc.fresh       of a buffer argument, a unit: nothing in it has a value yet
//   nnc.max_batch   of the module
//   nnc.prelude     of a declaration, the name of a function of the prelude
//   nnc.unroll      of a loop, a unit: its iterations one after another; or a
//                   number of them
#ifndef NNC_CODEGEN_CUDA_EMITCUDA_H
#define NNC_CODEGEN_CUDA_EMITCUDA_H

#include "codegen/Target.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// One phase as text.
struct CudaKernel {
  struct Buffer {
    std::string name;
    /// "const f32 *".
    std::string type;
    int64_t elementBytes = 1;
    bool isFloat = false;
    /// Nothing in it has a value before this kernel.
    bool isFresh = false;
    /// Absent: not known.
    std::optional<Extent> elements;
  };

  /// Of the function, which has C linkage. Its parameters are the buffers, in
  /// order, and then `i64 batch`.
  std::string name;
  std::string text;
  int64_t threads = 0;
  /// Absent: not known.
  std::optional<Extent> blocks;
  std::vector<Buffer> buffers;
  /// Whether threads of a block wait for each other.
  bool synchronizes = false;
};

/// A module of phases as text. A translation unit is cudaPrelude(), `helpers`,
/// and any of the kernels.
struct CudaText {
  /// The private functions that kernels call.
  std::string helpers;
  /// In the order of the module's functions.
  std::vector<CudaKernel> kernels;
};

/// Prints a module of phases, which is changed on the way. Fails after a
/// diagnostic that names what has no form in CUDA C++.
mlir::FailureOr<CudaText> emitCuda(mlir::ModuleOp phases);

/// What every unit begins with: codegen/cuda/prelude.cuh.
llvm::StringRef cudaPrelude();

/// All kernels as one text for reading, which names the prelude and does not
/// repeat it.
std::string printCuda(const CudaText &text);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_EMITCUDA_H
