// See WinogradTransforms.h.
#include "codegen/cpu/WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

static Value plus(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::AddFOp::create(b, lhs, rhs);
}

static Value minus(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::SubFOp::create(b, lhs, rhs);
}

static Value halfOf(ImplicitLocOpBuilder &b, Type type) {
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(cast<ShapedType>(type), b.getF32FloatAttr(0.5)));
}

Values nnc::transformTaps(ImplicitLocOpBuilder &b, ArrayRef<Value> g) {
  Value half = halfOf(b, g[0].getType());
  Value ends = plus(b, g[0], g[2]);
  return {g[0], arith::MulFOp::create(b, half, plus(b, ends, g[1])),
          arith::MulFOp::create(b, half, minus(b, ends, g[1])), g[2]};
}

Values nnc::transformPlaces(ImplicitLocOpBuilder &b, ArrayRef<Value> d) {
  return {minus(b, d[0], d[2]), plus(b, d[1], d[2]), minus(b, d[2], d[1]),
          minus(b, d[1], d[3])};
}

Values nnc::transformProducts(ImplicitLocOpBuilder &b, ArrayRef<Value> m) {
  return {plus(b, plus(b, m[0], m[1]), m[2]),
          minus(b, minus(b, m[1], m[2]), m[3])};
}

Values nnc::transformToTaps(ImplicitLocOpBuilder &b, ArrayRef<Value> m) {
  Value half = halfOf(b, m[0].getType());
  Value both = arith::MulFOp::create(b, half, plus(b, m[1], m[2]));
  return {plus(b, m[0], both),
          arith::MulFOp::create(b, half, minus(b, m[1], m[2])),
          plus(b, both, m[3])};
}

Values nnc::transformResults(ImplicitLocOpBuilder &b, ArrayRef<Value> dy) {
  return {dy[0], plus(b, dy[0], dy[1]), minus(b, dy[0], dy[1]),
          arith::NegFOp::create(b, dy[1])};
}

Values nnc::transformBoth(ImplicitLocOpBuilder &b, ArrayRef<Value> square,
                          int64_t size, LineTransform transform) {
  SmallVector<Values> columns;
  for (int64_t j = 0; j < size; ++j) {
    Values column;
    for (int64_t i = 0; i < size; ++i)
      column.push_back(square[i * size + j]);
    columns.push_back(transform(b, column));
  }
  Values result;
  for (size_t i = 0; i < columns[0].size(); ++i) {
    Values row;
    for (const Values &column : columns)
      row.push_back(column[i]);
    llvm::append_range(result, transform(b, row));
  }
  return result;
}
