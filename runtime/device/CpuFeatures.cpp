// Asks the processor, and what the system saves of it, by cpuid and xgetbv.
#include "runtime/device/CpuFeatures.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nnc::runtime {

#if defined(__x86_64__)

namespace {
enum class Register { Eax, Ebx, Ecx, Edx };

/// Registers that the operating system must save when it switches threads.
enum class SavedState { None, Ymm, Zmm, Tiles };

struct Feature {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  int bit;
  SavedState saved;
};
} // namespace

// Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2A, CPUID;
// AMD64 Architecture Programmer's Manual, vol. 3, appendix E. Names are LLVM's
// (llvm/lib/Target/X86/X86.td).
static constexpr Feature features[] = {
    {"sse3", 1, 0, Register::Ecx, 0, SavedState::None},
    {"pclmul", 1, 0, Register::Ecx, 1, SavedState::None},
    {"ssse3", 1, 0, Register::Ecx, 9, SavedState::None},
    {"fma", 1, 0, Register::Ecx, 12, SavedState::Ymm},
    {"cx16", 1, 0, Register::Ecx, 13, SavedState::None},
    {"sse4.1", 1, 0, Register::Ecx, 19, SavedState::None},
    {"sse4.2", 1, 0, Register::Ecx, 20, SavedState::None},
    {"crc32", 1, 0, Register::Ecx, 20, SavedState::None},
    {"movbe", 1, 0, Register::Ecx, 22, SavedState::None},
    {"popcnt", 1, 0, Register::Ecx, 23, SavedState::None},
    {"aes", 1, 0, Register::Ecx, 25, SavedState::None},
    {"xsave", 1, 0, Register::Ecx, 26, SavedState::None},
    {"avx", 1, 0, Register::Ecx, 28, SavedState::Ymm},
    {"f16c", 1, 0, Register::Ecx, 29, SavedState::Ymm},
    {"rdrnd", 1, 0, Register::Ecx, 30, SavedState::None},
    {"cx8", 1, 0, Register::Edx, 8, SavedState::None},
    {"cmov", 1, 0, Register::Edx, 15, SavedState::None},
    {"mmx", 1, 0, Register::Edx, 23, SavedState::None},
    {"fxsr", 1, 0, Register::Edx, 24, SavedState::None},
    {"sse", 1, 0, Register::Edx, 25, SavedState::None},
    {"sse2", 1, 0, Register::Edx, 26, SavedState::None},
    {"bmi", 7, 0, Register::Ebx, 3, SavedState::None},
    {"avx2", 7, 0, Register::Ebx, 5, SavedState::Ymm},
    {"bmi2", 7, 0, Register::Ebx, 8, SavedState::None},
    {"avx512f", 7, 0, Register::Ebx, 16, SavedState::Zmm},
    {"avx512dq", 7, 0, Register::Ebx, 17, SavedState::Zmm},
    {"rdseed", 7, 0, Register::Ebx, 18, SavedState::None},
    {"adx", 7, 0, Register::Ebx, 19, SavedState::None},
    {"avx512ifma", 7, 0, Register::Ebx, 21, SavedState::Zmm},
    {"avx512cd", 7, 0, Register::Ebx, 28, SavedState::Zmm},
    {"sha", 7, 0, Register::Ebx, 29, SavedState::None},
    {"avx512bw", 7, 0, Register::Ebx, 30, SavedState::Zmm},
    {"avx512vl", 7, 0, Register::Ebx, 31, SavedState::Zmm},
    {"avx512vbmi", 7, 0, Register::Ecx, 1, SavedState::Zmm},
    {"avx512vbmi2", 7, 0, Register::Ecx, 6, SavedState::Zmm},
    {"gfni", 7, 0, Register::Ecx, 8, SavedState::None},
    {"vaes", 7, 0, Register::Ecx, 9, SavedState::Ymm},
    {"vpclmulqdq", 7, 0, Register::Ecx, 10, SavedState::Ymm},
    {"avx512vnni", 7, 0, Register::Ecx, 11, SavedState::Zmm},
    {"avx512bitalg", 7, 0, Register::Ecx, 12, SavedState::Zmm},
    {"avx512vpopcntdq", 7, 0, Register::Ecx, 14, SavedState::Zmm},
    {"amx-bf16", 7, 0, Register::Edx, 22, SavedState::Tiles},
    {"avx512fp16", 7, 0, Register::Edx, 23, SavedState::Zmm},
    {"amx-tile", 7, 0, Register::Edx, 24, SavedState::Tiles},
    {"amx-int8", 7, 0, Register::Edx, 25, SavedState::Tiles},
    {"avxvnni", 7, 1, Register::Eax, 4, SavedState::Ymm},
    {"avx512bf16", 7, 1, Register::Eax, 5, SavedState::Zmm},
    {"sahf", 0x80000001, 0, Register::Ecx, 0, SavedState::None},
    {"lzcnt", 0x80000001, 0, Register::Ecx, 5, SavedState::None},
    {"64bit", 0x80000001, 0, Register::Edx, 29, SavedState::None},
};

static uint32_t readRegister(const Feature &feature) {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &eax, &ebx, &ecx, &edx))
    return 0;
  const uint32_t registers[] = {eax, ebx, ecx, edx};
  return registers[static_cast<int>(feature.reg)];
}

// XCR0: which register sets the operating system saves.
static uint64_t readSavedStates() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  bool hasXgetbv = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 27 & 1);
  if (!hasXgetbv)
    return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

static bool isSaved(SavedState state) {
  // Bits of XCR0: 1 xmm, 2 ymm, 5 to 7 mask registers and zmm, 17 and 18 tiles.
  static constexpr uint64_t masks[] = {0, 0x6, 0xe6, 0x60000};
  uint64_t mask = masks[static_cast<int>(state)];
  return (readSavedStates() & mask) == mask;
}

static bool isSupported(const Feature &feature) {
  return (readRegister(feature) >> feature.bit & 1) && isSaved(feature.saved);
}

static bool isSupported(const std::string &name) {
  // Part of every x86-64 processor, and in no CPUID bit worth reading.
  if (name == "x87")
    return true;
  for (const Feature &feature : features)
    if (name == feature.name)
      return isSupported(feature);
  return false;
}

template <typename Visit> static void forEachSupported(Visit visit) {
  for (const Feature &feature : features)
    if (isSupported(feature))
      visit(feature.name);
}

#else

static bool isSupported(const std::string &) { return false; }

template <typename Visit> static void forEachSupported(Visit) {}

#endif

std::vector<std::string>
missingCpuFeatures(const std::vector<std::string> &required) {
  std::vector<std::string> missing;
  for (const std::string &feature : required)
    if (!isSupported(feature))
      missing.push_back(feature);
  return missing;
}

size_t numCpuFeatures() {
  size_t count = 0;
  forEachSupported([&](const char *) { ++count; });
  return count;
}

const char *cpuFeature(size_t index) {
  const char *found = nullptr;
  forEachSupported([&](const char *name) {
    if (index-- == 0)
      found = name;
  });
  return found;
}

} // namespace nnc::runtime
