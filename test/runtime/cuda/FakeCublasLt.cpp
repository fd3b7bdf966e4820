// libcublasLt.so.13 for tests: column-major products as the library defines
// them, computed plainly on a stream of the fake driver. What it is told that
// does not fit together is noted as misuse.
#include "test/runtime/cuda/FakeCuda.h"

#include "runtime/Tensor.h"
#include "runtime/device/ReferenceMatmul.h"

#include <cstring>

using namespace nnc::runtime;

namespace {

enum : int {
  Success = 0,
  NotInitialized = 1,
  InvalidValue = 7,
  NotSupported = 15
};

struct Handle {};

struct Layout {
  int type;
  int64_t rows, columns, leading;
  int32_t count = 1;
  int64_t stride = 0;
};

struct Operation {
  int computeType, scaleType;
  int32_t transposeA = 0, transposeB = 0, epilogue = 1;
  const void *bias = nullptr;
};

struct Preference {
  uint64_t workspaceBytes = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

/// What an algorithm was found for.
struct Algorithm {
  uint64_t magic, rows, columns, depth, workspaceBytes, padding[3];
};
static_assert(sizeof(Algorithm) == 64);

struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};

constexpr uint64_t magic = 0xa190;

class Call {
public:
  explicit Call(const char *name) {
    fakecuda::countCall(name);
    fakecuda::shouldFail(name, error);
    if (!error && !fakecuda::hasContext()) {
      fakecuda::misuse(std::string(name) + " without a context");
      error = NotInitialized;
    }
  }
  int error = Success;
};

ElementType elementType(int type) {
  return type == 1    ? ElementType::F64
         : type == 2  ? ElementType::F16
         : type == 14 ? ElementType::BF16
                      : ElementType::F32;
}

double element(const Layout &layout, const void *data, int64_t product,
               int64_t row, int64_t column) {
  ElementType type = elementType(layout.type);
  int64_t index = product * layout.stride + column * layout.leading + row;
  return toDouble(type,
                  static_cast<const char *>(data) + index * sizeBytes(type));
}

int64_t numBytes(const Layout &layout) {
  return ((layout.count - 1) * layout.stride +
          (layout.columns - 1) * layout.leading + layout.rows) *
         sizeBytes(elementType(layout.type));
}

template <typename T> int make(const char *name, T **object, T value) {
  Call call(name);
  if (call.error)
    return call.error;
  *object = new T(value);
  fakecuda::countObjects(1);
  return Success;
}

template <typename T> int destroy(T *object) {
  fakecuda::countObjects(-1);
  delete object;
  return Success;
}

template <typename T> int store(const void *from, size_t size, T &to) {
  if (size != sizeof to) {
    fakecuda::misuse("an attribute of another size");
    return InvalidValue;
  }
  std::memcpy(&to, from, size);
  return Success;
}

/// One element of a product; column-major, as the library has it.
struct Product {
  Operation operation;
  Layout a, b, d;
  int64_t depth;
  const void *left, *right;

  double at(int64_t product, int64_t row, int64_t column) const;
};

double Product::at(int64_t product, int64_t row, int64_t column) const {
  double sum = 0, total32 = 0;
  float sum32 = 0;
  int64_t block = termsOfBlock(depth);
  for (int64_t k = 0; k < depth; ++k) {
    double lhs = operation.transposeA ? element(a, left, product, k, row)
                                      : element(a, left, product, row, k);
    double rhs = operation.transposeB ? element(b, right, product, column, k)
                                      : element(b, right, product, k, column);
    sum += lhs * rhs;
    sum32 += float(lhs) * float(rhs);
    if ((k + 1) % block == 0 || k + 1 == depth) {
      total32 += sum32;
      sum32 = 0;
    }
  }
  ElementType type = elementType(d.type);
  double bias = operation.epilogue & 4
                    ? toDouble(type, static_cast<const char *>(operation.bias) +
                                         row * sizeBytes(type))
                    : 0;
  // As ReferenceMatmul has it, so that whole trainings compare.
  sum = operation.scaleType == 1 ? sum + bias : float(total32) + float(bias);
  return operation.epilogue & 2 && sum < 0 ? 0 : sum;
}

} // namespace

