// See WinogradPhases.h. Shapes are those of struct Winograd; i and j are the
// row and the column within a tile.
#include "codegen/cpu/WinogradPhases.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/ComputePhase.h"
#include "codegen/cpu/PaddedFactor.h"
#include "codegen/cpu/Transpose.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

using Values = SmallVector<Value>;
using LineTransform = Values (*)(ImplicitLocOpBuilder &b, ArrayRef<Value> line);

static Value plus(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::AddFOp::create(b, lhs, rhs);
}

static Value minus(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::SubFOp::create(b, lhs, rhs);
}

/// G g of Lavin and Gray, section 4.1: 3 taps to 4.
static Values transformTaps(ImplicitLocOpBuilder &b, ArrayRef<Value> g) {
  Value half = arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<ShapedType>(g[0].getType()),
                                b.getF32FloatAttr(0.5)));
  Value ends = plus(b, g[0], g[2]);
  return {g[0], arith::MulFOp::create(b, half, plus(b, ends, g[1])),
          arith::MulFOp::create(b, half, minus(b, ends, g[1])), g[2]};
}

/// B^T d: 4 places of the image.
static Values transformPlaces(ImplicitLocOpBuilder &b, ArrayRef<Value> d) {
  return {minus(b, d[0], d[2]), plus(b, d[1], d[2]), minus(b, d[2], d[1]),
          minus(b, d[1], d[3])};
}

/// A^T m: 4 products to 2 places of the result.
static Values transformProducts(ImplicitLocOpBuilder &b, ArrayRef<Value> m) {
  return {plus(b, plus(b, m[0], m[1]), m[2]),
          minus(b, minus(b, m[1], m[2]), m[3])};
}

/// A square of `size` rows, its columns transformed and then its rows.
static Values transformBoth(ImplicitLocOpBuilder &b, ArrayRef<Value> square,
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

//===----------------------------------------------------------------------===//
// The filter
//===----------------------------------------------------------------------===//

namespace {

class FilterTransform {
public:
  FilterTransform(ContractionPhase &phase, const Winograd &winograd,
                  Value memory)
      : phase(phase), b(phase.b), winograd(winograd),
        contraction(winograd.contraction), memory(memory) {}

  void emit();

private:
  Value read(Value tap, Value k, Value n, unsigned vectorAxis);
  void transpose(Value firstK, Value firstN);
  void transformRow(Value offset, Value firstK, Value firstN, Value row,
                    int64_t q);

  /// Taps lie as vectors along K, which the products want along N.
  bool isTransposed() const {
    return !contraction.rhs->strides[contraction.axisN()].isOne();
  }

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const Winograd &winograd;
  const Contraction &contraction;
  Value memory;     // the result
  Value transposed; // [9][lanes of K][width]
};

} // namespace

/// A vector of the filter; `tap` counts those of a window that runs forwards.
Value FilterTransform::read(Value tap, Value k, Value n, unsigned vectorAxis) {
  auto index = [&](Value number, const WindowDim &dim) {
    return dim.isReversed ? phase.subtract(phase.index(2), number) : number;
  };
  Point at;
  at.indices.resize(contraction.sizes.size());
  at.indices[winograd.rows.tap] = index(phase.divide(tap, 3), winograd.rows);
  at.indices[winograd.columns.tap] =
      index(phase.remainder(tap, 3), winograd.columns);
  at.indices[contraction.axisK()] = k;
  at.indices[contraction.axisN()] = n;
  at.vectorAxis = vectorAxis;
  at.lanes = winograd.lanes;
  ElementCache cache;
  return phase.element(contraction.rhs, at, cache);
}

void FilterTransform::transpose(Value firstK, Value firstN) {
  int64_t lanes = winograd.lanes;
  phase.loop(phase.index(0), phase.index(Winograd::kTaps), 1, [&](Value tap) {
    for (int64_t q = 0; q < winograd.vectors; ++q) {
      Values rows;
      for (int64_t lane = 0; lane < lanes; ++lane)
        rows.push_back(read(tap, firstK, phase.add(firstN, q * lanes + lane),
                            contraction.axisK()));
      for (auto [row, vector] :
           llvm::enumerate(transposeInRegisters(b, phase.loc(), rows)))
        storeVector(
            b, phase.loc(), vector, transposed,
            phase.add(phase.multiply(phase.add(phase.multiply(tap, lanes), row),
                                     winograd.width()),
                      q * lanes));
    }
  });
}

/// Channel `row` of `lanes`, vector `q` of the panel that begins at `offset`.
void FilterTransform::transformRow(Value offset, Value firstK, Value firstN,
                                   Value row, int64_t q) {
  int64_t lanes = winograd.lanes, width = winograd.width();
  Values taps;
  for (int64_t tap = 0; tap < Winograd::kTaps; ++tap) {
    Value place = phase.add(phase.multiply(phase.add(row, tap * lanes), width),
                            q * lanes);
    taps.push_back(isTransposed()
                       ? loadVector(b, phase.loc(), transposed, place, lanes,
                                    contraction.type)
                       : read(phase.index(tap), phase.add(firstK, row),
                              phase.add(firstN, q * lanes),
                              contraction.axisN()));
  }
  Value first = phase.add(
      phase.add(offset, phase.multiply(phase.add(firstK, row), width)),
      q * lanes);
  int64_t next = winograd.k() * width; // product
  for (auto [number, vector] :
       llvm::enumerate(transformBoth(b, taps, 3, transformTaps)))
    storeVector(b, phase.loc(), vector, memory,
                phase.add(first, number * next));
}

void FilterTransform::emit() {
  int64_t lanes = winograd.lanes, width = winograd.width();
  int64_t blocks = winograd.k() / lanes;
  if (isTransposed())
    transposed = phase.scratch(0, winograd.filterScratch());
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value panel = index;
    Value firstK =
        phase.multiply(takeDigit(phase, panel, phase.index(blocks)), lanes);
    Value firstN = phase.multiply(panel, width);
    Value offset =
        phase.multiply(panel, Winograd::kProducts * winograd.k() * width);
    if (isTransposed())
      transpose(firstK, firstN);
    phase.loop(phase.index(0), phase.index(lanes), 1, [&](Value row) {
      for (int64_t q = 0; q < winograd.vectors; ++q)
        transformRow(offset, firstK, firstN, row, q);
    });
  });
}

