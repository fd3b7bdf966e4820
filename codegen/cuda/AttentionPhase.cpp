// Memory and products of a phase of attention on a GPU.
#include "codegen/cuda/AttentionPhase.h"

#include "codegen/lower/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

static int64_t oddStride(int64_t size) { return size | 1; }

/// What the larger of an op's phases shares.
static int64_t sharedElements(const AttentionKernel &attention,
                              const GpuAttentionTile &tile) {
  int64_t keyStride = oddStride(attention.sizes.size),
          valueStride = oddStride(attention.sizes.valueSize);
  int64_t scores = tile.rows * oddStride(tile.columns);
  if (attention.isGradient)
    return (tile.rows + tile.columns) * (keyStride + valueStride) + 2 * scores;
  return (tile.rows + tile.columns) * keyStride + tile.columns * valueStride +
         scores;
}

std::optional<GpuAttentionTile>
nnc::chooseAttentionTile(const AttentionKernel &attention,
                         const GpuModel &model) {
  static constexpr GpuAttentionTile kTiles[] = {
      {64, 64}, {64, 32}, {32, 32}, {32, 16}, {16, 16}};
  int64_t longest = std::max(attention.sizes.time, attention.sizes.keys);
  int64_t elementBytes = attention.elementType.getIntOrFloatBitWidth() / 8;
  for (const GpuAttentionTile &tile : kTiles) {
    // Half of its rows would be idle.
    bool isTooLarge =
        tile.rows > GpuAttentionTile::kLines && tile.rows / 2 >= longest;
    if (!isTooLarge &&
        sharedElements(attention, tile) * elementBytes <= model.sharedBytes)
      return tile;
  }
  return std::nullopt;
}

