// The kernels that nnc-bench-kernels times, as linalg on tensors: products and
// the three directions of convolutions, by the names that the peers' list has.
#ifndef NNC_TEST_BENCHMARK_BENCHMARKEDKERNELS_H
#define NNC_TEST_BENCHMARK_BENCHMARKEDKERNELS_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::test {

struct BenchmarkedKernel {
  std::string name;
  /// One function with the attribute nnc.kernel.
  std::string text;
  int64_t batch;
  /// Of one run.
  double flop;
  /// Elements, all of f32.
  llvm::SmallVector<int64_t> operandSizes;
  int64_t resultSize;
};

std::vector<BenchmarkedKernel> benchmarkedKernels();

} // namespace nnc::test

#endif // NNC_TEST_BENCHMARK_BENCHMARKEDKERNELS_H
