// See TileSums.h. A thread has groups of four rows and four columns, each group
// beside those of its neighbours, so that threads that read shared memory
// together read what lies together. Threads t and t ^ 1 have the same columns,
// t and t ^ 2 the same rows: a vector of 16 bytes of each thread of a warp then
// takes shared memory two cycles and not four (NVIDIA's developer forum, thread
// 77228, of cc 7.0).
#include "codegen/cuda/TensorSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

namespace {

/// Multiply-adds of each thread.
class ScalarSums : public TileSums {
public:
  ScalarSums(GpuContractionPhase &phase, const TileShape &shape,
             const TileLoad &lhs, const TileLoad &rhs)
      : phase(phase), b(phase.b), shape(shape), lhs(lhs), rhs(rhs),
        numRowGroups(shape.rows / shape.teamRows / kGroup),
        numColumnGroups(shape.columns / shape.teamColumns / kGroup) {
    auto place = [&](Value number) { return phase.multiply(number, kGroup); };
    int64_t team = shape.teamRows * shape.teamColumns;
    Value member = shape.slices == 1 ? phase.thread()
                                     : phase.remainder(phase.thread(), team);
    row = place(phase.add(
        phase.multiply(phase.divide(member, 2 * shape.teamColumns), 2),
        phase.remainder(member, 2)));
    firstColumn = phase.remainder(phase.divide(member, 2), shape.teamColumns);
    column = place(firstColumn);
    firstTerm = firstTermOfSlice(phase, shape, team);
  }

  SmallVector<Value> start() override {
    Value zeros = phase.zero(lhs.getLayout().type, kGroup);
    return SmallVector<Value>(numRowGroups * kGroup * numColumnGroups, zeros);
  }

  SmallVector<Value> add(ValueRange sums, Value half) override;
  SmallVector<TileRow> rowsOf(ValueRange sums) override;

private:
  static constexpr int64_t kGroup = 4;

  Value rowOf(int64_t group) {
    return phase.add(row, group * (shape.rows / numRowGroups));
  }
  Value columnOf(int64_t group) {
    return phase.add(column, group * (shape.columns / numColumnGroups));
  }
  /// Where columns lie term by term, those of neighbouring threads are side by
  /// side, so that they use other banks.
  Value columnAt(int64_t group, int64_t lane) {
    if (!rhs.getLayout().alongDepth)
      return phase.add(columnOf(group), lane);
    return phase.add(firstColumn, (group * kGroup + lane) * shape.teamColumns);
  }
  SmallVector<Value> readTerms(const TileLoad &operand, Value half, Value term,
                               int64_t numGroups,
                               llvm::function_ref<Value(int64_t, int64_t)> at);
  Value readGroup(const TileLoad &operand, Value half, Value term, Value at);
  Value lane(Value vector, int64_t number);
  SmallVector<Value> addTerm(ArrayRef<Value> columns, ValueRange sums,
                             llvm::function_ref<Value(int64_t, int64_t)> one);
  SmallVector<Value> addOne(Value half, Value term, ValueRange sums);
  SmallVector<Value> addFour(Value half, Value term, ValueRange sums);

  GpuContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const TileShape &shape;
  const TileLoad &lhs, &rhs;
  const int64_t numRowGroups, numColumnGroups;
  /// Of the thread's first group.
  Value row, column, firstColumn;
  /// Of a step.
  Value firstTerm;
};

} // namespace

Value nnc::firstTermOfSlice(GpuPhase &phase, const TileShape &shape,
                            int64_t team) {
  if (shape.slices == 1)
    return phase.index(0);
  return phase.multiply(phase.divide(phase.thread(), team),
                        shape.depth / shape.slices);
}

/// Four neighbours of one term.
Value ScalarSums::readGroup(const TileLoad &operand, Value half, Value term,
                            Value at) {
  const TileLayout &layout = operand.getLayout();
  Value begin = phase.multiply(half, layout.numElements());
  Value line = phase.add(begin, phase.multiply(term, layout.stride));
  auto type = VectorType::get(kGroup, layout.type);
  return vector::LoadOp::create(b, type, operand.getMemory(),
                                phase.add(line, at));
}

