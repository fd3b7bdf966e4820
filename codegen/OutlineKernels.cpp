// Separates the schedule from its kernels. Needs entry points of primitives,
// fused or not; leaves entry points of launches, reads, assigns, reshapes,
// constants and loops over such, in an order that lets parameters and carried
// values be updated in place.
#include "codegen/KernelForms.h"
#include "codegen/Passes.h"
#include "ir/Ops.h"
#include "passes/ExpandComposites.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

#include <set>

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

//===----------------------------------------------------------------------===//
// What becomes a kernel
//===----------------------------------------------------------------------===//

/// A constant that costs a kernel nothing: one number, wherever it is used.
static ConstantOp getSplat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return {};
  auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  return elements && elements.isSplat() ? constant : ConstantOp();
}

/// Whether a constant is worth a kernel that fills a buffer: a large splat that
/// something else than a kernel needs in memory. As part of the plan it would
/// be stored element by element.
static bool isLargeFill(ConstantOp op) {
  constexpr int64_t kLargestStoredSplat = 16;
  return getSplat(op) &&
         op.getY().getType().getNumElements() > kLargestStoredSplat &&
         llvm::any_of(op->getUsers(), [](Operation *user) {
           return isa<AssignOp, ReshapeOp, ScanOp, YieldOp, func::ReturnOp>(
               user);
         });
}

/// Whether a value is the stream of random bits. Equal layers differ by that
/// number alone: their kernels are one if it is an operand.
static bool isStream(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    auto bits = dyn_cast<RandomBitsOp>(use.getOwner());
    return bits && use == bits.getStreamMutable();
  });
}

static bool isKernel(Operation &op) {
  if (auto constant = dyn_cast<ConstantOp>(op))
    return isLargeFill(constant);
  return isa<FusedOp, Described>(op) && !isa<ReshapeOp>(op);
}

/// The kind of an op that stands alone; docs/architecture.md, section 3.
static StringRef kindOf(Operation &op) {
  if (auto fused = dyn_cast<FusedOp>(op))
    return fused.getKind();
  if (op.hasTrait<SumsProducts>())
    return "contraction";
  if (op.hasTrait<MovesElements>())
    return "movement";
  if (isAttentionKernel(&op))
    return "attention";
  return "rows";
}

/// The value whose buffer `value` is another name for.
static Value skipReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static void appendShape(llvm::raw_ostream &os, ArrayRef<int64_t> shape) {
  llvm::interleave(
      shape, os,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          os << 'B';
        else
          os << size;
      },
      "x");
}

/// The largest tensor's shape, with a batch taken for large.
static ArrayRef<int64_t> largestShape(Block &body) {
  ArrayRef<int64_t> largest;
  double largestSize = 0;
  auto consider = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return;
    double size = 1;
    for (int64_t dim : type.getShape())
      size *= ShapedType::isDynamic(dim) ? 1024 : dim;
    if (size > largestSize)
      largest = type.getShape();
    largestSize = std::max(size, largestSize);
  };
  llvm::for_each(body.getArguments(), consider);
  llvm::for_each(body.getTerminator()->getOperands(), consider);
  return largest;
}

/// The result's dimensions, then those that are summed over: M, N and K of a
/// product of matrices.
static SmallVector<int64_t> productShape(Operation &op) {
  auto shapeOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape();
  };
  SmallVector<int64_t> shape(shapeOf(op.getResult(0)));
  ArrayRef<int64_t> second = shapeOf(op.getOperand(1));
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    ArrayRef<int64_t> lhs = shapeOf(matmul.getLhs());
    shape.push_back(lhs[lhs.size() - (matmul.getTransposeLhs() ? 2 : 1)]);
  } else if (isa<ConvolutionOp>(op)) {
    llvm::append_range(shape, second.drop_back());
  } else if (isa<ConvolutionTransposeOp>(op)) {
    llvm::append_range(shape, windowDims(second));
    shape.push_back(second.back());
  } else if (isa<ConvolutionFilterOp>(op)) {
    llvm::append_range(shape, second.drop_back());
  }
  return shape;
}

