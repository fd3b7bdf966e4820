// See KeepWeights.h. Elements are kept in an array of the thread's own that
// only unrolled loops count through: the compiler puts it into registers.
#include "codegen/cuda/KeepWeights.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace nnc;

/// Arguments that some thread writes to.
static llvm::DenseSet<Value> findWritten(func::FuncOp function) {
  llvm::DenseSet<Value> written;
  function.walk([&](memref::StoreOp store) {
    Value memory = store.getMemRef();
    if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
      memory = view.getSource();
    written.insert(memory);
  });
  return written;
}

/// Whether arithmetic alone makes a value of what is known before the loop, and
/// of `counter`.
static bool isKnownBefore(Value value, scf::ForOp steps, Value counter) {
  if (value == counter || steps.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isKnownBefore(operand, steps, counter);
         });
}

/// The value again, where `b` stands.
static Value repeat(OpBuilder &b, Value value, scf::ForOp steps,
                    IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  if (steps.isDefinedOutsideOfLoop(value))
    return value;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    mapping.map(operand, repeat(b, operand, steps, mapping));
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Loads of one loop, of which each iteration has one element in `kept`.
static void keep(scf::ForOp loop, scf::ForOp steps, int64_t iterations,
                 MutableArrayRef<memref::LoadOp> loads) {
  ImplicitLocOpBuilder b(loop.getLoc(), steps);
  auto named = NameLoc::get(b.getStringAttr("kept"), b.getLoc());
  auto type = MemRefType::get({iterations * int64_t(loads.size())},
                              loads.front().getMemRefType().getElementType());
  Value kept = memref::AllocaOp::create(b, named, type);
  auto constant = [&](int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto placeOf = [&](Value iteration, size_t number) {
    Value first = arith::MulIOp::create(b, iteration, constant(loads.size()));
    return arith::AddIOp::create(b, first, constant(number)).getResult();
  };
  auto fill =
      scf::ForOp::create(b, constant(0), constant(iterations), constant(1));
  fill->setAttr("nnc.unroll", b.getUnitAttr());
  b.setInsertionPointToStart(fill.getBody());
  for (auto [number, load] : llvm::enumerate(loads)) {
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), fill.getInductionVar());
    Value at = repeat(b, load.getIndices().front(), steps, mapping);
    Value value = memref::LoadOp::create(b, load.getMemRef(), at);
    memref::StoreOp::create(b, value, kept,
                            placeOf(fill.getInductionVar(), number));
  }
  for (auto [number, load] : llvm::enumerate(loads)) {
    b.setInsertionPoint(load);
    Value at = placeOf(loop.getInductionVar(), number);
    load.replaceAllUsesWith(memref::LoadOp::create(b, kept, at).getResult());
  }
  for (memref::LoadOp load : loads)
    load.erase();
}

void nnc::keepWeights(func::FuncOp function, scf::ForOp steps,
                      int64_t mostElements) {
  llvm::DenseSet<Value> written = findWritten(function);
  steps.walk([&](scf::ForOp loop) {
    std::optional<int64_t> end = getConstantIntValue(loop.getUpperBound());
    if (!loop->getAttrOfType<UnitAttr>("nnc.unroll") || !end ||
        !isConstantIntValue(loop.getLowerBound(), 0) ||
        !isConstantIntValue(loop.getStep(), 1))
      return;
    SmallVector<memref::LoadOp> loads;
    for (auto load : loop.getBody()->getOps<memref::LoadOp>()) {
      auto argument = dyn_cast<BlockArgument>(load.getMemRef());
      bool isSame = argument && load.getIndices().size() == 1 &&
                    argument.getOwner() == &function.getBody().front() &&
                    !written.contains(argument) &&
                    isKnownBefore(load.getIndices().front(), steps,
                                  loop.getInductionVar());
      if (isSame && *end <= mostElements) {
        loads.push_back(load);
        mostElements -= *end;
      }
    }
    if (!loads.empty())
      keep(loop, steps, *end, loads);
  });
}
