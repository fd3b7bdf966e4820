// See WinogradTiles.h. i and j are the row and the column within a tile.
#include "codegen/cpu/WinogradTiles.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/ComputePhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Recognition
//===----------------------------------------------------------------------===//

BatchSize WinogradTiles::numTiles() const {
  std::optional<BatchSize> count(numTiles(rows) * numTiles(columns));
  for (unsigned axis : images)
    count = count->times(contraction.sizes[axis]);
  return *count;
}

/// Along which places the three taps of an axis lie, one a place.
static std::optional<WindowDim> findDim(const Contraction &contraction,
                                        unsigned tap,
                                        ArrayRef<unsigned> positions) {
  Steps steps;
  collectSteps(contraction.lhs, steps);
  auto walksAlike = [&](unsigned position, int64_t sign) {
    bool walks = false;
    for (ArrayRef<BatchSize> step : steps) {
      if (step[position].times(sign) != step[tap])
        return false;
      walks |= !step[tap].isZero();
    }
    return walks;
  };
  if (!contraction.sizes[tap].is(3))
    return std::nullopt;
  for (unsigned position : positions)
    for (int64_t sign : {1, -1})
      if (contraction.sizes[position].isStatic() && walksAlike(position, sign))
        return WindowDim{position, tap, sign < 0};
  return std::nullopt;
}

/// Rows and columns are padded each for itself.
static LogicalResult checkBounds(const WinogradTiles &tiles, Refusal &refusal) {
  const auto &bounds = tiles.contraction.lhs->bounds;
  bool areApart = llvm::all_of(bounds, [&](const Bound &bound) {
    for (auto [axis, stride] : llvm::enumerate(bound.index.strides)) {
      bool isRow = axis == tiles.rows.position || axis == tiles.rows.tap;
      bool isColumn =
          axis == tiles.columns.position || axis == tiles.columns.tap;
      bool isOfRows = bound.index.dependsOn(tiles.rows.position);
      if (!stride.isZero() && !(isOfRows ? isRow : isColumn))
        return false;
    }
    return true;
  });
  if (!areApart)
    return refusal.because("its padding is not of rows and columns");
  return success();
}

FailureOr<WinogradTiles> nnc::findTiles(Contraction contraction,
                                        ArrayRef<unsigned> taps,
                                        ArrayRef<unsigned> positions,
                                        unsigned channels, int64_t lanes,
                                        Refusal &refusal) {
  WinogradTiles tiles;
  if (!contraction.type.isF32())
    return refusal.because("its type is not f32");
  tiles.image = imageWithinZeros(contraction.lhs, refusal);
  if (!tiles.image)
    return failure();
  if (!isVectorAlong(tiles.image, channels) ||
      !getElementTypeOrSelf(tiles.image->tensor.getType()).isF32())
    return refusal.because("its channels are no vectors of f32");
  std::optional<WindowDim> rows, columns;
  if (taps.size() == 2) {
    rows = findDim(contraction, taps[0], positions);
    columns = findDim(contraction, taps[1], positions);
  }
  if (!rows || !columns || rows->position == columns->position)
    return refusal.because("its window is not of 3 x 3 neighbours");
  tiles.rows = *rows;
  tiles.columns = *columns;
  for (unsigned axis : positions)
    if (axis != rows->position && axis != columns->position)
      tiles.images.push_back(axis);
  BatchSize size = contraction.sizes[channels];
  if (!size.isStatic() || size.factor % lanes)
    return refusal.because("its channels are not whole vectors");
  tiles.channels = channels;
  tiles.lanes = lanes;
  tiles.contraction = std::move(contraction);
  if (failed(checkBounds(tiles, refusal)))
    return failure();
  return tiles;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

Value TileEmitter::zeroVector() {
  return arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
}

Point TileEmitter::pointOfTile(Value tile) {
  Point point;
  point.indices.resize(tiles.contraction.sizes.size());
  point.lanes = tiles.lanes;
  for (const WindowDim *dim : {&tiles.columns, &tiles.rows})
    point.indices[dim->position] = phase.multiply(
        takeDigit(phase, tile, phase.index(tiles.numTiles(*dim))), 2);
  for (unsigned axis : llvm::reverse(tiles.images))
    point.indices[axis] =
        takeDigit(phase, tile, phase.value(tiles.contraction.sizes[axis]));
  return point;
}

std::pair<Point, Value> TileEmitter::windowOfTile(const Point &tile, int64_t i,
                                                  int64_t j) {
  Point point = tile;
  Value isReal = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto move = [&](const WindowDim &dim, int64_t number) {
    Value &index = point.indices[dim.position];
    index = phase.add(index, number);
    int64_t size = tiles.contraction.sizes[dim.position].factor;
    if (number && tiles.isOdd(dim))
      isReal = phase.both(isReal, phase.isLess(index, phase.index(size)));
  };
  move(tiles.rows, i);
  move(tiles.columns, j);
  return {point, isReal};
}

/// Row i and column j of the 4 x 4 places that a tile is made of: taps 0 to 3
/// of a window that runs forwards.
Point TileEmitter::placeInTile(const Point &tile, int64_t i, int64_t j) {
  Point point = tile;
  auto setTap = [&](const WindowDim &dim, int64_t number) {
    point.indices[dim.tap] = phase.index(dim.isReversed ? 2 - number : number);
  };
  setTap(tiles.rows, i);
  setTap(tiles.columns, j);
  return point;
}

/// Whether row or column `number` of a tile is of the image.
Value TileEmitter::isWithin(const Point &tile, const WindowDim &dim,
                            int64_t number) {
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Point point = placeInTile(tile, number, number);
  if (number == 3 && tiles.isOpen(dim))
    within =
        phase.isLess(phase.add(tile.indices[dim.position], 1),
                     phase.index(tiles.contraction.sizes[dim.position].factor));
  for (const Bound &bound : tiles.contraction.lhs->bounds)
    if (bound.index.dependsOn(dim.position))
      within = phase.both(within, phase.isWithin(bound, point));
  return within;
}

/// Where `rows` and `columns` are given, some places are padding.
void TileEmitter::emitChannels(const Point &tile, const TileMemory &to,
                               ArrayRef<Value> rows, ArrayRef<Value> columns) {
  Value count = phase.index(to.numChannels);
  phase.loop(phase.index(0), count, tiles.lanes, [&](Value channel) {
    Values places;
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < 4; ++j) {
        Point at = placeInTile(tile, i, j);
        at.indices[tiles.channels] = phase.add(to.firstChannel, channel);
        at.vectorAxis = tiles.channels;
        auto read = [&] {
          return emitFactor(phase, tiles.contraction, tiles.image, at);
        };
        places.push_back(rows.empty()
                             ? read()
                             : phase.choose(phase.both(rows[i], columns[j]),
                                            vectorType(), read,
                                            [&] { return zeroVector(); }));
      }
    Value first = phase.add(to.offset, channel);
    for (auto [product, vector] :
         llvm::enumerate(transformBoth(b, places, 4, transformPlaces)))
      storeVector(b, phase.loc(), vector, to.memory,
                  phase.add(first, product * to.next));
  });
}

