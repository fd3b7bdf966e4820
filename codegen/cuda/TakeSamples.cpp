// See TakeSamples.h.
#include "codegen/cuda/TakeSamples.h"

#include "runtime/TakeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

using runtime::TakeKernel;
using runtime::takeThreads;

/// What a unit is moved as: bits stay what they are. 16 bytes are four of it.
static Type elementOf(Builder &b, const TakeKernel &kernel) {
  if (kernel.unitBytes == 16)
    return b.getF32Type();
  return b.getIntegerType(unsigned(8 * kernel.unitBytes));
}

static MemRefType bufferOf(Type element, int64_t size = ShapedType::kDynamic) {
  return MemRefType::get({size}, element);
}

static func::FuncOp declare(OpBuilder &b, Location loc,
                            const TakeKernel &kernel) {
  Type samples = bufferOf(elementOf(b, kernel));
  Type inputs[] = {samples, bufferOf(b.getI64Type()),
                   bufferOf(b.getI64Type(), 1), samples, b.getIndexType()};
  auto function =
      func::FuncOp::create(b, loc, kernel.name, b.getFunctionType(inputs, {}));
  function->setAttr("nnc.threads", b.getI64IntegerAttr(takeThreads));
  static constexpr StringRef names[] = {"samples", "order", "units", "taken"};
  for (auto [index, name] : llvm::enumerate(names))
    function.setArgAttr(index, "nnc.name", b.getStringAttr(name));
  return function;
}

/// Moves unit number `from` of `samples` to unit number `to` of `taken`.
static void move(ImplicitLocOpBuilder &b, func::FuncOp function, Value from,
                 Value to) {
  Value samples = function.getArgument(0), taken = function.getArgument(3);
  Type element = cast<MemRefType>(samples.getType()).getElementType();
  if (!element.isF32()) {
    Value unit = memref::LoadOp::create(b, samples, from);
    memref::StoreOp::create(b, unit, taken, to);
    return;
  }
  Value four = arith::ConstantIndexOp::create(b, 4);
  from = arith::MulIOp::create(b, from, four);
  to = arith::MulIOp::create(b, to, four);
  Value unit = vector::LoadOp::create(b, VectorType::get(4, element), samples,
                                      ValueRange{from});
  vector::StoreOp::create(b, unit, taken, ValueRange{to});
}

static void build(ImplicitLocOpBuilder &b, func::FuncOp function) {
  b.setInsertionPointToStart(function.addEntryBlock());
  auto load = [&](unsigned argument, Value at) -> Value {
    Value number =
        memref::LoadOp::create(b, function.getArgument(argument), at);
    return arith::IndexCastOp::create(b, b.getIndexType(), number);
  };
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value threads = arith::ConstantIndexOp::create(b, takeThreads);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value number = arith::AddIOp::create(
      b, arith::MulIOp::create(b, block, threads), thread);
  Value units = load(2, zero);
  Value total = arith::MulIOp::create(b, function.getArgument(4), units);
  Value isInside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, total);
  auto inside = scf::IfOp::create(b, isInside);
  func::ReturnOp::create(b);
  b.setInsertionPointToStart(inside.thenBlock());
  Value sample = load(1, arith::DivSIOp::create(b, number, units));
  Value from = arith::AddIOp::create(b, arith::MulIOp::create(b, sample, units),
                                     arith::RemSIOp::create(b, number, units));
  move(b, function, from, number);
}

void nnc::addTakeSamples(Schedule &schedule) {
  ModuleOp phases = *schedule.phases;
  for (const TakeKernel &kernel : runtime::takeKernels) {
    OpBuilder end = OpBuilder::atBlockEnd(phases.getBody());
    // They come from no line of the model.
    Location loc = UnknownLoc::get(phases.getContext());
    func::FuncOp function = declare(end, loc, kernel);
    ImplicitLocOpBuilder b(loc, phases.getContext());
    build(b, function);
    schedule.phaseInfos[kernel.name] = {"movement", takeThreads, ""};
  }
}
