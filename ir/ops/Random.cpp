// Random distributions out of random bits.
#include "ir/Expr.h"
#include "ir/Ops.h"
#include "ir/SampleNumbers.h"

using namespace mlir;
using namespace nnc;

// What one f32 holds: every multiple of 2^-24 in [0, 1) is exact.
static constexpr int64_t kUniformBits = 24;
static constexpr double kUniformUnit = 1.0 / (1 << kUniformBits);

namespace nnc {

static Expr bitsOfStream(Counter counter, Expr stream, ArrayRef<int64_t> shape,
                         int64_t bits) {
  ImplicitLocOpBuilder &b = counter.seed.builder();
  return Expr(b, RandomBitsOp::create(b, b.getLoc(), counter.seed, counter.step,
                                      stream, shape, bits));
}

Expr randomBits(Counter counter, int64_t stream, ArrayRef<int64_t> shape,
                int64_t bits) {
  ImplicitLocOpBuilder &b = counter.seed.builder();
  Expr number = constant(b, static_cast<double>(stream), b.getI64Type());
  return bitsOfStream(counter, number, shape, bits);
}

Expr randomUniform(Counter counter, int64_t stream, ArrayRef<int64_t> shape) {
  Expr bits = randomBits(counter, 2 * stream, shape, kUniformBits);
  return cast(bits, bits.builder().getF32Type()) * kUniformUnit;
}

Expr randomNormal(Counter counter, int64_t stream, ArrayRef<int64_t> shape) {
  Type f32 = counter.seed.builder().getF32Type();
  Expr bits = randomBits(counter, 2 * stream, shape, kUniformBits);
  // One more than the bits, so that the logarithm is finite.
  Expr u = (cast(bits, f32) + 1.0) * kUniformUnit;
  Expr angle = randomBits(counter, 2 * stream + 1, shape, kUniformBits);
  Expr v = cast(angle, f32) * kUniformUnit;
  return sqrt(-2.0 * log(u)) * cos((2.0 * M_PI) * v);
}

Expr randomMask(Counter counter, Expr stream, ArrayRef<int64_t> shape,
                double p) {
  Expr bits = bitsOfStream(counter, stream, shape, kUniformBits);
  return bits < std::round(p * (1 << kUniformBits));
}

Expr randomMask(Counter counter, int64_t stream, ArrayRef<int64_t> shape,
                double p) {
  ImplicitLocOpBuilder &b = counter.seed.builder();
  Expr number = constant(b, 2.0 * double(stream), b.getI64Type());
  return randomMask(counter, number, shape, p);
}

FailureOr<Counter> requireCounter(ImplicitLocOpBuilder &b, Operation *op,
                                  ValueRange counter) {
  if (counter.size() == 2)
    return Counter{Expr(b, counter[0]), Expr(b, counter[1])};
  return OpSite(op->getLoc(), op->getName().stripDialect()).error()
         << "has no seed and step yet: nnc-build-entry-points adds them";
}

LogicalResult checkCounter(Operation *op, ValueRange counter, int64_t stream) {
  OpSite site(op->getLoc(), op->getName().stripDialect());
  if (!counter.empty() && counter.size() != 2)
    return site.error() << "there are " << counter.size()
                        << " counters: expected a seed and a step, or neither";
  // Doubled in an expansion.
  if (stream < -1 || stream >= int64_t(1) << 31)
    return site.error() << "stream is " << stream
                        << ": expected one from 0 to 2^31 - 1";
  return success();
}

} // namespace nnc

static SmallVector<int64_t> resultDims(Value y) {
  return toDims(cast<RankedTensorType>(y.getType()).getShape());
}

/// Has the random bits that `y` is made of numbered as the elements of `op`
/// are.
static Expansion numberedAs(Operation *op, Value y) {
  SmallVector<Value> worklist = {y};
  while (op->hasAttr(kSampleNumbersAttr) && !worklist.empty()) {
    Operation *producer = worklist.pop_back_val().getDefiningOp();
    if (isa_and_nonnull<RandomBitsOp>(producer))
      producer->setAttr(kSampleNumbersAttr, op->getAttr(kSampleNumbersAttr));
    else if (producer)
      llvm::append_range(worklist, producer->getOperands());
  }
  return Expansion{y};
}

FailureOr<Expansion> RandomUniformOp::buildExpansion(OpBuilder &builder,
                                                     bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  FailureOr<Counter> counter = requireCounter(b, *this, getCounter());
  if (failed(counter))
    return failure();
  double low = number(getLow()), range = number(getHigh()) - low;
  Expr y = randomUniform(*counter, getStream(), resultDims(getY())) * range;
  y = low == 0.0 ? y : y + low;
  return numberedAs(*this, cast(y, getY().getType().getElementType()));
}

FailureOr<Expansion> RandomNormalOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  FailureOr<Counter> counter = requireCounter(b, *this, getCounter());
  if (failed(counter))
    return failure();
  double mean = number(getMean());
  Expr y = randomNormal(*counter, getStream(), resultDims(getY())) *
           number(getStddev());
  y = mean == 0.0 ? y : y + mean;
  return numberedAs(*this, cast(y, getY().getType().getElementType()));
}

FailureOr<Expansion> BernoulliOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  FailureOr<Counter> counter = requireCounter(b, *this, getCounter());
  if (failed(counter))
    return failure();
  Expr mask =
      randomMask(*counter, getStream(), resultDims(getY()), number(getP()));
  return numberedAs(*this, cast(mask, getY().getType().getElementType()));
}

LogicalResult RandomBitsOp::verify() {
  if (int64_t bits = getBits(); bits < 1 || bits > 32)
    return OpSite(getLoc(), "random_bits").error()
           << "bits is " << bits << ": expected 1 to 32";
  return success();
}

LogicalResult RandomUniformOp::verify() {
  return checkCounter(*this, getCounter(), getStream());
}
LogicalResult RandomNormalOp::verify() {
  return checkCounter(*this, getCounter(), getStream());
}

LogicalResult BernoulliOp::verify() {
  return checkCounter(*this, getCounter(), getStream());
}

LogicalResult OrthogonalizeOp::verify() {
  if (getX().getType().getRank() >= 2 && getX().getType().hasStaticShape())
    return success();
  return OpSite(getLoc(), "orthogonalize").error()
         << "x is " << printType(getX().getType())
         << ": expected at least 2 dimensions and no batch";
}