void TileEmitter::emitTransform(const Point &tile, const TileMemory &to) {
  if (tiles.contraction.lhs->bounds.empty() && !tiles.isOpen(tiles.rows) &&
      !tiles.isOpen(tiles.columns))
    return emitChannels(tile, to, {}, {});
  Values rows, columns;
  Value isInside = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (int64_t i = 0; i < 4; ++i) {
    rows.push_back(isWithin(tile, tiles.rows, i));
    columns.push_back(isWithin(tile, tiles.columns, i));
    isInside = phase.both(isInside, phase.both(rows[i], columns[i]));
  }
  phase.when(isInside, [&] { emitChannels(tile, to, {}, {}); });
  Value isCut = arith::XOrIOp::create(
      b, isInside, arith::ConstantOp::create(b, b.getBoolAttr(true)));
  phase.when(isCut, [&] { emitChannels(tile, to, rows, columns); });
}

Values TileEmitter::addProducts(const Factors &factors, int64_t height,
                                int64_t vectors, Value step, ValueRange sums) {
  Values totals(sums), right;
  Value place =
      phase.add(factors.rightOffset, phase.multiply(step, factors.rightStep));
  for (int64_t q = 0; q < vectors; ++q)
    right.push_back(loadVector(b, phase.loc(), factors.right,
                               phase.add(place, q * tiles.lanes), tiles.lanes,
                               tiles.contraction.type));
  Value row =
      phase.add(factors.leftOffset, phase.multiply(step, factors.leftStep));
  for (int64_t r = 0; r < height; ++r) {
    Value left = vector::BroadcastOp::create(
        b, vectorType(),
        memref::LoadOp::create(b, factors.left,
                               phase.add(row, r * factors.leftRow)));
    for (int64_t q = 0; q < vectors; ++q) {
      Value &sum = totals[r * vectors + q];
      sum = vector::FMAOp::create(b, left, right[q], sum);
    }
  }
  return totals;
}

Values TileEmitter::sumProducts(const Factors &factors, int64_t height,
                                int64_t vectors, Value count) {
  constexpr int64_t kUnroll = 2;
  auto loop = [&](Value from, Value to, int64_t unroll, ValueRange sums) {
    return phase.loop(from, to, phase.index(unroll), sums,
                      [&](Value first, ValueRange carried) {
                        Values totals(carried);
                        for (int64_t step = 0; step < unroll; ++step)
                          totals = addProducts(factors, height, vectors,
                                               phase.add(first, step), totals);
                        return totals;
                      });
  };
  Value whole = phase.multiply(phase.divide(count, kUnroll), kUnroll);
  Values sums = loop(phase.index(0), whole, kUnroll,
                     Values(height * vectors, zeroVector()));
  APInt known;
  if (matchPattern(count, m_ConstantInt(&known)) && known.urem(kUnroll) == 0)
    return sums;
  return loop(whole, count, 1, sums);
}
