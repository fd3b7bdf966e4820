// Ops on sequences: loops over samples, each of which goes through its places
// in their order. Within them are loads, stores and scalar arithmetic alone. In
// comments: B samples, T time, L places, n and m elements of sequences.
#include "codegen/KernelForms.h"
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}
static Value offset(ImplicitLocOpBuilder &b, Value value, int64_t by) {
  return arith::AddIOp::create(b, value, index(b, by));
}
static Value compare(ImplicitLocOpBuilder &b, arith::CmpIPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}
static Value isEqual(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return compare(b, arith::CmpIPredicate::eq, lhs, rhs);
}
static Value isDifferent(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return compare(b, arith::CmpIPredicate::ne, lhs, rhs);
}
static Value isLess(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return compare(b, arith::CmpIPredicate::slt, lhs, rhs);
}
static Value both(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::AndIOp::create(b, lhs, rhs);
}
static Value either(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::OrIOp::create(b, lhs, rhs);
}
static Value choose(ImplicitLocOpBuilder &b, Value condition, Value onTrue,
                    Value onFalse) {
  return arith::SelectOp::create(b, condition, onTrue, onFalse);
}
static Value integer(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}
/// `index`, or the nearest place of a dimension of `size` elements.
static Value within(ImplicitLocOpBuilder &b, Value at, int64_t size) {
  at = arith::MaxSIOp::create(b, at, index(b, 0));
  return arith::MinSIOp::create(b, at, index(b, size - 1));
}

/// Repeats `body` for 0 to `count` - 1, carrying values from one to the next.
static SmallVector<Value> repeat(
    ImplicitLocOpBuilder &b, Value count, ValueRange carried,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, Value, ValueRange)>
        body) {
  auto loop = scf::ForOp::create(
      b, index(b, 0), count, index(b, 1), carried,
      [&](OpBuilder &builder, Location loc, Value i, ValueRange values) {
        ImplicitLocOpBuilder inner(loc, builder);
        scf::YieldOp::create(inner, body(inner, i, values));
      });
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// The same for each sample of `size` ones, which are independent. Of the
/// values that it carries, all tensors, the first.
static Value repeatForSamples(
    KernelBuilder &b, int64_t size, ValueRange carried,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, Value, ValueRange)>
        body) {
  Value first = repeat(b, b.sizeValue(size), carried, body).front();
  setSamplesForm(first.getDefiningOp<scf::ForOp>());
  return first;
}

static Value load(ImplicitLocOpBuilder &b, Value tensor, ValueRange at) {
  return tensor::ExtractOp::create(b, tensor, at);
}
static Value store(ImplicitLocOpBuilder &b, Value value, Value tensor,
                   ValueRange at) {
  return tensor::InsertOp::create(b, value, tensor, at);
}

static int64_t sizeOf(Value tensor, unsigned dim) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
}

namespace {
/// A tensor of integers, whose elements are read as i64 by their own sign.
struct Integers {
  Value tensor;
  bool isUnsigned;

  Value read(ImplicitLocOpBuilder &b, ValueRange at) const {
    Value value = load(b, tensor, at);
    if (value.getType().isInteger(64))
      return value;
    if (isUnsigned)
      return arith::ExtUIOp::create(b, b.getI64Type(), value);
    return arith::ExtSIOp::create(b, b.getI64Type(), value);
  }
  Value readIndex(ImplicitLocOpBuilder &b, ValueRange at) const {
    return arith::IndexCastOp::create(b, b.getIndexType(), read(b, at));
  }
};
} // namespace

static Integers integersOf(Value operand, Value tensor) {
  Type element = cast<RankedTensorType>(operand.getType()).getElementType();
  return {tensor, element.isUnsignedInteger()};
}

//===----------------------------------------------------------------------===//
// Connectionist temporal classification
//===----------------------------------------------------------------------===//

namespace {
/// The places of one sample, and what follows what.
struct Places {
  Integers labels; // [B, L]
  Value sample;

  int64_t size() const { return sizeOf(labels.tensor, 1); }

