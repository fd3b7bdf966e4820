// Random bits, and what initializers make of them. Bits: Philox4x32-10 (Salmon
// et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11) over the
// counter that runtime/Random.h describes.
#include "codegen/KernelForms.h"
#include "codegen/lower/Lowering.h"
#include "codegen/lower/RandomWord.h"
#include "ir/Ops.h"
#include "ir/SampleNumbers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <array>

using namespace mlir;
using namespace nnc;

/// Arithmetic on 32-bit words and 64-bit counters.
class WordBuilder {
public:
  explicit WordBuilder(ImplicitLocOpBuilder &b) : b(b) {}

  Value word(uint32_t value) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value wide(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  Value low(Value value) {
    return arith::TruncIOp::create(b, b.getI32Type(), value);
  }
  Value high(Value value) {
    return low(arith::ShRUIOp::create(b, value, wide(32)));
  }
  Value extend(Value word) {
    return arith::ExtUIOp::create(b, b.getI64Type(), word);
  }
  Value multiply(Value word, uint32_t factor) {
    return arith::MulIOp::create(b, extend(word), wide(factor));
  }
  Value exclusiveOr(Value x, Value y, Value z) {
    return arith::XOrIOp::create(b, arith::XOrIOp::create(b, x, y), z);
  }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value multiply(Value lhs, Value rhs) {
    return arith::MulIOp::create(b, lhs, rhs);
  }
  Value divide(Value value, int64_t divisor) {
    return arith::DivUIOp::create(b, value, wide(divisor));
  }
  Value remainder(Value value, int64_t divisor) {
    return arith::RemUIOp::create(b, value, wide(divisor));
  }

private:
  ImplicitLocOpBuilder &b;
};

using Block128 = std::array<Value, 4>;

/// Section 3.3 and table 2 of the paper, with its published multipliers and
/// Weyl constants.
static Block128 philox(WordBuilder &b, Block128 counter, Value key0,
                       Value key1) {
  constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    Value product0 = b.multiply(counter[0], kMultiplier0);
    Value product1 = b.multiply(counter[2], kMultiplier1);
    counter = {
        b.exclusiveOr(b.high(product1), counter[1], key0), b.low(product1),
        b.exclusiveOr(b.high(product0), counter[3], key1), b.low(product0)};
    key0 = b.add(key0, b.word(kWeyl0));
    key1 = b.add(key1, b.word(kWeyl1));
  }
  return counter;
}

/// The place of this iteration's element in row-major order.
static Value linearIndex(ImplicitLocOpBuilder &b, KernelBuilder &kernel,
                         ArrayRef<int64_t> shape) {
  Value linear = arith::ConstantIndexOp::create(b, 0);
  for (auto [dim, size] : llvm::enumerate(shape)) {
    Value extent = ShapedType::isDynamic(size)
                       ? kernel.batch
                       : Value(arith::ConstantIndexOp::create(b, size));
    linear = arith::AddIOp::create(b, arith::MulIOp::create(b, linear, extent),
                                   linalg::IndexOp::create(b, dim));
  }
  return arith::IndexCastOp::create(b, b.getI64Type(), linear);
}

/// The number of this iteration's element in the set of all samples, of which
/// the upper half of `step` come before the batch.
static Value numberInSet(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape,
                         Value step) {
  WordBuilder words(b);
  Value sample =
      arith::ShRUIOp::create(b, step, words.wide(kSamplesBeforeShift));
  Value place = words.wide(0);
  int64_t sampleElements = 1;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    Value index = arith::IndexCastOp::create(b, b.getI64Type(),
                                             linalg::IndexOp::create(b, dim));
    if (ShapedType::isDynamic(size)) {
      sample = words.add(sample, index);
      continue;
    }
    place = words.add(words.multiply(place, words.wide(size)), index);
    sampleElements *= size;
  }
  return words.add(words.multiply(sample, words.wide(sampleElements)), place);
}

