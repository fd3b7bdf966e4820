// A module of phases as text: helpers first, then each kernel.
#include "codegen/cuda/EmitCuda.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/FunctionPrinter.h"
#include "codegen/cuda/WideArithmetic.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace nnc;

/// Whether indices fit into 32 bits: those of elements, and of threads.
static bool hasNarrowIndices(func::FuncOp function, int64_t threads) {
  // What a grid goes beyond the elements, in whole blocks and strides.
  constexpr int64_t limit = (int64_t(1) << 31) - (int64_t(1) << 24);
  auto maxBatch =
      function->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(
          "nnc.max_batch");
  auto isNarrow = [&](std::optional<Extent> extent, int64_t scale) {
    if (!extent || (extent->perBatch && !maxBatch))
      return false;
    int64_t size = extent->at(maxBatch ? maxBatch.getInt() : 1);
    return size < limit / scale;
  };
  if (!isNarrow(toExtent(function->getAttr("nnc.blocks")), threads))
    return false;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isa<MemRefType>(type) && !isNarrow(elementsOf(function, i), 1))
      return false;
  return true;
}

static LogicalResult lowerAffine(ModuleOp phases) {
  RewritePatternSet patterns(phases.getContext());
  affine::populateAffineExpandIndexOpsPatterns(patterns);
  populateAffineToStdConversionPatterns(patterns);
  return applyPatternsGreedily(phases, std::move(patterns));
}

FailureOr<CudaText> nnc::emitCuda(ModuleOp phases) {
  if (failed(lowerAffine(phases)))
    return failure();
  CudaText text;
  bool helpersAreNarrow = true;
  auto threadsOf = [](func::FuncOp function) -> int64_t {
    auto threads = function->getAttrOfType<IntegerAttr>("nnc.threads");
    return threads ? threads.getInt() : 0;
  };
  for (auto function : phases.getOps<func::FuncOp>())
    if (!isIdentifier(function.getName()))
      return function.emitOpError("has a name that is none in CUDA C++"),
             failure();
  for (auto function : phases.getOps<func::FuncOp>()) {
    keepWide(function);
    if (function.isPublic())
      helpersAreNarrow &= hasNarrowIndices(function, threadsOf(function));
  }
  for (auto function : phases.getOps<func::FuncOp>()) {
    if (function->hasAttr("nnc.prelude"))
      continue;
    if (!function.isPublic()) {
      FailureOr<std::string> helper =
          FunctionPrinter(function, helpersAreNarrow).printHelper();
      if (failed(helper))
        return failure();
      text.helpers += *helper + "\n";
      continue;
    }
    int64_t threads = threadsOf(function);
    if (threads <= 0)
      return function.emitOpError("has no number of threads, `nnc.threads`"),
             failure();
    FailureOr<CudaKernel> kernel =
        FunctionPrinter(function, hasNarrowIndices(function, threads))
            .printKernel(threads);
    if (failed(kernel))
      return failure();
    text.kernels.push_back(std::move(*kernel));
  }
  return text;
}

StringRef nnc::cudaPrelude() {
  static constexpr char prelude[] =
#include "codegen/cuda/prelude.cuh.inc"
      ;
  return prelude;
}

std::string nnc::printCuda(const CudaText &text) {
  std::string whole = "// After codegen/cuda/prelude.cuh.\n\n" + text.helpers;
  for (const CudaKernel &kernel : text.kernels)
    whole += kernel.text + "\n";
  return whole;
}