  /// Whether place `s` may follow s - 2, which is a place.
  Value skips(ImplicitLocOpBuilder &b, Value s) const {
    Value before = within(b, offset(b, s, -2), size());
    Value isChange =
        isDifferent(b, labels.read(b, {sample, within(b, s, size())}),
                    labels.read(b, {sample, before}));
    return both(b, isChange, isLess(b, index(b, 1), s));
  }
};
} // namespace

/// Element [sample, t, s - back] of `alpha` in its compute type, -inf where
/// `exists` is false.
static Value reached(ImplicitLocOpBuilder &b, Value alpha, Value sample,
                     Value t, Value s, Value exists) {
  int64_t places = sizeOf(alpha, 2);
  Value value = widen(b, load(b, alpha, {sample, t, within(b, s, places)}));
  Value none = scalarConstant(b, value.getType(), -kInfinity);
  return choose(b, exists, value, none);
}

/// The logarithm of the sum of what place `s` is reached from, all at time `t`
/// of `alpha`.
static Value sumReached(ImplicitLocOpBuilder &b, const Places &places,
                        Value alpha, Value t, Value s) {
  Value yes = integer(b, b.getI1Type(), 1);
  Value terms[] = {reached(b, alpha, places.sample, t, s, yes),
                   reached(b, alpha, places.sample, t, offset(b, s, -1),
                           isLess(b, index(b, 0), s)),
                   reached(b, alpha, places.sample, t, offset(b, s, -2),
                           places.skips(b, s))};
  Value most = terms[0];
  for (Value term : ArrayRef(terms).drop_front())
    most = arith::MaximumFOp::create(b, most, term);
  // Nothing reaches it: -inf less itself would be no number.
  Type type = most.getType();
  Value isNone = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, most,
                                       scalarConstant(b, type, -kInfinity));
  Value shift = choose(b, isNone, scalarConstant(b, type, 0.0), most);
  Value sum;
  for (Value term : terms) {
    Value power = math::ExpOp::create(b, arith::SubFOp::create(b, term, shift));
    sum = sum ? Value(arith::AddFOp::create(b, sum, power)) : power;
  }
  Value total = arith::AddFOp::create(b, shift, math::LogOp::create(b, sum));
  return choose(b, isNone, scalarConstant(b, type, -kInfinity), total);
}

static FailureOr<Value> lowerCtcForward(KernelBuilder &b, CtcForwardOp op,
                                        ValueRange operands) {
  Value scores = operands[0];
  RankedTensorType type = resultType(op);
  Type element = type.getElementType(), compute = computeType(element);
  Integers labels = integersOf(op.getLabels(), operands[1]);
  Value start = b.fill(type, scalarConstant(b, element, -kInfinity));
  auto place = [&](ImplicitLocOpBuilder &b, Value sample, Value t, Value s,
                   Value alpha) -> Value {
    Places places{labels, sample};
    Value before = within(b, offset(b, t, -1), type.getDimSize(1));
    Value sum = sumReached(b, places, alpha, before, s);
    Value begins =
        choose(b, isLess(b, s, index(b, 2)), scalarConstant(b, compute, 0.0),
               scalarConstant(b, compute, -kInfinity));
    sum = choose(b, isEqual(b, t, index(b, 0)), begins, sum);
    Value label =
        within(b, labels.readIndex(b, {sample, s}), sizeOf(scores, 2));
    Value score = widen(b, load(b, scores, {sample, t, label}));
    Value value = narrow(b, arith::AddFOp::create(b, sum, score), element);
    return store(b, value, alpha, {sample, t, s});
  };
  auto overSamples = [&](ImplicitLocOpBuilder &b, Value sample,
                         ValueRange outer) {
    return repeat(b, index(b, type.getDimSize(1)), outer,
                  [&](ImplicitLocOpBuilder &b, Value t, ValueRange times) {
                    return repeat(
                        b, index(b, type.getDimSize(2)), times,
                        [&](ImplicitLocOpBuilder &b, Value s, ValueRange x) {
                          return SmallVector<Value>{
                              place(b, sample, t, s, x[0])};
                        });
                  });
  };
  return repeatForSamples(b, type.getDimSize(0), start, overSamples);
}