/// What the kernel does, first ops first, and on what shape:
/// "matmul_add_relu_Bx128x784".
static std::string describeKernel(Block &body) {
  constexpr size_t kMostNamed = 4;
  SmallVector<StringRef> names;
  SmallVector<int64_t> shape(largestShape(body));
  for (Operation &op : body.without_terminator()) {
    if (op.hasTrait<SumsProducts>())
      shape = productShape(op);
    if (!isa<ConstantOp, ReshapeOp, BroadcastOp, SizeOp>(op))
      names.push_back(op.getName().stripDialect());
  }
  if (names.empty())
    names.push_back(body.front().getName().stripDialect());
  std::string name;
  llvm::raw_string_ostream os(name);
  llvm::interleave(ArrayRef(names).take_front(kMostNamed), os, "_");
  if (names.size() > kMostNamed)
    os << "_and_" << names.size() - kMostNamed;
  os << '_';
  if (shape.empty())
    os << "scalar";
  appendShape(os, shape);
  return name;
}

//===----------------------------------------------------------------------===//
// One kernel
//===----------------------------------------------------------------------===//

namespace {

/// The kernels of a module, each body once.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : module(module), symbols(module) {}

  /// The function that computes what `function` does: itself, or an equal one
  /// that was there before. `function` is erased in that case.
  func::FuncOp unique(func::FuncOp function) {
    std::string name = describeKernel(function.getBody().front());
    SmallVector<func::FuncOp> &candidates = byName[name];
    for (func::FuncOp other : candidates)
      if (areEqual(function, other)) {
        function.erase();
        return other;
      }
    function.setName(name);
    symbols.insert(function);
    candidates.push_back(function);
    return function;
  }

private:
  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<SmallVector<func::FuncOp>> byName;
};

/// A kernel while its body is being copied.
struct KernelBody {
  func::FuncOp function;
  IRMapping mapping;
  /// What a launch passes: one an argument after the batch.
  llvm::SmallSetVector<Value, 8> inputs;

  Block &block() { return function.getBody().front(); }

  /// The kernel's value for `outside`, which is called `inside` where the
  /// kernel is copied from: a copy of a splat, else an argument.
  Value enter(Value outside, Value inside) {
    if (ConstantOp splat = getSplat(outside); splat && !isStream(inside)) {
      auto builder = OpBuilder::atBlockEnd(&block());
      return builder.clone(*splat)->getResult(0);
    }
    return enterAsArgument(outside);
  }

  Value enterAsArgument(Value outside) {
    if (inputs.insert(outside))
      return block().addArgument(outside.getType(), outside.getLoc());
    auto place = llvm::find(inputs, outside) - inputs.begin();
    return block().getArgument(1 + place);
  }
};

} // namespace

static KernelBody createKernel(Operation &op) {
  OpBuilder builder(op.getContext());
  KernelBody kernel;
  kernel.function = func::FuncOp::create(builder, op.getLoc(), "kernel",
                                         builder.getFunctionType({}, {}));
  kernel.function.setPrivate();
  kernel.function->setAttr("nnc.kernel", builder.getUnitAttr());
  kernel.function->setAttr("nnc.kind", builder.getStringAttr(kindOf(op)));
  kernel.function.addEntryBlock()->addArgument(builder.getIndexType(),
                                               op.getLoc());
  return kernel;
}

static void finishKernel(KernelBody &kernel, ValueRange results, Location loc) {
  auto builder = OpBuilder::atBlockEnd(&kernel.block());
  func::ReturnOp::create(builder, loc, results);
  kernel.function.setType(builder.getFunctionType(
      kernel.block().getArgumentTypes(), results.getTypes()));
}

