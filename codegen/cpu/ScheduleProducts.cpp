// See ScheduleProducts.h.
#include "codegen/cpu/ScheduleProducts.h"

#include "codegen/Reference.h"
#include "codegen/cpu/Rows.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nnc;

/// Adds the phases of `part`, whose results are others, to `whole`. What may be
/// written over an operand is what every part says of it.
static void append(ScheduledKernel &whole, ScheduledKernel part) {
  for (Phase &phase : part.phases) {
    for (BufferRef &buffer : phase.buffers)
      if (buffer.kind == BufferRef::Workspace)
        buffer.index += whole.workspaceBytes.size();
    whole.phases.push_back(std::move(phase));
  }
  llvm::append_range(whole.workspaceBytes, part.workspaceBytes);
  whole.scratchBytes = std::max(whole.scratchBytes, part.scratchBytes);
  llvm::erase_if(whole.mayAlias, [&](auto pair) {
    return !llvm::is_contained(part.mayAlias, pair);
  });
}

/// A copy of the kernel behind it, to be changed; `mapping` has its values.
static func::FuncOp copyOf(func::FuncOp kernel, const Twine &suffix,
                           IRMapping &mapping) {
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(kernel);
  auto copy = cast<func::FuncOp>(b.clone(*kernel, mapping));
  copy.setName((kernel.getName() + "." + suffix).str());
  return copy;
}