/// What flows to place `s` at time `t` from those that follow it; `sums` [B, L]
/// has what each is reached from, at time t.
static Value sumFollowing(ImplicitLocOpBuilder &b, const Places &places,
                          Value alpha, Value flow, Value sums, Value t,
                          Value s) {
  int64_t time = sizeOf(alpha, 1), size = places.size();
  Value next = offset(b, t, 1);
  Value isNext = isLess(b, next, index(b, time));
  next = within(b, next, time);
  Value here = widen(b, load(b, alpha, {places.sample, t, s}));
  Type type = here.getType();
  Value none = scalarConstant(b, type, -kInfinity);
  Value zero = scalarConstant(b, type, 0.0), sum = zero;
  for (int64_t step = 0; step <= 2; ++step) {
    Value to = offset(b, s, step), place = within(b, to, size);
    Value follows = both(b, isNext, isLess(b, to, index(b, size)));
    if (step == 2)
      follows = both(b, follows, places.skips(b, to));
    Value total = load(b, sums, {places.sample, place});
    Value isReached =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, total, none);
    Value isThere =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, here, none);
    follows = both(b, follows, both(b, isReached, isThere));
    // Where it does not follow, whatever is there is not looked at.
    Value distance =
        choose(b, follows, arith::SubFOp::create(b, here, total), zero);
    Value share = math::ExpOp::create(b, distance);
    Value after = widen(b, load(b, flow, {places.sample, next, place}));
    Value part = arith::MulFOp::create(b, after, share);
    sum = arith::AddFOp::create(b, sum, choose(b, follows, part, zero));
  }
  return sum;
}

static FailureOr<Value> lowerCtcBackward(KernelBuilder &b, CtcBackwardOp op,
                                         ValueRange operands) {
  Value alpha = operands[0], dy = operands[1];
  RankedTensorType type = resultType(op);
  Type element = type.getElementType(), compute = computeType(element);
  Integers labels = integersOf(op.getLabels(), operands[2]);
  int64_t time = type.getDimSize(1), size = type.getDimSize(2);
  auto sumsType =
      RankedTensorType::get({type.getDimSize(0), size}, compute); // [B, L]
  Value inits[] = {b.fill(type, scalarConstant(b, element, 0.0)),
                   b.fill(sumsType, scalarConstant(b, compute, 0.0))};
  auto overTime = [&](ImplicitLocOpBuilder &b, Value sample, Value i,
                      ValueRange x) {
    Places places{labels, sample};
    Value t = arith::SubIOp::create(b, index(b, time - 1), i);
    Value sums =
        repeat(b, index(b, size), x[1],
               [&](ImplicitLocOpBuilder &b, Value s, ValueRange x) {
                 Value sum = sumReached(b, places, alpha, t, s);
                 return SmallVector<Value>{store(b, sum, x[0], {sample, s})};
               })[0];
    Value flow =
        repeat(b, index(b, size), x[0],
               [&](ImplicitLocOpBuilder &b, Value s, ValueRange x) {
                 Value sum = sumFollowing(b, places, alpha, x[0], sums, t, s);
                 Value own = widen(b, load(b, dy, {sample, t, s}));
                 sum = narrow(b, arith::AddFOp::create(b, own, sum), element);
                 return SmallVector<Value>{store(b, sum, x[0], {sample, t, s})};
               })[0];
    return SmallVector<Value>{flow, sums};
  };
  auto overSamples = [&](ImplicitLocOpBuilder &b, Value sample,
                         ValueRange outer) {
    return repeat(b, index(b, time), outer,
                  [&](ImplicitLocOpBuilder &b, Value i, ValueRange x) {
                    return overTime(b, sample, i, x);
                  });
  };
  return repeatForSamples(b, type.getDimSize(0), inits, overSamples);
}

