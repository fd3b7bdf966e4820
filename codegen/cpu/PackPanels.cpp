// Three ways, by which axis of the operand is contiguous: vectors along the
// panel's width are copied; vectors along K are transposed in registers; all
// else goes element by element.
#include "codegen/cpu/PackPanels.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/Transpose.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

namespace {

class Packer {
public:
  Packer(ContractionPhase &phase, const PanelSource &source, Point point,
         Value panel, Value memory, Value offset)
      : phase(phase), b(phase.b), source(source), point(point), memory(memory),
        offset(offset) {
    first = phase.multiply(panel, source.width);
    size = phase.value(source.size());
    numK = phase.value(source.contraction.sizes[axisK()]);
  }

  void emit();

private:
  void emitAroundK(llvm::ArrayRef<unsigned> axes, Value number);
  void emitAlongK();
  unsigned axisK() const { return source.contraction.axisK(); }
  Type type() const { return source.contraction.type; }
  void copyVectors(bool masked);
  void transposeVectors(Value to);
  void transposeChunk(Value k, int64_t chunk, int64_t count);
  void copyElements(Value from);
  Value read(const Point &at) { return phase.factor(source.element, at); }
  Value destination(Value k, int64_t column) {
    return phase.add(phase.add(offset, phase.multiply(k, source.width)),
                     column);
  }
  /// Panel columns that do not exist repeat the last one.
  Value clamped(Value index) {
    return source.hasTail()
               ? phase.minimum(index, phase.subtract(size, phase.index(1)))
               : index;
  }

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const PanelSource &source;
  Point point;
  Value memory, offset, first, size, numK;
};

} // namespace

/// Whether some of what it reads is contiguous along `axis`, and all else the
/// same.
static bool isContiguousAlong(const Element *element, unsigned axis) {
  if (!isVectorAlong(element, axis))
    return false;
  if (element->operand)
    return element->strides[axis].isOne();
  return llvm::any_of(element->inputs, [&](const Element *input) {
    return input && isContiguousAlong(input, axis);
  });
}

void Packer::copyVectors(bool masked) {
  phase.loop(phase.index(0), numK, 1, [&](Value k) {
    for (int64_t column = 0; column < source.width; column += source.lanes) {
      Point at = point;
      at.vectorAxis = source.axis;
      at.lanes = std::min(source.lanes, source.width - column);
      at.indices[axisK()] = k;
      Value index = phase.add(first, column);
      at.indices[source.axis] = index;
      if (masked)
        at.mask = phase.mask(phase.subtract(size, index), at.lanes);
      storeVector(b, phase.loc(), read(at), memory, destination(k, column));
    }
  });
}

/// `lanes` steps of K from `k` on, for `count` columns from `chunk` on.
void Packer::transposeChunk(Value k, int64_t chunk, int64_t count) {
  SmallVector<Value> rows;
  for (int64_t column = 0; column < count; ++column) {
    Point at = point;
    at.vectorAxis = axisK();
    at.lanes = source.lanes;
    at.indices[axisK()] = k;
    at.indices[source.axis] = clamped(phase.add(first, chunk + column));
    rows.push_back(read(at));
  }
  rows.resize(source.lanes, rows.back());
  SmallVector<Value> columns = transposeInRegisters(b, phase.loc(), rows);
  for (auto [step, column] : llvm::enumerate(columns)) {
    Value vector = column;
    if (count < source.lanes)
      vector = vector::ExtractStridedSliceOp::create(
          b, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{count},
          ArrayRef<int64_t>{1});
    storeVector(b, phase.loc(), vector, memory,
                destination(phase.add(k, step), chunk));
  }
}

void Packer::transposeVectors(Value to) {
  phase.loop(phase.index(0), to, source.lanes, [&](Value k) {
    for (int64_t chunk = 0; chunk < source.width; chunk += source.lanes)
      transposeChunk(k, chunk, std::min(source.lanes, source.width - chunk));
  });
}

void Packer::copyElements(Value from) {
  phase.loop(from, numK, 1, [&](Value k) {
    phase.loop(phase.index(0), phase.index(source.width), 1, [&](Value column) {
      Point at = point;
      at.indices[axisK()] = k;
      at.indices[source.axis] = clamped(phase.add(first, column));
      storeScalar(b, phase.loc(), read(at), memory,
                  phase.add(destination(k, 0), column));
    });
  });
}

/// For what of K is left to walk; `number` counts where all of it stands.
void Packer::emitAroundK(ArrayRef<unsigned> axes, Value number) {
  if (axes.empty()) {
    Value start = offset;
    offset = phase.add(
        start, phase.multiply(phase.multiply(number, numK), source.width));
    emitAlongK();
    offset = start;
    return;
  }
  Value count = phase.value(source.contraction.sizes[axes.front()]);
  phase.loop(phase.index(0), count, 1, [&](Value index) {
    point.indices[axes.front()] = index;
    emitAroundK(axes.drop_front(),
                phase.add(phase.multiply(number, count), index));
  });
}

void Packer::emit() {
  emitAroundK(llvm::to_vector(source.contraction.outerAxesK()), phase.index(0));
}

void Packer::emitAlongK() {
  if (isContiguousAlong(source.element, source.axis)) {
    if (!source.hasTail())
      return copyVectors(/*masked=*/false);
    Value rest = phase.subtract(size, first);
    Value isWhole = phase.isLess(phase.index(source.width - 1), rest);
    phase.when(isWhole, [&] { copyVectors(/*masked=*/false); });
    phase.when(phase.isLess(rest, phase.index(source.width)),
               [&] { copyVectors(/*masked=*/true); });
    return;
  }
  auto square = VectorType::get({source.lanes, source.lanes}, type());
  bool transposes = isContiguousAlong(source.element, axisK()) &&
                    canTransposeInRegisters(square);
  if (!transposes)
    return copyElements(phase.index(0));
  Value whole = phase.multiply(phase.divide(numK, source.lanes), source.lanes);
  transposeVectors(whole);
  BatchSize k = source.contraction.sizes[axisK()];
  if (!k.isStatic() || k.factor % source.lanes)
    copyElements(whole);
}

void nnc::emitPackPanel(ContractionPhase &phase, const PanelSource &source,
                        Point point, Value panel, Value memory, Value offset) {
  Packer(phase, source, point, panel, memory, offset).emit();
}