static void eraseDeadOps(func::FuncOp kernel) {
  for (Operation &op : llvm::make_early_inc_range(
           llvm::reverse(kernel.getBody().front().getOperations())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// The kernel with no product at all, as a schedule that writes all of its
/// results: what is no product's stays.
static FailureOr<ScheduledKernel> scheduleRest(func::FuncOp kernel,
                                               const Products &products,
                                               const CpuModel &cpu,
                                               Refusal &refusal) {
  IRMapping mapping;
  func::FuncOp rest = copyOf(kernel, "rest", mapping);
  mapping.lookup(products.whole)
      .replaceAllUsesWith(mapping.lookup(products.rest));
  eraseDeadOps(rest);
  FailureOr<ScheduledKernel> scheduled = scheduleRows(rest, cpu, refusal);
  rest.erase();
  if (failed(scheduled))
    return failure();
  // Its results are written again, of operands that must still be there.
  scheduled->mayAlias.clear();
  return scheduled;
}

//===----------------------------------------------------------------------===//
// An epilogue of its own
//===----------------------------------------------------------------------===//

/// Instructions that an element of the epilogue takes, about.
static int64_t epilogueCost(const Contraction &contraction) {
  constexpr int64_t kFunction = 16; // exp and the like
  llvm::SmallDenseSet<Operation *> ops;
  int64_t cost = 0;
  for (const auto &element : contraction.elements) {
    linalg::GenericOp op = element->op;
    if (!op || !(element->axes & kProductBit) || !ops.insert(op).second)
      continue;
    for (Operation &inner : op.getBody()->without_terminator())
      cost += isa<math::MathDialect>(inner.getDialect()) ? kFunction : 1;
  }
  return cost;
}

/// Whether the epilogue is better done for itself: a few columns leave most
/// lanes of their vectors idle, and what that costs is more than to write and
/// read the product, about eight instructions a vector.
static bool isEpilogueApart(ArrayRef<Contraction> parts, const CpuModel &cpu) {
  const Contraction &contraction = parts.front();
  int64_t lanes = cpu.lanes(contraction.type);
  BatchSize n = contraction.n();
  if (parts.size() == 1 || !n.isStatic() || n.factor >= lanes)
    return false;
  constexpr int64_t kTraffic = 8;
  return epilogueCost(contraction) * (lanes - n.factor) >=
         kTraffic * lanes * n.factor;
}

/// The kernel that returns the products alone.
static func::FuncOp productsOf(func::FuncOp kernel, Value whole) {
  IRMapping mapping;
  func::FuncOp copy = copyOf(kernel, "product", mapping);
  copy.getBody().front().getTerminator()->setOperands(mapping.lookup(whole));
  copy.setType(FunctionType::get(kernel.getContext(), kernel.getArgumentTypes(),
                                 whole.getType()));
  copy.removeResAttrsAttr();
  eraseDeadOps(copy);
  return copy;
}

/// The kernel that has the products as a last operand.
static func::FuncOp epilogueOf(func::FuncOp kernel, Value whole) {
  IRMapping mapping;
  func::FuncOp copy = copyOf(kernel, "epilogue", mapping);
  (void)copy.insertArgument(copy.getNumArguments(), whole.getType(), {},
                            whole.getLoc());
  mapping.lookup(whole).replaceAllUsesWith(copy.getArguments().back());
  eraseDeadOps(copy);
  return copy;
}

/// Workspace 0 in place of a buffer, and other workspaces behind it.
static void putProductsInWorkspace(ScheduledKernel &part, BufferRef products) {
  for (Phase &phase : part.phases)
    for (BufferRef &buffer : phase.buffers)
      if (buffer.kind == products.kind && buffer.index == products.index)
        buffer = {BufferRef::Workspace, 0};
      else if (buffer.kind == BufferRef::Workspace)
        ++buffer.index;
}

/// The products into a workspace, and then the epilogue as rows.
static FailureOr<ScheduledKernel>
scheduleApart(func::FuncOp kernel, Value whole, const CpuModel &cpu,
              ProductScheduler schedule, Refusal &refusal,
              ProductAnalysis analyze) {
  func::FuncOp epilogue = epilogueOf(kernel, whole);
  FailureOr<ScheduledKernel> last = scheduleRows(epilogue, cpu, refusal);
  epilogue.erase();
  if (failed(last))
    return failure();
  func::FuncOp product = productsOf(kernel, whole);
  FailureOr<ScheduledKernel> first =
      scheduleProducts(product, cpu, schedule, refusal, analyze);
  product.erase();
  if (failed(first)) {
    for (Phase &phase : last->phases)
      phase.function.erase();
    return failure();
  }
  unsigned numOperands = kernel.getNumArguments() - 1; // without the batch
  putProductsInWorkspace(*first, {BufferRef::Result, 0});
  putProductsInWorkspace(*last, {BufferRef::Operand, numOperands});
  ScheduledKernel scheduled;
  scheduled.workspaceBytes.push_back(
      sizeBytes(cast<RankedTensorType>(whole.getType())));
  // Workspace 0 is both's.
  for (Phase &phase : last->phases)
    for (BufferRef &buffer : phase.buffers)
      if (buffer.kind == BufferRef::Workspace && buffer.index > 0)
        buffer.index += first->workspaceBytes.size();
  for (ScheduledKernel *part : {&*first, &*last}) {
    llvm::append_range(scheduled.workspaceBytes, part->workspaceBytes);
    llvm::append_range(scheduled.phases, part->phases);
    scheduled.scratchBytes =
        std::max(scheduled.scratchBytes, part->scratchBytes);
  }
  for (auto pair : last->mayAlias)
    if (pair.first != numOperands)
      scheduled.mayAlias.push_back(pair);
  return scheduled;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

FailureOr<Contraction> nnc::analyzeAsIs(func::FuncOp kernel,
                                        const Products &products,
                                        const Product &product,
                                        Refusal &refusal) {
  return analyzeProduct(kernel, products, product, refusal);
}

/// Has each product write the gaps beside it, where these are all that no
/// product writes, and lie as the products do.
static LogicalResult addGaps(func::FuncOp kernel, const Products &products,
                             MutableArrayRef<Contraction> parts,
                             ProductAnalysis analyze, Refusal &refusal) {
  std::optional<SmallVector<Gap>> gaps = findGaps(products);
  if (!gaps)
    return refusal.because("what is no product's is not like the products");
  SmallVector<Contraction, 0> found;
  for (Gap &gap : *gaps) {
    const Contraction &part = parts[gap.product];
    Product product = products.products[gap.product];
    product.shift = std::move(gap.shift);
    FailureOr<Contraction> beside = analyze(kernel, products, product, refusal);
    if (failed(beside))
      return failure();
    if (beside->sizes != part.sizes || beside->numOuter != part.numOuter ||
        beside->resultStrides != part.resultStrides)
      return refusal.because("a gap beside a product has other axes");
    found.push_back(std::move(*beside));
  }
  for (auto [gap, beside] : llvm::zip(*gaps, found))
    parts[gap.product].gaps.push_back(std::move(beside));
  return success();
}

FailureOr<ScheduledKernel> nnc::scheduleProducts(func::FuncOp kernel,
                                                 const CpuModel &cpu,
                                                 ProductScheduler schedule,
                                                 Refusal &refusal,
                                                 ProductAnalysis analyze) {
  FailureOr<Products> found = findProducts(kernel, refusal);
  if (failed(found))
    return failure();
  const Products &products = *found;
  SmallVector<Contraction, 0> parts;
  for (const Product &product : products.products) {
    FailureOr<Contraction> part = analyze(kernel, products, product, refusal);
    if (failed(part))
      return failure();
    parts.push_back(std::move(*part));
  }
  if (isEpilogueApart(parts, cpu)) {
    Refusal notApart; // and together is another way
    FailureOr<ScheduledKernel> apart =
        scheduleApart(kernel, products.whole, cpu, schedule, notApart, analyze);
    if (succeeded(apart))
      return apart;
  }
  ScheduledKernel scheduled;
  Refusal noGaps; // and all of the rest before the products is another way
  bool hasRest = products.rest &&
                 failed(addGaps(kernel, products, parts, analyze, noGaps));
  scheduled.mayAlias = parts.front().mayAlias();
  if (hasRest) {
    FailureOr<ScheduledKernel> rest =
        scheduleRest(kernel, products, cpu, refusal);
    if (failed(rest))
      return failure();
    append(scheduled, std::move(*rest));
  }
  for (auto [number, part] : llvm::enumerate(parts)) {
    Operation *after = scheduled.phases.empty()
                           ? kernel.getOperation()
                           : scheduled.phases.back().function.getOperation();
    std::string suffix = parts.size() == 1 ? "" : std::to_string(number);
    FailureOr<ScheduledKernel> one = schedule(std::move(part), after, suffix);
    if (failed(one)) {
      for (Phase &phase : scheduled.phases)
        phase.function.erase();
      return failure();
    }
    append(scheduled, std::move(*one));
  }
  return scheduled;
}