/// Of each group, four terms of four rows (or columns): as vectors of one row
/// where its terms lie side by side, of one term elsewhere.
SmallVector<Value>
ScalarSums::readTerms(const TileLoad &operand, Value half, Value term,
                      int64_t numGroups,
                      llvm::function_ref<Value(int64_t, int64_t)> at) {
  const TileLayout &layout = operand.getLayout();
  Value begin = phase.multiply(half, layout.numElements());
  auto type = VectorType::get(kGroup, layout.type);
  SmallVector<Value> vectors;
  for (int64_t group = 0; group < numGroups; ++group)
    for (int64_t number = 0; number < kGroup; ++number) {
      Value place =
          layout.alongDepth
              ? layout.placeOf(phase, at(group, number), term)
              : layout.placeOf(phase, at(group, 0), phase.add(term, number));
      vectors.push_back(vector::LoadOp::create(b, type, operand.getMemory(),
                                               phase.add(begin, place)));
    }
  return vectors;
}

Value ScalarSums::lane(Value vector, int64_t number) {
  return vector::ExtractOp::create(b, vector, number);
}

/// Adds the products of the rows' numbers, which `one` gives, by vectors of
/// columns.
SmallVector<Value>
ScalarSums::addTerm(ArrayRef<Value> columns, ValueRange sums,
                    llvm::function_ref<Value(int64_t, int64_t)> one) {
  SmallVector<Value> next;
  for (int64_t group = 0; group < numRowGroups; ++group)
    for (int64_t number = 0; number < kGroup; ++number) {
      Value each = vector::BroadcastOp::create(b, columns.front().getType(),
                                               one(group, number));
      for (Value vector : columns) {
        Value product = arith::MulFOp::create(b, each, vector);
        next.push_back(arith::AddFOp::create(b, sums[next.size()], product));
      }
    }
  return next;
}

/// Adds a term of operands that both lie term by term.
SmallVector<Value> ScalarSums::addOne(Value half, Value term, ValueRange sums) {
  SmallVector<Value> left, right;
  for (int64_t group = 0; group < numRowGroups; ++group)
    left.push_back(readGroup(lhs, half, term, rowOf(group)));
  for (int64_t group = 0; group < numColumnGroups; ++group)
    right.push_back(readGroup(rhs, half, term, columnOf(group)));
  return addTerm(right, sums, [&](int64_t group, int64_t number) {
    return lane(left[group], number);
  });
}

/// Adds four terms, where those of a row or a column lie side by side.
SmallVector<Value> ScalarSums::addFour(Value half, Value term,
                                       ValueRange sums) {
  bool isLeftAlong = lhs.getLayout().alongDepth,
       isRightAlong = rhs.getLayout().alongDepth;
  SmallVector<Value> left = readTerms(lhs, half, term, numRowGroups,
                                      [&](int64_t group, int64_t number) {
                                        return phase.add(rowOf(group), number);
                                      });
  SmallVector<Value> right = readTerms(
      rhs, half, term, numColumnGroups,
      [&](int64_t group, int64_t number) { return columnAt(group, number); });
  auto columnsOf = [&](int64_t group, int64_t number) -> Value {
    const Value *of = &right[group * kGroup];
    if (!isRightAlong)
      return of[number];
    SmallVector<Value> lanes;
    for (int64_t beside = 0; beside < kGroup; ++beside)
      lanes.push_back(lane(of[beside], number));
    return vector::FromElementsOp::create(b, cast<VectorType>(of[0].getType()),
                                          lanes);
  };
  SmallVector<Value> next(sums);
  for (int64_t number = 0; number < kGroup; ++number) {
    SmallVector<Value> columns;
    for (int64_t group = 0; group < numColumnGroups; ++group)
      columns.push_back(columnsOf(group, number));
    next = addTerm(columns, next, [&](int64_t group, int64_t beside) {
      return isLeftAlong ? lane(left[group * kGroup + beside], number)
                         : lane(left[group * kGroup + number], beside);
    });
  }
  return next;
}

