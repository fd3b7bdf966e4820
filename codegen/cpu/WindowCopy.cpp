// Line by line: padding before, what lies within the bounds, padding behind.
// Only reads keep to what exists: a vector that is written beyond its part of a
// line is written before what follows it.
#include "codegen/cpu/WindowCopy.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/Microtile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

namespace {

class Copier {
public:
  Copier(ContractionPhase &phase, const TensorToCopy &source, Value memory,
         int64_t lanes, std::optional<CopiedPanels> panels)
      : phase(phase), b(phase.b), source(source), memory(memory), lanes(lanes),
        panels(panels) {
    axis = source.shape.size() - (source.hasWholeRows ? 2 : 1);
    last = source.shape.size() - 1;
    isPadded = !source.element->bounds.empty();
    inside = isPadded ? source.element->inputs[0] : source.element;
  }

  void emitLine(Value line, Value to);

private:
  void copyRow(Point here, Value panel, Value to);
  void copyPanels(Value first, Value count, Value to);
  void copyInside(Value first, Value count, Value to);
  void copyElements(Value first, Value count, Value to);
  void fill(Value to, Value count);
  Value isWithin();

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const TensorToCopy &source;
  Value memory;
  int64_t lanes;
  std::optional<CopiedPanels> panels;
  /// The first dimension within a line, and the last one.
  unsigned axis, last;
  bool isPadded;
  const Element *inside;
  Point point;
};

} // namespace

int64_t nnc::lineSize(const TensorToCopy &source) {
  auto dims = ArrayRef(source.shape).take_back(source.hasWholeRows ? 2 : 1);
  int64_t size = 1;
  for (BatchSize dim : dims)
    size *= dim.factor;
  return size;
}

int64_t nnc::copiedSize(const TensorToCopy &source, int64_t count,
                        int64_t lanes) {
  // The first and the last element may lie anywhere in their lines.
  int64_t line = lineSize(source);
  return (llvm::divideCeil(count - 1, line) + 1) * line + lanes;
}

void Copier::fill(Value to, Value count) {
  Point nowhere;
  nowhere.indices.assign(source.shape.size(), Value());
  Value padding = broadcastToLanes(
      b, phase.loc(), phase.factor(source.element->inputs[1], nowhere), lanes);
  auto fillFrom = [&](Value start) {
    phase.loop(phase.index(0), count, lanes, [&](Value at) {
      storeVector(b, phase.loc(), padding, memory, phase.add(start, at));
    });
  };
  if (!panels)
    return fillFrom(to);
  phase.loop(panels->from, panels->to, 1, [&](Value panel) {
    Value before = phase.subtract(panel, panels->from);
    fillFrom(phase.add(to, phase.multiply(before, panels->size)));
  });
}

/// The columns of a panel in the row where `here` stands, to `to`.
void Copier::copyRow(Point here, Value panel, Value to) {
  int64_t width = panels->width, columns = source.shape[last].factor;
  Value column = phase.multiply(panel, width);
  if (columns % width)
    column = phase.minimum(column, phase.index(columns - width));
  here.indices[last] = column;
  if (isVectorAlong(inside, last)) {
    here.vectorAxis = last;
    here.lanes = width;
    storeVector(b, phase.loc(), phase.factor(inside, here), memory, to);
    return;
  }
  phase.loop(phase.index(0), phase.index(width), 1, [&](Value i) {
    here.indices[last] = phase.add(column, i);
    storeScalar(b, phase.loc(), phase.factor(inside, here), memory,
                phase.add(to, i));
  });
}

/// `count` elements of each panel, from index `first` of the line's first
/// dimension on. Several panels at a time, so that rows are read through rather
/// than a few columns of each.
void Copier::copyPanels(Value first, Value count, Value to) {
  int64_t together = panels->together;
  auto copyRows = [&](Value row, Value panel) {
    Point here = point;
    if (axis != last)
      here.indices[axis] = phase.add(first, row);
    Value before = phase.subtract(panel, panels->from);
    Value place = phase.add(phase.add(to, phase.multiply(before, panels->size)),
                            phase.multiply(row, panels->width));
    for (int64_t i = 0; i < together; ++i)
      copyRow(here, phase.add(panel, i), phase.add(place, i * panels->size));
  };
  Value rows = phase.divide(count, panels->width);
  phase.loop(panels->from, panels->to, together, [&](Value panel) {
    if (together > 1)
      return phase.loop(phase.index(0), rows, 1,
                        [&](Value row) { copyRows(row, panel); });
    phase.unrolledLoop(rows, [&](Value row) { copyRows(row, panel); });
  });
}

