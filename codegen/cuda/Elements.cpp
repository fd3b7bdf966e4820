// Elements of tensors are computed where they are read, by walking back from
// them to what lies in memory. Some tensors are put there first: results of the
// kernel, reductions, what loops build element by element, and what would else
// be computed several times over. Those of one shape that need of each other
// only the elements at the same place share a phase.
#include "codegen/cuda/Elements.h"

#include "codegen/Access.h"
#include "codegen/KernelForms.h"
#include "codegen/cuda/ElementsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;

void ElementsScheduler::beginPhase() {
  size_t number = scheduled.phases.size();
  phase = std::make_unique<GpuPhase>(
      b, kernel, last, "elements" + (number ? Twine(number) : Twine()));
}

void ElementsScheduler::endPhase(Extent numBlocks, int64_t threads) {
  scheduled.phases.push_back(phase->finish("elements", numBlocks, threads));
  last = scheduled.phases.back().function;
  element = slice = Value();
}

/// Sums with slices that an element of `tensor` is made of, whatever element
/// that is: so all threads that have it come to them.
void ElementsScheduler::collectSliced(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op || stored.contains(tensor))
    return;
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op))
    return collectSliced(op->getOperand(0));
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return;
  if (auto own = op->getAttrOfType<IntegerAttr>(kSlicesAttr)) {
    slices = std::max(slices, own.getInt());
    sliced.insert(op);
  }
  if (!generic.getNumReductionLoops())
    for (Value input : generic.getDpsInputs())
      collectSliced(input);
}

/// A phase with a thread for each element of a tensor of type `domain`, or as
/// many as its sums have slices.
void ElementsScheduler::inPhase(RankedTensorType domain,
                                llvm::function_ref<void(Value)> emitElement) {
  beginPhase();
  Extent total = numElements(domain);
  int64_t threads = kThreads;
  if (!total.perBatch)
    threads = std::min<int64_t>(
        threads,
        llvm::alignTo(std::max<int64_t>(total.constant, 1), model.warpThreads));
  if (slices) {
    // A block has a sample, so that a thread has the same weights in all.
    int64_t ofSample = total.perBatch * slices;
    if (llvm::isPowerOf2_64(ofSample) && ofSample >= model.warpThreads)
      threads = ofSample;
    total.perBatch *= slices;
  }
  element = phase->globalThread(threads);
  if (slices > 1) {
    slice = phase->remainder(phase->thread(), slices);
    element = phase->add(phase->multiply(phase->block(), threads / slices),
                         phase->divide(phase->thread(), slices));
  }
  bool isExact = !total.perBatch && total.constant % threads == 0;
  Value isInside =
      isExact ? arith::ConstantOp::create(b, b.getBoolAttr(true))
              : phase->isLess(element, phase->value(numElements(domain)));
  phase->when(isInside, [&] { emitElement(element); });
  endPhase(divideUp(total, threads), threads);
}

/// Stores what is in the group. All is read before any is written: a result may
/// lie on an operand.
void ElementsScheduler::emitGroup() {
  if (group.empty() || failed)
    return;
  for (Value tensor : group)
    collectSliced(tensor);
  inPhase(tensorType(group.front()), [&](Value number) {
    for (Value tensor : group)
      current[tensor] = compute(tensor, ElementIndex::at(number));
    auto storeAll = [&] {
      for (Value tensor : group) {
        if (!isReadOutside(tensor))
          continue;
        stored[tensor] = destinationOf(tensor);
        store(current[tensor], tensor, number);
      }
    };
    if (slices <= 1)
      return storeAll();
    phase->when(phase->isEqual(slice, phase->index(0)), storeAll);
  });
  slices = 0;
  sliced.clear();
  group.clear();
  current.clear();
}

void ElementsScheduler::addToGroup(Value tensor) {
  auto shapeOf = [](Value value) { return tensorType(value).getShape(); };
  if (!group.empty() &&
      (separately || shapeOf(tensor) != shapeOf(group.front()) ||
       mixesElements(tensor, /*isWhole=*/true)))
    emitGroup();
  group.insert(tensor);
}

/// The iterations of a loop over samples, each a thread's.
void ElementsScheduler::emitSamples(scf::ForOp op) {
  beginPhase();
  Extent total =
      Extent::of(BatchSize::ofDim(tensorType(op.getResult(0)).getDimSize(0)));
  Value sample = phase->globalThread(model.warpThreads);
  phase->when(phase->isLess(sample, phase->value(total)), [&] {
    IRMapping mapping;
    runIteration(op, sample, mapping);
  });
  endPhase(divideUp(total, model.warpThreads), model.warpThreads);
}

/// What a loop builds: its start by all threads, the loop by one of them, or by
/// as many as there are samples.
void ElementsScheduler::emitSequence(scf::ForOp op) {
  for (auto [init, result] : llvm::zip(op.getInitArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    BufferRef destination = destinationOf(result);
    inPhase(tensorType(result),
            [&, init = init, result = result](Value number) {
              Value value = read(init, ElementIndex::at(number));
              stored[result] = destination;
              store(value, result, number);
            });
    if (destination.kind == BufferRef::Result)
      resultWrites.erase(destination.index);
    inPlace[init] = result;
  }
  if (isOverSamples(op)) {
    emitSamples(op);
    inPlace.clear();
    return;
  }
  beginPhase();
  Value isFirst = phase->isEqual(phase->thread(), phase->index(0));
  phase->when(isFirst, [&] {
    IRMapping mapping;
    runLoop(op, mapping);
  });
  endPhase(Extent{1}, model.warpThreads);
  inPlace.clear();
}

/// A result that is an operand, or another result.
void ElementsScheduler::emitCopy(Value root, unsigned result) {
  RankedTensorType type = tensorType(root);
  inPhase(type, [&](Value number) {
    Value value = read(root, ElementIndex::at(number));
    phase->store(value, {BufferRef::Result, result}, type, number);
    resultWrites[result] = scheduled.phases.size();
  });
}

void ElementsScheduler::addStored(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op); loop && needed.contains(&op)) {
    emitGroup();
    return emitSequence(loop);
  }
  for (Value result : op.getResults())
    if (planned.contains(result))
      addToGroup(result);
}

FailureOr<ScheduledKernel> ElementsScheduler::run() {
  if (!kernel.getBody().hasOneBlock())
    return refusal.because("it has several blocks");
  for (BlockArgument argument : kernel.getArguments().drop_front())
    stored[argument] = {BufferRef::Operand, argument.getArgNumber() - 1};
  Block &block = kernel.getBody().front();
  collectNeeded(block.getTerminator());
  planStored();
  for (Operation &op : block)
    if (!failed)
      addStored(op);
  emitGroup();
  for (auto [number, result] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    Value root = rootOf(result);
    BufferRef ref = stored.lookup(root);
    if (!failed && (ref.kind != BufferRef::Result || ref.index != number))
      emitCopy(root, number);
  }
  if (failed) {
    for (Phase &phase : scheduled.phases)
      phase.function.erase();
    return refusal.because("it holds an op whose elements cannot be computed "
                           "one by one");
  }
  scheduled.mayAlias = findAliases();
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleElements(func::FuncOp kernel,
                                                 const GpuModel &model,
                                                 bool separately,
                                                 Refusal &refusal) {
  return ElementsScheduler(kernel, model, separately, refusal).run();
}
