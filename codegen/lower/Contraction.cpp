// Contractions: one linalg.generic each, with the transpositions and the
// broadcasting of its batch dimensions in the indexing maps.
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

/// The loops of a matmul over operands with `numBatchDims` leading dimensions:
/// batch, m, n, k; or m, n, batch, k where the batch is summed over.
struct MatmulLoops {
  unsigned numBatchDims;
  bool reducesBatch;

  unsigned count() const { return numBatchDims + 3; }
  unsigned batch(unsigned i) const { return reducesBatch ? 2 + i : i; }
  unsigned m() const { return reducesBatch ? 0 : numBatchDims; }
  unsigned n() const { return m() + 1; }
  unsigned k() const { return numBatchDims + 2; }
};

/// How an operand [.., rows, columns] is read, `rows` and `columns` being
/// loops. Its leading dimensions broadcast to `batchShape`.
static AffineMap operandMap(KernelBuilder &b, const MatmulLoops &loops,
                            RankedTensorType type, ArrayRef<int64_t> batchShape,
                            unsigned rows, unsigned columns) {
  unsigned numOwn = type.getRank() - 2;
  SmallVector<unsigned> dims;
  for (unsigned i = loops.numBatchDims - numOwn; i < loops.numBatchDims; ++i)
    dims.push_back(loops.batch(i));
  AffineMap leading =
      b.broadcastMap(loops.count(), type.getShape().drop_back(2),
                     batchShape.take_back(numOwn), dims);
  SmallVector<AffineExpr> indices(leading.getResults());
  indices.push_back(b.getAffineDimExpr(rows));
  indices.push_back(b.getAffineDimExpr(columns));
  return AffineMap::get(loops.count(), 0, indices, b.getContext());
}

static AffineMap resultMap(KernelBuilder &b, const MatmulLoops &loops) {
  SmallVector<AffineExpr> indices;
  if (!loops.reducesBatch)
    for (unsigned i = 0; i < loops.numBatchDims; ++i)
      indices.push_back(b.getAffineDimExpr(loops.batch(i)));
  indices.push_back(b.getAffineDimExpr(loops.m()));
  indices.push_back(b.getAffineDimExpr(loops.n()));
  return AffineMap::get(loops.count(), 0, indices, b.getContext());
}

/// The leading dimensions to which both operands broadcast: the result's, or,
/// where they are summed over, those of either operand, which are equal.
static ArrayRef<int64_t> batchShape(MatmulOp op) {
  auto source = cast<RankedTensorType>(
      op.getReduceBatch() ? op.getLhs().getType() : op.getY().getType());
  return source.getShape().drop_back(2);
}

static FailureOr<Value> lowerMatmul(KernelBuilder &b, MatmulOp op,
                                    ValueRange operands) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  auto type = cast<RankedTensorType>(op.getY().getType());
  ArrayRef<int64_t> batch = batchShape(op);
  MatmulLoops loops{unsigned(batch.size()), op.getReduceBatch()};
  unsigned m = loops.m(), n = loops.n(), k = loops.k();
  bool transposeLhs = op.getTransposeLhs(), transposeRhs = op.getTransposeRhs();
  AffineMap maps[] = {operandMap(b, loops, lhs, batch, transposeLhs ? k : m,
                                 transposeLhs ? m : k),
                      operandMap(b, loops, rhs, batch, transposeRhs ? n : k,
                                 transposeRhs ? k : n),
                      resultMap(b, loops)};

  SmallVector<utils::IteratorType> iterators(loops.count(),
                                             utils::IteratorType::parallel);
  iterators[k] = utils::IteratorType::reduction;
  if (loops.reducesBatch)
    for (unsigned i = 0; i < loops.numBatchDims; ++i)
      iterators[loops.batch(i)] = utils::IteratorType::reduction;

  // 16-bit floats are summed in f32 and rounded once.
  Type sumType = computeType(type.getElementType());
  Value zero = b.fill(type.clone(sumType), scalarConstant(b, sumType, 0));
  Value sum = b.generic(operands, zero, maps, iterators,
                        [](ImplicitLocOpBuilder &b, ValueRange x) {
                          Value product = arith::MulFOp::create(b, x[0], x[1]);
                          return SmallVector<Value>{
                              arith::AddFOp::create(b, x[2], product)};
                        })
                  .front();
  if (sumType == type.getElementType())
    return sum;
  return b.elementwise(
      type, sum, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
}

void nnc::addContractionLowerings(Lowerings &lowerings) {
  lowerings.add<MatmulOp>(lowerMatmul);
}
