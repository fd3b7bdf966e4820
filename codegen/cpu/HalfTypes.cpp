// See HalfTypes.h.
#include "codegen/cpu/HalfTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nnc;

static bool hasF16c(const CpuModel &model) {
  return llvm::is_contained(model.features, "f16c");
}

/// `type`, or a vector or memref of it of the same shape as `like`.
static Type shapedLike(Type like, Type type) {
  if (auto shaped = dyn_cast<ShapedType>(like))
    return shaped.clone(type);
  return type;
}

//===----------------------------------------------------------------------===//
// Conversions of f16
//===----------------------------------------------------------------------===//

namespace {

/// 32-bit integers and the f32 of the same bits, scalars or vectors.
class Bits {
public:
  Bits(ImplicitLocOpBuilder &b, Type like)
      : b(b), i16(shapedLike(like, b.getI16Type())),
        i32(shapedLike(like, b.getI32Type())),
        f32(shapedLike(like, b.getF32Type())) {}

  Value constant(int64_t bits) const {
    auto value = b.getI32IntegerAttr(static_cast<int32_t>(bits));
    if (auto vector = dyn_cast<VectorType>(i32))
      return arith::ConstantOp::create(b,
                                       DenseElementsAttr::get(vector, value));
    return arith::ConstantOp::create(b, value);
  }
  Value add(Value x, Value y) const { return arith::AddIOp::create(b, x, y); }
  Value add(Value x, int64_t y) const { return add(x, constant(y)); }
  Value mask(Value x, int64_t bits) const {
    return arith::AndIOp::create(b, x, constant(bits));
  }
  Value merge(Value x, Value y) const { return arith::OrIOp::create(b, x, y); }
  Value left(Value x, int64_t by) const {
    return arith::ShLIOp::create(b, x, constant(by));
  }
  Value right(Value x, int64_t by) const {
    return arith::ShRUIOp::create(b, x, constant(by));
  }
  Value isBelow(Value x, int64_t y) const {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, constant(y));
  }
  Value select(Value condition, Value x, Value y) const {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value addFloats(Value x, int64_t y) const {
    return toBits(arith::AddFOp::create(b, toFloat(x), toFloat(constant(y))));
  }
  Value subtractFloats(Value x, int64_t y) const {
    return toBits(arith::SubFOp::create(b, toFloat(x), toFloat(constant(y))));
  }
  Value toBits(Value x) const { return arith::BitcastOp::create(b, i32, x); }
  Value toFloat(Value x) const { return arith::BitcastOp::create(b, f32, x); }
  Value fromHalf(Value x) const {
    return arith::ExtUIOp::create(b, i32, arith::BitcastOp::create(b, i16, x));
  }
  Value toHalf(Value x, Type half) const {
    return arith::BitcastOp::create(b, half,
                                    arith::TruncIOp::create(b, i16, x));
  }

private:
  ImplicitLocOpBuilder &b;
  Type i16, i32, f32;
};

} // namespace

// IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction;
// binary32: 1, 8 (bias 127), 23. 13 more bits of fraction, and 112 between the
// biases.
static constexpr int64_t kFractionBits = 13, kBias = 112LL << 23;
static constexpr int64_t kInfinity = 0x7f800000;
static constexpr int64_t kSign = 0x80000000;

/// The f32 of an f16.
static Value extend(ImplicitLocOpBuilder &b, Value x) {
  Bits bits(b, x.getType());
  Value half = bits.fromHalf(x);
  Value magnitude = bits.left(bits.mask(half, 0x7fff), kFractionBits);
  Value normal = bits.add(magnitude, kBias);
  // An exponent of all ones stays one.
  Value special = bits.add(magnitude, 2 * kBias);
  // Without its leading bit: as 2^-14 and the fraction, less 2^-14.
  constexpr int64_t smallestNormal = kBias + (1 << 23);
  Value subnormal =
      bits.subtractFloats(bits.add(magnitude, smallestNormal), smallestNormal);
  Value isFinite = bits.isBelow(magnitude, 0x7c00LL << kFractionBits);
  Value isSubnormal = bits.isBelow(magnitude, 0x0400LL << kFractionBits);
  Value result = bits.select(isSubnormal, subnormal,
                             bits.select(isFinite, normal, special));
  Value sign = bits.left(bits.mask(half, 0x8000), 16);
  return bits.toFloat(bits.merge(result, sign));
}

