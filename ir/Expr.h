// Tensor expressions: `dy * rhs` builds nnc.mul. Gradients, expansions and
// passes are written in them.
#ifndef NNC_IR_EXPR_H
#define NNC_IR_EXPR_H

#include "ir/Dialect.h"
#include "ir/Windows.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>

namespace nnc {

/// A tensor value and the builder that extends it. Null where an optional
/// operand is absent.
class Expr {
public:
  Expr() = default;
  Expr(mlir::ImplicitLocOpBuilder &builder, mlir::Value value)
      : build(&builder), value(value) {}

  operator mlir::Value() const { return value; }
  explicit operator bool() const { return static_cast<bool>(value); }

  mlir::ImplicitLocOpBuilder &builder() const { return *build; }
  mlir::RankedTensorType type() const {
    return llvm::cast<mlir::RankedTensorType>(value.getType());
  }
  mlir::Type elementType() const { return type().getElementType(); }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(elementType()); }
  int64_t rank() const { return type().getRank(); }
  /// The size of dimension `axis`, counted from either end; -1 for the batch.
  int64_t dim(int64_t axis) const;
  /// The shape as attributes spell it, -1 for the batch.
  llvm::SmallVector<int64_t> dims() const;

private:
  mlir::ImplicitLocOpBuilder *build = nullptr;
  mlir::Value value;
};

// A double beside an Expr is a scalar constant of the Expr's element type.
/// A scalar constant of any element type.
Expr constant(mlir::ImplicitLocOpBuilder &b, double value,
              mlir::Type elementType);
Expr constant(mlir::ImplicitLocOpBuilder &b, mlir::ElementsAttr value);
/// A scalar constant of the element type of `like`.
Expr scalar(Expr like, double value);

Expr operator+(Expr lhs, Expr rhs);
Expr operator+(Expr lhs, double rhs);
Expr operator+(double lhs, Expr rhs);
Expr operator-(Expr lhs, Expr rhs);
Expr operator-(Expr lhs, double rhs);
Expr operator-(double lhs, Expr rhs);
Expr operator*(Expr lhs, Expr rhs);
Expr operator*(Expr lhs, double rhs);
Expr operator*(double lhs, Expr rhs);
Expr operator/(Expr lhs, Expr rhs);
Expr operator/(Expr lhs, double rhs);
Expr operator/(double lhs, Expr rhs);
Expr operator-(Expr x);
Expr pow(Expr lhs, Expr rhs);
Expr pow(Expr lhs, double rhs);
Expr pow(double lhs, Expr rhs);
Expr maximum(Expr lhs, Expr rhs);
Expr maximum(Expr lhs, double rhs);
Expr minimum(Expr lhs, Expr rhs);
Expr minimum(Expr lhs, double rhs);

Expr abs(Expr x);
Expr sign(Expr x);
Expr exp(Expr x);
Expr log(Expr x);
Expr log1p(Expr x);
Expr expm1(Expr x);
Expr tanh(Expr x);
Expr sigmoid(Expr x);
Expr relu(Expr x);
Expr softplus(Expr x);
Expr silu(Expr x);
Expr gelu(Expr x);
Expr softmax(Expr x, int64_t axis = -1);
Expr logSoftmax(Expr x, int64_t axis = -1);
Expr erf(Expr x);
Expr sqrt(Expr x);
Expr rsqrt(Expr x);
Expr sin(Expr x);
Expr cos(Expr x);
Expr floor(Expr x);
Expr ceil(Expr x);
Expr round(Expr x);
Expr clamp(Expr x, double min, double max);
Expr stopGradient(Expr x);