static Value selectWord(ImplicitLocOpBuilder &b, WordBuilder &words,
                        Block128 block, Value number) {
  Value chosen = block[3];
  for (int i = 2; i >= 0; --i) {
    Value isThis = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                         words.wide(i));
    chosen = arith::SelectOp::create(b, isThis, block[i], chosen);
  }
  return chosen;
}

/// Element e is word (e / 8) % 4 of the block of counter (e / 32) * 8 + e % 8:
/// eight neighbours come from eight blocks, which a vector computes at once.
static Value randomWord(ImplicitLocOpBuilder &b, Value element, Value seed,
                        Value step, Value stream) {
  WordBuilder words(b);
  Value counter =
      words.add(words.multiply(words.divide(element, 32), words.wide(8)),
                words.remainder(element, 8));
  Block128 block = philox(words,
                          {words.low(counter), words.high(counter),
                           words.low(step), words.low(stream)},
                          words.low(seed), words.high(seed));
  Value number = words.remainder(words.divide(element, 8), 4);
  return selectWord(b, words, block, number);
}

static Value keepUpperBits(ImplicitLocOpBuilder &b, Value word, int64_t bits) {
  if (bits == 32)
    return word;
  return arith::ShRUIOp::create(b, word, WordBuilder(b).word(32 - bits));
}

Value nnc::emitRandomWord(ImplicitLocOpBuilder &b, int64_t bits, Value number,
                          ValueRange inputs) {
  Value word = randomWord(b, number, inputs[0], inputs[1], inputs[2]);
  return keepUpperBits(b, word, bits);
}

static FailureOr<Value> lowerRandomBits(KernelBuilder &b, RandomBitsOp op,
                                        ValueRange operands) {
  RankedTensorType type = signlessType(op.getY().getType());
  unsigned rank = type.getRank();
  AffineMap scalar = AffineMap::get(rank, 0, b.getContext());
  AffineMap maps[] = {scalar, scalar, scalar, b.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  bool isNumberedInSet = op->hasAttr(kSampleNumbersAttr);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange x) {
    Value element = isNumberedInSet ? numberInSet(inner, type.getShape(), x[1])
                                    : linearIndex(inner, b, type.getShape());
    return SmallVector<Value>{emitRandomWord(inner, op.getBits(), element, x)};
  };
  Value bits =
      b.generic(operands, b.empty(type), maps, iterators, body).front();
  // Says to an emitter that four words of a block may be computed at once:
  // where the first element's number is a multiple of the lanes.
  if (!isNumberedInSet)
    setRandomBitsForm(bits.getDefiningOp<linalg::GenericOp>(), op.getBits());
  return bits;
}

//===----------------------------------------------------------------------===//
// Orthogonalize
//===----------------------------------------------------------------------===//

namespace {

/// `count` vectors of `length` elements in a matrix of f64: its columns, or its
/// rows.
struct Vectors {
  bool areColumns;
  int64_t count, length;

  SmallVector<Value> position(Value vector, Value element) const {
    if (areColumns)
      return {element, vector};
    return {vector, element};
  }
};

} // namespace

using LoopBody =
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value, Value)>;

/// A loop from 0 to `end` that carries one value through `body(b, i, value)`.
static Value loop(ImplicitLocOpBuilder &b, Value end, Value init,
                  LoopBody body) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto build = [&](OpBuilder &builder, Location loc, Value i,
                   ValueRange carried) {
    ImplicitLocOpBuilder inner(loc, builder);
    scf::YieldOp::create(inner, body(inner, i, carried.front()));
  };
  return scf::ForOp::create(b, zero, end, one, init, build).getResult(0);
}

/// The scalar product of vectors `u` and `v` of `matrix`.
static Value dot(ImplicitLocOpBuilder &b, const Vectors &vectors, Value matrix,
                 Value u, Value v) {
  Value length = arith::ConstantIndexOp::create(b, vectors.length);
  Value zero = scalarConstant(b, b.getF64Type(), 0);
  return loop(
      b, length, zero, [&](ImplicitLocOpBuilder &b, Value i, Value sum) {
        Value lhs =
            tensor::ExtractOp::create(b, matrix, vectors.position(u, i));
        Value rhs =
            tensor::ExtractOp::create(b, matrix, vectors.position(v, i));
        return Value(
            arith::AddFOp::create(b, sum, arith::MulFOp::create(b, lhs, rhs)));
      });
}

