// A kernel is cut around its product. What computes the product's operands, if
// they are no tensors of the caller's, is a kernel of its own, and so is what
// the library's epilogue cannot do:
//
//   operands ── prologue ──► product (library) ── epilogue ──► results
//
// The parts are functions beside the kernel, scheduled as kernels are and then
// erased; their operands and results are buffers of the whole.
#include "codegen/cuda/Contraction.h"

#include "codegen/ContractionAnalysis.h"
#include "codegen/Reference.h"
#include "codegen/RowsAnalysis.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/KernelParts.h"
#include "runtime/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nnc;

// A product below both is a phase of elements: a call of the library takes some
// microseconds whatever it does, in which a thread an element has done as much.
// Estimates: no GPU was at hand to measure.
static constexpr int64_t kSmallProduct = 1 << 16;
static constexpr int64_t kSmallSum = 256;

namespace {

class ProductScheduler {
public:
  ProductScheduler(func::FuncOp kernel, const GpuModel &model,
                   PartScheduler scheduleRest, Refusal &refusal)
      : kernel(kernel), model(model), scheduleRest(std::move(scheduleRest)),
        refusal(refusal) {}
  ~ProductScheduler() {
    for (func::FuncOp part : parts)
      part.erase();
  }

  FailureOr<ScheduledKernel> run();

private:
  LogicalResult findProduct();
  LogicalResult describeCall();
  void matchEpilogue();
  bool matchConversion();
  bool matchBias();
  bool matchRelu();
  LogicalResult emitPrologue();
  void emitCall();
  LogicalResult emitEpilogue();

  func::FuncOp derive(StringRef suffix, ArrayRef<Value> inputs,
                      ArrayRef<Value> outputs);
  LogicalResult schedulePart(func::FuncOp part, ArrayRef<BufferRef> inputs,
                             ArrayRef<BufferRef> results);
  linalg::GenericOp onlyElementwiseUser(Value value);
  BufferRef addWorkspace(Value value);
  BufferRef addWorkspace(Extent bytes);
  BufferRef placeOf(Value value);
  void discard();

  func::FuncOp kernel;
  const GpuModel &model;
  PartScheduler scheduleRest;
  Refusal &refusal;
  ScheduledKernel scheduled;
  SmallVector<func::FuncOp> parts;

  linalg::GenericOp product;
  /// Operands of the product that are computed.
  SmallVector<Value> computed;
  /// Where those lie, and the product with its epilogue.
  llvm::MapVector<Value, BufferRef> places;

  MatmulCall call;
  /// The kernel's operands that the call reads, by the product's input.
  unsigned lhsInput = 0;
  /// What the call gives, and its bias.
  Value output, bias;
};

} // namespace

//===----------------------------------------------------------------------===//
// Parts of a kernel
//===----------------------------------------------------------------------===//

func::FuncOp ProductScheduler::derive(StringRef suffix, ArrayRef<Value> inputs,
                                      ArrayRef<Value> outputs) {
  Operation *previous = parts.empty() ? kernel : parts.back();
  parts.push_back(deriveKernel(kernel, previous, suffix, inputs, outputs));
  return parts.back();
}

BufferRef ProductScheduler::addWorkspace(Extent bytes) {
  scheduled.workspaceBytes.push_back(bytes);
  return {BufferRef::Workspace, unsigned(scheduled.workspaceBytes.size() - 1)};
}

BufferRef ProductScheduler::addWorkspace(Value value) {
  return addWorkspace(sizeBytes(cast<RankedTensorType>(value.getType())));
}

/// Schedules a part and adds its phases. Its operands beyond the kernel's are
/// `inputs`, its results `results`.
LogicalResult ProductScheduler::schedulePart(func::FuncOp part,
                                             ArrayRef<BufferRef> inputs,
                                             ArrayRef<BufferRef> results) {
  FailureOr<ScheduledKernel> schedule = scheduleRest(part);
  if (failed(schedule))
    return failure();
  unsigned firstWorkspace = scheduled.workspaceBytes.size();
  llvm::append_range(scheduled.workspaceBytes, schedule->workspaceBytes);
  unsigned numOperands = kernel.getNumArguments() - 1;
  auto place = [&](BufferRef ref) -> BufferRef {
    if (ref.kind == BufferRef::Workspace)
      return {BufferRef::Workspace, firstWorkspace + ref.index};
    if (ref.kind == BufferRef::Result)
      return results[ref.index];
    return ref.index < numOperands ? ref : inputs[ref.index - numOperands];
  };
  for (Phase &phase : schedule->phases) {
    for (BufferRef &ref : phase.buffers)
      ref = place(ref);
    scheduled.phases.push_back(std::move(phase));
  }
  for (auto [operand, result] : schedule->mayAlias)
    if (operand < numOperands && results[result].kind == BufferRef::Result)
      scheduled.mayAlias.push_back({operand, results[result].index});
  return success();
}