Expr compare(Expr lhs, Expr rhs, Predicate predicate);
Expr operator==(Expr lhs, Expr rhs);
Expr operator!=(Expr lhs, Expr rhs);
Expr operator<(Expr lhs, Expr rhs);
Expr operator<=(Expr lhs, Expr rhs);
Expr operator>(Expr lhs, Expr rhs);
Expr operator>=(Expr lhs, Expr rhs);
Expr operator<(Expr lhs, double rhs);
Expr operator<=(Expr lhs, double rhs);
Expr operator>(Expr lhs, double rhs);
Expr operator>=(Expr lhs, double rhs);
Expr logicalAnd(Expr lhs, Expr rhs);
Expr logicalOr(Expr lhs, Expr rhs);
Expr logicalNot(Expr x);
Expr select(Expr condition, Expr onTrue, Expr onFalse);
Expr select(Expr condition, Expr onTrue, double onFalse);
Expr select(Expr condition, double onTrue, Expr onFalse);
// The conversion of tensors beside LLVM's cast of types.
using llvm::cast;
/// `x` itself if it is of that element type.
Expr cast(Expr x, mlir::Type elementType);
/// 0, 1, ... along `axis` of `shape`, in which -1 is the batch.
Expr iota(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<int64_t> shape,
          int64_t axis, mlir::Type elementType);

enum MatmulFlags : unsigned {
  kPlain = 0,
  kTransposeLhs = 1,
  kTransposeRhs = 2,
  kReduceBatch = 4
};
/// `flags` is a sum of MatmulFlags.
Expr matmul(Expr lhs, Expr rhs, unsigned flags = kPlain);

// Each is a derivative of the sum of products of the two others with it, see
// ir/ops/Convolution.td; `sizes` are of spatial dimensions.
Expr convolution(Expr x, Expr filter, const Windows &windows, int64_t groups);
Expr convolutionTranspose(Expr y, Expr filter, llvm::ArrayRef<int64_t> sizes,
                          const Windows &windows, int64_t groups);
Expr convolutionFilter(Expr x, Expr y, const Windows &windows, int64_t groups);

// No axes means all of them.
Expr sum(Expr x, llvm::ArrayRef<int64_t> axes = {}, bool keepDims = false);
Expr mean(Expr x, llvm::ArrayRef<int64_t> axes = {}, bool keepDims = false);
Expr reduceMax(Expr x, llvm::ArrayRef<int64_t> axes = {},
               bool keepDims = false);
Expr reduceMin(Expr x, llvm::ArrayRef<int64_t> axes = {},
               bool keepDims = false);
Expr logsumexp(Expr x, llvm::ArrayRef<int64_t> axes = {},
               bool keepDims = false);
Expr argmax(Expr x, int64_t axis = -1);
Expr size(Expr x, llvm::ArrayRef<int64_t> axes = {});

/// `x` itself if it has that shape.
Expr reshape(Expr x, llvm::ArrayRef<int64_t> shape);
Expr transpose(Expr x, llvm::ArrayRef<int64_t> permutation = {});
/// `x` itself if it has that shape.
Expr broadcast(Expr x, llvm::ArrayRef<int64_t> shape);
Expr slice(Expr x, llvm::ArrayRef<int64_t> starts,
           llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides = {});
Expr pad(Expr x, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
         llvm::ArrayRef<int64_t> interior = {}, double value = 0.0);
Expr concat(llvm::ArrayRef<Expr> inputs, int64_t axis);
Expr gather(Expr table, Expr indices, int64_t axis = 0);
Expr scatterAdd(Expr indices, Expr updates, int64_t size, int64_t axis = 0);

Expr broadcastLike(Expr x, Expr like);

// What serves the dialect's own rules.

/// A reduction `y` of `x` over `axes` (resolved), with the reduced dimensions
/// as ones whether or not they were kept.
Expr keepReduced(Expr y, Expr x, llvm::ArrayRef<int64_t> axes);
/// The gradient of a reduction to `y` that selects among the elements of `x`:
/// shared equally among those equal to `y`.
Expr shareAmongEqual(Expr dy, Expr x, Expr y, llvm::ArrayRef<int64_t> axes);

