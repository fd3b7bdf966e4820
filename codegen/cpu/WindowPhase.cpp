// See WindowPhase.h.
#include "codegen/cpu/WindowPhase.h"

#include "codegen/cpu/WindowCopy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

std::pair<Value, Value> nnc::blockSpan(ContractionPhase &phase,
                                       const Contraction &contraction,
                                       const AxisBlock &block,
                                       ArrayRef<Value> outer,
                                       PanelRange range) {
  const Element &image = *contraction.lhs;
  Value first = phase.value(image.base), last = first;
  for (auto [axis, stride] : llvm::enumerate(image.strides)) {
    if (stride.isZero())
      continue;
    Value from, to; // the lowest and the highest index
    if (llvm::is_contained(block.outer(), axis)) {
      from = to = outer[axis];
    } else if (axis == block.axis()) {
      from = range.from;
      to = phase.subtract(range.to, phase.index(1));
    } else {
      from = phase.index(0);
      to = phase.index(contraction.sizes[axis].factor - 1);
    }
    if (stride.factor < 0)
      std::swap(from, to);
    first = phase.add(first, phase.multiply(from, phase.value(stride)));
    last = phase.add(last, phase.multiply(to, phase.value(stride)));
  }
  return {first, last};
}

std::optional<Extent> WindowPhase::extent(const Contraction &contraction,
                                          const WindowTiling &tiling) {
  const AxisBlock &block = tiling.block;
  if (block.level == 0)
    return Extent{tiling.numShares * tiling.columnGroups};
  std::optional<BatchSize> tiles(
      tiling.columnGroups *
      llvm::divideCeil(contraction.sizes[block.axis()].factor, block.count));
  for (unsigned axis : block.outer())
    tiles = tiles ? tiles->times(contraction.sizes[axis]) : tiles;
  return tiles ? std::optional(Extent::of(*tiles)) : std::nullopt;
}

void WindowPhase::emit(unsigned workspace) {
  prepareEpilogue();
  const Element &element = *contraction.lhs;
  filter = phase.workspace(workspace);
  image = element.copied ? takeScratch(copiedSize(
                               *element.copied, tiling.blockSpan, tiling.lanes))
                         : phase.operand(element);
  if (tiling.numChainAxes)
    chainSums = takeScratch(sumsOfTile());
  phase.loop(phase.begin(), phase.end(), 1,
             [&](Value index) { emitTile(index); });
}

void WindowPhase::emitTile(Value index) {
  const AxisBlock &block = tiling.block;
  Value columnGroup = takeDigit(phase, index, phase.index(tiling.columnGroups));
  outer.assign(contraction.sizes.size(), Value());
  Value size = phase.value(contraction.sizes[block.axis()]);
  if (block.level == 0) {
    PanelRange share = shareOf(phase, size, index, tiling.numShares);
    phase.loop(share.from, share.to, block.count, [&](Value from) {
      Value to = phase.minimum(phase.add(from, block.count), share.to);
      emitBlock({from, to}, columnGroup);
    });
    return;
  }
  Value number =
      takeDigit(phase, index,
                phase.index(llvm::divideCeil(
                    contraction.sizes[block.axis()].factor, block.count)));
  for (unsigned axis : llvm::reverse(block.outer()))
    outer[axis] = takeDigit(phase, index, phase.value(contraction.sizes[axis]));
  Value from = phase.multiply(number, block.count);
  Value to = phase.minimum(phase.add(from, block.count), size);
  emitBlock({from, to}, columnGroup);
}

/// The first index along M of the microtile that `from` is for: the last one
/// lies wholly within the image, and leaves rows to the one before.
static Value firstRowOf(ContractionPhase &phase, const Contraction &contraction,
                        const WindowTiling &tiling, Value from) {
  int64_t m = contraction.m().factor;
  return m % tiling.width ? phase.minimum(from, phase.index(m - tiling.width))
                          : from;
}

void WindowPhase::emitBlock(PanelRange range, Value columnGroup) {
  const Element &element = *contraction.lhs;
  base = phase.value(element.base);
  if (element.copied) {
    PanelRange reach = range;
    if (tiling.block.axis() == contraction.axisM())
      reach.from = firstRowOf(phase, contraction, tiling, range.from);
    auto [first, last] =
        blockSpan(phase, contraction, tiling.block, outer, reach);
    Value start = emitWindowCopy(phase, *element.copied, first, last, image,
                                 tiling.lanes);
    base = phase.subtract(base, start);
  }
  Value panels = phase.divideUp(phase.value(columns.size()), columns.width);
  PanelRange share = shareOf(phase, panels, columnGroup, tiling.columnGroups);
  forEachPanel(phase, columns, share, [&](Value panel, bool isTail) {
    Microtile tile;
    tile.rows = tiling.rows;
    tile.width = tiling.width;
    setColumns(tile, panel, isTail);
    emitRows(tile, range,
             ArrayRef(tiling.block.axes).drop_front(tiling.block.level));
  });
}