void nnc::emitFilterTransform(ContractionPhase &phase, const Winograd &winograd,
                              Value memory) {
  FilterTransform(phase, winograd, memory).emit();
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

namespace {

class WinogradProducts {
public:
  WinogradProducts(ContractionPhase &phase, const Winograd &winograd,
                   Value filter)
      : phase(phase), b(phase.b), winograd(winograd),
        contraction(winograd.contraction), filter(filter) {}

  void emit();

private:
  Point pointOfTile(Value tile);
  Value isWithin(const Point &tile, const WindowDim &dim, int64_t number);
  Point placeInTile(const Point &tile, int64_t i, int64_t j);
  void emitTile(Value number, Value tile);
  void emitChannels(Value number, const Point &tile, ArrayRef<Value> rows,
                    ArrayRef<Value> columns);
  void emitProducts(Value panel);
  void emitMicrotile(Value image, Value filterOffset, Value product);
  void emitResults(Value number, Value tile, Value panel);
  void emitResult(const Point &tile, int64_t i, int64_t j, Value sum);
  Value zeroVector() {
    return arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
  }
  VectorType vectorType() const {
    return VectorType::get(winograd.lanes, contraction.type);
  }

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const Winograd &winograd;
  const Contraction &contraction;
  Value filter;
  Value images;   // [16][tiles][tileStride]
  Value products; // [16][tiles][width]
};

} // namespace

/// The first place of a tile, by the tile's number.
Point WinogradProducts::pointOfTile(Value tile) {
  Point point;
  point.indices.resize(contraction.sizes.size());
  point.lanes = winograd.lanes;
  for (const WindowDim *dim : {&winograd.columns, &winograd.rows})
    point.indices[dim->position] = phase.multiply(
        takeDigit(phase, tile, phase.index(winograd.numTiles(*dim))), 2);
  for (unsigned axis : llvm::reverse(winograd.images))
    point.indices[axis] =
        takeDigit(phase, tile, phase.value(contraction.sizes[axis]));
  return point;
}

/// Row i and column j of the 4 x 4 places that a tile is made of: taps 0 to 3
/// of a window that runs forwards.
Point WinogradProducts::placeInTile(const Point &tile, int64_t i, int64_t j) {
  Point point = tile;
  auto setTap = [&](const WindowDim &dim, int64_t number) {
    point.indices[dim.tap] = phase.index(dim.isReversed ? 2 - number : number);
  };
  setTap(winograd.rows, i);
  setTap(winograd.columns, j);
  return point;
}

/// Whether row or column `number` of a tile is of the image.
Value WinogradProducts::isWithin(const Point &tile, const WindowDim &dim,
                                 int64_t number) {
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Point point = placeInTile(tile, number, number);
  for (const Bound &bound : contraction.lhs->bounds)
    if (bound.index.dependsOn(dim.position))
      within = phase.both(within, phase.isWithin(bound, point));
  return within;
}

/// Transforms all channels of a tile, as number `number` of the thread's. Where
/// `rows` and `columns` are given, some places are padding.
void WinogradProducts::emitChannels(Value number, const Point &tile,
                                    ArrayRef<Value> rows,
                                    ArrayRef<Value> columns) {
  int64_t lanes = winograd.lanes;
  phase.loop(phase.index(0), phase.index(winograd.k()), lanes, [&](Value k) {
    Values places;
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < 4; ++j) {
        Point at = placeInTile(tile, i, j);
        at.indices[contraction.axisK()] = k;
        at.vectorAxis = contraction.axisK();
        auto read = [&] {
          return emitFactor(phase, contraction, winograd.image, at);
        };
        places.push_back(rows.empty()
                             ? read()
                             : phase.choose(phase.both(rows[i], columns[j]),
                                            vectorType(), read,
                                            [&] { return zeroVector(); }));
      }
    Value first = phase.add(phase.multiply(number, winograd.tileStride()), k);
    int64_t next = winograd.tiles * winograd.tileStride(); // product
    for (auto [product, vector] :
         llvm::enumerate(transformBoth(b, places, 4, transformPlaces)))
      storeVector(b, phase.loc(), vector, images,
                  phase.add(first, product * next));
  });
}

