// See WinogradGradient.h. Shapes are those of struct WinogradGradient.
#include "codegen/cpu/WinogradGradient.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/ComputePhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

namespace {

class GradientProducts {
public:
  GradientProducts(ContractionPhase &phase, const WinogradGradient &gradient,
                   Value partialSums)
      : phase(phase), b(phase.b), gradient(gradient),
        contraction(gradient.contraction), emitter(phase, gradient),
        partialSums(partialSums) {}

  void emit();

private:
  void clearSums();
  void emitTile(Value number, Value tile);
  void transformOther(const Point &tile, Value number);
  void addProducts(Value count);
  void addMicrotile(Value product, Value m, Value n, Value count);
  void emitTaps(Value part);
  void emitTapsOf(Value part, Value m, Value n);

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const WinogradGradient &gradient;
  const Contraction &contraction;
  TileEmitter emitter;
  Value partialSums;
  Value firstM, firstN; // of the block
  Value images;         // [16][block][strideM]
  Value others;         // [16][block][strideN]
  Value sums;           // [16][blockM][blockN]
};

} // namespace

void GradientProducts::clearSums() {
  phase.loop(phase.index(0), phase.index(gradient.sumScratch()), gradient.lanes,
             [&](Value index) {
               storeVector(b, phase.loc(), emitter.zeroVector(), sums, index);
             });
}

/// Reads 2 x 2 places of the right factor, and writes their transform.
void GradientProducts::transformOther(const Point &tile, Value number) {
  phase.loop(
      phase.index(0), phase.index(gradient.blockN), gradient.lanes,
      [&](Value channel) {
        Values places;
        for (int64_t place = 0; place < 4; ++place) {
          auto [at, isReal] = emitter.windowOfTile(tile, place / 2, place % 2);
          Point point = at;
          point.vectorAxis = contraction.axisN();
          point.indices[contraction.axisN()] = phase.add(firstN, channel);
          places.push_back(phase.choose(
              isReal, emitter.vectorType(),
              [&] {
                return emitFactor(phase, contraction, gradient.other, point);
              },
              [&] { return emitter.zeroVector(); }));
        }
        Value first =
            phase.add(phase.multiply(number, gradient.strideN()), channel);
        int64_t next = gradient.block * gradient.strideN();
        for (auto [product, vector] :
             llvm::enumerate(transformBoth(b, places, 2, transformResults)))
          storeVector(b, phase.loc(), vector, others,
                      phase.add(first, product * next));
      });
}

void GradientProducts::emitTile(Value number, Value tile) {
  Point point = emitter.pointOfTile(tile);
  emitter.emitTransform(
      point, {images, phase.multiply(number, gradient.strideM()),
              gradient.block * gradient.strideM(), firstM, gradient.blockM});
  transformOther(point, number);
}

/// Adds the terms of `count` tiles to a microtile of the sums.
void GradientProducts::addMicrotile(Value product, Value m, Value n,
                                    Value count) {
  Value row = phase.multiply(product, gradient.block);
  Factors factors = {images,
                     phase.add(phase.multiply(row, gradient.strideM()), m),
                     1,
                     gradient.strideM(),
                     others,
                     phase.add(phase.multiply(row, gradient.strideN()), n),
                     gradient.strideN()};
  Values terms =
      emitter.sumProducts(factors, gradient.height, gradient.vectors, count);
  Value first = phase.add(
      phase.multiply(phase.add(phase.multiply(product, gradient.blockM), m),
                     gradient.blockN),
      n);
  for (auto [i, term] : llvm::enumerate(terms)) {
    int64_t r = i / gradient.vectors, q = i % gradient.vectors;
    Value place = phase.add(first, r * gradient.blockN + q * gradient.lanes);
    Value sum = loadVector(b, phase.loc(), sums, place, gradient.lanes,
                           contraction.type);
    storeVector(b, phase.loc(), arith::AddFOp::create(b, sum, term), sums,
                place);
  }
}

void GradientProducts::addProducts(Value count) {
  auto upTo = [&](int64_t size, int64_t step,
                  llvm::function_ref<void(Value)> body) {
    phase.loop(phase.index(0), phase.index(size), step, body);
  };
  upTo(WinogradTiles::kProducts, 1, [&](Value product) {
    upTo(gradient.blockN, gradient.width(), [&](Value n) {
      upTo(gradient.blockM, gradient.height,
           [&](Value m) { addMicrotile(product, m, n, count); });
    });
  });
}