/// Undoes what was scheduled.
void ProductScheduler::discard() {
  for (Phase &phase : scheduled.phases)
    if (phase.function)
      phase.function.erase();
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

LogicalResult ProductScheduler::findProduct() {
  if (!kernel.getBody().hasOneBlock())
    return failure();
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops()) {
      if (product)
        return refusal.because("it has several reductions");
      product = op;
    }
  if (!product || product.getNumDpsInputs() != 2 ||
      product.getNumResults() != 1)
    return refusal.because("it has no product of two operands");
  FailureOr<Products> products = findProducts(kernel, refusal);
  if (failed(products) || products->products.front().insert)
    return refusal.because("its product is a part of its result");
  for (Value input : product.getDpsInputs())
    if (input.getDefiningOp() && !llvm::is_contained(computed, input))
      computed.push_back(input);
  return success();
}

/// Whether the library finds it by the beginning of a buffer and strides.
static bool isPlain(const Element *element) {
  return element->operand && element->base.isZero();
}

static bool isSmall(const Contraction &contraction) {
  int64_t batch = typicalBatch(contraction.kernel);
  uint64_t numTerms = 1;
  for (BatchSize size : contraction.sizes)
    numTerms =
        llvm::SaturatingMultiply<uint64_t>(numTerms, size.estimate(batch));
  return numTerms <= kSmallProduct &&
         contraction.numTerms.estimate(batch) <= kSmallSum;
}

/// Whether `size` elements end before the next begin at `stride`, whatever the
/// batch: places of a window share elements.
static bool isApart(BatchSize stride, BatchSize size) {
  return stride.factor >= size.factor && (stride.isStatic() <= size.isStatic());
}

/// How the library finds the elements of a matrix whose axes have these sizes
/// and strides; none where neither axis has stride 1, or rows share elements.
static std::optional<MatrixLayout> layoutOf(const Contraction &contraction,
                                            ArrayRef<BatchSize> strides,
                                            unsigned rowAxis,
                                            unsigned columnAxis) {
  BatchSize rows = contraction.sizes[rowAxis],
            columns = contraction.sizes[columnAxis];
  MatrixLayout layout;
  // The stride of an axis of size 1 says nothing.
  auto leading = [](BatchSize stride, BatchSize size, BatchSize otherSize) {
    return Extent::of(size.isOne() ? otherSize : stride);
  };
  if (columns.isOne() || strides[columnAxis].isOne()) {
    if (!rows.isOne() && !isApart(strides[rowAxis], columns))
      return std::nullopt;
    layout.leading = leading(strides[rowAxis], rows, columns);
    return layout;
  }
  if (!rows.isOne() && !strides[rowAxis].isOne())
    return std::nullopt;
  if (!columns.isOne() && !isApart(strides[columnAxis], rows))
    return std::nullopt;
  layout.transposed = true;
  layout.leading = leading(strides[columnAxis], columns, rows);
  return layout;
}

/// The outer axes as one, if a single stride leads each of the three matrices
/// through all of them.
static bool mergeOuterAxes(const Contraction &contraction,
                           ArrayRef<ArrayRef<BatchSize>> allStrides,
                           MatmulCall &call) {
  SmallVector<unsigned> axes;
  for (unsigned axis = 0; axis < contraction.numOuter; ++axis)
    if (!contraction.sizes[axis].isOne())
      axes.push_back(axis);
  call.count = Extent{1};
  BatchSize count(1);
  for (auto [number, axis] : llvm::enumerate(axes)) {
    BatchSize size = contraction.sizes[axis];
    std::optional<BatchSize> next = count.times(size);
    if (!next)
      return false;
    count = *next;
    if (number == 0)
      continue;
    for (ArrayRef<BatchSize> strides : allStrides)
      if (strides[axis].times(size) != strides[axes[number - 1]])
        return false;
  }
  call.count = Extent::of(count);
  MatrixLayout *layouts[] = {&call.a, &call.b, &call.d};
  if (!axes.empty())
    for (auto [layout, strides] : llvm::zip(layouts, allStrides))
      layout->stride = Extent::of(strides[axes.back()]);
  return true;
}

