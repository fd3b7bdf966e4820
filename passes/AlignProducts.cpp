// Products of 16 bits whose matrices have rows that are no multiple of 16
// bytes, as those of a vocabulary of 50,257 words: made with rows that are.
#include "passes/Passes.h"

#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_ALIGNPRODUCTSPASS
#include "passes/Passes.h.inc"
} // namespace nnc

using namespace nnc;

namespace {

/// Copies cost little beside a product of so many multiplications, the batch
/// aside, in which each element of what is copied takes part in so many.
constexpr uint64_t kLeastMultiplications = uint64_t(1) << 30;
constexpr int64_t kLeastUses = 64;

/// What the sizes of a product run over.
enum Axis : unsigned { M, N, K };

/// The axes of the last two dimensions of an operand or of the result.
using MatrixAxes = std::array<Axis, 2>;

class Aligner {
public:
  Aligner(MatmulOp product, int64_t bytes) : product(product), bytes(bytes) {}

  void run();

private:
  int64_t paddingOf(Axis axis);
  bool pays(Axis axis);

  MatmulOp product;
  int64_t bytes;
  MatrixAxes lhs, rhs;
  std::array<int64_t, 3> sizes;
};

} // namespace

/// Followed by zeros along `axis`, if it has it.
static Expr padded(Expr matrix, MatrixAxes axes, Axis axis, int64_t padding) {
  SmallVector<int64_t> low(matrix.dims().size(), 0), high(low);
  for (unsigned i = 0; i < 2; ++i)
    if (axes[i] == axis)
      high[high.size() - 2 + i] = padding;
  bool hasAxis = llvm::is_contained(axes, axis);
  return hasAxis ? pad(matrix, low, high) : matrix;
}

/// What rows along `axis` lack, if a matrix of 16 bits has such rows.
int64_t Aligner::paddingOf(Axis axis) {
  auto lacks = [&](Value matrix, Axis last) -> int64_t {
    auto type = cast<RankedTensorType>(matrix.getType());
    int64_t size = sizes[axis], width = type.getElementTypeBitWidth() / 8;
    if (last != axis || width != 2 || ShapedType::isDynamic(size))
      return 0;
    return llvm::alignTo(size * width, bytes) / width - size;
  };
  return std::max({lacks(product.getLhs(), lhs[1]),
                   lacks(product.getRhs(), rhs[1]), lacks(product.getY(), N)});
}

/// Of a dimension that depends on the batch, one sample counts.
bool Aligner::pays(Axis axis) {
  SmallVector<int64_t> all(product.getLhs().getType().getShape().drop_back(2));
  llvm::append_range(all, sizes);
  uint64_t multiplications = 1;
  for (int64_t size : all)
    multiplications = llvm::SaturatingMultiply<uint64_t>(
        multiplications, std::max<int64_t>(size, 1));
  for (Axis other : {M, N, K})
    if (other != axis && sizes[other] < kLeastUses)
      return false;
  return multiplications >= kLeastMultiplications;
}

void Aligner::run() {
  bool transposesLhs = product.getTransposeLhs(),
       transposesRhs = product.getTransposeRhs();
  lhs = transposesLhs ? MatrixAxes{K, M} : MatrixAxes{M, K};
  rhs = transposesRhs ? MatrixAxes{N, K} : MatrixAxes{K, N};
  ArrayRef<int64_t> left = product.getLhs().getType().getShape().take_back(2),
                    right = product.getRhs().getType().getShape().take_back(2);
  sizes = {left[transposesLhs], right[!transposesRhs], left[!transposesLhs]};
  Axis axis = N;
  for (Axis each : {M, K})
    if (paddingOf(each) && (!paddingOf(axis) || sizes[each] > sizes[axis]))
      axis = each;
  int64_t padding = paddingOf(axis);
  if (!padding || !pays(axis))
    return;

  OpBuilder builder(product);
  ImplicitLocOpBuilder b(product.getLoc(), builder);
  unsigned flags = (transposesLhs ? kTransposeLhs : kPlain) |
                   (transposesRhs ? kTransposeRhs : kPlain) |
                   (product.getReduceBatch() ? kReduceBatch : kPlain);
  Expr result =
      matmul(padded(Expr(b, product.getLhs()), lhs, axis, padding),
             padded(Expr(b, product.getRhs()), rhs, axis, padding), flags);
  if (axis != K) {
    Expr whole(b, product.getY());
    SmallVector<int64_t> starts(whole.dims().size(), 0);
    result = slice(result, starts, whole.dims());
  }
  product.replaceAllUsesWith(Value(result));
  product.erase();
}

namespace {
struct AlignProductsPass
    : public nnc::impl::AlignProductsPassBase<AlignProductsPass> {
  using AlignProductsPassBase::AlignProductsPassBase;

  void runOnOperation() override {
    // Not those of loops: what they read would be copied at each step.
    SmallVector<MatmulOp> products(getOperation().getOps<MatmulOp>());
    for (MatmulOp product : products)
      Aligner(product, bytes).run();
  }
};
} // namespace
