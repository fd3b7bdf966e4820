// Sums in the order of k, in the type that the library sums in.
#include "runtime/device/ReferenceMatmul.h"

#include "runtime/Tensor.h"

#include <algorithm>
#include <vector>

namespace nnc::runtime {

namespace {

/// One operand or the result: where an element lies, and its bytes.
struct Matrix {
  char *data;
  ElementType type;
  int64_t rowStride, columnStride, stride;

  char *at(int64_t product, int64_t row, int64_t column) const {
    return data + (product * stride + row * rowStride + column * columnStride) *
                      sizeBytes(type);
  }
};

} // namespace

static Matrix view(const MatrixLayout &layout, void *data, ElementType type,
                   int64_t batch) {
  int64_t leading = layout.leading.at(batch);
  return {static_cast<char *>(data), type, layout.transposed ? 1 : leading,
          layout.transposed ? leading : 1, layout.stride.at(batch)};
}

/// A matrix of the product `index` as numbers, row by row.
template <typename Number>
static std::vector<Number> unpack(const Matrix &matrix, int64_t index,
                                  int64_t rows, int64_t columns) {
  std::vector<Number> numbers(rows * columns);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      numbers[row * columns + column] = static_cast<Number>(
          toDouble(matrix.type, matrix.at(index, row, column)));
  return numbers;
}

template <typename Number>
static void computeOne(const Matmul &matmul, void *const *buffers,
                       int64_t batch, int64_t index) {
  int64_t m = matmul.m.at(batch), n = matmul.n.at(batch),
          k = matmul.k.at(batch);
  auto a = unpack<Number>(view(matmul.a, buffers[0], matmul.operandType, batch),
                          index, m, k);
  auto b = unpack<Number>(view(matmul.b, buffers[1], matmul.operandType, batch),
                          index, k, n);
  std::vector<Number> bias(n);
  if (matmul.hasBias())
    bias = unpack<Number>(
        view({false, matmul.n, {}}, buffers[3], matmul.resultType, batch), 0, 1,
        n);
  Matrix d = view(matmul.d, buffers[2], matmul.resultType, batch);
  std::vector<Number> row(n);
  std::vector<double> total(n);
  int64_t block = termsOfBlock(k);
  for (int64_t i = 0; i < m; ++i) {
    std::fill(row.begin(), row.end(), Number(0));
    std::fill(total.begin(), total.end(), 0.0);
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t j = 0; j < n; ++j)
        row[j] += a[i * k + p] * b[p * n + j];
      if ((p + 1) % block != 0 && p + 1 != k)
        continue;
      for (int64_t j = 0; j < n; ++j) {
        total[j] += row[j];
        row[j] = 0;
      }
    }
    for (int64_t j = 0; j < n; ++j) {
      Number value = static_cast<Number>(total[j]) + bias[j];
      // Written so that a NaN stays one.
      if (matmul.hasRelu() && value < 0)
        value = 0;
      fromDouble(matmul.resultType, value, d.at(index, i, j));
    }
  }
}

void computeMatmul(const Matmul &matmul, void *const *buffers, int64_t batch) {
  for (int64_t index = 0; index < matmul.count.at(batch); ++index)
    if (matmul.operandType == ElementType::F64)
      computeOne<double>(matmul, buffers, batch, index);
    else
      computeOne<float>(matmul, buffers, batch, index);
}

} // namespace nnc::runtime
