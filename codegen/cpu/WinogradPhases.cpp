// See WinogradPhases.h. Shapes are those of struct Winograd.
#include "codegen/cpu/WinogradPhases.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/ComputePhase.h"
#include "codegen/cpu/Transpose.h"

using namespace mlir;
using namespace nnc;

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
  int64_t next = winograd.k() * winograd.n(); // product
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
    Value offset = phase.multiply(panel, winograd.k() * width);
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
        contraction(winograd.contraction), emitter(phase, winograd),
        filter(filter) {}

  void emit();

private:
  void emitTile(Value number, Value tile);
  void emitBlock(Value first, Value total, PanelRange panels);
  void emitProducts(PanelRange panels, Value rows);
  void emitMicrotile(Value image, Value filterOffset, Value product);
  void emitResults(Value number, Value tile, PanelRange panels);

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const Winograd &winograd;
  const Contraction &contraction;
  TileEmitter emitter;
  Value filter;
  Value images;   // [16][block][tileStride]
  Value products; // [16][block][groupWidth]
};

} // namespace

//===----------------------------------------------------------------------===//
// The products
//===----------------------------------------------------------------------===//

/// `height` tiles times a panel of the filter, summed over K.
void WinogradProducts::emitMicrotile(Value image, Value filterOffset,
                                     Value product) {
  Factors factors = {images, image,        winograd.tileStride(), 1,
                     filter, filterOffset, winograd.width()};
  Values sums = emitter.sumProducts(factors, winograd.height, winograd.vectors,
                                    phase.index(winograd.k()));
  for (auto [i, sum] : llvm::enumerate(sums))
    storeVector(
        b, phase.loc(), sum, products,
        phase.add(product, i / winograd.vectors * winograd.groupWidth() +
                               i % winograd.vectors * winograd.lanes));
}

/// The products of the first `rows` of the thread's tiles with panels.
void WinogradProducts::emitProducts(PanelRange panels, Value rows) {
  int64_t width = winograd.width(), block = winograd.block;
  phase.loop(
      phase.index(0), phase.index(Winograd::kProducts), 1, [&](Value number) {
        phase.loop(panels.from, panels.to, 1, [&](Value panel) {
          Value offset = phase.multiply(
              phase.add(phase.multiply(number, winograd.numPanels()), panel),
              winograd.k() * width);
          Value column =
              phase.multiply(phase.subtract(panel, panels.from), width);
          phase.loop(phase.index(0), rows, winograd.height, [&](Value tile) {
            Value row = phase.add(phase.multiply(number, block), tile);
            emitMicrotile(
                phase.multiply(row, winograd.tileStride()), offset,
                phase.add(phase.multiply(row, winograd.groupWidth()), column));
          });
        });
      });
}

//===----------------------------------------------------------------------===//
// The results
//===----------------------------------------------------------------------===//

/// The transform of a tile, as number `number` of the thread's.
void WinogradProducts::emitTile(Value number, Value tile) {
  emitter.emitTransform(emitter.pointOfTile(tile),
                        {images, phase.multiply(number, winograd.tileStride()),
                         winograd.block * winograd.tileStride(), phase.index(0),
                         winograd.k()});
}

/// The results of a tile in the channels of panels.
void WinogradProducts::emitResults(Value number, Value tile,
                                   PanelRange panels) {
  Point point = emitter.pointOfTile(tile);
  point.vectorAxis = contraction.axisN();
  int64_t lanes = winograd.lanes, width = winograd.width();
  Value first = phase.multiply(panels.from, width);
  Value count = phase.subtract(phase.multiply(panels.to, width), first);
  phase.loop(phase.index(0), count, lanes, [&](Value column) {
    point.indices[contraction.axisN()] = phase.add(first, column);
    Values sums;
    for (int64_t product = 0; product < Winograd::kProducts; ++product)
      sums.push_back(loadVector(
          b, phase.loc(), products,
          phase.add(phase.multiply(phase.add(number, product * winograd.block),
                                   winograd.groupWidth()),
                    column),
          lanes, contraction.type));
    for (auto [place, sum] :
         llvm::enumerate(transformBoth(b, sums, 4, transformProducts))) {
      std::pair<Point, Value> window =
          emitter.windowOfTile(point, place / 2, place % 2);
      Value result = sum;
      phase.when(window.second,
                 [&] { phase.storeResults(window.first, result); });
    }
  });
}

/// Tiles [first, first + block) of `total` with panels. What the last tiles'
/// microtile lacks repeats the last.
void WinogradProducts::emitBlock(Value first, Value total, PanelRange panels) {
  Value last = phase.subtract(total, phase.index(1));
  Value count =
      phase.minimum(phase.index(winograd.block), phase.subtract(total, first));
  Value rows =
      phase.multiply(phase.divideUp(count, winograd.height), winograd.height);
  phase.loop(phase.index(0), rows, 1, [&](Value number) {
    emitTile(number, phase.minimum(phase.add(first, number), last));
  });
  emitProducts(panels, rows);
  phase.loop(phase.index(0), count, 1, [&](Value number) {
    emitResults(number, phase.add(first, number), panels);
  });
}

void WinogradProducts::emit() {
  images = phase.scratch(0, winograd.imageScratch());
  products = phase.scratch(winograd.imageScratch() * sizeof(float),
                           winograd.productScratch());
  for (const Element *result : contraction.results)
    phase.emitUniform(result);
  Value total = phase.value(winograd.numTiles());
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value group = takeDigit(phase, index, phase.index(winograd.panelGroups));
    PanelRange panels = shareOf(phase, phase.index(winograd.numPanels()), group,
                                winograd.panelGroups);
    Value first = phase.multiply(index, winograd.block);
    phase.when(phase.isLess(first, total),
               [&] { emitBlock(first, total, panels); });
  });
}

void nnc::emitWinogradProducts(ContractionPhase &phase,
                               const Winograd &winograd, Value filter) {
  WinogradProducts(phase, winograd, filter).emit();
}
