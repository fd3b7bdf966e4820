// Chooses cubins by architecture, then PTX.
#include "runtime/device/CudaCode.h"

#include <algorithm>
#include <cstdlib>

namespace nnc::runtime {

static constexpr std::string_view cubinPrefix = "sm_", ptxPrefix = "compute_";

static bool beginsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool isPtx(const CodeModule &module) {
  return beginsWith(module.architecture, ptxPrefix);
}

std::string architectureOf(const CudaDeviceFacts &device) {
  return concat(cubinPrefix, device.major * 10 + device.minor);
}

/// How well a module suits a device; below 0: not at all. See
/// https://docs.nvidia.com/cuda/cuda-c-programming-guide, "Application
/// Compatibility": a suffix "a" is for one architecture alone, "f" for its
/// family, the later minor numbers of the same major.
static int rank(const CodeModule &module, const CudaDeviceFacts &device) {
  const std::string &name = module.architecture;
  const bool isCubin = beginsWith(name, cubinPrefix);
  if (!isCubin && !isPtx(module))
    return -1;
  const char *digits =
      name.c_str() + (isCubin ? cubinPrefix : ptxPrefix).size();
  char *suffix = nullptr;
  const long version = std::strtol(digits, &suffix, 10);
  const long has = device.major * 10 + device.minor;
  if (suffix == digits || version < 10 || version > has)
    return -1;
  const bool isSameMajor = version / 10 == device.major;
  const bool isSpecific = *suffix == 'a';
  if (isSpecific && version != has)
    return -1;
  if ((isCubin || *suffix == 'f') && !isSameMajor)
    return -1;
  constexpr int anyPtx = 10000;
  return (isCubin ? anyPtx : 0) + int(version) * 10 + (*suffix ? 1 : 0);
}

static std::string listArchitectures(const MachineCode &code) {
  std::vector<std::string> names;
  for (const CodeModule &module : code.modules)
    if (std::find(names.begin(), names.end(), module.architecture) ==
        names.end())
      names.push_back(module.architecture);
  std::string list;
  for (const std::string &name : names)
    list += concat(list.empty() ? "" : ", ", quote(name));
  return list.empty() ? "nothing" : list;
}

static Status noModule(const MachineCode &code, const CudaDeviceFacts &device) {
  return {Code::Unsupported,
          concat("the plan has code for ", listArchitectures(code),
                 ", and this machine's GPU (", device.name, ") is ",
                 quote(architectureOf(device)),
                 ": compile it with --target cuda:", architectureOf(device))};
}

StatusOr<std::vector<const CodeModule *>>
selectModules(const MachineCode &code, const CudaDeviceFacts &device) {
  std::vector<const CodeModule *> chosen;
  for (const Kernel &kernel : code.kernels) {
    const CodeModule *best = nullptr;
    for (const CodeModule &module : code.modules)
      if (module.unit == kernel.unit && rank(module, device) >= 0 &&
          (!best || rank(module, device) > rank(*best, device)))
        best = &module;
    if (!best)
      return noModule(code, device);
    chosen.push_back(best);
  }
  return StatusOr<std::vector<const CodeModule *>>(std::move(chosen));
}

} // namespace nnc::runtime
