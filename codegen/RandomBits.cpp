// Philox4x32-10 on eight counters at once. runtime/Random.h has the source, the
// constants' origin and the mapping from elements to counters and words.
#include "codegen/RandomBits.h"

#include "codegen/KernelForms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <array>

using namespace mlir;
using namespace nnc;

static constexpr int64_t kCounters = 8;

namespace {

/// Arithmetic on vectors of eight words.
class Words {
public:
  explicit Words(ImplicitLocOpBuilder &b)
      : b(b), type(VectorType::get(kCounters, b.getI32Type())) {}

  Value constant(uint32_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, llvm::APInt(32, value)));
  }
  /// Word `number` of a 64-bit scalar, in all lanes.
  Value part(Value wide, int64_t number) {
    if (number)
      wide = arith::ShRUIOp::create(b, wide,
                                    arith::ConstantIntOp::create(b, 32, 64));
    Value word = arith::TruncIOp::create(b, b.getI32Type(), wide);
    return vector::BroadcastOp::create(b, type, word);
  }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value exclusiveOr(Value x, Value y, Value z) {
    return arith::XOrIOp::create(b, arith::XOrIOp::create(b, x, y), z);
  }
  /// Low and high word of a product.
  std::pair<Value, Value> multiply(Value word, uint32_t factor) {
    auto product = arith::MulUIExtendedOp::create(b, word, constant(factor));
    return {product.getLow(), product.getHigh()};
  }
  Value laneNumbers() {
    SmallVector<int32_t> numbers =
        llvm::to_vector(llvm::seq<int32_t>(kCounters));
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  }
  Value concatenate(Value lhs, Value rhs) {
    int64_t size = cast<VectorType>(lhs.getType()).getNumElements();
    return vector::ShuffleOp::create(b, lhs, rhs,
                                     llvm::to_vector(llvm::seq(2 * size)));
  }

private:
  ImplicitLocOpBuilder &b;
  VectorType type;
};

} // namespace

static std::array<Value, 4> philox(Words &words, std::array<Value, 4> counter,
                                   Value key0, Value key1) {
  for (int round = 0; round < 10; ++round) {
    auto [low0, high0] = words.multiply(counter[0], 0xD2511F53);
    auto [low1, high1] = words.multiply(counter[2], 0xCD9E8D57);
    counter = {words.exclusiveOr(high1, counter[1], key0), low1,
               words.exclusiveOr(high0, counter[3], key1), low0};
    key0 = words.add(key0, words.constant(0x9E3779B9));
    key1 = words.add(key1, words.constant(0xBB67AE85));
  }
  return counter;
}

Value nnc::emitRandomBits(ImplicitLocOpBuilder &b, linalg::GenericOp op,
                          Value first, ValueRange inputs) {
  return emitRandomBits(b, randomBitsForm(op)->bits, first, inputs);
}

Value nnc::emitRandomBits(ImplicitLocOpBuilder &b, int64_t bits, Value first,
                          ValueRange inputs) {
  Words words(b);
  // Element 32 q is made by counter 8 q, whose low word ends in three zeros:
  // adding the lane does not carry.
  Value element = arith::IndexCastOp::create(b, b.getI64Type(), first);
  Value counter = arith::ShRUIOp::create(
      b, element, arith::ConstantIntOp::create(b, 2, 64));
  Value seed = inputs[0], step = inputs[1], stream = inputs[2];
  std::array<Value, 4> block = philox(
      words,
      {words.add(words.part(counter, 0), words.laneNumbers()),
       words.part(counter, 1), words.part(step, 0), words.part(stream, 0)},
      words.part(seed, 0), words.part(seed, 1));
  if (int64_t shift = 32 - bits)
    for (Value &word : block)
      word = arith::ShRUIOp::create(b, word, words.constant(shift));
  return words.concatenate(words.concatenate(block[0], block[1]),
                           words.concatenate(block[2], block[3]));
}