/// All microtiles of a column panel, along `axes`.
void WindowPhase::emitRows(Microtile &tile, PanelRange range,
                           ArrayRef<unsigned> axes) {
  unsigned axis = axes.front();
  if (axis != tiling.block.axis())
    range = {phase.index(0), phase.value(contraction.sizes[axis])};
  bool isLast = axis == contraction.axisM();
  int64_t step = isLast                            ? tiling.width
                 : axis + 1 == contraction.axisM() ? tiling.height
                                                   : 1;
  phase.loop(range.from, range.to, step, [&](Value index) {
    if (!isLast) {
      outer[axis] = index;
      return emitRows(tile, range, axes.drop_front());
    }
    tile.row = firstRowOf(phase, contraction, tiling, index);
    if (tile.row != index)
      tile.firstRow = phase.subtract(index, tile.row);
    emitEpilogue(tile, emitSums(tile));
  });
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

SmallVector<Value> WindowPhase::emitSums(const Microtile &tile) {
  unsigned m = contraction.axisM(), k = contraction.axisK();
  ArrayRef<BatchSize> strides = contraction.lhs->strides;
  Terms terms;
  terms.lhs = image;
  terms.lhsStride = phase.value(strides[k]);
  Value first = phase.add(
      phase.add(base, phase.offset(ArrayRef(strides).take_front(m), outer)),
      phase.multiply(tile.row, phase.value(strides[m])));
  terms.rows = rowsInPlace(tile, first, strides);
  terms.rhs = filter;
  terms.rhsStride = phase.index(columns.width);
  terms.columns =
      phase.multiply(phase.multiply(tile.columnPanel, columns.width),
                     phase.value(contraction.numTerms));
  if (tiling.numChainAxes)
    return addChains(tile, terms);
  return addChain(tile, terms, llvm::to_vector(contraction.outerAxesK()),
                  phase.index(0), zeroSums(tile));
}

/// `sums` and one more for each index of `axes` and the innermost of K;
/// `number` counts the indices of those before.
SmallVector<Value> WindowPhase::addChain(const Microtile &tile,
                                         const Terms &terms,
                                         ArrayRef<unsigned> axes, Value number,
                                         ValueRange sums) {
  unsigned k = contraction.axisK();
  BatchSize size = contraction.sizes[k];
  if (axes.empty()) {
    Terms here = terms;
    Value first = phase.multiply(number, phase.value(size));
    here.columns =
        phase.add(terms.columns, phase.multiply(first, terms.rhsStride));
    return addTerms(tile, here, phase.value(size), size, sums);
  }
  Value count = phase.value(contraction.sizes[axes.front()]);
  return phase.loop(
      phase.index(0), count, phase.index(1), sums,
      [&](Value index, ValueRange carried) {
        Value step = phase.multiply(
            index, phase.value(contraction.lhs->strides[axes.front()]));
        return addChain(
            tile, terms.withRowsMoved(phase, step), axes.drop_front(),
            phase.add(phase.multiply(number, count), index), carried);
      });
}

/// The sum of a chain for each index of the outermost axes of K.
SmallVector<Value> WindowPhase::addChains(const Microtile &tile,
                                          const Terms &terms) {
  SmallVector<unsigned> axes = llvm::to_vector(contraction.outerAxesK());
  Value start = phase.index(0);
  storeSums(zeroSums(tile), chainSums, start);
  BatchSize count(1);
  for (unsigned axis : ArrayRef(axes).take_front(tiling.numChainAxes))
    count.factor *= contraction.sizes[axis].factor;
  phase.loop(start, phase.value(count), 1, [&](Value number) {
    Terms here = terms;
    Value rest = number;
    for (unsigned axis :
         llvm::reverse(ArrayRef(axes).take_front(tiling.numChainAxes))) {
      Value index =
          takeDigit(phase, rest, phase.value(contraction.sizes[axis]));
      Value step =
          phase.multiply(index, phase.value(contraction.lhs->strides[axis]));
      here = here.withRowsMoved(phase, step);
    }
    SmallVector<Value> sums =
        addChain(tile, here, ArrayRef(axes).drop_front(tiling.numChainAxes),
                 number, zeroSums(tile));
    SmallVector<Value> totals = loadSums(tile, chainSums, start);
    for (auto [total, sum] : llvm::zip(totals, sums))
      total = arith::AddFOp::create(b, total, sum);
    storeSums(totals, chainSums, start);
  });
  return loadSums(tile, chainSums, start);
}