/// Copies the region of a fused op, and of its results those that are used.
/// `used` gets the op's results in the kernel's order.
static void copyFused(FusedOp fused, KernelBody &kernel,
                      SmallVectorImpl<Value> &used) {
  Block &region = fused.getBody().front();
  for (auto [argument, input] :
       llvm::zip_equal(region.getArguments(), fused.getInputs()))
    kernel.mapping.map(argument, kernel.enter(input, argument));
  auto builder = OpBuilder::atBlockEnd(&kernel.block());
  for (Operation &op : region.without_terminator())
    builder.clone(op, kernel.mapping);
  SmallVector<Value> results;
  for (auto [result, yielded] : llvm::zip_equal(
           fused.getResults(), region.getTerminator()->getOperands())) {
    if (result.use_empty())
      continue;
    used.push_back(result);
    results.push_back(kernel.mapping.lookup(yielded));
  }
  finishKernel(kernel, results, fused.getLoc());
}

static void copySingle(Operation &op, KernelBody &kernel,
                       SmallVectorImpl<Value> &used) {
  for (Value operand : op.getOperands())
    kernel.mapping.map(operand, isAttentionKernel(&op)
                                    ? kernel.enterAsArgument(operand)
                                    : kernel.enter(operand, operand));
  auto builder = OpBuilder::atBlockEnd(&kernel.block());
  Operation *copy = builder.clone(op, kernel.mapping);
  llvm::append_range(used, op.getResults());
  finishKernel(kernel, copy->getResults(), op.getLoc());
}

/// Constants inside of a fused region that are not splats, and streams, become
/// its operands, and so constants of the plan.
static void hoistConstants(FusedOp fused) {
  Block &region = fused.getBody().front();
  for (auto constant :
       llvm::make_early_inc_range(region.getOps<ConstantOp>())) {
    if (getSplat(constant) && !isStream(constant))
      continue;
    BlockArgument argument =
        region.addArgument(constant.getY().getType(), constant.getLoc());
    constant.getY().replaceAllUsesWith(argument);
    constant->moveBefore(fused);
    fused.getInputsMutable().append(constant.getY());
  }
}

/// Whether a value is the same at each step of the loop that it is in.
static bool isInvariant(Value value) {
  auto argument = dyn_cast<BlockArgument>(skipReshapes(value));
  auto scan = argument ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp())
                       : ScanOp();
  return scan && llvm::is_contained(scan.getWithArguments(), argument);
}

static void markInvariants(KernelBody &kernel) {
  for (auto [i, input] : llvm::enumerate(kernel.inputs))
    if (isInvariant(input))
      kernel.function.setArgAttr(1 + i, kInvariantAttr,
                                 UnitAttr::get(input.getContext()));
}