/// The call for the product alone, of operands in memory.
LogicalResult ProductScheduler::describeCall() {
  func::FuncOp bare = derive("product", computed, product.getResult(0));
  FailureOr<Contraction> analysis = analyzeContraction(bare, refusal);
  if (failed(analysis))
    return failure();
  if (isSmall(*analysis))
    return refusal.because(
        "its product is too small for a call of the library");
  if (!isPlain(analysis->lhs) || !isPlain(analysis->rhs) ||
      !analysis->hasOneAxisK())
    return refusal.because("the library has no product of windows, or over "
                           "several dimensions");
  const Contraction &contraction = *analysis;
  unsigned m = contraction.axisM(), n = contraction.axisN(),
           k = contraction.axisK();
  ArrayRef<BatchSize> lhs = contraction.lhs->strides,
                      rhs = contraction.rhs->strides,
                      out = contraction.resultStrides[0];
  auto a = layoutOf(contraction, lhs, m, k);
  auto b = layoutOf(contraction, rhs, k, n);
  auto d = layoutOf(contraction, out, m, n);
  if (!a || !b || !d || d->transposed)
    return refusal.because("an operand does not lie as a matrix");
  call.a = *a;
  call.b = *b;
  call.d = *d;
  if (!mergeOuterAxes(contraction, {lhs, rhs, out}, call))
    return refusal.because("no one stride leads through all its products");
  call.m = Extent::of(contraction.m());
  call.n = Extent::of(contraction.n());
  call.k = Extent::of(contraction.numTerms);
  BlockArgument lhsArgument = bare.getArgument(*contraction.lhs->operand + 1),
                rhsArgument = bare.getArgument(*contraction.rhs->operand + 1);
  Type lhsType = getElementTypeOrSelf(lhsArgument.getType()),
       rhsType = getElementTypeOrSelf(rhsArgument.getType());
  if (lhsType != rhsType)
    return refusal.because("its operands have two types");
  call.operandType = lhsType;
  call.resultType = contraction.type;
  call.allowTf32 = model.allowTf32 && lhsType.isF32();
  // The analysis may have changed sides.
  auto bareProduct = *bare.getOps<linalg::GenericOp>().begin();
  lhsInput = bareProduct.getDpsInputs()[0] == lhsArgument ? 0 : 1;
  return success();
}

//===----------------------------------------------------------------------===//
// Epilogues of the library
//===----------------------------------------------------------------------===//

/// The op that alone reads `value`, element by element, and gives one result.
linalg::GenericOp ProductScheduler::onlyElementwiseUser(Value value) {
  if (!value.hasOneUse())
    return {};
  OpOperand &use = *value.use_begin();
  auto user = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!user || user.getNumReductionLoops() || user.getNumResults() != 1 ||
      user.hasIndexSemantics() ||
      !user.getMatchingIndexingMap(&use).isIdentity() ||
      !user.getIndexingMapMatchingResult(user->getResult(0)).isIdentity())
    return {};
  return user;
}

/// The only op of a body, if it is an `Op`.
template <typename Op> static Op onlyOp(linalg::GenericOp op) {
  Block *body = op.getBody();
  if (body->getOperations().size() != 2)
    return {};
  auto only = dyn_cast<Op>(body->front());
  bool isYielded =
      only && body->getTerminator()->getOperand(0) == only->getResult(0);
  return isYielded ? only : Op();
}

/// The only op of a body that computes, if it is an `Op`: 16-bit floats are
/// widened before it, and what it gives is rounded.
template <typename Op> static Op onlyComputation(linalg::GenericOp op) {
  Op only;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<arith::ExtFOp, arith::TruncFOp>(inner))
      continue;
    if (only || !isa<Op>(inner))
      return {};
    only = cast<Op>(inner);
  }
  Value given = op.getBody()->getTerminator()->getOperand(0);
  if (auto rounded = given.getDefiningOp<arith::TruncFOp>())
    given = rounded.getIn();
  return only && given == only->getResult(0) ? only : Op();
}