static FailureOr<Value> lowerCtcCollapse(KernelBuilder &b, CtcCollapseOp op,
                                         ValueRange operands) {
  RankedTensorType type = resultType(op);
  int64_t time = type.getDimSize(1);
  Integers x = integersOf(op.getX(), operands[0]),
           lengths = integersOf(op.getLengths(), operands[1]);
  Value start =
      b.fill(type, integer(b, type.getElementType(), op.getPadding()));
  auto overTime = [&](ImplicitLocOpBuilder &b, Value sample, Value t,
                      ValueRange carried) {
    Value y = carried[0], count = carried[1];
    Value length = lengths.readIndex(b, sample), label = x.read(b, {sample, t});
    Value before = x.read(b, {sample, within(b, offset(b, t, -1), time)});
    Value isNew =
        either(b, isDifferent(b, label, before), isEqual(b, t, index(b, 0)));
    Value isLabel =
        isDifferent(b, label, integer(b, b.getI64Type(), op.getBlank()));
    Value isKept = both(b, both(b, isNew, isLabel), isLess(b, t, length));
    Value at[] = {sample, within(b, count, time)};
    Value value =
        choose(b, isKept, load(b, operands[0], {sample, t}), load(b, y, at));
    return SmallVector<Value>{
        store(b, value, y, at),
        arith::AddIOp::create(b, count,
                              choose(b, isKept, index(b, 1), index(b, 0)))};
  };
  auto overSamples = [&](ImplicitLocOpBuilder &b, Value sample,
                         ValueRange outer) {
    Value inits[] = {outer[0], index(b, 0)};
    return SmallVector<Value>{
        repeat(b, index(b, time), inits,
               [&](ImplicitLocOpBuilder &b, Value t, ValueRange x) {
                 return overTime(b, sample, t, x);
               })[0]};
  };
  return repeatForSamples(b, type.getDimSize(0), start, overSamples);
}

//===----------------------------------------------------------------------===//
// Distance of sequences
//===----------------------------------------------------------------------===//

/// How many elements of the sample's sequence stand before the first `padding`.
static Value lengthOf(ImplicitLocOpBuilder &b, const Integers &sequences,
                      Value sample, int64_t padding) {
  Value size = index(b, sizeOf(sequences.tensor, 1));
  // From the end, so that the first decides.
  auto look = [&](ImplicitLocOpBuilder &b, Value i, ValueRange x) {
    Value at = arith::SubIOp::create(b, offset(b, size, -1), i);
    Value isPadding = isEqual(b, sequences.read(b, {sample, at}),
                              integer(b, b.getI64Type(), padding));
    return SmallVector<Value>{choose(b, isPadding, at, x[0])};
  };
  return repeat(b, size, size, look)[0];
}

/// The next row of Wagner's and Fischer's table, in place of the one before:
/// row[j] edits make i elements of the prediction j of the target. `corner` is
/// what row[j - 1] was.
static SmallVector<Value> nextRow(ImplicitLocOpBuilder &b, Value sample,
                                  Value element, const Integers &target,
                                  Value row) {
  Type i32 = b.getI32Type();
  Value first[] = {sample, index(b, 0)};
  Value corner = load(b, row, first);
  row = store(b, arith::AddIOp::create(b, corner, integer(b, i32, 1)), row,
              first);
  auto column = [&](ImplicitLocOpBuilder &b, Value j, ValueRange x) {
    Value at[] = {sample, offset(b, j, 1)};
    Value above = load(b, x[0], at), left = load(b, x[0], {sample, j});
    Value isOther = isDifferent(b, element, target.read(b, {sample, j}));
    Value replaced =
        arith::AddIOp::create(b, x[1], arith::ExtUIOp::create(b, i32, isOther));
    Value changed = arith::AddIOp::create(
        b, arith::MinSIOp::create(b, above, left), integer(b, i32, 1));
    Value least = arith::MinSIOp::create(b, replaced, changed);
    return SmallVector<Value>{store(b, least, x[0], at), above};
  };
  Value inits[] = {row, corner};
  return {repeat(b, index(b, sizeOf(target.tensor, 1)), inits, column)[0]};
}

