// See ScheduleProducts.h.
#include "codegen/cpu/ScheduleProducts.h"

#include "codegen/cpu/Rows.h"

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

/// The kernel with no product at all, as a schedule that writes all of its
/// results: what is no product's stays.
static FailureOr<ScheduledKernel> scheduleRest(func::FuncOp kernel,
                                               const Products &products,
                                               const CpuModel &cpu,
                                               Refusal &refusal) {
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(kernel);
  IRMapping mapping;
  auto rest = cast<func::FuncOp>(b.clone(*kernel, mapping));
  rest.setName((kernel.getName() + ".rest").str());
  mapping.lookup(products.whole)
      .replaceAllUsesWith(mapping.lookup(products.rest));
  for (Operation &op : llvm::make_early_inc_range(
           llvm::reverse(rest.getBody().front().getOperations())))
    if (isOpTriviallyDead(&op))
      op.erase();
  FailureOr<ScheduledKernel> scheduled = scheduleRows(rest, cpu, refusal);
  rest.erase();
  if (failed(scheduled))
    return failure();
  // Its results are written again, of operands that must still be there.
  scheduled->mayAlias.clear();
  return scheduled;
}

FailureOr<Contraction> nnc::analyzeAsIs(func::FuncOp kernel,
                                        const Products &products,
                                        const Product &product,
                                        Refusal &refusal) {
  return analyzeProduct(kernel, products, product, refusal);
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
  ScheduledKernel scheduled;
  scheduled.mayAlias = parts.front().mayAlias();
  if (products.rest) {
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