void WinogradProducts::emitTile(Value number, Value tile) {
  Point point = pointOfTile(tile);
  if (contraction.lhs->bounds.empty())
    return emitChannels(number, point, {}, {});
  Values rows, columns;
  Value isInside = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (int64_t i = 0; i < 4; ++i) {
    rows.push_back(isWithin(point, winograd.rows, i));
    columns.push_back(isWithin(point, winograd.columns, i));
    isInside = phase.both(isInside, phase.both(rows[i], columns[i]));
  }
  phase.when(isInside, [&] { emitChannels(number, point, {}, {}); });
  Value isCut = arith::XOrIOp::create(
      b, isInside, arith::ConstantOp::create(b, b.getBoolAttr(true)));
  phase.when(isCut, [&] { emitChannels(number, point, rows, columns); });
}

//===----------------------------------------------------------------------===//
// The products
//===----------------------------------------------------------------------===//

/// `height` tiles times a panel of the filter, summed over K.
void WinogradProducts::emitMicrotile(Value image, Value filterOffset,
                                     Value product) {
  int64_t height = winograd.height, vectors = winograd.vectors;
  constexpr int64_t kUnroll = 2;
  SmallVector<Value> zeros(height * vectors, zeroVector());
  SmallVector<Value> sums = phase.loop(
      phase.index(0), phase.index(winograd.k()), phase.index(kUnroll), zeros,
      [&](Value first, ValueRange carried) {
        SmallVector<Value> sums(carried);
        for (int64_t step = 0; step < kUnroll; ++step) {
          Value k = phase.add(first, step);
          Value row =
              phase.add(filterOffset, phase.multiply(k, winograd.width()));
          Values right;
          for (int64_t q = 0; q < vectors; ++q)
            right.push_back(loadVector(b, phase.loc(), filter,
                                       phase.add(row, q * winograd.lanes),
                                       winograd.lanes, contraction.type));
          for (int64_t r = 0; r < height; ++r) {
            Value at =
                phase.add(phase.add(image, k), r * winograd.tileStride());
            Value left = vector::BroadcastOp::create(
                b, vectorType(), memref::LoadOp::create(b, images, at));
            for (int64_t q = 0; q < vectors; ++q) {
              Value &sum = sums[r * vectors + q];
              sum = vector::FMAOp::create(b, left, right[q], sum);
            }
          }
        }
        return sums;
      });
  for (auto [i, sum] : llvm::enumerate(sums))
    storeVector(b, phase.loc(), sum, products,
                phase.add(product, i * winograd.lanes));
}

