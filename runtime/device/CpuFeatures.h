// Which instruction set extensions this machine has, by LLVM's names.
#ifndef NNC_RUNTIME_DEVICE_CPUFEATURES_H
#define NNC_RUNTIME_DEVICE_CPUFEATURES_H

#include <string>
#include <vector>

namespace nnc::runtime {

/// Those of `features` that this machine, or its operating system, does not
/// support; a name that is not known here counts as missing.
std::vector<std::string>
missingCpuFeatures(const std::vector<std::string> &features);

/// Those that this machine supports, by index; null beyond the last.
size_t numCpuFeatures();
const char *cpuFeature(size_t index);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CPUFEATURES_H