/// Replaces `op` by a launch of a kernel that does the same.
static void outline(Operation &op, KernelTable &kernels) {
  KernelBody kernel = createKernel(op);
  SmallVector<Value> used;
  if (auto fused = dyn_cast<FusedOp>(op)) {
    hoistConstants(fused);
    copyFused(fused, kernel, used);
  } else {
    copySingle(op, kernel, used);
  }
  markInvariants(kernel);
  func::FuncOp function = kernels.unique(kernel.function);
  OpBuilder builder(&op);
  auto launch = LaunchOp::create(
      builder, op.getLoc(), ValueRange(used).getTypes(),
      SymbolRefAttr::get(function), kernel.inputs.getArrayRef());
  for (auto [old, result] : llvm::zip_equal(used, launch.getResults()))
    old.replaceAllUsesWith(result);
  op.erase();
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

namespace {

/// The ops of an entry point, and what must come before what.
class Order {
public:
  explicit Order(Block &block) : block(block) {
    for (Operation &op : block.without_terminator()) {
      number[&op] = ops.size();
      ops.push_back(&op);
    }
    successors.resize(ops.size());
    numPredecessors.resize(ops.size());
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        if (Operation *producer = operand.getDefiningOp())
          require(producer, op);
  }

  /// `first` before `second`, unless it is needed for `first`.
  void prefer(Operation *first, Operation *second) {
    if (first != second && !reaches(number[second], number[first]))
      require(first, second);
  }

  /// Puts the ops in order: of those that may come next, the first as written.
  void apply() {
    std::set<unsigned> ready;
    for (unsigned i = 0; i < ops.size(); ++i)
      if (numPredecessors[i] == 0)
        ready.insert(i);
    while (!ready.empty()) {
      unsigned next = *ready.begin();
      ready.erase(ready.begin());
      ops[next]->moveBefore(block.getTerminator());
      for (unsigned successor : successors[next])
        if (--numPredecessors[successor] == 0)
          ready.insert(successor);
    }
  }

private:
  void require(Operation *first, Operation *second) {
    successors[number[first]].push_back(number[second]);
    ++numPredecessors[number[second]];
  }

  bool reaches(unsigned from, unsigned to) const {
    SmallVector<unsigned> pending = {from};
    std::set<unsigned> seen;
    while (!pending.empty()) {
      unsigned next = pending.pop_back_val();
      if (next == to)
        return true;
      if (seen.insert(next).second)
        llvm::append_range(pending, successors[next]);
    }
    return false;
  }

  Block &block;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, unsigned> number;
  std::vector<SmallVector<unsigned>> successors;
  std::vector<unsigned> numPredecessors;
};

} // namespace

/// The launches and loops that read a parameter, by its name.
static llvm::MapVector<StringAttr, SmallVector<Operation *>>
collectReaders(Block &block) {
  llvm::MapVector<StringAttr, SmallVector<Operation *>> readers;
  for (Operation &op : block)
    if (isa<LaunchOp, ScanOp>(op))
      for (Value input : op.getOperands())
        if (auto read = skipReshapes(input).getDefiningOp<ReadOp>())
          readers[read.getParameterAttr().getAttr()].push_back(&op);
  return readers;
}

/// Readers of a parameter before the launch of its next value.
static void orderLaunches(Block &block) {
  auto readers = collectReaders(block);
  Order order(block);
  for (auto assign : block.getOps<AssignOp>()) {
    Operation *writer = skipReshapes(assign.getValue()).getDefiningOp();
    if (!isa_and_nonnull<LaunchOp>(writer))
      continue;
    for (Operation *reader : readers[assign.getParameterAttr().getAttr()])
      order.prefer(reader, writer);
  }
  order.apply();
}

/// In a loop, readers of a carried value before the launch of its next one.
static void orderStep(ScanOp scan) {
  Block &body = scan.getBody().front();
  Order order(body);
  for (auto [i, next] : llvm::enumerate(scan.getNext())) {
    Operation *writer = skipReshapes(next).getDefiningOp();
    if (!isa_and_nonnull<LaunchOp>(writer))
      continue;
    for (auto launch : body.getOps<LaunchOp>())
      for (Value input : launch.getInputs())
        if (skipReshapes(input) == scan.getCarriedArguments()[i])
          order.prefer(launch, writer);
  }
  order.apply();
}

namespace {

struct OutlineKernelsPass
    : public nnc::impl::OutlineKernelsPassBase<OutlineKernelsPass> {
  void runOnOperation() override {
    KernelTable kernels(getOperation());
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isPrivate() || function.isExternal())
        continue;
      Block &body = function.getBody().front();
      outlineBlock(body, kernels);
      orderLaunches(body);
    }
  }

  static void outlineBlock(Block &body, KernelTable &kernels) {
    for (Operation &op : llvm::make_early_inc_range(body)) {
      if (auto scan = dyn_cast<ScanOp>(op)) {
        outlineBlock(scan.getBody().front(), kernels);
        orderStep(scan);
      } else if (isKernel(op)) {
        outline(op, kernels);
      }
    }
    eraseUnusedConstants(body);
  }

  static void eraseUnusedConstants(Block &body) {
    for (auto constant : llvm::make_early_inc_range(body.getOps<ConstantOp>()))
      if (constant->use_empty())
        constant.erase();
  }
};

} // namespace
