// The launches of a loop's step as one, where a target may run all steps of the
// loop in one launch. Needs kernels as linalg.
#include "codegen/CountWork.h"
#include "codegen/KernelForms.h"
#include "codegen/Passes.h"
#include "codegen/Reference.h"
#include "codegen/SampleIndependence.h"
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_JOINLAUNCHESPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

//===----------------------------------------------------------------------===//
// What is worth it
//===----------------------------------------------------------------------===//

// By estimate: no such loop has been timed on a GPU yet.

/// Bytes that each block reads at each step, whichever samples it has. Up to
/// some 200 KB stay in a multiprocessor's cache; the rest comes from the one
/// that all share, at some 5 TB/s: of 32 blocks in the time of two launches.
static constexpr int64_t kMostSharedBytes = 512 << 10;
/// A block takes two microseconds for them, at 256 a clock.
static constexpr int64_t kMostFlopOfSample = 1 << 20;
/// Terms of a sum that one thread goes through.
static constexpr int64_t kMostTerms = 1024;

static bool isPartASample(Type type) {
  return !cast<RankedTensorType>(type).hasStaticShape() &&
         hasLeadingBatch(type);
}

/// Whether each tensor in the kernel has the samples first, and each sum is
/// short.
static bool isOfFewTerms(func::FuncOp kernel) {
  WalkResult walked = kernel.walk([](linalg::LinalgOp op) {
    SmallVector<unsigned> reductions;
    op.getReductionDims(reductions);
    int64_t terms = 1;
    for (unsigned dim : reductions) {
      int64_t size = op.getStaticLoopRanges()[dim];
      if (ShapedType::isDynamic(size) || size > kMostTerms)
        return WalkResult::interrupt();
      terms *= size;
    }
    bool isFit = terms <= kMostTerms &&
                 llvm::all_of(op->getResultTypes(), hasLeadingBatch);
    return isFit ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !walked.wasInterrupted();
}

static int64_t countSharedBytes(func::FuncOp kernel) {
  int64_t bytes = 0;
  for (Type type : kernel.getArgumentTypes().drop_front())
    if (auto tensor = cast<RankedTensorType>(type); tensor.hasStaticShape())
      bytes += sizeBytes(tensor).constant;
  return bytes;
}

static bool isWorthJoining(ScanOp scan, func::FuncOp kernel) {
  return scan.getSteps() > 1 &&
         llvm::all_of(scan.getYield().getOperandTypes(), isPartASample) &&
         treatsSamplesAlone(kernel) && isOfFewTerms(kernel) &&
         countSharedBytes(kernel) <= kMostSharedBytes &&
         countFlop(kernel).at(1) <= kMostFlopOfSample;
}

//===----------------------------------------------------------------------===//
// One kernel of a step
//===----------------------------------------------------------------------===//

namespace {

/// The step of a loop while its launches become one.
class StepKernel {
public:
  StepKernel(ScanOp scan, const Lowerings &lowerings)
      : body(scan.getBody().front()), lowerings(lowerings) {}

  /// A kernel that does all that the step does, without a name. Null where the
  /// step holds something else than launches, reshapes and constants.
  func::FuncOp build(SymbolTableCollection &symbols);
  /// One launch of `kernel` in place of all.
  void replaceLaunches(func::FuncOp kernel);

private:
  bool add(Operation &op, SymbolTableCollection &symbols);
  void addLaunch(LaunchOp launch, func::FuncOp callee);
  Value enter(Value outside);

  Block &body;
  const Lowerings &lowerings;
  func::FuncOp function;
  IRMapping mapping;
  /// One an argument after the batch.
  llvm::SmallSetVector<Value, 8> inputs;
  /// What the step yields of its launches, each once.
  llvm::SmallSetVector<Value, 8> results;
};

} // namespace

static bool isMadeByLaunch(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return bool(value.getDefiningOp<LaunchOp>());
}

/// The kernel's value for one of the step's.
Value StepKernel::enter(Value outside) {
  if (Value known = mapping.lookupOrNull(outside))
    return known;
  inputs.insert(outside);
  Value argument = function.getBody().front().addArgument(
      signlessType(outside.getType()), outside.getLoc());
  mapping.map(outside, argument);
  return argument;
}

void StepKernel::addLaunch(LaunchOp launch, func::FuncOp callee) {
  Block &block = function.getBody().front();
  IRMapping inside;
  inside.map(callee.getArgument(0), block.getArgument(0));
  for (auto [argument, input] :
       llvm::zip_equal(callee.getArguments().drop_front(), launch.getInputs()))
    inside.map(argument, enter(input));
  auto builder = OpBuilder::atBlockEnd(&block);
  for (Operation &op : callee.getBody().front().without_terminator())
    builder.clone(op, inside);
  Operation *end = callee.getBody().front().getTerminator();
  for (auto [result, value] :
       llvm::zip_equal(launch.getResults(), end->getOperands()))
    mapping.map(result, inside.lookup(value));
}

bool StepKernel::add(Operation &op, SymbolTableCollection &symbols) {
  if (isa<ConstantOp>(op))
    return true;
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
        launch, launch.getKernelAttr());
    addLaunch(launch, callee);
    return true;
  }
  auto reshape = dyn_cast<ReshapeOp>(op);
  if (!reshape)
    return false;
  Block &block = function.getBody().front();
  Value x = enter(reshape.getX());
  KernelBuilder b(&block, op.getLoc(), block.getArgument(0));
  auto lowered = (*lowerings.find(op.getName()))(b, &op, x);
  if (failed(lowered))
    return false;
  mapping.map(reshape.getY(), lowered->front());
  return true;
}