/// The gradients of all taps for channel `m` and a vector of channels from `n`
/// on, both of the block.
void GradientProducts::emitTapsOf(Value part, Value m, Value n) {
  Values products;
  for (int64_t product = 0; product < WinogradTiles::kProducts; ++product) {
    Value row = phase.add(m, product * gradient.blockM);
    products.push_back(
        loadVector(b, phase.loc(), sums,
                   phase.add(phase.multiply(row, gradient.blockN), n),
                   gradient.lanes, contraction.type));
  }
  Point point;
  point.indices.resize(contraction.sizes.size());
  point.lanes = gradient.lanes;
  point.vectorAxis = contraction.axisN();
  point.indices[contraction.axisM()] = phase.add(firstM, m);
  point.indices[contraction.axisN()] = phase.add(firstN, n);
  for (auto [tap, value] :
       llvm::enumerate(transformBoth(b, products, 4, transformToTaps))) {
    if (!partialSums) {
      point.indices[gradient.rows.tap] = phase.index(tap / 3);
      point.indices[gradient.columns.tap] = phase.index(tap % 3);
      phase.storeResults(point, value);
      continue;
    }
    Value row = phase.add(phase.multiply(part, WinogradTiles::kTaps), tap);
    row = phase.add(phase.multiply(row, gradient.m()),
                    point.indices[contraction.axisM()]);
    storeVector(b, phase.loc(), value, partialSums,
                phase.add(phase.multiply(row, gradient.n()),
                          point.indices[contraction.axisN()]));
  }
}

void GradientProducts::emitTaps(Value part) {
  phase.loop(phase.index(0), phase.index(gradient.blockM), 1, [&](Value m) {
    phase.loop(phase.index(0), phase.index(gradient.blockN), gradient.lanes,
               [&](Value n) { emitTapsOf(part, m, n); });
  });
}

void GradientProducts::emit() {
  images = phase.scratch(0, gradient.imageScratch());
  others = phase.scratch(gradient.imageScratch() * sizeof(float),
                         gradient.otherScratch());
  sums = phase.scratch((gradient.imageScratch() + gradient.otherScratch()) *
                           sizeof(float),
                       gradient.sumScratch());
  if (!partialSums)
    for (const Element *result : contraction.results)
      phase.emitUniform(result);
  Value total = phase.value(gradient.numTiles());
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value part = index;
    firstN = phase.multiply(
        takeDigit(phase, part, phase.index(gradient.numBlocksN())),
        gradient.blockN);
    firstM = phase.multiply(
        takeDigit(phase, part, phase.index(gradient.numBlocksM())),
        gradient.blockM);
    clearSums();
    PanelRange share = shareOf(phase, total, part, gradient.parts);
    phase.loop(share.from, share.to, gradient.block, [&](Value first) {
      Value count = phase.minimum(phase.index(gradient.block),
                                  phase.subtract(share.to, first));
      phase.loop(phase.index(0), count, 1, [&](Value number) {
        emitTile(number, phase.add(first, number));
      });
      addProducts(count);
    });
    emitTaps(part);
  });
}

void nnc::emitGradientProducts(ContractionPhase &phase,
                               const WinogradGradient &gradient,
                               Value partialSums) {
  GradientProducts(phase, gradient, partialSums).emit();
}

void nnc::emitGradientResults(ContractionPhase &phase,
                              const WinogradGradient &gradient,
                              Value partialSums) {
  const Contraction &contraction = gradient.contraction;
  ImplicitLocOpBuilder &b = phase.b;
  for (const Element *result : contraction.results)
    phase.emitUniform(result);
  int64_t n = gradient.n(), lanes = gradient.lanes;
  int64_t next = WinogradTiles::kTaps * gradient.m() * n;
  Value zero = TileEmitter(phase, gradient).zeroVector();
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value row = index; // of [9][M]
    Point point;
    point.indices.resize(contraction.sizes.size());
    point.lanes = lanes;
    point.vectorAxis = contraction.axisN();
    point.indices[contraction.axisM()] =
        takeDigit(phase, index, phase.index(gradient.m()));
    point.indices[gradient.columns.tap] =
        takeDigit(phase, index, phase.index(3));
    point.indices[gradient.rows.tap] = index;
    phase.loop(phase.index(0), phase.index(n), lanes, [&](Value column) {
      Value first = phase.add(phase.multiply(row, n), column);
      Value sum =
          phase.loop(phase.index(0), phase.index(gradient.parts),
                     phase.index(1), zero, [&](Value part, ValueRange carried) {
                       Value place =
                           phase.add(first, phase.multiply(part, next));
                       return Values{arith::AddFOp::create(
                           b, carried[0],
                           loadVector(b, phase.loc(), partialSums, place, lanes,
                                      contraction.type))};
                     })[0];
      point.indices[contraction.axisN()] = column;
      phase.storeResults(point, sum);
    });
  });
}