/// The f16 of type `half` that is nearest to an f32.
static Value round(ImplicitLocOpBuilder &b, Value x, Type half) {
  Bits bits(b, x.getType());
  Value all = bits.toBits(x);
  Value magnitude = bits.mask(all, ~kSign);
  // Half a unit of the last place, less one where the result would be even; a
  // carry goes on into the exponent, up to infinity.
  Value odd = bits.mask(bits.right(magnitude, kFractionBits), 1);
  Value normal = bits.right(bits.add(bits.add(magnitude, 0xfff - kBias), odd),
                            kFractionBits);
  // 0.5 has its last place at 2^-24, f16's smallest number: the sum rounds
  // there.
  constexpr int64_t oneHalf = 0x3f000000;
  Value subnormal = bits.add(bits.addFloats(magnitude, oneHalf), -oneHalf);
  // NaN keeps the upper bits of its fraction, and is quiet.
  Value nan = bits.merge(bits.mask(bits.right(magnitude, kFractionBits), 0x3ff),
                         bits.constant(0x7e00));
  Value special = bits.select(bits.isBelow(magnitude, kInfinity + 1),
                              bits.constant(0x7c00), nan);
  constexpr int64_t smallestNormal = kBias + (1 << 23);
  constexpr int64_t beyond = kBias + (31LL << 23);
  Value result = bits.select(
      bits.isBelow(magnitude, smallestNormal), subnormal,
      bits.select(bits.isBelow(magnitude, beyond), normal, special));
  Value sign = bits.right(bits.mask(all, kSign), 16);
  return bits.toHalf(bits.merge(result, sign), half);
}

namespace {

struct ExpandExtension : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not from f16 to f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, extend(b, op.getIn()));
    return success();
  }
};

struct ExpandTruncation : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF16() ||
        !getElementTypeOrSelf(op.getIn()).isF32())
      return rewriter.notifyMatchFailure(op, "not from f32 to f16");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, round(b, op.getIn(), op.getType()));
    return success();
  }
};

/// Between f64 and 16 bits by way of f32.
template <typename Op> struct SplitConversion : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto width = [](Value value) {
      return getElementTypeOrSelf(value).getIntOrFloatBitWidth();
    };
    if (width(op.getIn()) + width(op.getOut()) != 64 + 16)
      return rewriter.notifyMatchFailure(op, "not between 64 and 16 bits");
    Type f32 = shapedLike(op.getType(), rewriter.getF32Type());
    Value single = Op::create(rewriter, op.getLoc(), f32, op.getIn());
    rewriter.replaceOpWithNewOp<Op>(op, op.getType(), single);
    return success();
  }
};

} // namespace

void nnc::populateHalfTypePatterns(RewritePatternSet &patterns,
                                   const CpuModel &model) {
  arith::populateExpandBFloat16Patterns(patterns);
  patterns
      .add<SplitConversion<arith::ExtFOp>, SplitConversion<arith::TruncFOp>>(
          patterns.getContext());
  if (!hasF16c(model))
    patterns.add<ExpandExtension, ExpandTruncation>(patterns.getContext());
}

//===----------------------------------------------------------------------===//
// Values as bits
//===----------------------------------------------------------------------===//

static Attribute bitsOf(Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return IntegerAttr::get(IntegerType::get(value.getContext(), 16),
                            number.getValue().bitcastToAPInt());
  auto elements = cast<DenseElementsAttr>(value);
  return elements.mapValues(
      IntegerType::get(value.getContext(), 16),
      [](const APFloat &number) { return number.bitcastToAPInt(); });
}

void nnc::replaceHalfTypes(func::FuncOp function, const CpuModel &model) {
  bool keepsF16 = hasF16c(model);
  auto isReplaced = [&](Type type) {
    Type element = getElementTypeOrSelf(type);
    return isa<FloatType, VectorType, MemRefType>(type) &&
           (element.isBF16() || (element.isF16() && !keepsF16));
  };
  auto replaced = [&](Type type) {
    return isReplaced(type)
               ? shapedLike(type, IntegerType::get(type.getContext(), 16))
               : type;
  };
  auto replace = [&](Value value) { value.setType(replaced(value.getType())); };
  function->walk([&](Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (isReplaced(constant.getType()))
        constant.setValueAttr(cast<TypedAttr>(bitsOf(constant.getValue())));
    llvm::for_each(op->getResults(), replace);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::for_each(block.getArguments(), replace);
  });
  function.setType(FunctionType::get(
      function.getContext(),
      llvm::map_to_vector(function.getArgumentTypes(), replaced),
      llvm::map_to_vector(function.getResultTypes(), replaced)));
  function->walk([](arith::BitcastOp op) {
    if (op.getIn().getType() != op.getType())
      return;
    op.replaceAllUsesWith(op.getIn());
    op.erase();
  });
}
