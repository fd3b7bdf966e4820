// See WindowPhase.h.
#include "codegen/cpu/WindowPhase.h"

#include "codegen/cpu/WindowCopy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

#include <functional>

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

/// What is known of terms that are zero, by index of an axis of K: for all rows
/// of a tile alike, or, of a tile that is as wide as the image, for each.
const ZeroTerms *WindowPhase::zeroTermsOf(unsigned axisK) {
  unsigned m = contraction.axisM();
  for (const ZeroTerms &zero : contraction.zeroTerms) {
    bool isOfTile =
        zero.rowAxis + 1 < m || (zero.rowAxis + 1 == m && tiling.height == 1);
    bool isOfRows = zero.rowAxis == m && contraction.m().is(tiling.width);
    if (zero.axisK == axisK && (isOfRows || (isOfTile && zero.termsOfK == 1 &&
                                             axisK != contraction.axisK())))
      return &zero;
  }
  return nullptr;
}

SmallVector<Value> WindowPhase::addWithoutZeros(
    const Microtile &tile, const Terms &terms, const ZeroTerms &zero, int64_t k,
    ValueRange sums,
    llvm::function_ref<SmallVector<Value>(const Microtile &, const Terms &,
                                          ValueRange)>
        add) {
  Microtile some = tile;
  Terms here = terms;
  here.rows.clear();
  SmallVector<Value> kept;
  SmallVector<int64_t> numbers;
  for (int64_t row = 0; row < tile.rows; ++row) {
    if (zero.isZero(row % tile.width, k))
      continue;
    numbers.push_back(row);
    here.rows.push_back(terms.rows[row]);
    llvm::append_range(kept, sums.slice(row * tile.vectors, tile.vectors));
  }
  some.rows = numbers.size();
  SmallVector<Value> result(sums);
  if (numbers.empty())
    return result;
  kept = add(some, here, kept);
  for (auto [i, row] : llvm::enumerate(numbers))
    for (int64_t q = 0; q < tile.vectors; ++q)
      result[row * tile.vectors + q] = kept[i * tile.vectors + q];
  return result;
}

/// `sums` and one more for each index of the innermost axis of K; `number`
/// counts the indices of the others.
SmallVector<Value> WindowPhase::addLast(const Microtile &tile,
                                        const Terms &terms, Value number,
                                        ValueRange sums) {
  unsigned axis = contraction.axisK();
  BatchSize size = contraction.sizes[axis];
  Terms here = terms;
  Value first = phase.multiply(number, phase.value(size));
  here.columns =
      phase.add(terms.columns, phase.multiply(first, terms.rhsStride));
  const ZeroTerms *zero = zeroTermsOf(axis);
  if (!zero)
    return addTerms(tile, here, phase.value(size), size, sums);
  SmallVector<Value> totals(sums);
  BatchSize count(zero->termsOfK);
  for (int64_t k = 0; k < size.factor / count.factor; ++k) {
    Value before = phase.index(k * count.factor);
    Terms some =
        here.withRowsMoved(phase, phase.multiply(before, here.lhsStride));
    some.columns =
        phase.add(here.columns, phase.multiply(before, here.rhsStride));
    totals = addWithoutZeros(
        tile, some, *zero, k, totals,
        [&](const Microtile &rows, const Terms &terms, ValueRange sums) {
          return addTerms(rows, terms, phase.value(count), count, sums);
        });
  }
  return totals;
}

/// `sums` and one more for each index of `axes` and the innermost of K;
/// `number` counts the indices of those before.
SmallVector<Value> WindowPhase::addChain(const Microtile &tile,
                                         const Terms &terms,
                                         ArrayRef<unsigned> axes, Value number,
                                         ValueRange sums) {
  if (axes.empty())
    return addLast(tile, terms, number, sums);
  unsigned axis = axes.front();
  Value count = phase.value(contraction.sizes[axis]);
  auto addAt = [&](Value index, const Microtile &rows, const Terms &terms,
                   ValueRange sums) {
    Value step =
        phase.multiply(index, phase.value(contraction.lhs->strides[axis]));
    return addChain(rows, terms.withRowsMoved(phase, step), axes.drop_front(),
                    phase.add(phase.multiply(number, count), index), sums);
  };
  PanelRange range = {phase.index(0), count};
  const ZeroTerms *zero = zeroTermsOf(axis);
  if (zero && zero->rowAxis == contraction.axisM()) {
    SmallVector<Value> totals(sums);
    for (int64_t k = 0; k < contraction.sizes[axis].factor; ++k)
      totals = addWithoutZeros(
          tile, terms, *zero, k, totals,
          [&](const Microtile &rows, const Terms &terms, ValueRange sums) {
            return addAt(phase.index(k), rows, terms, sums);
          });
    return totals;
  }
  if (zero)
    range = withoutZeros(*zero, outer[zero->rowAxis], range);
  return phase.loop(range.from, range.to, phase.index(1), sums,
                    [&](Value index, ValueRange carried) {
                      return addAt(index, tile, terms, carried);
                    });
}

/// The sum of a chain for each index of the outermost axes of K.
SmallVector<Value> WindowPhase::addChains(const Microtile &tile,
                                          const Terms &terms) {
  SmallVector<unsigned> axes = llvm::to_vector(contraction.outerAxesK());
  auto chainAxes = ArrayRef(axes).take_front(tiling.numChainAxes);
  Value start = phase.index(0);
  storeSums(zeroSums(tile), chainSums, start);
  std::function<void(const Terms &, ArrayRef<unsigned>, Value)> walk =
      [&](const Terms &terms, ArrayRef<unsigned> rest, Value number) {
        if (rest.empty()) {
          SmallVector<Value> sums =
              addChain(tile, terms, ArrayRef(axes).drop_front(chainAxes.size()),
                       number, zeroSums(tile));
          SmallVector<Value> totals = loadSums(tile, chainSums, start);
          for (auto [total, sum] : llvm::zip(totals, sums))
            total = arith::AddFOp::create(b, total, sum);
          return storeSums(totals, chainSums, start);
        }
        Value count = phase.value(contraction.sizes[rest.front()]);
        PanelRange range = {phase.index(0), count};
        const ZeroTerms *zero = zeroTermsOf(rest.front());
        if (zero && zero->rowAxis != contraction.axisM())
          range = withoutZeros(*zero, outer[zero->rowAxis], range);
        phase.loop(range.from, range.to, 1, [&](Value index) {
          Value step = phase.multiply(
              index, phase.value(contraction.lhs->strides[rest.front()]));
          walk(terms.withRowsMoved(phase, step), rest.drop_front(),
               phase.add(phase.multiply(number, count), index));
        });
      };
  walk(terms, chainAxes, phase.index(0));
  return loadSums(tile, chainSums, start);
}
