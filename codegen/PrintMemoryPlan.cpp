// A memory plan as text, for tests and people; and the pass that shows it.
#include "codegen/Passes.h"
#include "codegen/Rematerialize.h"
#include "codegen/ScheduleKernels.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_PRINTMEMORYPLANPASS
#include "codegen/Passes.h.inc"
} // namespace nnc

static void print(llvm::raw_ostream &os, const PlannedBuffer &buffer) {
  static constexpr StringRef kNames[] = {"state", "arena", "input", "constant",
                                         "thread"};
  os << kNames[static_cast<int>(buffer.region)];
  if (buffer.region == MemoryRegion::Input)
    os << ' ' << buffer.index;
  os << " + " << buffer.offsetBytes;
  if (const auto &slot = buffer.slot)
    os << " [slot " << (slot->moves ? "step + " : "") << slot->first << " of "
       << slot->count << ']';
}

static void print(llvm::raw_ostream &os, StringRef name,
                  ArrayRef<PlannedBuffer> buffers) {
  os << name << '(';
  llvm::interleaveComma(
      buffers, os, [&](const PlannedBuffer &buffer) { print(os, buffer); });
  os << ')';
}

static void print(llvm::raw_ostream &os, const PlannedLaunch &launch) {
  print(os, launch.phase, launch.buffers);
}

static void print(llvm::raw_ostream &os, const PlannedMatmul &matmul) {
  print(os, matmul.name, matmul.buffers);
}

static void print(llvm::raw_ostream &os, const PlannedCopy &copy) {
  os << "copy ";
  print(os, copy.from);
  os << " to ";
  print(os, copy.to);
}

static void print(llvm::raw_ostream &os, const PlannedLoop &loop) {
  os << "loop " << loop.steps << " steps" << (loop.reverse ? " backwards" : "");
  if (loop.rows)
    os << ", up to " << loop.rows << " samples a thread";
  os << ", a step:";
}

void MemoryPlan::print(llvm::raw_ostream &os) const {
  for (const PlannedEntryPoint &entry : entryPoints) {
    func::FuncOp function = entry.function;
    os << function.getName() << ": arena " << entry.arenaBytes
       << " bytes, scratch " << entry.scratchBytes << " bytes\n";
    size_t bodyLeft = 0;
    for (const PlannedCommand &command : entry.commands) {
      os << (bodyLeft ? "    " : "  ");
      std::visit([&](const auto &known) { ::print(os, known); }, command);
      os << '\n';
      if (auto *loop = std::get_if<PlannedLoop>(&command))
        bodyLeft = loop->length;
      else if (bodyLeft)
        --bodyLeft;
    }
    for (const PlannedBuffer &output : entry.outputs) {
      os << "  output ";
      ::print(os, output);
      os << '\n';
    }
  }
  os << "state " << stateBytes << " bytes, constants " << constants.size()
     << " bytes, peak " << peakBytes() << " bytes\n";
}

static void print(llvm::raw_ostream &os, StringRef what,
                  ArrayRef<LaunchSummary> launches) {
  for (const LaunchSummary &launch : launches)
    os << "  " << what << ' ' << launch.numLaunches << " x " << launch.kernel
       << ", " << launch.sizeBytes << " bytes\n";
}

static void print(llvm::raw_ostream &os, const Recomputation &recomputation) {
  os << recomputation.entryPoint << ": " << recomputation.peakBytes
     << " bytes instead of " << recomputation.peakBytesBefore << '\n';
  print(os, "again", recomputation.again);
  print(os, "kept", recomputation.kept);
}

namespace {

struct PrintMemoryPlanPass
    : public nnc::impl::PrintMemoryPlanPassBase<PrintMemoryPlanPass> {
  using PrintMemoryPlanPassBase::PrintMemoryPlanPassBase;

  void runOnOperation() override {
    // Its plain form depends on no machine.
    auto target = llvm::cantFail(createTarget("cpu", {/*reference=*/true}));
    FailureOr<Schedule> schedule = scheduleKernels(getOperation(), *target);
    if (failed(schedule))
      return signalPassFailure();
    FailureOr<BudgetedPlan> planned =
        planWithinBudget(getOperation(), *schedule, maxBatch, budget);
    if (failed(planned))
      return signalPassFailure();
    planned->plan.print(llvm::outs());
    for (const Recomputation &recomputation : planned->recomputations)
      ::print(llvm::outs(), recomputation);
  }
};

} // namespace