/// All products of the thread's tiles with a panel.
void WinogradProducts::emitProducts(Value panel) {
  int64_t width = winograd.width(), tiles = winograd.tiles;
  int64_t filterSize = winograd.k() * width;
  phase.loop(
      phase.index(0), phase.index(Winograd::kProducts), 1, [&](Value number) {
        Value offset = phase.multiply(
            phase.add(phase.multiply(panel, Winograd::kProducts), number),
            filterSize);
        phase.loop(phase.index(0), phase.index(tiles), winograd.height,
                   [&](Value tile) {
                     Value row = phase.add(phase.multiply(number, tiles), tile);
                     emitMicrotile(phase.multiply(row, winograd.tileStride()),
                                   offset, phase.multiply(row, width));
                   });
      });
}

//===----------------------------------------------------------------------===//
// The results
//===----------------------------------------------------------------------===//

/// At row i and column j of the tile.
void WinogradProducts::emitResult(const Point &tile, int64_t i, int64_t j,
                                  Value sum) {
  Point point = tile;
  Value isReal = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto move = [&](const WindowDim &dim, int64_t number) {
    Value &index = point.indices[dim.position];
    index = phase.add(index, number);
    int64_t size = contraction.sizes[dim.position].factor;
    if (number && size % 2)
      isReal = phase.both(isReal, phase.isLess(index, phase.index(size)));
  };
  move(winograd.rows, i);
  move(winograd.columns, j);
  phase.when(isReal, [&] { phase.storeResults(point, sum); });
}

void WinogradProducts::emitResults(Value number, Value tile, Value panel) {
  Point point = pointOfTile(tile);
  point.vectorAxis = contraction.axisN();
  int64_t lanes = winograd.lanes, width = winograd.width();
  phase.loop(phase.index(0), phase.index(width), lanes, [&](Value column) {
    point.indices[contraction.axisN()] =
        phase.add(phase.multiply(panel, width), column);
    Values sums;
    for (int64_t product = 0; product < Winograd::kProducts; ++product)
      sums.push_back(loadVector(
          b, phase.loc(), products,
          phase.add(phase.multiply(phase.add(number, product * winograd.tiles),
                                   width),
                    column),
          lanes, contraction.type));
    for (auto [place, sum] :
         llvm::enumerate(transformBoth(b, sums, 4, transformProducts)))
      emitResult(point, place / 2, place % 2, sum);
  });
}

void WinogradProducts::emit() {
  images = phase.scratch(0, winograd.imageScratch());
  products = phase.scratch(winograd.imageScratch() * sizeof(float),
                           winograd.productScratch());
  for (const Element *result : contraction.results)
    phase.emitUniform(result);
  int64_t tiles = winograd.tiles;
  Value total = phase.value(winograd.numTiles());
  Value last = phase.subtract(total, phase.index(1));
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value first = phase.multiply(index, tiles);
    // What a last group lacks repeats its last.
    phase.loop(phase.index(0), phase.index(tiles), 1, [&](Value number) {
      emitTile(number, phase.minimum(phase.add(first, number), last));
    });
    Value count =
        phase.minimum(phase.index(tiles), phase.subtract(total, first));
    phase.loop(phase.index(0), phase.index(winograd.numPanels()), 1,
               [&](Value panel) {
                 emitProducts(panel);
                 phase.loop(phase.index(0), count, 1, [&](Value number) {
                   emitResults(number, phase.add(first, number), panel);
                 });
               });
  });
}

void nnc::emitWinogradProducts(ContractionPhase &phase,
                               const Winograd &winograd, Value filter) {
  WinogradProducts(phase, winograd, filter).emit();
}