static FailureOr<Value> lowerEditDistance(KernelBuilder &b, EditDistanceOp op,
                                          ValueRange operands) {
  Integers prediction = integersOf(op.getPrediction(), operands[0]),
           target = integersOf(op.getTarget(), operands[1]);
  RankedTensorType type = resultType(op);
  Type i32 = b.getI32Type();
  int64_t columns = sizeOf(target.tensor, 1) + 1;
  auto rowType = RankedTensorType::get({type.getDimSize(0), columns}, i32);
  Value inits[] = {b.fill(type, integer(b, i32, 0)),
                   b.fill(rowType, integer(b, i32, 0))};
  auto overSamples = [&](ImplicitLocOpBuilder &b, Value sample,
                         ValueRange outer) {
    Value row =
        repeat(b, index(b, columns), outer[1],
               [&](ImplicitLocOpBuilder &b, Value j, ValueRange x) {
                 Value count = arith::IndexCastOp::create(b, i32, j);
                 return SmallVector<Value>{store(b, count, x[0], {sample, j})};
               })[0];
    Value length = lengthOf(b, prediction, sample, op.getPadding());
    row = repeat(b, length, row,
                 [&](ImplicitLocOpBuilder &b, Value i, ValueRange x) {
                   return nextRow(b, sample, prediction.read(b, {sample, i}),
                                  target, x[0]);
                 })[0];
    Value last = lengthOf(b, target, sample, op.getPadding());
    Value edits = load(b, row, {sample, last});
    return SmallVector<Value>{store(b, edits, outer[0], sample), row};
  };
  return repeatForSamples(b, type.getDimSize(0), inits, overSamples);
}

/// 2^64 over the golden ratio, odd: neighbours end up far from each other
/// (Knuth, TAOCP vol. 3, 6.4).
static constexpr uint64_t kSpread = 0x9E3779B97F4A7C15;

static FailureOr<Value> lowerNumberWords(KernelBuilder &b, NumberWordsOp op,
                                         ValueRange operands) {
  Integers x = integersOf(op.getX(), operands[0]);
  RankedTensorType type = resultType(op);
  Type i64 = b.getI64Type();
  Value start = b.fill(type, integer(b, i64, -1));
  // Carried: y, how many words have ended, the number so far, and whether it
  // is of any element.
  auto overTokens = [&](ImplicitLocOpBuilder &b, Value sample, Value i,
                        ValueRange carried) {
    Value token = x.read(b, {sample, i});
    Value isSpace = isEqual(b, token, integer(b, i64, op.getSpace()));
    Value one = integer(b, i64, 1);
    Value number =
        arith::MulIOp::create(b, carried[2], integer(b, i64, kSpread));
    number =
        arith::AddIOp::create(b, number, arith::AddIOp::create(b, token, one));
    Value visible = arith::AndIOp::create(
        b, number, integer(b, i64, std::numeric_limits<int64_t>::max()));
    Value at[] = {sample, carried[1]};
    Value y = store(b, choose(b, isSpace, load(b, carried[0], at), visible),
                    carried[0], at);
    Value ends = both(b, isSpace, carried[3]);
    Value count = arith::AddIOp::create(
        b, carried[1], choose(b, ends, index(b, 1), index(b, 0)));
    Value isWord = isEqual(b, isSpace, integer(b, b.getI1Type(), 0));
    return SmallVector<Value>{y, count, choose(b, isSpace, one, number),
                              isWord};
  };
  auto overSamples = [&](ImplicitLocOpBuilder &b, Value sample,
                         ValueRange outer) {
    Value inits[] = {outer[0], index(b, 0), integer(b, i64, 1),
                     integer(b, b.getI1Type(), 0)};
    Value length = lengthOf(b, x, sample, op.getPadding());
    return SmallVector<Value>{repeat(
        b, length, inits, [&](ImplicitLocOpBuilder &b, Value i, ValueRange x) {
          return overTokens(b, sample, i, x);
        })[0]};
  };
  return repeatForSamples(b, type.getDimSize(0), start, overSamples);
}

void nnc::addAlignmentLowerings(Lowerings &lowerings) {
  lowerings.add<CtcForwardOp>(lowerCtcForward);
  lowerings.add<CtcBackwardOp>(lowerCtcBackward);
  lowerings.add<CtcCollapseOp>(lowerCtcCollapse);
  lowerings.add<EditDistanceOp>(lowerEditDistance);
  lowerings.add<NumberWordsOp>(lowerNumberWords);
}