static bool isArgumentOf(linalg::GenericOp op, Value value, Value operand) {
  if (auto widened = value.getDefiningOp<arith::ExtFOp>())
    value = widened.getIn();
  for (OpOperand &use : op->getOpOperands())
    if (op.getMatchingBlockArgument(&use) == value)
      return use.get() == operand;
  return false;
}

/// A result of 16 bits, rounded once from the sum.
bool ProductScheduler::matchConversion() {
  linalg::GenericOp op = onlyElementwiseUser(output);
  auto convert = op ? onlyOp<arith::TruncFOp>(op) : arith::TruncFOp();
  if (!convert || !isArgumentOf(op, convert.getIn(), output) ||
      convert.getType() != call.operandType)
    return false;
  call.resultType = convert.getType();
  output = op->getResult(0);
  return true;
}

/// Whether the library has epilogues for products of these types, with a bias
/// of the result's type: the table of types of cublasLtMatmul() in the cuBLAS
/// documentation (12.0 and later). It has none for f64. In 16 bits the program
/// rounds the product before it adds, and the library only what it writes: one
/// rounding less.
static bool hasEpilogues(const MatmulCall &call) {
  struct Types {
    bool (Type::*isOperand)() const;
    bool (Type::*isResult)() const;
  };
  static constexpr Types kTypes[] = {{&Type::isF32, &Type::isF32},
                                     {&Type::isF16, &Type::isF16},
                                     {&Type::isF16, &Type::isF32},
                                     {&Type::isBF16, &Type::isBF16},
                                     {&Type::isBF16, &Type::isF32}};
  return llvm::any_of(kTypes, [&](const Types &types) {
    return (call.operandType.*types.isOperand)() &&
           (call.resultType.*types.isResult)();
  });
}

/// A sum with a vector along the columns.
bool ProductScheduler::matchBias() {
  linalg::GenericOp op = onlyElementwiseUser(output);
  auto add = op ? onlyComputation<arith::AddFOp>(op) : arith::AddFOp();
  if (!add || !hasEpilogues(call) ||
      getElementTypeOrSelf(op->getResult(0).getType()) != call.resultType)
    return false;
  bool isLeft = isArgumentOf(op, add.getLhs(), output);
  Value other = isLeft ? add.getRhs() : add.getLhs();
  if (!isLeft && !isArgumentOf(op, add.getRhs(), output))
    return false;
  for (OpOperand *use : op.getDpsInputOperands()) {
    if (!isArgumentOf(op, other, use->get()))
      continue;
    auto type = cast<RankedTensorType>(use->get().getType());
    if (type.getElementType() != call.resultType)
      return false;
    AffineMap map = op.getMatchingIndexingMap(use);
    // Its dimensions are the last of the result's, which are the columns.
    bool isTrailing = map.isMinorIdentity() && type.hasStaticShape() &&
                      !call.n.perBatch &&
                      type.getNumElements() == call.n.constant &&
                      isa<BlockArgument>(rootOf(use->get()));
    if (!isTrailing)
      return false;
    bias = use->get();
    output = op->getResult(0);
    call.epilogue = MatmulCall::Bias;
    return true;
  }
  return false;
}

bool ProductScheduler::matchRelu() {
  linalg::GenericOp op = onlyElementwiseUser(output);
  auto maximum =
      op ? onlyComputation<arith::MaximumFOp>(op) : arith::MaximumFOp();
  if (!maximum || !hasEpilogues(call) ||
      getElementTypeOrSelf(op->getResult(0).getType()) != call.resultType)
    return false;
  bool isLeft = isArgumentOf(op, maximum.getLhs(), output);
  Value other = isLeft ? maximum.getRhs() : maximum.getLhs();
  if ((!isLeft && !isArgumentOf(op, maximum.getRhs(), output)) ||
      !matchPattern(other, m_AnyZeroFloat()))
    return false;
  output = op->getResult(0);
  call.epilogue = call.epilogue == MatmulCall::Bias ? MatmulCall::BiasRelu
                                                    : MatmulCall::Relu;
  return true;
}