/// A softmax over `axes` in parts, of which none is large: a part to which the
/// maximum is added again has lost what is small beside it.
struct SoftmaxParts {
  Expr shifted; // x - max(x), at most 0; its largest element is 0
  Expr powers;  // e ^ shifted
  Expr total;   // the sum of powers over the axes, which are kept as ones
};
SoftmaxParts splitSoftmax(Expr x, llvm::ArrayRef<int64_t> axes);
/// The gradient of logsumexp over `axes`.
Expr softmaxGradient(Expr dy, Expr x, llvm::ArrayRef<int64_t> axes);

/// Where the numbers `indices` [..] are: [.., classes], of element type i1.
/// It is computed in the rows that use it, and costs no memory of its own.
Expr classMask(Expr indices, int64_t classes);

/// `indices` as i32; those that are not from 0 to `count` - 1 stay outside.
Expr narrowIndices(Expr indices, int64_t count);

/// A target in the shape and element type of what it is compared with.
Expr alignTarget(Expr target, Expr like);
/// `weights`, null where there are none, in a shape that broadcasts to that of
/// what they weigh: their dimensions are the first of it.
Expr alignWeights(Expr weights, Expr like);
/// The mean of `terms` by `weights` that broadcast to them: sum of w * term
/// over sum of w, 0 where that is 0. What has no weight adds nothing, not even
/// NaN.
Expr weightedMean(Expr terms, Expr weights);
/// `weights`, null where there are none, aligned with `like`, and 0 where the
/// target is `ignored`; null where all terms weigh the same.
Expr termWeights(Expr weights, Expr target, Expr like,
                 std::optional<int64_t> ignored);
/// Of each element of the prediction.
Expr squaredErrors(Expr prediction, Expr target);
Expr absoluteErrors(Expr prediction, Expr target);

/// The value of a metric for a batch, read from its sums, as
/// runtime/MetricSums.h reads it from those of a set.
Expr readSums(Summed metric, mlir::OpBuilder &builder);

/// counts[target, chosen] of what the decisions of `metric` are of, or their
/// weights, [C, C] of floats; null where it decides nothing, or among more than
/// `maxClasses`.
Expr buildConfusion(mlir::OpBuilder &builder, mlir::Operation *metric,
                    int64_t maxClasses);

// Random numbers, each from one of the streams 2 * stream and 2 * stream + 1.

/// Two scalars of i64: the same give the same numbers.
struct Counter {
  Expr seed;
  Expr step;
};
/// Integers below 2^bits of element type ui32; `stream` is taken as it is.
Expr randomBits(Counter counter, int64_t stream, llvm::ArrayRef<int64_t> shape,
                int64_t bits = 32);
/// f32 in [0, 1), multiples of 2^-24.
Expr randomUniform(Counter counter, int64_t stream,
                   llvm::ArrayRef<int64_t> shape);
/// f32 with mean 0 and deviation 1.
Expr randomNormal(Counter counter, int64_t stream,
                  llvm::ArrayRef<int64_t> shape);
/// i1, true with probability p. A stream that is an Expr is taken as it is.
Expr randomMask(Counter counter, Expr stream, llvm::ArrayRef<int64_t> shape,
                double p);
Expr randomMask(Counter counter, int64_t stream, llvm::ArrayRef<int64_t> shape,
                double p);
/// The counter of a random op; fails after a diagnostic if it has none yet.
llvm::FailureOr<Counter> requireCounter(mlir::ImplicitLocOpBuilder &b,
                                        mlir::Operation *op,
                                        mlir::ValueRange counter);
/// Verifies the counter and stream of a random op.
llvm::LogicalResult checkCounter(mlir::Operation *op, mlir::ValueRange counter,
                                 int64_t stream);

/// A float attribute's value.
inline double number(const llvm::APFloat &value) {
  return value.convertToDouble();
}

/// An epsilon as `elementType` holds it: its smallest normal number where it
/// would be zero, or taken as zero, and could not keep a quotient finite.
double epsilonIn(const llvm::APFloat &epsilon, mlir::Type elementType);

// What generated rules call.
Expr operand(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values);
llvm::SmallVector<Expr> variadicOperand(mlir::ImplicitLocOpBuilder &b,
                                        mlir::ValueRange values);

} // namespace nnc

#endif // NNC_IR_EXPR_H