func::FuncOp StepKernel::build(SymbolTableCollection &symbols) {
  Operation *scan = body.getParentOp();
  OpBuilder builder(scan->getContext());
  function = func::FuncOp::create(builder, scan->getLoc(), "kernel",
                                  builder.getFunctionType({}, {}));
  function.setPrivate();
  function->setAttr("nnc.kernel", builder.getUnitAttr());
  function->setAttr("nnc.kind", builder.getStringAttr("step"));
  Block &block = *function.addEntryBlock();
  block.addArgument(builder.getIndexType(), scan->getLoc());
  for (Operation &op : body.without_terminator())
    if (!add(op, symbols)) {
      function.erase();
      return {};
    }
  for (Value yielded : body.getTerminator()->getOperands())
    if (isMadeByLaunch(yielded))
      results.insert(yielded);
  auto values = llvm::map_to_vector(
      results, [&](Value value) { return mapping.lookup(value); });
  builder.setInsertionPointToEnd(&block);
  func::ReturnOp::create(builder, scan->getLoc(), values);
  function.setType(builder.getFunctionType(block.getArgumentTypes(),
                                           ValueRange(values).getTypes()));
  for (auto [i, input] : llvm::enumerate(inputs))
    if (llvm::is_contained(cast<ScanOp>(scan).getWithArguments(), input))
      function.setArgAttr(1 + i, kInvariantAttr, builder.getUnitAttr());
  return function;
}

void StepKernel::replaceLaunches(func::FuncOp kernel) {
  Operation *end = body.getTerminator();
  OpBuilder builder(end);
  auto launch =
      LaunchOp::create(builder, body.getParentOp()->getLoc(),
                       ValueRange(results.getArrayRef()).getTypes(),
                       SymbolRefAttr::get(kernel), inputs.getArrayRef());
  for (auto [i, old] : llvm::enumerate(results)) {
    Value made = old;
    made.replaceUsesWithIf(launch.getResult(i), [&](OpOperand &use) {
      return use.getOwner() == end;
    });
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isa<LaunchOp, ReshapeOp>(op) && op.use_empty() && &op != launch)
      op.erase();
}