/// `count` elements of a line from index `first` of its first dimension on.
void Copier::copyInside(Value first, Value count, Value to) {
  if (panels)
    return copyPanels(first, count, to);
  if (!isVectorAlong(inside, last))
    return copyElements(first, count, to);
  auto copyVector = [&](Value at, Value mask) {
    Point here = point;
    here.vectorAxis = last;
    here.lanes = lanes;
    here.mask = mask;
    if (axis != last)
      here.indices[axis] = first;
    here.indices[last] = axis == last ? phase.add(first, at) : at;
    storeVector(b, phase.loc(), phase.factor(inside, here), memory,
                phase.add(to, at));
  };
  Value whole = phase.multiply(phase.divide(count, lanes), lanes);
  phase.loop(phase.index(0), whole, lanes,
             [&](Value at) { copyVector(at, Value()); });
  phase.when(phase.isLess(whole, count), [&] {
    copyVector(whole, phase.mask(phase.subtract(count, whole), lanes));
  });
}

void Copier::copyElements(Value first, Value count, Value to) {
  phase.loop(phase.index(0), count, 1, [&](Value at) {
    Point here = point;
    if (axis != last)
      here.indices[axis] = first;
    here.indices[last] = axis == last ? phase.add(first, at) : at;
    storeScalar(b, phase.loc(), phase.factor(inside, here), memory,
                phase.add(to, at));
  });
}

/// Whether the line is more than padding.
Value Copier::isWithin() {
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (const Bound &bound : source.element->bounds) {
    if (bound.index.dependsOn(axis))
      continue;
    Value at = phase.add(phase.value(bound.index.base),
                         phase.offset(bound.index.strides, point.indices));
    // What is below zero is a large number, unsigned.
    within = phase.both(within, phase.isLess(at, phase.value(bound.size)));
  }
  return within;
}

/// Line number `line` of the whole tensor, to `to`.
void Copier::emitLine(Value line, Value to) {
  point.indices.assign(source.shape.size(), Value());
  for (int dim = int(axis) - 1; dim > 0; --dim)
    point.indices[dim] = takeDigit(phase, line, phase.value(source.shape[dim]));
  if (axis > 0)
    point.indices[0] = line;
  // Indices of the line's first dimension, and elements of each: with panels,
  // of each row.
  int64_t size = panels && axis == last ? 1 : source.shape[axis].factor;
  int64_t rest = panels ? panels->width : lineSize(source) / size;
  // Where the bound along the line begins and ends.
  int64_t begin = 0, end = size;
  for (const Bound &bound : source.element->bounds)
    if (bound.index.dependsOn(axis)) {
      begin = std::clamp(-bound.index.base.factor, begin, size);
      end = std::clamp(bound.size.factor - bound.index.base.factor, begin, end);
    }
  auto at = [&](int64_t index) { return phase.add(to, index * rest); };
  if (!isPadded)
    return copyInside(phase.index(0), phase.index(size * rest), to);
  auto emitWithin = [&] {
    if (begin > 0)
      fill(to, phase.index(begin * rest));
    copyInside(phase.index(begin), phase.index((end - begin) * rest),
               at(begin));
    if (end < size)
      fill(at(end), phase.index((size - end) * rest));
  };
  Value within = isWithin();
  Value none = b.createOrFold<arith::XOrIOp>(
      within, arith::ConstantOp::create(b, b.getBoolAttr(true)));
  phase.when(within, emitWithin);
  phase.when(none, [&] { fill(to, phase.index(size * rest)); });
}

Value nnc::emitWindowCopy(ContractionPhase &phase, const TensorToCopy &source,
                          Value first, Value last, Value memory, int64_t lanes,
                          std::optional<CopiedPanels> panels) {
  int64_t size = lineSize(source);
  Value firstLine = phase.divide(first, size);
  Value lastLine = phase.divide(last, size);
  if (panels)
    size = size / source.shape.back().factor * panels->width;
  Copier copier(phase, source, memory, lanes, panels);
  phase.loop(firstLine, phase.add(lastLine, 1), 1, [&](Value line) {
    Value to = phase.multiply(phase.subtract(line, firstLine), size);
    copier.emitLine(line, to);
  });
  return phase.multiply(firstLine, size);
}