/// New value of element `i`, which is `old`, of a vector in `current`.
using ElementUpdate = llvm::function_ref<Value(ImplicitLocOpBuilder &, Value i,
                                               Value old, Value current)>;

/// `matrix` with each element of vector `v` replaced.
static Value updateVector(ImplicitLocOpBuilder &b, const Vectors &vectors,
                          Value matrix, Value v, ElementUpdate update) {
  Value length = arith::ConstantIndexOp::create(b, vectors.length);
  return loop(b, length, matrix,
              [&](ImplicitLocOpBuilder &b, Value i, Value carried) {
                SmallVector<Value> position = vectors.position(v, i);
                Value old = tensor::ExtractOp::create(b, carried, position);
                return Value(tensor::InsertOp::create(
                    b, update(b, i, old, carried), carried, position));
              });
}

/// Modified Gram-Schmidt: each vector minus its parts along those before it,
/// taken one after another, then divided by its length.
static Value orthonormalize(ImplicitLocOpBuilder &b, const Vectors &vectors,
                            Value matrix) {
  Value count = arith::ConstantIndexOp::create(b, vectors.count);
  auto removePart = [&](ImplicitLocOpBuilder &b, Value u, Value v, Value q) {
    Value part = dot(b, vectors, q, u, v);
    // Vector u is read from the matrix as it stands in the loop: u does not
    // change, and a read of `q` would keep the update from being in place.
    return updateVector(
        b, vectors, q, v,
        [&](ImplicitLocOpBuilder &b, Value i, Value old, Value current) {
          Value along =
              tensor::ExtractOp::create(b, current, vectors.position(u, i));
          return Value(arith::SubFOp::create(
              b, old, arith::MulFOp::create(b, part, along)));
        });
  };
  return loop(b, count, matrix, [&](ImplicitLocOpBuilder &b, Value v, Value q) {
    q = loop(b, v, q, [&](ImplicitLocOpBuilder &b, Value u, Value q) {
      return removePart(b, u, v, q);
    });
    Value norm = math::SqrtOp::create(b, dot(b, vectors, q, v, v));
    return updateVector(b, vectors, q, v,
                        [&](ImplicitLocOpBuilder &b, Value, Value old, Value) {
                          return Value(arith::DivFOp::create(b, old, norm));
                        });
  });
}

static FailureOr<Value> lowerOrthogonalize(KernelBuilder &b, OrthogonalizeOp op,
                                           ValueRange operands) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  int64_t columns = type.getShape().back();
  int64_t rows = type.getNumElements() / columns;
  // x as a matrix [rows, columns] of f64.
  auto wide = RankedTensorType::get(type.getShape(), b.getF64Type());
  Value matrix = b.elementwise(
      wide, operands, [&](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        if (x[0].getType() == b.getF64Type())
          return x[0];
        return arith::ExtFOp::create(b, b.getF64Type(), x[0]);
      });
  SmallVector<ReassociationIndices> groups = {
      llvm::to_vector<2>(llvm::seq<int64_t>(0, type.getRank() - 1)),
      {type.getRank() - 1}};
  bool isMatrix = type.getRank() == 2;
  if (!isMatrix)
    matrix = tensor::CollapseShapeOp::create(b, matrix, groups);

  Vectors vectors{/*areColumns=*/columns <= rows, std::min(rows, columns),
                  std::max(rows, columns)};
  Value q = orthonormalize(b, vectors, matrix);
  if (!isMatrix)
    q = tensor::ExpandShapeOp::create(b, wide, q, groups);
  return b.elementwise(
      type, q, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
}

void nnc::addRandomLowerings(Lowerings &lowerings) {
  lowerings.add<RandomBitsOp>(lowerRandomBits);
  lowerings.add<OrthogonalizeOp>(lowerOrthogonalize);
}