//===----------------------------------------------------------------------===//
// Loops beside each other
//===----------------------------------------------------------------------===//

static bool isJoined(ScanOp scan, SymbolTable &table) {
  auto launches = llvm::to_vector(scan.getBody().front().getOps<LaunchOp>());
  if (launches.size() != 1)
    return false;
  auto kernel = table.lookup<func::FuncOp>(launches[0].getKernel());
  auto kind = kernel->getAttrOfType<StringAttr>("nnc.kind");
  return kind && kind.getValue() == "step";
}

/// What comes after `first` and is needed for `op`, in order. None where that
/// is `first` itself.
static std::optional<SmallVector<Operation *>> findNeeded(Operation *op,
                                                          Operation *first) {
  llvm::SmallSetVector<Operation *, 8> needed;
  needed.insert(op);
  for (size_t i = 0; i < needed.size(); ++i)
    for (Value operand : needed[i]->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer == first)
        return std::nullopt;
      if (producer && first->isBeforeInBlock(producer))
        needed.insert(producer);
    }
  SmallVector<Operation *> ops(needed.begin() + 1, needed.end());
  llvm::sort(ops, [](Operation *lhs, Operation *rhs) {
    return lhs->isBeforeInBlock(rhs);
  });
  return ops;
}

/// Puts each loop whose launches are one behind another that it does not need,
/// such as that of the other direction: both may run at once.
static void gather(Block &block, SymbolTable &table) {
  ScanOp first, last;
  for (ScanOp scan : llvm::to_vector(block.getOps<ScanOp>())) {
    if (!isJoined(scan, table))
      continue;
    std::optional<SmallVector<Operation *>> needed;
    if (first)
      needed = findNeeded(scan, first);
    bool isOfOthers =
        needed && llvm::any_of(*needed, llvm::IsaPred<ScanOp, AssignOp>);
    if (!needed || isOfOthers) {
      first = last = scan;
      continue;
    }
    for (Operation *op : *needed)
      op->moveBefore(first);
    scan->moveAfter(last);
    scan->setAttr(kBesideAttr, UnitAttr::get(scan.getContext()));
    last = scan;
  }
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct JoinLaunchesPass
    : public nnc::impl::JoinLaunchesPassBase<JoinLaunchesPass> {
  void runOnOperation() override {
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    Lowerings lowerings = allLowerings();
    SymbolTableCollection symbols;
    SymbolTable &table = symbols.getSymbolTable(getOperation());
    for (ScanOp scan : scans)
      join(scan, lowerings, symbols, table);
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isPrivate() && !function.isExternal())
        gather(function.getBody().front(), table);
    eraseUnusedKernels();
  }

private:
  void join(ScanOp scan, const Lowerings &lowerings,
            SymbolTableCollection &symbols, SymbolTable &table) {
    auto launches = scan.getBody().front().getOps<LaunchOp>();
    if (launches.empty())
      return;
    StepKernel step(scan, lowerings);
    func::FuncOp kernel = step.build(symbols);
    if (!kernel)
      return;
    if (!isWorthJoining(scan, kernel))
      return kernel.erase();
    step.replaceLaunches(
        unique(kernel, "step_" + (*launches.begin()).getKernel().str(), table));
  }

  /// The kernel, in the module: another where that is equal.
  func::FuncOp unique(func::FuncOp kernel, const std::string &name,
                      SymbolTable &table) {
    for (func::FuncOp other : joined)
      if (areEqual(kernel, other)) {
        kernel.erase();
        return other;
      }
    kernel.setName(name);
    table.insert(kernel);
    joined.push_back(kernel);
    return kernel;
  }

  void eraseUnusedKernels() {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr("nnc.kernel") &&
          SymbolTable::symbolKnownUseEmpty(function, getOperation()))
        function.erase();
  }

  SmallVector<func::FuncOp> joined;
};

} // namespace