extern "C" {

const char *cublasLtGetStatusString(int) { return "a fake status"; }

int cublasLtCreate(Handle **handle) {
  return make("cublasLtCreate", handle, Handle());
}
int cublasLtDestroy(Handle *handle) { return destroy(handle); }

int cublasLtMatmulDescCreate(Operation **operation, int computeType,
                             int scaleType) {
  return make("cublasLtMatmulDescCreate", operation,
              Operation{computeType, scaleType});
}
int cublasLtMatmulDescDestroy(Operation *operation) {
  return destroy(operation);
}
int cublasLtMatmulDescSetAttribute(Operation *operation, int attribute,
                                   const void *value, size_t size) {
  Call call("cublasLtMatmulDescSetAttribute");
  if (call.error)
    return call.error;
  switch (attribute) {
  case 3:
    return store(value, size, operation->transposeA);
  case 4:
    return store(value, size, operation->transposeB);
  case 7:
    return store(value, size, operation->epilogue);
  case 8:
    return store(value, size, operation->bias);
  }
  return InvalidValue;
}

int cublasLtMatrixLayoutCreate(Layout **layout, int type, uint64_t rows,
                               uint64_t columns, int64_t leading) {
  if (leading < int64_t(rows) || rows == 0 || columns == 0)
    return InvalidValue;
  return make("cublasLtMatrixLayoutCreate", layout,
              Layout{type, int64_t(rows), int64_t(columns), leading});
}
int cublasLtMatrixLayoutDestroy(Layout *layout) { return destroy(layout); }
int cublasLtMatrixLayoutSetAttribute(Layout *layout, int attribute,
                                     const void *value, size_t size) {
  Call call("cublasLtMatrixLayoutSetAttribute");
  if (call.error)
    return call.error;
  if (attribute == 5)
    return store(value, size, layout->count);
  return attribute == 6 ? store(value, size, layout->stride) : InvalidValue;
}

int cublasLtMatmulPreferenceCreate(Preference **preference) {
  return make("cublasLtMatmulPreferenceCreate", preference, Preference());
}
int cublasLtMatmulPreferenceDestroy(Preference *preference) {
  return destroy(preference);
}
int cublasLtMatmulPreferenceSetAttribute(Preference *preference, int attribute,
                                         const void *value, size_t size) {
  Call call("cublasLtMatmulPreferenceSetAttribute");
  if (call.error)
    return call.error;
  if (attribute == 1)
    return store(value, size, preference->workspaceBytes);
  if (attribute >= 5 && attribute <= 8)
    return store(value, size, preference->alignment[attribute - 5]);
  return InvalidValue;
}

int cublasLtMatmulAlgoGetHeuristic(Handle *, Operation *operation, Layout *a,
                                   Layout *b, Layout *, Layout *d,
                                   Preference *preference, int,
                                   Heuristic *result, int *count) {
  Call call("cublasLtMatmulAlgoGetHeuristic");
  *count = 0;
  if (call.error)
    return call.error;
  for (uint32_t alignment : preference->alignment)
    if (alignment > NNC_ALIGNMENT_BYTES)
      return NotSupported;
  int64_t depth = operation->transposeA ? a->rows : a->columns;
  bool isFitting =
      (operation->transposeA ? a->columns : a->rows) == d->rows &&
      (operation->transposeB ? b->rows : b->columns) == d->columns &&
      (operation->transposeB ? b->columns : b->rows) == depth &&
      a->type == b->type && a->count == d->count && b->count == d->count;
  // As the library: sums of f64 alone in f64, and no 16-bit result of f32.
  bool isType = (a->type == 1) == (operation->computeType == 70) &&
                (a->type == 1) == (operation->scaleType == 1) &&
                (d->type == a->type || d->type == 0);
  bool isBias = !(operation->epilogue & 4) || operation->bias;
  if (!isFitting || !isType || !isBias) {
    fakecuda::misuse("a product of matrices that do not fit");
    return NotSupported;
  }
  *result = {};
  result->algorithm = {
      magic,           uint64_t(d->rows),          uint64_t(d->columns),
      uint64_t(depth), preference->workspaceBytes, {}};
  result->workspaceBytes = preference->workspaceBytes;
  *count = 1;
  return Success;
}

int cublasLtMatmul(Handle *, Operation *operation, const void *alpha,
                   const void *a, Layout *layoutA, const void *b,
                   Layout *layoutB, const void *beta, const void *, Layout *,
                   void *d, Layout *layoutD, const Algorithm *algorithm,
                   void *workspace, size_t workspaceBytes, void *stream) {
  Call call("cublasLtMatmul");
  if (call.error)
    return call.error;
  bool isF64 = operation->scaleType == 1;
  double scale = isF64 ? *static_cast<const double *>(alpha)
                       : *static_cast<const float *>(alpha);
  double rest = isF64 ? *static_cast<const double *>(beta)
                      : *static_cast<const float *>(beta);
  if (algorithm->magic != magic || algorithm->rows != uint64_t(layoutD->rows) ||
      algorithm->columns != uint64_t(layoutD->columns) ||
      algorithm->workspaceBytes > workspaceBytes || scale != 1 || rest != 0)
    fakecuda::misuse("an algorithm of another product");
  if (!fakecuda::isDeviceMemory(a, numBytes(*layoutA)) ||
      !fakecuda::isDeviceMemory(b, numBytes(*layoutB)) ||
      !fakecuda::isDeviceMemory(d, numBytes(*layoutD)) ||
      (workspaceBytes && !fakecuda::isDeviceMemory(workspace, workspaceBytes)))
    return InvalidValue;
  // As the library does on Hopper.
  if (reinterpret_cast<uintptr_t>(workspace) % 256)
    return InvalidValue;
  // By value: the descriptors may be gone or changed when it is its turn.
  Product all{
      *operation, *layoutA, *layoutB, *layoutD, int64_t(algorithm->depth),
      a,          b};
  return fakecuda::enqueue(stream, [all, d, workspace, workspaceBytes] {
    if (workspaceBytes)
      std::memset(workspace, 0x7f, workspaceBytes);
    const Layout &to = all.d;
    ElementType type = elementType(to.type);
    for (int64_t product = 0; product < to.count; ++product)
      for (int64_t column = 0; column < to.columns; ++column)
        for (int64_t row = 0; row < to.rows; ++row)
          fromDouble(type, all.at(product, row, column),
                     static_cast<char *>(d) +
                         (product * to.stride + column * to.leading + row) *
                             sizeBytes(type));
  });
}

} // extern "C"