GpuAttentionPhase::GpuAttentionPhase(ImplicitLocOpBuilder &b,
                                     func::FuncOp kernel, Operation *previous,
                                     const Twine &suffix,
                                     const AttentionKernel &attention,
                                     const GpuAttentionTile &tile)
    : GpuPhase(b, kernel, previous, suffix), kernel(kernel),
      attention(attention), sizes(attention.sizes), tile(tile),
      compute(attention.elementType),
      lane(remainder(thread(), GpuAttentionTile::kLanes)) {
  Value line = divide(thread(), GpuAttentionTile::kLanes);
  for (int64_t i = 0; i < tile.ownRows(); ++i)
    ownRows.push_back(add(multiply(line, tile.ownRows()), i));
  for (int64_t i = 0; i < tile.ownColumns(); ++i)
    ownColumns.push_back(add(lane, i * GpuAttentionTile::kLanes));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

RankedTensorType GpuAttentionPhase::typeOf(BufferRef ref) {
  return cast<RankedTensorType>(
      ref.kind == BufferRef::Result
          ? kernel.getFunctionType().getResult(ref.index)
          : kernel.getFunctionType().getInput(ref.index + 1));
}

GpuAttentionPhase::Place GpuAttentionPhase::placeOfQueries(Value &firstQuery) {
  int64_t tiles = llvm::divideCeil(sizes.time, tile.rows);
  firstQuery = multiply(remainder(block(), tiles), tile.rows);
  Value rest = divide(block(), tiles), head = remainder(rest, sizes.heads);
  return {divide(rest, sizes.heads), head, divide(head, sizes.groups())};
}

GpuAttentionPhase::Head GpuAttentionPhase::headOf(BufferRef ref, Value sample,
                                                  Value head) {
  RankedTensorType type = typeOf(ref);
  int64_t length = type.getDimSize(1), size = type.getDimSize(3);
  int64_t stride = type.getDimSize(2) * size;
  Value first = add(multiply(sample, length * stride), multiply(head, size));
  return {ref, type, first, stride, length, size};
}

GpuAttentionPhase::Head GpuAttentionPhase::queries(const Place &place) {
  return headOf({BufferRef::Operand, *attention.q}, place.sample, place.head);
}

GpuAttentionPhase::Head GpuAttentionPhase::keys(const Place &place) {
  if (attention.k)
    return headOf({BufferRef::Operand, *attention.k}, place.sample,
                  place.kvHead);
  return headOf({BufferRef::Operand, *attention.q}, place.sample,
                add(place.kvHead, sizes.heads));
}

GpuAttentionPhase::Head GpuAttentionPhase::valuesOf(const Place &place) {
  if (attention.v)
    return headOf({BufferRef::Operand, *attention.v}, place.sample,
                  place.kvHead);
  Place behind = place;
  behind.kvHead = add(place.kvHead, sizes.kvHeads);
  return keys(behind);
}

GpuAttentionPhase::Head GpuAttentionPhase::upstream(const Place &place) {
  return headOf({BufferRef::Operand, *attention.dy}, place.sample, place.head);
}

GpuAttentionPhase::Rows GpuAttentionPhase::rows(int64_t count, int64_t size) {
  int64_t stride = oddStride(size);
  return {shared(count * stride, compute), count, size, stride};
}

Value GpuAttentionPhase::element(const Rows &rows, Value row, Value column) {
  return memref::LoadOp::create(b, rows.memory,
                                add(multiply(row, rows.stride), column));
}

void GpuAttentionPhase::fill(const Rows &to, const Head &from, Value first) {
  constexpr int64_t kThreads = GpuAttentionTile::kThreads;
  int64_t count = to.count * to.size;
  Value last = index(from.length - 1);
  loop(index(0), index(llvm::divideCeil(count, kThreads)), 1, [&](Value step) {
    Value at = add(multiply(step, kThreads), thread());
    Value exists =
        count % kThreads
            ? isLess(at, index(count))
            : Value(arith::ConstantOp::create(b, b.getBoolAttr(true)));
    when(exists, [&] {
      Value row = divide(at, to.size), column = remainder(at, to.size);
      Value source = minimum(add(first, row), last);
      Value value =
          load(from.ref, from.type,
               add(add(from.first, multiply(source, from.stride)), column));
      memref::StoreOp::create(b, value, to.memory,
                              add(multiply(row, to.stride), column));
    });
  });
}

Value GpuAttentionPhase::loadOperand(unsigned operand, Value at) {
  BufferRef ref{BufferRef::Operand, operand};
  return load(ref, typeOf(ref), at);
}

Value GpuAttentionPhase::numberOf(unsigned operand, const Place &place,
                                  Value query) {
  Value row = add(multiply(place.sample, sizes.time),
                  minimum(query, index(sizes.time - 1)));
  return loadOperand(operand, add(multiply(row, sizes.heads), place.head));
}

/// An element of an operand that broadcasts to [batch, heads, time, keys].
Value GpuAttentionPhase::broadcastOperand(unsigned operand, const Place &place,
                                          Value query, Value key) {
  ArrayRef<int64_t> shape = typeOf({BufferRef::Operand, operand}).getShape();
  Value indices[] = {place.sample, place.head,
                     minimum(query, index(sizes.time - 1)),
                     minimum(key, index(sizes.keys - 1))};
  Value at = index(0);
  for (auto [extent, number] :
       llvm::zip(shape, ArrayRef(indices).take_back(shape.size()))) {
    at = multiply(at, size(extent));
    if (extent != 1)
      at = add(at, number);
  }
  return loadOperand(operand, at);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

GpuAttentionPhase::Values GpuAttentionPhase::products(const Rows &left,
                                                      const Rows &right) {
  Values zeros(tile.ownRows() * tile.ownColumns(), constant(0.0));
  return loop(index(0), index(left.size), index(1), zeros,
              [&](Value term, ValueRange sums) {
                Values rowFactors, columnFactors, next;
                for (Value row : ownRows)
                  rowFactors.push_back(element(left, row, term));
                for (Value column : ownColumns)
                  columnFactors.push_back(element(right, column, term));
                for (Value row : rowFactors)
                  for (Value column : columnFactors)
                    next.push_back(plus(sums[next.size()], times(row, column)));
                return next;
              });
}

GpuAttentionPhase::Values GpuAttentionPhase::zeroSums(int64_t size) {
  int64_t columns = llvm::divideCeil(size, GpuAttentionTile::kLanes);
  return Values(tile.ownRows() * columns, constant(0.0));
}

GpuAttentionPhase::Values GpuAttentionPhase::addWeighted(ValueRange sums,
                                                         const Rows &weights,
                                                         const Rows &right) {
  Values columns;
  for (int64_t first = 0; first < right.size;
       first += GpuAttentionTile::kLanes) {
    Value column = add(lane, first);
    if (first + GpuAttentionTile::kLanes > right.size)
      column = minimum(column, index(right.size - 1));
    columns.push_back(column);
  }
  return loop(index(0), index(tile.columns), index(1), sums,
              [&](Value term, ValueRange sums) {
                Values factors, next;
                for (Value column : columns)
                  factors.push_back(element(right, term, column));
                for (Value row : ownRows) {
                  Value weight = element(weights, row, term);
                  for (Value factor : factors)
                    next.push_back(
                        plus(sums[next.size()], times(weight, factor)));
                }
                return next;
              });
}

void GpuAttentionPhase::put(ValueRange values, const Rows &to) {
  for (Value row : ownRows)
    for (Value column : ownColumns) {
      memref::StoreOp::create(b, values.front(), to.memory,
                              add(multiply(row, to.stride), column));
      values = values.drop_front();
    }
}

void GpuAttentionPhase::storeRows(ValueRange sums, const Head &to,
                                  Value first) {
  Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
  int64_t count = llvm::divideCeil(to.size, GpuAttentionTile::kLanes);
  for (Value own : ownRows) {
    Value row = add(first, own);
    Value exists =
        to.length % tile.rows ? isLess(row, index(to.length)) : always;
    ValueRange ofRow = sums.take_front(count);
    sums = sums.drop_front(count);
    when(exists, [&] {
      Value start = add(to.first, multiply(row, to.stride));
      for (int64_t i = 0; i < count; ++i) {
        Value column = add(lane, i * GpuAttentionTile::kLanes);
        bool isCut = (i + 1) * GpuAttentionTile::kLanes > to.size;
        when(isCut ? isLess(column, index(to.size)) : always,
             [&] { store(ofRow[i], to.ref, to.type, add(start, column)); });
      }
    });
  }
}

Value GpuAttentionPhase::acrossLanes(
    Value value, llvm::function_ref<Value(Value, Value)> join) {
  for (int64_t mask = 1; mask < GpuAttentionTile::kLanes; mask *= 2)
    value = join(value, shuffle(value, mask));
  return value;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value GpuAttentionPhase::constant(double value) {
  return scalarConstant(b, compute, value);
}

Value GpuAttentionPhase::plus(Value lhs, Value rhs) {
  return arith::AddFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::minus(Value lhs, Value rhs) {
  return arith::SubFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::times(Value lhs, Value rhs) {
  return arith::MulFOp::create(b, lhs, rhs);
}

Value GpuAttentionPhase::exponential(Value x) {
  return math::ExpOp::create(b, x);
}

Extent GpuAttentionPhase::blocksOf(int64_t heads, int64_t length) const {
  int64_t perSample = heads * llvm::divideCeil(length, tile.rows);
  return ShapedType::isDynamic(sizes.batch) ? Extent{0, perSample, 1}
                                            : Extent{sizes.batch * perSample};
}