void ProductScheduler::matchEpilogue() {
  output = product.getResult(0);
  matchConversion();
  matchBias();
  matchRelu();
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

/// Where a value lies: an operand, or what an earlier phase has stored.
BufferRef ProductScheduler::placeOf(Value value) {
  if (auto known = places.find(value); known != places.end())
    return known->second;
  auto argument = cast<BlockArgument>(rootOf(value));
  return {BufferRef::Operand, argument.getArgNumber() - 1};
}

/// Stores the operands of the product that are no tensors of the caller's.
LogicalResult ProductScheduler::emitPrologue() {
  for (Value operand : computed) {
    if (isa<BlockArgument>(rootOf(operand)))
      continue;
    BufferRef place = addWorkspace(operand);
    func::FuncOp part =
        derive("prologue" + std::to_string(places.size()), {}, operand);
    if (failed(schedulePart(part, {}, place)))
      return failure();
    places[operand] = place;
  }
  return success();
}

/// Memory that the library can make use of, up to what its documentation asks
/// for: where it divides the terms of a product among multiprocessors, it has
/// sums of each part in f32 or wider, in tiles of at most 128 x 128, and a part
/// of fewer than 32 terms is not worth one. Where the batch is not known, all
/// that it may use.
static int64_t usefulWorkspaceBytes(const MatmulCall &call,
                                    std::optional<int64_t> batch,
                                    int64_t mostBytes) {
  const bool dependsOnBatch =
      llvm::any_of(ArrayRef{call.count, call.m, call.n, call.k},
                   [](const Extent &size) { return size.perBatch != 0; });
  if (dependsOnBatch && !batch)
    return mostBytes;
  constexpr int64_t tile = 128, fewestTerms = 32;
  const int64_t sumBytes = call.operandType.isF64() ? 8 : 4;
  const int64_t at = batch.value_or(1);
  const int64_t factors[] = {
      call.count.at(at), int64_t(llvm::alignTo(call.m.at(at), tile)),
      int64_t(llvm::alignTo(call.n.at(at), tile)),
      int64_t(llvm::divideCeil(call.k.at(at), fewestTerms))};
  int64_t bytes = sumBytes;
  for (int64_t factor : factors) {
    // Neither is negative.
    if (factor > mostBytes / bytes)
      return mostBytes;
    bytes *= std::max<int64_t>(factor, 1);
  }
  return bytes;
}

void ProductScheduler::emitCall() {
  Operation *terminator = kernel.getBody().front().getTerminator();
  auto result = llvm::find(terminator->getOperands(), output);
  if (result == terminator->operand_end())
    places[output] = addWorkspace(output);
  else
    places[output] = {BufferRef::Result, unsigned(result.getIndex())};
  Phase phase;
  phase.kind = "contraction";
  phase.matmul = call;
  phase.buffers = {placeOf(product.getDpsInputs()[lhsInput]),
                   placeOf(product.getDpsInputs()[1 - lhsInput]),
                   places[output]};
  if (bias)
    phase.buffers.push_back(placeOf(bias));
  if (model.libraryWorkspaceBytes)
    phase.buffers.push_back(addWorkspace(
        Extent{usefulWorkspaceBytes(call, largestBatch(kernel),
                                    model.libraryWorkspaceBytes) +
               NNC_LIBRARY_ALIGNMENT_BYTES - NNC_ALIGNMENT_BYTES}));
  scheduled.phases.push_back(std::move(phase));
}

/// The results that the call has not given, from what it has.
LogicalResult ProductScheduler::emitEpilogue() {
  Operation *terminator = kernel.getBody().front().getTerminator();
  SmallVector<Value> outputs, inputs;
  SmallVector<BufferRef> results, known;
  for (auto [number, value] : llvm::enumerate(terminator->getOperands())) {
    BufferRef ref{BufferRef::Result, unsigned(number)};
    BufferRef given = places.lookup(value);
    if (places.contains(value) && given.kind == BufferRef::Result &&
        given.index == number)
      continue;
    outputs.push_back(value);
    results.push_back(ref);
  }
  if (outputs.empty())
    return success();
  for (auto [value, place] : places) {
    inputs.push_back(value);
    known.push_back(place);
  }
  return schedulePart(derive("epilogue", inputs, outputs), known, results);
}

FailureOr<ScheduledKernel> ProductScheduler::run() {
  if (failed(findProduct()) || failed(describeCall()))
    return failure();
  matchEpilogue();
  if (failed(emitPrologue()))
    return discard(), failure();
  emitCall();
  if (failed(emitEpilogue()))
    return discard(), failure();
  return std::move(scheduled);
}

FailureOr<ScheduledKernel>
nnc::scheduleLibraryContraction(func::FuncOp kernel, const GpuModel &model,
                                PartScheduler scheduleRest, Refusal &refusal) {
  return ProductScheduler(kernel, model, std::move(scheduleRest), refusal)
      .run();
}
