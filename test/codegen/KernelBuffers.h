// Buffers for kernels under test: surrounded by what shows a miss, filled with
// made-up numbers, and compared.
#ifndef NNC_TEST_CODEGEN_KERNELBUFFERS_H
#define NNC_TEST_CODEGEN_KERNELBUFFERS_H

#include "runtime/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace nnc::test {

using Bytes = std::vector<uint8_t>;

/// What fills the surroundings of a buffer, and results before they are
/// written: a NaN in every float type.
inline constexpr uint8_t kUnwritten = 0xff;

/// A buffer that ends before a page that cannot be touched. The bytes between
/// the two, and a page before the buffer, show writes that miss it.
class GuardedBuffer {
public:
  explicit GuardedBuffer(int64_t sizeBytes) : sizeBytes(sizeBytes) {
    int64_t page = sysconf(_SC_PAGESIZE);
    int64_t usable = (sizeBytes + NNC_ALIGNMENT_BYTES + page - 1) / page * page;
    mappedBytes = page + usable + page;
    base = static_cast<uint8_t *>(mmap(nullptr, mappedBytes,
                                       PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    end = base + page + usable;
    mprotect(end, page, PROT_NONE);
    data = end - (sizeBytes + NNC_ALIGNMENT_BYTES - 1) / NNC_ALIGNMENT_BYTES *
                     NNC_ALIGNMENT_BYTES;
    std::memset(base, kUnwritten, end - base);
  }
  GuardedBuffer(const GuardedBuffer &) = delete;
  GuardedBuffer(GuardedBuffer &&other)
      : sizeBytes(other.sizeBytes), mappedBytes(other.mappedBytes),
        base(std::exchange(other.base, nullptr)), end(other.end),
        data(other.data) {}
  ~GuardedBuffer() {
    if (base)
      munmap(base, mappedBytes);
  }

  uint8_t *begin() const { return data; }
  int64_t size() const { return sizeBytes; }
  void clear() { std::memset(data, kUnwritten, sizeBytes); }

  bool isIntact() const {
    auto isUntouched = [](uint8_t byte) { return byte == kUnwritten; };
    return std::all_of(base, data, isUntouched) &&
           std::all_of(data + sizeBytes, end, isUntouched);
  }

private:
  int64_t sizeBytes, mappedBytes;
  uint8_t *base, *end, *data;
};

int64_t numElements(mlir::ShapedType type, int64_t batch);
int64_t elementBytes(mlir::ShapedType type);
GuardedBuffer bufferFor(mlir::Type type, int64_t batch);

/// Element `index` as a number; only approximately so for 64-bit integers.
double readElement(const uint8_t *data, mlir::Type type, int64_t index);

/// `value` as the type holds it.
double roundTo(mlir::Type type, double value);

/// Fills the operand `argument` of a kernel with numbers of its range, or with
/// those that its attribute `test.values` repeats.
void fill(const GuardedBuffer &buffer, mlir::func::FuncOp kernel,
          unsigned argument, int64_t batch, unsigned seed);

/// How far results are from what is expected.
struct Error {
  double ulp = 0;
  /// Largest difference as a share of the reference's largest magnitude.
  double share = 0;
  int64_t worstIndex = -1;
  double found = 0, expected = 0;
};

/// Distance of two neighbours near `value` in the type.
double ulpAt(double value, mlir::Type type);

/// Whether two are equal, or both NaN.
bool areSame(double a, double b);

Error compare(const Bytes &found, const Bytes &expected, mlir::Type type);

} // namespace nnc::test

#endif // NNC_TEST_CODEGEN_KERNELBUFFERS_H
