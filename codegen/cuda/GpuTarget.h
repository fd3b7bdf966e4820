// What all targets have in common whose kernels are CUDA C++.
#ifndef NNC_CODEGEN_CUDA_GPUTARGET_H
#define NNC_CODEGEN_CUDA_GPUTARGET_H

#include "codegen/Target.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

class GpuTarget : public Target {
public:
  FusionPreferences fusion() const override;
  LoopSupport loops() const override;

  void addDataPhases(Schedule &schedule) const override;
  bool sharesLaunches() const override {
    return !reference && !model.separateLaunches;
  }
  mlir::LogicalResult shareLaunches(Schedule &schedule,
                                    MemoryPlan &plan) const override;
  mlir::LogicalResult joinLoops(Schedule &schedule,
                                MemoryPlan &plan) const override;

  mlir::FailureOr<ScheduledKernel>
  schedule(mlir::func::FuncOp kernel) const override;

protected:
  /// `reference`: one op a phase, one element a thread.
  GpuTarget(const GpuModel &model, bool reference)
      : model(model), reference(reference) {}

  /// The stage "cuda", which every one of them has.
  static constexpr TargetStage kCudaStage = {"cuda", "CUDA C++"};
  static mlir::FailureOr<std::string> printCudaStage(mlir::ModuleOp phases);

private:
  GpuModel model;
  bool reference;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_GPUTARGET_H