SmallVector<Value> ScalarSums::add(ValueRange sums, Value half) {
  bool byFours = lhs.getLayout().alongDepth || rhs.getLayout().alongDepth;
  auto addTerms = [&](Value number, ValueRange sums) {
    Value term = phase.add(firstTerm, number);
    return byFours ? addFour(half, term, sums) : addOne(half, term, sums);
  };
  SmallVector<Value> added =
      phase.loop(phase.index(0), phase.index(shape.depth / shape.slices),
                 phase.index(byFours ? kGroup : 1), sums, addTerms);
  added.front().getDefiningOp()->setAttr("nnc.unroll", b.getUnitAttr());
  return added;
}

SmallVector<TileRow> ScalarSums::rowsOf(ValueRange sums) {
  SmallVector<TileRow> rows;
  for (int64_t group = 0; group < numRowGroups; ++group)
    for (int64_t lane = 0; lane < kGroup; ++lane) {
      rows.push_back({phase.add(rowOf(group), lane), {}});
      for (int64_t column = 0; column < numColumnGroups; ++column) {
        if (rhs.getLayout().alongDepth)
          for (int64_t beside = 0; beside < kGroup; ++beside)
            rows.back().pieces.push_back(
                {columnAt(column, beside),
                 vector::ExtractOp::create(b, sums.front(), beside)});
        else
          rows.back().pieces.push_back({columnOf(column), sums.front()});
        sums = sums.drop_front();
      }
    }
  return rows;
}

std::unique_ptr<TileSums> nnc::createTileSums(GpuContractionPhase &phase,
                                              const Tiling &tiling,
                                              const TileLoad &lhs,
                                              const TileLoad &rhs) {
  if (tiling.unit != TileUnit::Scalar)
    return std::make_unique<TensorSums>(phase, tiling, lhs, rhs);
  return std::make_unique<ScalarSums>(phase, tiling.shape, lhs, rhs);
}

/// Memory for that many sums: an operand's, or its own.
static Value sharedSums(GpuPhase &phase, int64_t numSums, Type type,
                        ArrayRef<const TileLoad *> operands) {
  for (const TileLoad *operand : operands) {
    auto memory = cast<MemRefType>(operand->getMemory().getType());
    if (memory.getElementType() == type && memory.getNumElements() >= numSums)
      return operand->getMemory();
  }
  return phase.shared(numSums, type);
}

SmallVector<TileRow> nnc::addSlices(GpuPhase &phase, const Tiling &tiling,
                                    ArrayRef<TileRow> rows, const TileLoad &lhs,
                                    const TileLoad &rhs) {
  ImplicitLocOpBuilder &b = phase.b;
  const TileShape &shape = tiling.shape;
  Type type = getElementTypeOrSelf(rows.front().pieces.front().sums.getType());
  int64_t stride = shape.columns, ofSlice = shape.rows * stride;
  Value memory = sharedSums(phase, shape.slices * ofSlice, type, {&lhs, &rhs});
  Value slice = phase.divide(phase.thread(), tiling.threads() / shape.slices);
  Value begin = phase.multiply(slice, ofSlice);
  for (const TileRow &row : rows)
    for (const TilePiece &piece : row.pieces) {
      Value at = phase.add(phase.multiply(row.row, stride), piece.column);
      if (isa<VectorType>(piece.sums.getType()))
        vector::StoreOp::create(b, piece.sums, memory, phase.add(begin, at));
      else
        memref::StoreOp::create(b, piece.sums, memory, phase.add(begin, at));
    }
  phase.barrier();
  // All threads of the block have a part of the tile's sums.
  int64_t numSums = ofSlice, threads = tiling.threads();
  int64_t lanes = std::min<int64_t>(numSums / threads, 4);
  int64_t perRow = shape.columns / lanes;
  auto vector = VectorType::get(lanes, type);
  SmallVector<TileRow> added;
  for (int64_t first = 0; first < numSums / lanes; first += threads) {
    Value number = phase.add(phase.thread(), first);
    Value row = phase.divide(number, perRow),
          column = phase.multiply(phase.remainder(number, perRow), lanes);
    Value at = phase.add(phase.multiply(row, stride), column), sum;
    for (int64_t other = 0; other < shape.slices; ++other) {
      Value part = vector::LoadOp::create(b, vector, memory,
                                          phase.add(at, other * ofSlice));
      sum = sum ? Value(arith::AddFOp::create(b, sum, part)) : part;
    }
    added.push_back({row, {{column, sum}}});
  }
  return added;
}
